/* queues.c - what is queued: sums that are known already, buffers that move and are not copied, bounds, a device that cuts.
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
                tcp_set_nodelay(T.t, true);
                for (u32 i = 0; i < 3; i++) { /* two whole ones behind another segment, the second at an odd place */
                        u32 n = i < 2 ? 301 : 200, sum = cksum_add(0, bytes_at(at), n);
                        assert_int_equal(tcp_send_ref(T.t, bytes_at(at), n, &sum), 0);
                        at += n;
                        if (i != 1)
                                tcp_flush(T.t);
                }
                expect_tx(T_ACK | T_PSH, 1 + got, 1, 301);
                expect_tx(T_ACK | T_PSH, 302 + got, 1, 501);
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

static void segment_in_ip_fragments_is_one_segment(void **s)
{
        established();
        T.read_all = true;
        static u8 whole[4096], part[2048];
        struct seg g = {T.sport, T.dport, T.peer_isn + 1, T.our_isn + 1, T_ACK | T_PSH, 65535, NULL, 0, bytes_at(0), 3001, 0};
        u32 n = build_tcp(T.w, whole, &g) - 34;
        for (u32 at = 0; at < n; at += 1400) { /* odd lengths at the end */
                u32 len = min_u32(1400, n - at);
                memcpy(part, whole, 34);
                memcpy(part + 34, whole + 34 + at, len);
                build_ip(part + 14, WIRE_PEER, WIRE_US, 6, len);
                be16 frag = be16_of((u16)(at / 8 | (at + len < n ? 0x2000 : 0)));
                memcpy(part + 20, &frag, 2);
                memset(part + 24, 0, 2);
                u16 sum = (u16)~cksum_fold(cksum_add(0, part + 14, 20));
                memcpy(part + 24, &sum, 2);
                wire_rx(T.w, part, 34 + len);
        }
        assert_int_equal(T.got, 3001);
        expect_tx(T_ACK, 1, 3002, 0);
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(cached_sums_and_odd_pieces_make_right_checksums), test(whole_response_with_cached_sums_is_one_segment),
                test(peek_and_copy_go_over_the_edges_of_buffers), test(buffers_are_moved_not_copied),
                test(send_queue_is_bounded_and_frees_when_acknowledged), test(large_segments_for_a_device_that_cuts),
                test(walk_names_every_kind), test(segment_in_ip_fragments_is_one_segment),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
