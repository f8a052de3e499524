/* trace.h - TCP tests as packet traces: put a connection at a point, rx(...), expect_tx(...), the clock passed in.
 * Sequence numbers are relative: 0 is the SYN of who sends it. The peer's bytes are pattern(position), and so are ours.
 * SPDX-License-Identifier: MIT */
#ifndef TRACE_H
#define TRACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../../net/tcp/engine.h"
#include "cksum.h"
#include "wire.h"

enum { PEER_PORT = 4000, OUR_PORT = 80, PEER_ISN = 1000 };

static struct trace {
        struct wire *w;
        struct listener *l;
        struct tcb *t;          /* the connection, NULL once `closed` was called */
        u32  peer_isn, our_isn;
        u16  sport, dport;      /* of the peer's segments */
        u16  wnd;               /* the peer's window field */
        u8   opts[40], n_opts;  /* on every segment of the peer, unless rx_opts says otherwise */
        bool ts;                /* put timestamps on every segment */
        u32  tsval, tsecr;
        int  accepted, connected, readable, writable, closed, closed_err, urgent;
        bool refuse, read_all, echo;
        u32  got;               /* bytes read so far, checked against the pattern */
} T;

static inline u8 pattern(u32 at) { return (u8)(at * 7 + (at >> 8)); }
static u8 trace_bytes[1 << 20];

static inline const u8 *bytes_at(u32 at)
{
        static bool made;
        if (!made)
                for (u32 i = 0; i < sizeof trace_bytes; i++)
                        trace_bytes[i] = pattern(i);
        made = true;
        return trace_bytes + at;
}

static inline void read_all(void)
{
        u32 n;
        const u8 *p;
        while ((n = tcp_peek(T.t, 0, &p)) != 0) {
                assert_memory_equal(p, bytes_at(T.got), n);
                T.got += n;
                if (T.echo)
                        tcp_send(T.t, p, n);
                tcp_consume(T.t, n);
                if (!T.t)
                        return;
        }
}

static bool on_accept(struct tcb *t) { T.accepted++; T.t = t; if (T.refuse) T.t = NULL; return !T.refuse; }
static void on_connected(struct tcb *t) { T.connected++; }
static void on_readable(struct tcb *t) { T.readable++; T.t = t; if (T.read_all) read_all(); }
static void on_writable(struct tcb *t) { T.writable++; }
static void on_closed(struct tcb *t, int err) { T.closed++; T.closed_err = err; T.t = NULL; }
static void on_urgent(struct tcb *t) { T.urgent++; }
static const struct tcp_events trace_events = {
        .accept = on_accept, .connected = on_connected, .readable = on_readable, .writable = on_writable, .closed = on_closed,
                .urgent = on_urgent};

/* --- the peer sends --- */
static inline void rx_opts(u8 flags, u32 seq, u32 ack, u32 n, const u8 *opts, u8 n_opts)
{
        u8 f[4096];
        struct seg s = {T.sport, T.dport, T.peer_isn + seq, flags & T_ACK ? T.our_isn + ack : 0, flags, T.wnd, opts, n_opts,
                        bytes_at(seq ? seq - 1 : 0), n, 0};
        u32 len = build_tcp(T.w, f, &s);
        wire_rx(T.w, f, len);
}

static inline void rx(u8 flags, u32 seq, u32 ack, u32 n)
{
        u8 o[40];
        u8 no = T.n_opts;
        memcpy(o, T.opts, no);
        if (T.ts) {
                tcp_put_ts(o, T.tsval, T.tsecr);
                no = 12;
        }
        rx_opts(flags, seq, ack, n, o, no);
}

/* rx without the end of the batch */
static inline void rx_part(u8 flags, u32 seq, u32 ack, u32 n)
{
        u8 f[4096];
        struct seg s = {T.sport, T.dport, T.peer_isn + seq, flags & T_ACK ? T.our_isn + ack : 0, flags, T.wnd, T.opts, T.n_opts,
                        bytes_at(seq ? seq - 1 : 0), n, 0};
        wire_rx_part(T.w, f, build_tcp(T.w, f, &s));
}

