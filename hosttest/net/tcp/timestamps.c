/* timestamps.c - traces of RFC 7323: timestamps once agreed on are on every segment, and what lacks them is dropped.
 * SPDX-License-Identifier: MIT */
#include "trace.h"

static void established_ts(const struct tcp_opts *o)
{
        trace_begin(NULL);
        listen_with(o);
        T.ts = true;
        T.tsval = 100;
        handshake(opt_mss1460_ts, sizeof opt_mss1460_ts);
        T.read_all = true;
}

static void rfc_7323_segment_without_the_agreed_timestamp_is_dropped_silently(void **s)
{
        established_ts(NULL);
        T.ts = false;
        rx(T_ACK, 1, 1, 100);
        wait_ms(100);
        expect_none();
        assert_int_equal(T.got, 0);
        assert_int_equal(wire_drops(T.w, DROP_TCP_NO_TS), 1);
        T.ts = true;
        rx(T_ACK, 1, 1, 100);
        assert_int_equal(T.got, 100);
        T.ts = false; /* a RST may lack it */
        rx(T_RST, 101, 0, 0);
        assert_int_equal(T.closed, 1);
        trace_end();
}

static void rfc_7323_half_open_wants_the_agreed_timestamp_too(void **s)
{
        half_open_opts(opt_mss1460_ts, sizeof opt_mss1460_ts);
        rx(T_ACK, 1, 1, 0);
        expect_none();
        assert_int_equal(T.accepted, 0);
        assert_int_equal(wire_drops(T.w, DROP_TCP_NO_TS), 1);
        T.ts = true;
        T.tsval = 101;
        rx(T_ACK, 1, 1, 0);
        assert_int_equal(T.accepted, 1);
        trace_end();
}

static void rfc_7323_rst_carries_the_timestamp(void **s)
{
        established_ts(NULL);
        T.tsval = 150;
        rx(T_ACK, 1, 1, 100);
        tcp_abort(T.t);
        T.t = NULL;
        expect_tx(T_RST | T_ACK, 1, 101, 0);
        assert_non_null(tx_option(8));
        assert_int_equal(opt32(tx_option(8) + 4), 150);
        trace_end();
}

static void rfc_7323_rst_of_a_half_open_connection_carries_the_timestamp(void **s)
{
        half_open_opts(opt_mss1460_ts, sizeof opt_mss1460_ts);
        T.ts = true;
        T.tsval = 120;
        rx(T_ACK, 1, 7, 0);
        expect_tx(T_RST, 7, 0, 0);
        assert_non_null(tx_option(8));
        tcp_unlisten(T.l);
        expect_tx(T_RST | T_ACK, 1, 1, 0);
        assert_non_null(tx_option(8));
        trace_end();
}

static void half_open_with_timestamps_judges_as_a_connection_would(void **s)
{
        static const u8 offer[] = {2, 4, 5, 180, 8, 10, 0, 0, 0, 100, 0, 0, 0, 0, 1, 1};
        trace_begin(NULL);
        listen_with(NULL);
        rx_opts(T_SYN, 0, 0, 0, offer, sizeof offer);
        assert_true(next_tx(&trace_last));
        T.our_isn = trace_last.seq;
        T.ts = true;
        T.tsval = 50; /* older than its own SYN */
        rx(T_ACK, 1, 1, 0);
        expect_tx(T_ACK, 1, 1, 0);
        assert_non_null(tx_option(8));
        assert_int_equal(wire_drops(T.w, DROP_TCP_HALF_PAWS), 1);
        T.tsval = 101;
        rx(T_ACK, 1, 1, 0);
        assert_int_equal(T.accepted, 1);
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(rfc_7323_segment_without_the_agreed_timestamp_is_dropped_silently),
                test(rfc_7323_half_open_wants_the_agreed_timestamp_too), test(rfc_7323_rst_carries_the_timestamp),
                test(rfc_7323_rst_of_a_half_open_connection_carries_the_timestamp),
                test(half_open_with_timestamps_judges_as_a_connection_would),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
