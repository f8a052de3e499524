/* passage.c - connections let through: a table of constants, and packets rewritten by them (design 7). No socket, no timer of
 * its own; a packet costs a look-up, a few additions and the sums that follow them (RFC 1624). SPDX-License-Identifier: MIT */
#include "mem.h"
#include "through_impl.h"

bool passage_init(struct through *th, u32 n) { return tuples_init(&th->passages, th->st, n, sizeof(struct passage)); }

/* The same for both directions. */
static u32 *chain(const struct through *th, u32 src, u32 dst, u32 ports)
{
        return tuples_chain(&th->passages, src ^ dst, (ports ^ ports >> 16) & 0xffff);
}

struct passage *passage_find(const struct through *th, u32 src, u32 dst, u32 ports, bool *from_client)
{
        struct passage *e;
        for (u32 i = th->passages.n_used ? *chain(th, src, dst, ports) : 0; i; i = e->next) {
                e = passage_at(th, i - 1);
                *from_client = e->raddr == src && e->laddr == dst && e->ports == ports;
                if (*from_client || (e->raddr == dst && e->laddr == src && e->ports == (ports << 16 | ports >> 16)))
                        return e;
        }
        return NULL;
}

/* Those that have ended make room for those that begin: first who has been quiet since, for what comes now in the client's numbers, a
 * FIN again, would reach a target that knows others. */
static void make_room(struct through *th)
{
        u32 now = stack_now_ms(th->st);
        for (u32 quiet = PASSAGE_LINGER_MS;; quiet = 0) {
                for (u32 i = 0; i < th->passages.n; i++) {
                        struct passage *e = passage_at(th, i);
                        if (e->state == PASSAGE_OPEN && passage_over(e) && now - e->seen_ms >= quiet)
                                passage_del(th, e);
                }
                if (th->passages.free || !quiet)
                        return;
        }
}

struct passage *passage_add(struct through *th, u32 raddr, u32 laddr, u32 ports)
{
        if (!th->passages.free)
                make_room(th);
        struct passage *e = tuples_add(&th->passages, chain(th, raddr, laddr, ports), raddr, laddr, ports);
        if (!e)
                return NULL;
        e->state = PASSAGE_OPENING;
        th->count.passages_max = max_u32(th->count.passages_max, th->passages.n_used);
        return e;
}

void passage_del(struct through *th, struct passage *e)
{
        tuples_del(&th->passages, chain(th, e->raddr, e->laddr, e->ports), e);
}

void passage_sweep(struct timer *tm)
{
        struct through *th = container_of(tm, struct through, sweep_timer);
        u32 now = stack_now_ms(th->st);
        for (u32 left = th->passages.n_used ? th->passages.n / PASSAGE_SWEEP_ROUND + 1 : 0; left; left--) {
                struct passage *e = tuples_sweep(&th->passages);
                if (e->state != PASSAGE_OPEN || now - e->seen_ms < (passage_over(e) ? PASSAGE_CLOSED_MS : PASSAGE_IDLE_MS))
                        continue;
                passage_del(th, e);
                th->count.expired++;
        }
        timer_set(&th->st->wheel, tm, now + PASSAGE_SWEEP_MS);
}

/* Adds d to the big-endian word at w, at an odd offset or an even one; *sum gathers what the checksum's complement gains. */
static inline void add(u32_any *w, u32 d, u32 odd, u32 *sum)
{
        u32 old = *w, new = be(be(old) + d), s = cksum_plus(~old, new);
        *w = new;
        *sum = cksum_plus(*sum, odd ? cksum_odd(s) : s);
}

/* Timestamps and SACK blocks. val, ecr, ack: what is added to the one, the other, and the acknowledging numbers. */
static __attribute__((noinline)) void unusual_options(u8 *o, u32 n, u32 val, u32 ecr, u32 ack, u32 *sum)
{
        for (u32 i = 0, len; i < n && o[i] != TCP_OPT_EOL; i += len) {
                if (o[i] == TCP_OPT_NOP) {
                        len = 1;
                        continue;
                }
                if (i + 1 >= n || o[i + 1] < 2 || o[i + 1] > n - i)
                        return;
                len = o[i + 1];
                if (o[i] == TCP_OPT_TS && len == 10) {
                        add((u32_any *)(o + i + 2), val, i & 1, sum);
                        add((u32_any *)(o + i + 6), ecr, i & 1, sum);
                }
                for (u32 k = 2; o[i] == TCP_OPT_SACK && k + 4 <= len; k += 4)
                        add((u32_any *)(o + i + k), ack, i & 1, sum);
        }
}

/* Timestamps alone, as nearly everybody writes them (RFC 7323 A). */
static inline void options(u8 *o, u32 n, u32 val, u32 ecr, u32 ack, u32 *sum)
{
        u32_any *w = (u32_any *)o;
        if (n != TCP_TS_LEN || w[0] != TCP_TS_WORD) {
                unusual_options(o, n, val, ecr, ack, sum);
                return;
        }
        add(&w[1], val, 0, sum);
        add(&w[2], ecr, 0, sum);
}

/* Never more than the target offered. */
static void scale_window(struct tcp_hdr *th, s8 shift, u32 *sum)
{
        u32 old = be16_get(th->wnd), new = shift >= 0 ? min_u32(old << shift, 0xffff) : old >> -shift;
        be16 field = be16_of((u16)new);
        *sum = cksum_plus(*sum, cksum_plus((u16)~be16_raw(th->wnd), be16_raw(field)));
        th->wnd = field;
}

static void translate(struct passage *e, struct tcp_hdr *th, bool from_client, bool has_sum)
{
        u32 n = (u32)(th->off >> 4 << 2) - (u32)sizeof *th, sum = 0;
        bool ack = (th->flags & TCP_ACK) != 0;
        if (from_client) {
                if (ack)
                        add((u32_any *)&th->ack, -e->seq, 0, &sum);
                if (n)
                        options((u8 *)(th + 1), n, e->ts_client, ack ? -e->ts_target : 0, -e->seq, &sum);
        } else {
                add((u32_any *)&th->seq, e->seq, 0, &sum);
                if (n)
                        options((u8 *)(th + 1), n, e->ts_target, ack ? -e->ts_client : 0, 0, &sum);
                if (e->shift && !(th->flags & TCP_SYN))
                        scale_window(th, e->shift, &sum);
        }
        if (has_sum)
                th->cksum = be16_from_raw((u16)~cksum_fold(cksum_plus((u16)~be16_raw(th->cksum), sum)));
}

void passage_send(struct through *th, struct passage *e, struct pkt *p, bool from_client)
{
        struct ip_hdr *ip = (struct ip_hdr *)p->data;
        struct tcp_hdr *t = (struct tcp_hdr *)(p->data + ip_hlen(ip));
        struct ip_dst d;
        u32 most = from_client ? e->most : 0xffff;
        if (!ip_pass_way(th->st, p, most, &d)) /* errors quote what the sender sent */
                return;
        e->seen_ms = stack_now_ms(th->st);
        if (t->flags & (TCP_FIN | TCP_RST))
                e->ends |= t->flags & TCP_RST ? END_RESET : from_client ? END_CLIENT : END_TARGET;
        translate(e, t, from_client, !(p->flags & PKT_CSUM_PARTIAL));
        th->count.translated++;
        ip_pass_on(th->st, p, most, &d);
}