static inline void rx_sack(u32 seq, u32 ack, u32 n_blocks, ...)
{
        u8 o[40] = {1, 1, 5, (u8)(2 + 8 * n_blocks)};
        va_list ap;
        va_start(ap, n_blocks);
        for (u32 i = 0; i < 2 * n_blocks; i++) {
                be32 v = be32_of(T.our_isn + va_arg(ap, u32));
                memcpy(o + 4 + 4 * i, &v, 4);
        }
        va_end(ap);
        rx_opts(T_ACK, seq, ack, 0, o, (u8)(4 + 8 * n_blocks));
}

/* --- we send --- */
/* An ICMP error that quotes our segment with this number (relative to our ISN); mtu only where the code wants one. */
static inline void rx_icmp(u8 type, u8 code, u16 mtu, u32 seq)
{
        u8 f[200] = {0}, *m = f + 34, *q = m + 8;
        build_eth(f, wire_mac_us, wire_mac_peer, 0x800);
        m[0] = type, m[1] = code, m[6] = (u8)(mtu >> 8), m[7] = (u8)mtu;
        build_ip(q, WIRE_US, WIRE_PEER, 6, 500);
        be16 ports[2] = {be16_of(T.dport), be16_of(T.sport)};
        be32 sq = be32_of(T.our_isn + seq);
        memcpy(q + 20, ports, 4);
        memcpy(q + 24, &sq, 4);
        u16 sum = (u16)~cksum_fold(cksum_add(0, m, 36));
        memcpy(m + 2, &sum, 2);
        build_ip(f + 14, WIRE_PEER, WIRE_US, 1, 36);
        wire_rx(T.w, f, 34 + 36);
}

static struct seg trace_last;

static inline bool next_tx(struct seg *s)
{
        const struct frame *f;
        static u8 opts[40]; /* outlive the frame */
        while ((f = wire_tx(T.w)) != NULL) {
                if (!parse_tcp(T.w, f, s))
                        continue;
                memcpy(opts, s->opts, s->n_opts);
                s->opts = opts;
                return true;
        }
        return false;
}

#define expect_none() do { \
        struct seg s_; \
        if (next_tx(&s_)) fail_msg("unexpected segment: flags %x seq %u ack %u len %u", s_.flags, \
        s_.seq - T.our_isn, s_.ack - T.peer_isn, s_.n); } while (0)

/* The next segment has these flags (PSH is not compared unless asked for), numbers and length, and the pattern as its bytes. */
#define expect_tx(fl, sq, ak, len) do { \
        if (!next_tx(&trace_last)) \
                fail_msg("nothing was sent; expected flags %x seq %u ack %u len %u", (unsigned)(fl), (unsigned)(sq), (unsigned)(ak), (unsigned)(len)); \
        struct seg *s_ = &trace_last; unsigned mask_ = (fl) & T_PSH ? 0xff : 0xff & ~T_PSH; \
        u32 ack_ = (fl) & T_ACK ? T.peer_isn + (ak) : 0; \
        if ((s_->flags & mask_) != ((fl) & mask_) || s_->seq != T.our_isn + (sq) || s_->ack != ack_ || s_->n != (u32)(len)) \
                fail_msg("sent flags %x seq %u ack %u len %u, expected %x %u %u %u", s_->flags, s_->seq - T.our_isn, \
                         s_->ack - T.peer_isn, s_->n, \
                         (unsigned)(fl), (unsigned)(sq), (unsigned)(ak), (unsigned)(len)); \
        if (s_->n) assert_memory_equal(s_->data, bytes_at((sq) ? (sq) - 1 : 0), s_->n); } while (0)

/* The option `kind` of the segment expected last: its bytes behind the length, or NULL. */
static inline const u8 *tx_option(u8 kind)
{
        const u8 *o = trace_last.opts, *end = o + trace_last.n_opts;
        while (o < end && *o) {
                if (*o == 1) { o++; continue; }
                if (*o == kind)
                        return o + 2;
                o += o[1];
        }
        return NULL;
}
static inline u32 opt32(const u8 *p) { be32 v; memcpy(&v, p, 4); return be32_get(v); }

static inline void wait_ms(u32 ms) { wire_wait(T.w, ms); }

