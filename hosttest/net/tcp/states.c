/* states.c - every state against every kind of segment, compared with the oracle (states_oracle.h). `states table` prints
 * doc/tcp_states.md. The byte alone: byte.c. SPDX-License-Identifier: MIT */
#include <malloc.h>
#include "states_oracle.h"

/* The machine at a point, kept as a copy of all its memory. */
static struct { u8 *b[64]; struct trace t; struct wire w; } saved;

static void save(void)
{
        wire_flush_out(T.w);
        for (u32 k = 0; k < T.w->n_blocks; k++) {
                size_t n = malloc_usable_size(T.w->blocks[k]);
                saved.b[k] = realloc(saved.b[k], n);
                memcpy(saved.b[k], T.w->blocks[k], n);
        }
        saved.t = T;
        saved.w = *T.w;
}

static void forget(void)
{
        wire_discard(T.w);
        for (u32 k = 0; k < COUNT_OF(saved.b); k++) {
                free(saved.b[k]);
                saved.b[k] = NULL;
        }
}

static void restore(void)
{
        wire_flush_out(T.w);
        struct wire *w = T.w;
        free(w->last.b);
        for (u32 k = 0; k < w->n_blocks; k++)
                memcpy(w->blocks[k], saved.b[k], malloc_usable_size(w->blocks[k]));
        *w = saved.w;
        T = saved.t;
}

static void go(enum point p)
{
        static const struct tcp_opts o = {.rcvbuf = WND};
        struct stack_config cfg = {.n_pkts = 24, .n_tcbs = 2, .n_synq = 2, .n_timewait = 2, .n_udp = 1, .n_arp = 4,
                                   .n_routes = 4, .n_reass = 1, .n_listeners = 1, .n_socks = 1};
        struct seg g;
        int err;
        trace_begin(&cfg);
        T.read_all = true;
        if (p == SYN_SENT || p == SYN_RECEIVED) {
                T.t = tcp_connect(T.w->st, IPADDR_ANY, 0, WIRE_PEER, OUR_PORT, &trace_events, NULL, &o, &err);
                assert_true(next_tx(&g));
                T.sport = OUR_PORT, T.our_isn = g.seq, T.dport = g.sport;
                if (p == SYN_RECEIVED)
                        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
                return;
        }
        if (p == CLOSED)
                return;
        listen_with(&o);
        if (p == LISTEN)
                return;
        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
        assert_true(next_tx(&g));
        T.our_isn = g.seq;
        if (p == HALF)
                return;
        rx(T_ACK, 1, 1, 0);
        send_bytes(0, OUT);
        if (p == CLOSE_WAIT || p == LAST_ACK)
                rx(T_ACK | T_FIN, 1, 1, 0);
        if (p == FIN_WAIT_1 || p == FIN_WAIT_2 || p == CLOSING || p == LAST_ACK || p == TIME_WAIT) {
                tcp_shutdown(T.t);
                tcp_flush(T.t);
        }
        if (p == CLOSING)
                rx(T_ACK | T_FIN, 1, 1, 0);
        if (p == FIN_WAIT_2 || p == TIME_WAIT)
                rx(T_ACK, 1, OUT + 2, 0);
        if (p == TIME_WAIT)
                rx(T_ACK | T_FIN, 1, OUT + 2, 0);
}

static bool is_here(const char *name)
{
        for (u32 k = 0; k < T.w->st->tcp->n_pool; k++)
                if (T.w->st->tcp->pool[k].ports && !strcmp(tcp_state_name(&T.w->st->tcp->pool[k]), name))
                        return true;
        return false;
}

static enum point where(enum point from)
{
        struct tcp_state *ts = T.w->st->tcp;
        if (ts->n_tcbs) {
                for (u32 p = ESTABLISHED; p <= TIME_WAIT; p++)
                        if (is_here(point_name[p]))
                                return p;
                return is_here("SYN_SENT") ? SYN_SENT : SYN_RECEIVED;
        }
        if (ts->n_half)
                return HALF;
        if (ts->tw_count)
                return TIME_WAIT;
        return T.l ? LISTEN : CLOSED;
}

static enum reply reply_of(u8 flags)
{
        if (flags & T_RST)
                return flags & T_ACK ? R_RST_ACK : R_RST;
        return flags & T_SYN ? R_SYN_ACK : R_ACK;
}

