/* rto.c - traces of the retransmission time-out (RFC 6298): its length, what restarts it, what follows it, and when it was
 * needless.
 * SPDX-License-Identifier: MIT */
#include "segments.h"

/* The time-out when every round trip took as long as this. */
static void rto_of_a_steady_path(u32 floor_ms, u32 rtt_ms, u32 want_ms)
{
        trace_begin(NULL);
        if (floor_ms)
                tcp_set_rto_min(T.w->st, floor_ms);
        listen_with(NULL);
        handshake(opt_mss1460, 4);
        for (u32 i = 0; i < 60; i++) {
                send_bytes(i * 10, 10);
                expect_tx(T_ACK, 1 + i * 10, 1, 10);
                wait_ms(rtt_ms);
                rx(T_ACK, 1, 11 + i * 10, 0);
        }
        send_bytes(600, 10);
        expect_tx(T_ACK, 601, 1, 10);
        wait_ms(want_ms - 2);
        expect_none();
        wait_ms(4);
        expect_tx(T_ACK, 601, 1, 10);
        trace_end();
}

/* One segment there and back in ms. */
static void round_trip(u32 ms)
{
        u32 at = T.t->snd_nxt - T.our_isn;
        send_bytes(at - 1, 10);
        wait_ms(ms);
        rx(T_ACK, 1, at + 10, 0);
        wire_flush_out(T.w);
}

/* 2.2: SRTT + 4 RTTVAR, which begins as half of the first; 2.3: an eighth and a quarter of what comes later. */
static void rfc_6298_2_2_2_3_time_out_follows_round_trips_and_how_they_vary(void **s)
{
        static const u16 want[][2] = {{800, 2000}, {800, 1700}, {1200, 1925}, {400, 2050}};
        syn_sent();
        wait_ms(800); /* srtt 800, rttvar 400: 2400 */
        rx_opts(T_SYN | T_ACK, 0, 1, 0, opt_mss1460, 4);
        assert_in_range(T.t->rto_ms, 2399, 2401);
        wire_flush_out(T.w);
        for (u32 i = 0; i < COUNT_OF(want); i++) {
                round_trip(want[i][0]);
                assert_in_range(T.t->rto_ms, want[i][1] - 1, want[i][1] + 1);
        }
        trace_end();
}

static void rfc_6298_2_4_floor_of_a_second_is_under_the_sum(void **s)
{
        rto_of_a_steady_path(1000, 100, 1000);
        rto_of_a_steady_path(1000, 900, 1000);
        rto_of_a_steady_path(1500, 900, 1500);
        rto_of_a_steady_path(UINT32_MAX, 100, 60000);
        rto_of_a_steady_path(0, 100, 300); /* ours, as Linux has it: under the variance */
}

/* RFC 6298 5.1: the timer that runs for the oldest segment is not put off by the next ones. */
static void rfc_6298_new_data_does_not_put_off_the_time_out(void **s)
{
        static const struct tcp_opts o = {.nodelay = true, .no_sack = true};
        established_opts(&o);
        T.t->rto_ms = 300;
        send_bytes(0, 100);
        expect_tx(T_ACK, 1, 1, 100);
        for (u32 i = 1; i <= 4; i++) {
                wait_ms(70);
                send_bytes(100 * i, 100);
                expect_tx(T_ACK, 1 + 100 * i, 1, 100);
        }
        wait_ms(21);
        expect_tx(T_ACK, 1, 1, 100); /* 301 ms after the first */
        trace_end();
}

static void clock_that_goes_back_changes_nothing(void **s)
{
        established();
        send_bytes(0, 100);
        expect_tx(T_ACK, 1, 1, 100);
        T.w->now_us -= 500000;
        wait_ms(0);
        expect_none();
        rx(T_ACK, 1, 101, 0);
        assert_int_equal(T.t->snd_queued, 0);
        trace_end();
}

/* What is outstanding then was overtaken by what was sent again, but by so little that RACK waits. */
static void half_closed_peer_that_sacks_no_more_does_not_stop_the_time_out(void **s)
{
        out_segments(10, true, TCP_CC_CUBIC);
        rx(T_ACK | T_FIN, 1, SEQ(1), 0);
        wait_ms(50);
        rx_sack(2, SEQ(1), 1, SEQ(2), SEQ(3));
        rx(T_ACK, 2, SEQ(3), 0); /* reordered */
        rx_sack(2, SEQ(3), 1, SEQ(4), SEQ(11));
        wire_flush_out(T.w);
        wait_ms(13);
        expect_tx(T_ACK, SEQ(3), 2, MSS);
        wait_ms(2);
        rx_sack(2, SEQ(3), 1, SEQ(4), SEQ(19));
        u32 end = T.t->snd_nxt - T.our_isn; /* new data went out, beyond where recovery ends */
        wait_ms(50);
        rx_sack(2, SEQ(3), 1, SEQ(4), end); /* more of it */
        wire_flush_out(T.w);
        wait_ms(2);
        expect_tx(T_ACK, SEQ(3), 2, MSS); /* lost again */
        wait_ms(51);
        rx(T_ACK, 2, end, 0);
        assert_true(T.t->flight->ca == CA_OPEN && T.t->flight->reo_wait_us);
        rx(T_ACK, 2, end, 0);
        wire_flush_out(T.w);
        wait_ms(1000);
        expect_tx(T_ACK, end, 2, MSS);
        trace_end();
}

static void time_out_begins_again_with_one_segment(void **s)
{
        out_segments(10, false, TCP_CC_NEWRENO);
        wait_ms(T.t->rto_ms + 1);
        expect_tx(T_ACK, SEQ(1), 1, MSS);
        expect_none();
        assert_int_equal(T.t->cwnd, MSS);
        assert_int_equal(T.t->ssthresh, 5 * MSS);
        rx(T_ACK, 1, SEQ(2), 0);
        expect_tx(T_ACK, SEQ(2), 1, MSS);
        expect_tx(T_ACK, SEQ(3), 1, MSS);
        expect_none();
        trace_end();
}

static void needless_time_out_is_undone_by_dsack(void **s)
{
        out_segments(4, true, TCP_CC_CUBIC);
        u32 cwnd = T.t->cwnd;
        rx_sack(1, SEQ(1), 0);
        T.t->flight->tlp_out = true; /* no tail probe in this trace */
        tcp_timer_rearm(T.t);
        wait_ms(T.t->rto_ms + 1);
        expect_tx(T_ACK, SEQ(1), 1, MSS);
        rx_sack(1, SEQ(2), 1, SEQ(1), SEQ(2)); /* it arrived twice */
        assert_int_equal(T.w->st->tcp->count.undos, 1);
        assert_true(T.t->cwnd >= cwnd);
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(rfc_6298_new_data_does_not_put_off_the_time_out), test(rfc_6298_2_4_floor_of_a_second_is_under_the_sum),
                test(rfc_6298_2_2_2_3_time_out_follows_round_trips_and_how_they_vary),
                test(clock_that_goes_back_changes_nothing), test(half_closed_peer_that_sacks_no_more_does_not_stop_the_time_out),
                test(time_out_begins_again_with_one_segment), test(needless_time_out_is_undone_by_dsack),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
