/* congestion.c - traces of the congestion window: its beginning (RFC 6928), slow start and its end (RFC 5681, RFC 9406), CUBIC
 * and NewReno.
 * SPDX-License-Identifier: MIT */
#include "segments.h"

static void rfc_6928_initial_window_is_ten_segments(void **s)
{
        established();
        send_bytes(0, 40 * MSS);
        for (u32 i = 0; i < 10; i++)
                expect_tx(T_ACK, SEQ(i), 1, MSS);
        expect_none();
        trace_end();
        static const u16 larger[][2] = {{1461, 14600}, {4000, 14600}, {7299, 14600}, {7301, 14602}, {8960, 17920}, {536, 5360}};
        for (u32 i = 0; i < COUNT_OF(larger); i++) {
                const u8 o[] = {2, 4, (u8)(larger[i][0] >> 8), (u8)larger[i][0]};
                trace_begin(NULL);
                T.w->nif.mtu = 9000;
                listen_with(NULL);
                handshake(o, 4);
                assert_int_equal(T.t->cwnd, larger[i][1]);
                trace_end();
        }
}

static void slow_start_doubles(void **s)
{
        established();
        send_bytes(0, 60 * MSS);
        for (u32 i = 0; i < 10; i++)
                expect_tx(T_ACK, SEQ(i), 1, MSS);
        for (u32 i = 2; i <= 10; i += 2)
                rx(T_ACK, 1, SEQ(i), 0);
        for (u32 i = 10; i < 30; i++)
                expect_tx(T_ACK, SEQ(i), 1, MSS);
        expect_none();
        trace_end();
}

/* One round trip in slow start: every segment that is out is acknowledged by itself; how much the window grew for each. */
static u32 round_of(u32 rtt_ms)
{
        u32 before = T.t->cwnd, end = T.t->snd_nxt, n = 0;
        wait_ms(rtt_ms);
        wire_flush_out(T.w);
        while (T.t->snd_una != end) {
                rx(T_ACK, 1, T.t->snd_una - T.our_isn + MSS, 0);
                wire_flush_out(T.w);
                n++;
        }
        return (T.t->cwnd - before) / n;
}

static void in_slow_start(u8 cc)
{
        struct tcp_opts o = {.cc = cc, .sndbuf = 1000000};
        established_sack(&o);
        send_bytes(0, 600 * MSS);
        assert_int_equal(round_of(50), MSS);
}

static void rfc_9406_longer_round_trips_end_slow_start_without_a_loss(void **s)
{
        for (u8 cc = TCP_CC_CUBIC; cc <= TCP_CC_NEWRENO; cc++) {
                in_slow_start(cc);
                assert_int_equal(round_of(54), MSS); /* an eighth longer is needed */
                assert_in_range(round_of(70), MSS / 4, MSS / 2);
                T.t->cwnd = 20 * MSS;
                for (u32 i = 0; i < 3; i++)
                        assert_int_equal(round_of(70), MSS / 4);
                assert_int_equal(T.t->ssthresh, UINT32_MAX);
                round_of(70);
                assert_in_range(T.t->ssthresh, T.t->cwnd - MSS, T.t->cwnd);
                assert_true(round_of(70) < MSS / 8);
                trace_end();
        }
}

static void rfc_9406_jitter_does_not_end_slow_start(void **s)
{
        in_slow_start(TCP_CC_CUBIC);
        round_of(70);
        assert_int_equal(T.t->flight->hs_css, 4);
        round_of(55);
        assert_int_equal(T.t->flight->hs_css, 0);
        assert_int_equal(T.t->ssthresh, UINT32_MAX);
        trace_end();
}

static void rfc_9406_milliseconds_of_a_near_network_do_not_end_slow_start(void **s)
{
        struct tcp_opts o = {.sndbuf = 1000000};
        established_sack(&o);
        send_bytes(0, 600 * MSS);
        for (u32 ms = 1; ms <= 4; ms++)
                round_of(ms);
        assert_int_equal(T.t->flight->hs_css, 0);
        trace_end();
}

static void idle_restart(void **s)
{
        out_segments(40, true, TCP_CC_CUBIC);
        for (u32 i = 2; i <= 101; i++) {
                rx(T_ACK, 1, SEQ(i), 0);
                wire_flush_out(T.w);
        }
        assert_true(T.t->cwnd > 40 * MSS);
        wait_ms(5000);
        send_bytes(101 * MSS, 50 * MSS);
        u32 n = 0;
        struct seg g;
        while (next_tx(&g))
                n++;
        assert_int_equal(n, 10);
        trace_end();
}

