/* modes.c - traces of the user's face: queues, urgent data, application mode, Fast Open, message exchange, refusal, close and
 * abort.
 * SPDX-License-Identifier: MIT */
#include "trace.h"

static void cached_sums_and_odd_pieces_make_right_checksums(void **s)
{
        static const u32 cut[] = {1, 3, 200, 333, 500, 7, 129, 1, 1001};
        for (u32 sg = 0; sg < 2; sg++) {
                trace_begin(NULL);
                T.w->nif.caps = sg ? NETIF_SG : 0;
                listen_with(NULL);
                handshake(opt_mss1460, 4);
                u32 at = 0;
                for (u32 i = 0; i < 40; i++) {
                        u32 n = cut[i % COUNT_OF(cut)], sum = cksum_add(0, bytes_at(at), n);
                        assert_int_equal(tcp_send_ref(T.t, bytes_at(at), n, i % 4 ? &sum : NULL), 0);
                        at += n;
                }
                tcp_flush(T.t);
                u32 got = 0;
                while (got < at) { /* parse_tcp verifies each checksum */
                        struct seg g;
                        if (!next_tx(&g))
                                break;
                        assert_int_equal(g.seq - T.our_isn, 1 + got);
                        assert_memory_equal(g.data, bytes_at(got), g.n);
                        got += g.n;
                        rx(T_ACK, 1, 1 + got, 0);
                }
                assert_int_equal(got, at);
                trace_end();
        }
}

static void whole_response_with_cached_sums_is_one_segment(void **s)
{
        established();
        T.w->nif.caps = NETIF_SG;
        u32 a = cksum_add(0, bytes_at(0), 200), b = cksum_add(0, bytes_at(200), 1024);
        tcp_send_ref(T.t, bytes_at(0), 200, &a);
        tcp_send_ref(T.t, bytes_at(200), 1024, &b);
        tcp_flush(T.t);
        expect_tx(T_ACK | T_PSH, 1, 1, 1224);
        trace_end();
}

static void peek_and_copy_go_over_the_edges_of_buffers(void **s)
{
        established();
        rx(T_ACK, 1, 1, 1000);
        rx(T_ACK, 1001, 1, 1000);
        u8 b[2000];
        const u8 *p;
        assert_int_equal(tcp_peek(T.t, 999, &p), 1);
        assert_int_equal(tcp_peek(T.t, 1000, &p), 1000);
        assert_int_equal(*p, pattern(1000));
        assert_int_equal(tcp_peek(T.t, 2000, &p), 0);
        assert_int_equal(tcp_copy(T.t, 0, b, 2000), 2000);
        assert_memory_equal(b, bytes_at(0), 2000);
        assert_int_equal(tcp_copy(T.t, 1000, b, 2000), 1000);
        assert_memory_equal(b, bytes_at(1000), 1000);
        assert_int_equal(tcp_copy(T.t, 990, b, 20), 20);
        assert_memory_equal(b, bytes_at(990), 20);
        assert_int_equal(tcp_copy(T.t, 2000, b, 1), 0);
        trace_end();
}

static void buffers_are_moved_not_copied(void **s)
{
        established();
        rx(T_ACK, 1, 1, 1000);
        struct pkt *p = tcp_take(T.t);
        assert_int_equal(p->len, 1000);
        assert_int_equal(tcp_readable(T.t), 0);
        assert_int_equal(tcp_send_pkt(T.t, p), 0);
        tcp_flush(T.t);
        expect_tx(T_ACK | T_PSH, 1, 1001, 1000);
        rx(T_ACK, 1001, 1001, 0);
        trace_end();
}

static void send_queue_is_bounded_and_frees_when_acknowledged(void **s)
{
        static const struct tcp_opts o = {.sndbuf = 3000};
        established_opts(&o);
        assert_int_equal(tcp_send(T.t, bytes_at(0), 5000), 3000);
        assert_int_equal(tcp_send(T.t, bytes_at(3000), 1), 0);
        assert_int_equal(tcp_send_ref(T.t, bytes_at(3000), 1, NULL), E_NOMEM);
        tcp_flush(T.t);
        rx(T_ACK, 1, 1461, 0);
        assert_int_equal(T.writable, 1);
        assert_int_equal(tcp_send_room(T.t), 1460);
        tcp_shutdown(T.t);
        assert_int_equal(tcp_send(T.t, bytes_at(0), 1), E_CLOSED);
        trace_end();
}

static void pool_exhausted_while_sending_tries_again(void **s)
{
        established();
        struct pkt *held[300];
        u32 n = 0;
        while ((held[n] = pkt_alloc(&T.w->st->pkts, 0)) != NULL)
                n++;
        send_bytes(0, 100);
        expect_none();
        while (n)
                pkt_free(held[--n]);
        wait_ms(11);
        expect_tx(T_ACK | T_PSH, 1, 1, 100);
        trace_end();
}

static void descriptors_exhausted_while_sending_waits(void **s)
{
        static const struct tcp_opts o = {.nodelay = true, .sndbuf = 1000000};
        established_opts(&o);
        struct cellpool *cells = &T.w->st->tcp->cells;
        u32 at = 0;
        while (tcp_send_ref(T.t, bytes_at(at), 100, NULL) == 0)
                at += 100;
        void *held[2000];
        u32 n = 0;
        while ((held[n] = pool_get(cells)) != NULL)
                n++;
        tcp_flush(T.t); /* nothing: there is no record for it */
        expect_none();
        pool_put(cells, held[--n]);
        wait_ms(11);
        u32 got = 0, rounds = 0;
        while (got < at && rounds++ < 2000) { /* with one record, coarsely, but all of it */
                struct seg g;
                while (next_tx(&g))
                        if (g.seq - T.our_isn - 1 <= got && g.seq - T.our_isn - 1 + g.n > got) {
                                assert_memory_equal(g.data, bytes_at(g.seq - T.our_isn - 1), g.n);
                                got = g.seq - T.our_isn - 1 + g.n;
                        }
                rx(T_ACK, 1, 1 + got, 0);
                wait_ms(15);
        }
        assert_int_equal(got, at);
        while (n)
                pool_put(cells, held[--n]);
        trace_end();
}

static void large_segments_for_a_device_that_cuts(void **s)
{
        established();
        T.w->nif.caps = NETIF_SG | NETIF_CSUM_TX | NETIF_TSO;
        send_bytes(0, 20000);
        const struct frame *f = wire_tx(T.w);
        assert_int_equal(f->n, 14 + 40 + 10 * 1460);
        assert_int_equal(f->b[46] >> 4, 5);
        rx(T_ACK, 1, 1461, 0);
        trace_end();
}

/* --- Fast Open --- */

static void walk_names_every_kind(void **s);
static bool count_row(void *ctx, const struct tcp_info *i) { (*(u32 *)ctx)++; return true; }
static void walk_names_every_kind(void **s)
{
        established();
        T.sport++;
        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
        wire_flush_out(T.w);
        u32 n = 0;
        tcp_walk(T.w->st, count_row, &n);
        assert_int_equal(n, 3); /* LISTEN, ESTABLISHED, SYN_RECEIVED */
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(cached_sums_and_odd_pieces_make_right_checksums), test(whole_response_with_cached_sums_is_one_segment),
                test(peek_and_copy_go_over_the_edges_of_buffers), test(buffers_are_moved_not_copied),
                test(send_queue_is_bounded_and_frees_when_acknowledged), test(pool_exhausted_while_sending_tries_again),
                test(descriptors_exhausted_while_sending_waits), test(large_segments_for_a_device_that_cuts),
                test(walk_names_every_kind),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