/* RFC 9293 3.10.7.1, .2, .3: where a RST's numbers come from; an acknowledgement's are RCV.NXT and SND.NXT. */
static void check_numbers(const struct in *i, const struct seg *g, enum reply r)
{
        if (r == R_RST)
                assert_int_equal(g->seq, T.our_isn + ack_of(i));
        if (r == R_RST_ACK) {
                assert_int_equal(g->seq, 0);
                assert_int_equal(g->ack, T.peer_isn + seq_of(i) + i->n + ((i->flags & T_SYN) != 0) + ((i->flags & T_FIN) != 0));
        }
        if (r == R_ACK && T.t) {
                assert_int_equal(g->ack, T.t->rcv_nxt);
                assert_int_equal(g->seq, T.t->snd_nxt);
        }
}

static struct outcome observe(const struct in *i)
{
        struct seg g;
        struct outcome o = {0};
        u8 f[200];
        struct seg in = {T.sport, T.dport, T.peer_isn + seq_of(i), i->flags & T_ACK ? T.our_isn + ack_of(i) : 0, i->flags, 65535,
                         NULL, 0, bytes_at(0),
                         i->n, (u16)(i->flags & T_URG ? 3 : 0)};
        T.read_all = false;
        u32 before = T.t ? tcp_readable(T.t) : 0;
        wire_rx(T.w, f, build_tcp(T.w, f, &in));
        wait_ms(45); /* an acknowledgement that may be delayed */
        o.got = T.t ? tcp_readable(T.t) - before : 0;
        o.to = where(i->at);
        o.gone = i->at >= SYN_SENT && i->at != HALF && i->at != TIME_WAIT && !T.w->st->tcp->n_tcbs && !T.w->st->tcp->tw_count;
        if (next_tx(&g)) {
                o.reply = reply_of(g.flags);
                check_numbers(i, &g, o.reply);
        }
        return o;
}

static void compare(const struct in *i)
{
        struct outcome want = oracle(i), got;
        restore();
        got = observe(i);
        if (want.gone)
                want.to = got.to;
        if (want.to == TIME_WAIT && got.to == TIME_WAIT)
                got.got = want.got;
        if (got.to != want.to || got.gone != want.gone || got.reply != want.reply || (!want.gone && got.got != want.got))
                fail_msg("%s, flags %02x, seq %s, ack %s, %u bytes: reply %s to %s%s got %u; expected %s to %s%s got %u",
                         point_name[i->at], i->flags,
                         seq_name[i->sc], ack_name[i->ac], i->n, reply_name[got.reply], point_name[got.to],
                                 got.gone ? " gone" : "", got.got,
                         reply_name[want.reply], point_name[want.to], want.gone ? " gone" : "", want.got);
}

static void point_against_all_segments(enum point p)
{
        go(p);
        save();
        for (u32 flags = 0; flags < 256; flags++)
                for (enum seq_class sc = 0; sc < SEQS; sc++)
                        for (enum ack_class ac = 0; ac < (flags & T_ACK ? ACKS : 1); ac++)
                                for (u32 n = 0; n <= N; n += N)
                                        compare(&(struct in){p, (u8)flags, sc, ac, n});
        restore();
        forget();
}

#define AT(P) static void all_segments_in_##P(void **s) { point_against_all_segments(P); }
AT(CLOSED) AT(LISTEN) AT(SYN_SENT) AT(HALF) AT(SYN_RECEIVED) AT(ESTABLISHED)
AT(FIN_WAIT_1) AT(FIN_WAIT_2) AT(CLOSE_WAIT) AT(CLOSING) AT(LAST_ACK) AT(TIME_WAIT)

#include "states_table.h"

int main(int argc, char **argv)
{
        if (argc > 1 && !strcmp(argv[1], "table"))
                return print_table();
        const struct CMUnitTest tests[] = {
                test(all_segments_in_CLOSED), test(all_segments_in_LISTEN), test(all_segments_in_SYN_SENT), test(all_segments_in_HALF),
                test(all_segments_in_SYN_RECEIVED), test(all_segments_in_ESTABLISHED), test(all_segments_in_FIN_WAIT_1),
                test(all_segments_in_FIN_WAIT_2), test(all_segments_in_CLOSE_WAIT), test(all_segments_in_CLOSING),
                test(all_segments_in_LAST_ACK), test(all_segments_in_TIME_WAIT),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
