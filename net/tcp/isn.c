/* isn.c - initial sequence numbers (RFC 6528), the timestamp offset that goes with them, and local ports (RFC 6056).
 * SPDX-License-Identifier: MIT */
#include "engine.h"
#include "siphash.h"

enum { PORT_FIRST = 32768, PORT_COUNT = 28232 }; /* 32768 to 60999, as Linux: services register below */

/* What is hashed, 14 bytes: our address and port and two zeros, the peer's address and port. Ours come first, so that a listener
 * keeps what becomes of them. */
enum { MESSAGE = 14 };
static inline u64 ours(u32 laddr, u32 ports) { return laddr | (u64)(ports >> 16) << 32; }
static inline u64 theirs(u32 raddr, u32 ports) { return raddr | (u64)(ports & 0xffff) << 32 | (u64)MESSAGE << 56; }

/* ISN = M + F(connection, secret), M a clock of 4 us (RFC 9293 3.4.1; MUST-8, MUST-9, SHLD-1). The hash has 64 bits: the other
 * half is the offset of the connection's timestamp clock (RFC 7323 5.4), so that it can be computed again for TIME_WAIT. */
static u32 numbers(const struct tcp_state *ts, const struct siphash_begun *b, u32 raddr, u32 ports, u32 *ts_off)
{
        u64 h = siphash_end(b, theirs(raddr, ports));
        *ts_off = (u32)(h >> 32);
        return (u32)(ts->st->now_us >> 2) + (u32)h;
}

u32 tcp_isn(struct tcp_state *ts, u32 raddr, u32 laddr, u32 ports, u32 *ts_off)
{
        struct siphash_begun b;
        siphash_begin(&b, ts->isn_key, ours(laddr, ports));
        return numbers(ts, &b, raddr, ports, ts_off);
}

void isn_begin(struct listener *l, u32 laddr)
{
        l->isn_laddr = laddr;
        siphash_begin(&l->isn, l->ts->isn_key, ours(laddr, (u32)__builtin_bswap16(l->port) << 16));
}

void isn_forget(struct tcp_state *ts)
{
        for (u32 i = 0; i < ts->st->cfg.n_listeners; i++)
                ts->listeners[i].isn_laddr = ISN_NO_ADDR;
}

/* An ISN that a listener fixes, for tests which want to know every number, goes with the offset that is known as well: whoever may
 * guess the one learns nothing worth hiding from the other (RFC 7323 5.4, 7.1), and there is nothing to hash. */
void synq_number(struct tcp_state *ts, struct synq *q)
{
        struct listener *l = q->l;
        q->ts_off = 0;
        q->iss = l->opts.isn;
        if (!l->opts.fixed_isn) {
                if (l->isn_laddr != q->laddr)
                        isn_begin(l, q->laddr);
                q->iss = numbers(ts, &l->isn, q->raddr, q->ports, &q->ts_off);
        }
        if (q->ts_ok)
                q->tsval = stack_now_ms(ts->st) + q->ts_off;
}

bool tcp_tuple_taken(struct tcp_state *ts, u32 raddr, u32 laddr, u32 ports)
{
        return tcp_lookup(ts, raddr, laddr, ports) || synq_find(ts, raddr, laddr, ports) ||
                timewait_find(ts, raddr, laddr, ports);
}

/* RFC 6056 3.3.1: a random start, then the next one that is free toward this peer. 0: none is. */
u16 tcp_pick_port(struct tcp_state *ts, ipaddr src, ipaddr dst, u16 dport)
{
        u32 start = stack_random(ts->st) % PORT_COUNT;
        for (u32 i = 0; i < PORT_COUNT; i++) {
                u16 port = (u16)(PORT_FIRST + (start + i) % PORT_COUNT);
                u32 ports = (u32)__builtin_bswap16(dport) | (u32)__builtin_bswap16(port) << 16;
                if (!tcp_tuple_taken(ts, be32_raw(dst.v4), be32_raw(src.v4), ports) && !listener_find(ts, src, port))
                        return port;
        }
        return 0;
}