/* 3.1 (2): a segment for each acknowledgement that moves SND.UNA, however much that is, and nothing for duplicates. */
static void rfc_5681_slow_start_behind_a_time_out_grows_by_a_segment_an_acknowledgement(void **s)
{
        out_segments(20, false, TCP_CC_NEWRENO);
        wait_ms(T.t->rto_ms + 1);
        expect_tx(T_ACK, SEQ(1), 1, MSS);
        rx(T_ACK, 1, SEQ(2), 0);
        assert_int_equal(T.t->cwnd, 2 * MSS);
        rx(T_ACK, 1, SEQ(4), 0);
        assert_int_equal(T.t->cwnd, 3 * MSS);
        rx(T_ACK, 1, SEQ(4), 0);
        assert_int_equal(T.t->cwnd, 3 * MSS);
        rx(T_ACK, 1, SEQ(21), 0); /* all of it, which ends that */
        assert_int_equal(T.t->cwnd, 4 * MSS);
        trace_end();
}

static void rfc_5681_slow_start_ends_at_ssthresh(void **s)
{
        established();
        T.t->ssthresh = 10 * MSS + 100;
        send_bytes(0, 60 * MSS);
        rx(T_ACK, 1, SEQ(4), 0);
        assert_int_equal(T.t->cwnd, 10 * MSS + 100);
        trace_end();
}

/* Round trips of 200 ms for so long, each acknowledging a whole window in tenths: the window in thousandths of a segment. */
static u32 window_after(const struct cc_ops *cc, u32 ms)
{
        for (; ms; ms -= 20) {
                wait_ms(20);
                cc->acked(T.t, T.t->cwnd / 10);
        }
        return (u32)((u64)T.t->cwnd * 1000 / MSS);
}

/* 4.2: W(t) = 0.4 (t - K)^3 + W_max, 30 segments below which K is 4.2 s; 4.6 and 4.7: what a loss leaves of it. */
static void rfc_9438_window_follows_the_cubic_function(void **s)
{
        out_segments(10, true, TCP_CC_CUBIC);
        T.t->srtt_us = 200000 << 3;
        T.t->w_max = 0;
        T.t->cwnd = 100 * MSS;
        assert_in_range(cc_cubic.ssthresh(T.t), 70 * MSS - 10, 70 * MSS);
        assert_int_equal(T.t->w_max, 100 * MSS);
        T.t->cwnd = 80 * MSS; /* again before it was reached: somebody new wants a share */
        assert_in_range(cc_cubic.ssthresh(T.t), 56 * MSS - 10, 56 * MSS);
        assert_in_range(T.t->w_max, 68 * MSS - 20, 68 * MSS);
        T.t->w_max = 100 * MSS;
        T.t->cwnd = 70 * MSS;
        tcp_timer(T.t, TT_NONE, 0); /* nothing is sent in this trace */
        assert_in_range(window_after(&cc_cubic, 2100), 95000, 97500);
        assert_in_range(window_after(&cc_cubic, 2100), 99000, 100500);
        assert_in_range(window_after(&cc_cubic, 4200), 124000, 131000);
        T.t->cwnd = 70 * MSS; /* however much it could be: half as much more in a round trip */
        assert_in_range(window_after(&cc_cubic, 200), 90000, 114000);
        T.t->cwnd = 20 * MSS;
        T.t->flight->w_est = 0;
        assert_in_range(window_after(&cc_cubic, 200), 28000, 34000);
        T.t->cwnd = 70 * MSS; /* the other one: a segment each, and half of it */
        T.t->flight->acked_part = 0;
        assert_in_range(window_after(&cc_newreno, 2000), 79000, 80500);
        T.t->cwnd = 8 * MSS;
        assert_int_equal(cc_newreno.ssthresh(T.t), 4 * MSS);
        trace_end();
}

static void cubic_grows_past_w_max_and_newreno_by_a_segment_a_round_trip(void **s)
{
        for (u8 cc = TCP_CC_CUBIC; cc <= TCP_CC_NEWRENO; cc++) {
                out_segments(10, true, cc);
                T.t->ssthresh = 5 * MSS;
                T.t->w_max = 12 * MSS;
                u32 cwnd = T.t->cwnd, next = 2;
                for (u32 round = 0; round < 4; round++) {
                        wait_ms(50);
                        for (u32 i = 0; i < 10; i++)
                                rx(T_ACK, 1, SEQ(next++), 0);
                        wire_flush_out(T.w);
                }
                assert_in_range(T.t->cwnd, cwnd + MSS, cwnd + 6 * MSS);
                trace_end();
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(rfc_6928_initial_window_is_ten_segments), test(slow_start_doubles), test(idle_restart),
                test(rfc_9406_longer_round_trips_end_slow_start_without_a_loss), test(rfc_9406_jitter_does_not_end_slow_start),
                test(rfc_9406_milliseconds_of_a_near_network_do_not_end_slow_start), test(rfc_5681_slow_start_ends_at_ssthresh),
                test(rfc_5681_slow_start_behind_a_time_out_grows_by_a_segment_an_acknowledgement),
                test(rfc_9438_window_follows_the_cubic_function),
                test(cubic_grows_past_w_max_and_newreno_by_a_segment_a_round_trip),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