/* --- points --- */
static inline void trace_begin(const struct stack_config *cfg)
{
        memset(&T, 0, sizeof T);
        bytes_at(0);
        T.w = wire_new(cfg, 0);
        T.peer_isn = PEER_ISN;
        T.sport = PEER_PORT;
        T.dport = OUR_PORT;
        T.wnd = 65535;
}

/* No buffer, connection, descriptor or timer is left. */
static inline void trace_end(void)
{
        struct tcp_state *ts = T.w->st->tcp;
        if (T.t)
                tcp_abort(T.t);
        wire_flush_out(T.w);
        assert_int_equal(ts->n_tcbs, 0);
        assert_int_equal(ts->cells.n_free, ts->cells.n_total);
        assert_int_equal(ts->flights.n_free, ts->flights.n_total);
        assert_int_equal(ts->reasms.n_free, ts->reasms.n_total);
        wire_free(T.w);
        T.w = NULL;
}

enum { MSS = 1460 };
static const u8 opt_mss1460[] = {2, 4, 5, 180};
static const u8 opt_mss1460_ts[] = {2, 4, 5, 180, 8, 10, 0, 0, 0, 100, 0, 0, 0, 0, 1, 1};

/* A listener with these options; SYN, SYN,ACK, ACK. The peer's SYN carries `o`. */
static inline void listen_with(const struct tcp_opts *opts)
{
        int err;
        T.l = tcp_listen(T.w->st, IPADDR_ANY, OUR_PORT, &trace_events, NULL, opts, &err);
        assert_non_null(T.l);
}

/* A listener that has answered a SYN with these options by its SYN,ACK. */
static inline void half_open_opts(const u8 *o, u8 n)
{
        struct seg g;
        trace_begin(NULL);
        listen_with(NULL);
        rx_opts(T_SYN, 0, 0, 0, o, n);
        assert_true(next_tx(&g));
        T.our_isn = g.seq;
}
static inline void half_open(void) { half_open_opts(opt_mss1460, 4); }

static inline void handshake(const u8 *o, u8 n)
{
        struct seg s;
        rx_opts(T_SYN, 0, 0, 0, o, n);
        if (!next_tx(&s))
                fail_msg("no SYN,ACK");
        assert_int_equal(s.flags & 0x3f, T_SYN | T_ACK);
        assert_int_equal(s.ack, T.peer_isn + 1);
        T.our_isn = s.seq;
        trace_last = s;
        rx(T_ACK, 1, 1, 0);
        assert_int_equal(T.accepted, 1);
}

/* ESTABLISHED by a passive open, MSS 1460, no other options; the user reads nothing. */
static inline void established_opts(const struct tcp_opts *opts)
{
        trace_begin(NULL);
        listen_with(opts);
        handshake(opt_mss1460, 4);
        assert_non_null(T.t);
        assert_string_equal(tcp_state_name(T.t), "ESTABLISHED");
        expect_none();
}
static inline void established(void) { established_opts(NULL); }

static inline void established_sack(const struct tcp_opts *opts)
{
        static const u8 o[] = {2, 4, 5, 180, 4, 2, 1, 1};
        trace_begin(NULL);
        listen_with(opts);
        handshake(o, sizeof o);
        expect_none();
}

/* Queues bytes of the pattern from `at` and sends what may go. */
static inline void send_bytes(u32 at, u32 n)
{
        assert_int_equal(tcp_send_ref(T.t, bytes_at(at), n, NULL), 0);
        tcp_flush(T.t);
}

/* SYN_SENT: our SYN is on the wire. */
static inline void syn_sent_opts(const struct tcp_opts *opts)
{
        struct seg s;
        int err;
        trace_begin(NULL);
        T.t = tcp_connect(T.w->st, IPADDR_ANY, 0, WIRE_PEER, OUR_PORT, &trace_events, NULL, opts, &err);
        assert_non_null(T.t);
        T.sport = OUR_PORT;
        if (!next_tx(&s))
                return;
        assert_int_equal(s.flags & 0x3f, T_SYN);
        T.our_isn = s.seq;
        T.dport = s.sport;
        trace_last = s;
}
static inline void syn_sent(void) { syn_sent_opts(NULL); }

#define state_is(name) assert_string_equal(tcp_state_name(T.t), name)
#define test(f) cmocka_unit_test(f)

#endif
