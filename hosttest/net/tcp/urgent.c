/* urgent.c - traces of urgent data: told, read in line, and its pointer (RFC 9293 3.8.5).
 * SPDX-License-Identifier: MIT */
#include "trace.h"

static void must_31_32_33_urgent_data_is_told_and_read_in_line(void **s)
{
        established();
        u8 f[400];
        struct seg g = {T.sport, T.dport, T.peer_isn + 1, T.our_isn + 1, T_ACK | T_URG, 65535, NULL, 0, bytes_at(0), 100, 40};
        wire_rx(T.w, f, build_tcp(T.w, f, &g));
        assert_int_equal(T.urgent, 1);
        assert_int_equal(tcp_readable(T.t), 100);
        assert_int_equal(tcp_urgent_left(T.t), 40);
        tcp_consume(T.t, 10);
        assert_int_equal(tcp_urgent_left(T.t), 30);
        tcp_consume(T.t, 30);
        assert_int_equal(tcp_urgent_left(T.t), 0);
        g.seq += 100, g.urg = 60000; /* of any length: it may end beyond the window */
        wire_rx(T.w, f, build_tcp(T.w, f, &g));
        assert_int_equal(T.urgent, 2);
        assert_int_equal(tcp_urgent_left(T.t), 60 + 60000);
        g.seq += 100, g.urg = 60000 - 100; /* the same end is not told again, */
        wire_rx(T.w, f, build_tcp(T.w, f, &g));
        assert_int_equal(T.urgent, 2);
        g.seq += 100, g.urg = 60000 - 199; /* a later one is */
        wire_rx(T.w, f, build_tcp(T.w, f, &g));
        assert_int_equal(T.urgent, 3);
        assert_int_equal(tcp_urgent_left(T.t), 60 + 60001);
        trace_end();
        established();
        T.read_all = true;
        rx(T_ACK, 1, 1, 100);
        g.seq = T.peer_isn + 51, g.ack = T.our_isn + 1, g.urg = 10, g.data = bytes_at(50); /* it ends in what was read */
        wire_rx(T.w, f, build_tcp(T.w, f, &g));
        assert_int_equal(T.got, 150);
        assert_int_equal(T.urgent, 0);
        trace_end();
}

static void must_30_62_urgent_pointer_is_behind_the_last_urgent_octet(void **s)
{
        established();
        assert_int_equal(tcp_send_ref(T.t, bytes_at(0), 2000, NULL), 0);
        tcp_send_urgent(T.t);
        tcp_flush(T.t);
        expect_tx(T_ACK | T_URG, 1, 1, 1460);
        assert_int_equal(trace_last.urg, 2000);
        expect_tx(T_ACK | T_URG, 1461, 1, 540);
        assert_int_equal(trace_last.urg, 540);
        rx(T_ACK, 1, 2001, 0);
        send_bytes(2000, 10);
        expect_tx(T_ACK, 2001, 1, 10);
        assert_int_equal(trace_last.flags & T_URG, 0);
        trace_end();
        static const u8 scaled[] = {2, 4, 5, 180, 1, 3, 3, 4};
        trace_begin(NULL);
        listen_with(NULL);
        handshake(scaled, sizeof scaled);
        assert_int_equal(tcp_send_ref(T.t, bytes_at(0), 80000, NULL), 0);
        tcp_send_urgent(T.t);
        tcp_flush(T.t);
        for (u32 at = 1; at < 1 + 10 * 1460; at += 1460) {
                expect_tx(T_ACK | T_URG, at, 1, 1460);
                assert_int_equal(trace_last.urg, 80001 - at < 65535 ? 80001 - at : 65535); /* what the field holds */
        }
        trace_end();
}

static void what_is_sent_behind_urgent_data_is_not_urgent(void **s)
{
        established();
        tcp_set_nodelay(T.t, true);
        tcp_send_ref(T.t, bytes_at(0), 100, NULL);
        tcp_send_urgent(T.t);
        tcp_flush(T.t);
        expect_tx(T_ACK | T_URG, 1, 1, 100);
        send_bytes(100, 50); /* begins exactly where urgent data ends */
        expect_tx(T_ACK, 101, 1, 50);
        assert_int_equal(trace_last.flags & T_URG, 0);
        trace_end();
}

static void urgent_mark_with_a_sum_that_the_device_makes(void **s)
{
        established();
        T.w->nif.caps = NETIF_SG; /* no cached sum: nif_xmit computes it behind us */
        assert_int_equal(tcp_send_ref(T.t, bytes_at(0), 1000, NULL), 0);
        tcp_send_urgent(T.t);
        tcp_flush(T.t);
        expect_tx(T_ACK | T_URG, 1, 1, 1000);
        assert_int_equal(trace_last.urg, 1000);
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(must_31_32_33_urgent_data_is_told_and_read_in_line),
                test(must_30_62_urgent_pointer_is_behind_the_last_urgent_octet),
                test(what_is_sent_behind_urgent_data_is_not_urgent), test(urgent_mark_with_a_sum_that_the_device_makes),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
