/* numbers.c - what must not be guessed: initial sequence numbers (RFC 6528), ports (RFC 6056), and the table's key.
 * SPDX-License-Identifier: MIT */
#include "trace.h"

static void must_8_9_isn_follows_the_clock_and_differs_by_connection(void **s)
{
        trace_begin(NULL);
        struct tcp_state *ts = T.w->st->tcp;
        static const u8 key[16] = "another";
        u32 off, a = tcp_isn(ts, 1, 2, 3, &off);
        assert_int_not_equal(a, tcp_isn(ts, 4, 2, 3, &off)); /* each of the four names, and the secret */
        assert_int_not_equal(a, tcp_isn(ts, 1, 4, 3, &off));
        assert_int_not_equal(a, tcp_isn(ts, 1, 2, 4, &off));
        assert_int_not_equal(a, tcp_isn(ts, 1, 2, 0x10003, &off));
        wait_ms(1000);
        assert_int_equal(tcp_isn(ts, 1, 2, 3, &off) - a, 250000); /* 4 microseconds a number */
        a = tcp_isn(ts, 1, 2, 3, &off);
        tcp_cluster_keys(T.w->st, key, key);
        assert_int_not_equal(a, tcp_isn(ts, 1, 2, 3, &off));
        trace_end();
}

/* A listener keeps what is the same in the hashes of its connections, until the key is another. */
static void numbers_of_a_listener_are_those_of_its_key(void **s)
{
        static const u8 key[2][16] = {"first", "second"};
        trace_begin(NULL);
        listen_with(NULL);
        struct tcp_state *ts = T.w->st->tcp;
        for (u16 i = 0; i < 4; i++) {
                u32 off;
                if (i > 1)
                        tcp_cluster_keys(T.w->st, key[0], key[i - 2]);
                T.accepted = 0;
                T.sport = 4000 + i;
                handshake(opt_mss1460, 4);
                tcp_isn(ts, T.t->raddr, T.t->laddr, T.t->ports, &off);
                assert_int_equal(T.t->ts_off, off);
                tcp_abort(T.t);
                wire_flush_out(T.w);
        }
        trace_end();
}

static void ports_are_random_and_not_taken(void **s)
{
        trace_begin(NULL);
        int err;
        u16 seen[20];
        for (u32 i = 0; i < 20; i++) {
                struct tcb *t = tcp_connect(T.w->st, IPADDR_ANY, 0, WIRE_PEER, 80, &trace_events, NULL, NULL, &err);
                seen[i] = tcb_lport(t);
                for (u32 j = 0; j < i; j++)
                        assert_int_not_equal(seen[i], seen[j]);
                assert_true(i == 0 || seen[i] != seen[i - 1] + 1);
        }
        struct wire *first = T.w, *w = wire_new(NULL, 0); /* one that draws the same numbers, where the first port is taken */
        assert_non_null(tcp_connect(w->st, IPADDR_ANY, seen[0], WIRE_PEER, 80, &trace_events, NULL, NULL, &err));
        struct tcb *next = tcp_connect(w->st, IPADDR_ANY, 0, WIRE_PEER, 80, &trace_events, NULL, NULL, &err);
        assert_int_equal(tcb_lport(next), seen[0] + 1);
        wire_discard(w);
        T.w = first;
        assert_null(tcp_connect(T.w->st, IPADDR_ANY, seen[3], WIRE_PEER, 80, &trace_events, NULL, NULL, &err));
        assert_int_equal(err, E_INUSE);
        for (u32 i = 0; i < T.w->st->tcp->n_pool; i++)
                if (T.w->st->tcp->pool[i].ports)
                        tcp_abort(&T.w->st->tcp->pool[i]);
        trace_end();
}

static void table_is_rekeyed_when_a_chain_grows(void **s)
{
        struct stack_config cfg = {.n_tcbs = 64};
        trace_begin(&cfg);
        struct tcp_state *ts = T.w->st->tcp;
        int err;
        u32 n = 0, bucket = 0;
        wait_ms(2000);
        for (u32 port = 1; port < 65536 && n < 20; port++) { /* all names that meet in one chain under today's keys */
                u32 ports = (u32)__builtin_bswap16(80) | (u32)__builtin_bswap16((u16)port) << 16;
                u32 b = tcp_hash(ts, be32_raw(WIRE_PEER.v4), be32_raw(WIRE_US.v4), ports) >> ts->shift;
                if (ts->count.rekeys || (n && b != bucket))
                        continue;
                bucket = b;
                if (tcp_connect(T.w->st, IPADDR_ANY, (u16)port, WIRE_PEER, 80, &trace_events, NULL, NULL, &err))
                        n++;
        }
        assert_int_equal(ts->count.rekeys, 1);
        for (u32 i = 0; i < ts->n_pool; i++)
                if (ts->pool[i].ports) {
                        struct tcb *t = &ts->pool[i];
                        assert_ptr_equal(tcp_lookup(ts, t->raddr, t->laddr, t->ports), t);
                        tcp_abort(t);
                }
        trace_end();
}

static void rekeying_keeps_half_open_and_time_wait_entries(void **s)
{
        trace_begin(NULL);
        listen_with(NULL);
        handshake(opt_mss1460, 4);
        tcp_close(T.t);
        wait_ms(1);
        rx(T_ACK | T_FIN, 1, 2, 0);
        struct tcp_state *ts = T.w->st->tcp;
        assert_int_equal(ts->tw_count, 1);
        u32 old_isn = T.our_isn;
        T.sport = 4999;
        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
        wire_flush_out(T.w);
        struct synq *q = synq_find(ts, be32_raw(WIRE_PEER.v4), be32_raw(WIRE_US.v4),
                                   (u32)__builtin_bswap16(4999) | (u32)__builtin_bswap16(OUR_PORT) << 16);
        assert_non_null(q);
        wait_ms(2000);
        wire_flush_out(T.w);
        u32 n = 0, bucket = 0;
        int err;
        for (u32 port = 1; port < 65536 && !ts->count.rekeys; port++) {
                u32 ports = (u32)__builtin_bswap16(80) | (u32)__builtin_bswap16((u16)port) << 16;
                u32 b = tcp_hash(ts, be32_raw(WIRE_PEER.v4), be32_raw(WIRE_US.v4), ports) >> ts->shift;
                if ((n && b != bucket) || port == OUR_PORT)
                        continue;
                bucket = b;
                if (tcp_connect(T.w->st, IPADDR_ANY, (u16)port, WIRE_PEER, 80, &trace_events, NULL, NULL, &err))
                        n++;
        }
        assert_int_equal(ts->count.rekeys, 1);
        wire_flush_out(T.w);
        assert_ptr_equal(synq_find(ts, q->raddr, q->laddr, q->ports), q);
        T.sport = PEER_PORT;
        T.our_isn = old_isn;
        rx(T_ACK | T_FIN, 1, 2, 0);
        expect_tx(T_ACK, 2, 2, 0);
        for (u32 i = 0; i < ts->n_pool; i++)
                if (ts->pool[i].ports)
                        tcp_abort(&ts->pool[i]);
        T.t = NULL;
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(must_8_9_isn_follows_the_clock_and_differs_by_connection), test(numbers_of_a_listener_are_those_of_its_key),
                test(ports_are_random_and_not_taken), test(table_is_rekeyed_when_a_chain_grows),
                test(rekeying_keeps_half_open_and_time_wait_entries),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
