/* timers.c - traces about time: retransmission, R1 and R2, zero windows, keep-alive, delayed acknowledgement, FIN_WAIT_2.
 * SPDX-License-Identifier: MIT */
#include "trace.h"

static void must_18_19_backed_off_rto_stays_until_a_fresh_sample(void **s)
{
        established();
        send_bytes(0, 100);
        expect_tx(T_ACK, 1, 1, 100);
        u32 rto = T.t->rto_ms;
        wait_ms(rto + 1);
        expect_tx(T_ACK, 1, 1, 100);
        rx(T_ACK, 1, 101, 0); /* Karn: of which copy nobody knows */
        assert_int_equal(T.t->rto_ms, 2 * rto);
        send_bytes(100, 100);
        expect_tx(T_ACK, 101, 1, 100);
        wait_ms(5);
        rx(T_ACK, 1, 201, 0);
        assert_true(T.t->rto_ms < 2 * rto);
        trace_end();
}

/* The peer's SYN came twice, and our SYN,ACK went twice: of which copy its acknowledgement is nobody knows. */
static void must_18_answer_to_a_repeated_syn_measures_nothing(void **s)
{
        struct seg g;
        half_open();
        wait_ms(500);
        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
        assert_true(next_tx(&g));
        rx(T_ACK, 1, 1, 0);
        assert_int_equal(T.accepted, 1);
        assert_int_equal(T.t->srtt_us, 0);
        assert_int_equal(T.t->rto_ms, 1000);
        assert_int_equal(T.t->cwnd, 10 * 1460); /* which is no loss of ours */
        trace_end();
}

static void must_20_shld_11_connection_is_given_up_after_r2(void **s)
{
        established();
        send_bytes(0, 100);
        u32 rto = T.t->rto_ms;
        T.w->nif.mtu = 1000;
        wait_ms(3 * rto + 2);
        assert_int_equal(T.t->pmtu, 1500); /* sent again twice */
        wait_ms(4 * rto + 1);
        assert_int_equal(T.t->pmtu, 1000); /* R1: IP was asked where it goes now */
        wait_ms(299000 - 7 * rto);
        assert_int_equal(T.closed, 0);
        wire_flush_out(T.w);
        wait_ms(TCP_RTO_MAX_MS + 1000); /* and no later than at the next time-out, of which the longest is a minute (RFC 6298 2.5) */
        assert_int_equal(T.closed, 1);
        assert_int_equal(T.closed_err, E_TIMEDOUT);
        expect_tx(T_RST | T_ACK, 101, 1, 0);
        trace_end();
}

static void must_21_user_sets_r2(void **s)
{
        established();
        tcp_set_user_timeout(T.t, 5000);
        send_bytes(0, 100);
        wait_ms(4000);
        assert_int_equal(T.closed, 0);
        wait_ms(8000);
        assert_int_equal(T.closed_err, E_TIMEDOUT);
        trace_end();
}

static void must_22_23_syn_is_repeated_for_three_minutes(void **s)
{
        syn_sent();
        wait_ms(179000);
        assert_int_equal(T.closed, 0);
        u32 n = 0;
        struct seg g;
        while (next_tx(&g)) {
                assert_int_equal(g.flags & 0x3f, T_SYN);
                assert_int_equal(g.seq, T.our_isn);
                n++;
        }
        assert_in_range(n, 6, 10);
        wait_ms(120000);
        assert_int_equal(T.closed_err, E_TIMEDOUT);
        trace_end();
}

static void syn_ack_has_a_timer_of_its_own(void **s)
{
        half_open();
        wait_ms(1001);
        expect_tx(T_SYN | T_ACK, 0, 1, 0);
        wait_ms(1997);
        expect_none();
        wait_ms(4);
        expect_tx(T_SYN | T_ACK, 0, 1, 0);
        rx(T_ACK, 1, 1, 0);
        assert_int_equal(T.accepted, 1);
        assert_int_equal(T.t->rto_ms, 3000); /* RFC 6298 5.7 */
        assert_int_equal(T.t->cwnd, 1460);   /* RFC 5681 3.1 */
        trace_end();
}

/* MUST-23: one SYN,ACK and eight repetitions, the last one after three minutes. */
static void half_open_is_forgotten(void **s)
{
        static const u32 again[] = {1, 3, 7, 15, 31, 63, 123, 183};
        u32 n = 0;
        trace_begin(NULL);
        listen_with(NULL);
        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
        wait_ms(500);
        for (u32 second = 0; second < 300; second++) {
                for (; next_tx(&trace_last); n++)
                        assert_int_equal(trace_last.flags, T_SYN | T_ACK);
                assert_true(n == 9 || (second < again[n - 1] && (n == 1 || second >= again[n - 2])));
                wait_ms(1000);
        }
        assert_int_equal(n, 9);
        assert_int_equal(T.w->st->tcp->n_half, 0);
        trace_end();
}

static void must_25_no_keepalive_unless_asked_for(void **s)
{
        established();
        wait_ms(3u * 3600 * 1000);
        expect_none();
        trace_end();
}

static void must_24_26_27_shld_12_keepalive_when_idle_without_data(void **s)
{
        established();
        tcp_set_keepalive(T.t, 10000);
        wait_ms(9999);
        expect_none();
        wait_ms(2);
        expect_tx(T_ACK, 0, 1, 0);
        trace_end();
        established();
        tcp_set_keepalive(T.t, 10000);
        wait_ms(9999);
        expect_none();
        rx(T_ACK, 1, 1, 10); /* not idle */
        wait_ms(50);
        expect_tx(T_ACK, 1, 11, 0);
        wait_ms(9940);
        expect_none();
        wait_ms(20);
        expect_tx(T_ACK, 0, 11, 0);
        rx(T_ACK, 11, 1, 0);
        wait_ms(9990);
        expect_none();
        wait_ms(20);
        expect_tx(T_ACK, 0, 11, 0);
        trace_end();
}

static void must_29_one_lost_keepalive_is_not_death_nine_are(void **s)
{
        established();
        tcp_set_keepalive(T.t, 10000);
        wait_ms(85000);
        assert_int_equal(T.closed, 0);
        wait_ms(14990);
        for (u32 i = 0; i < 9; i++)
                expect_tx(T_ACK, 0, 1, 0);
        expect_none();
        assert_int_equal(T.closed, 0);
        wait_ms(20);
        assert_int_equal(T.closed_err, E_TIMEDOUT);
        expect_tx(T_RST | T_ACK, 1, 1, 0);
        trace_end();
        established();
        tcp_set_keepalive(T.t, 10000);
        for (u32 i = 0; i < 40; i++) { /* of every two probes one is answered */
                wait_ms(20010);
                rx(T_ACK, 1, 1, 0);
        }
        assert_int_equal(T.closed, 0);
        trace_end();
        established(); /* who waits for hours before the first one asks more often then */
        tcp_set_keepalive(T.t, 7200000);
        wait_ms(7199990);
        expect_none();
        wait_ms(20 + TCP_KEEPALIVE_INTERVAL_MS);
        expect_tx(T_ACK, 0, 1, 0);
        expect_tx(T_ACK, 0, 1, 0);
        expect_none();
        trace_end();
}

/* A probe that is not answered yet was not left unanswered. */
static void must_29_probes_are_not_closer_than_the_time_out(void **s)
{
        established();
        T.t->srtt_us = 600000 << 3, T.t->rto_ms = 900;
        tcp_set_keepalive(T.t, 10);
        wait_ms(15);
        expect_tx(T_ACK, 0, 1, 0);
        wait_ms(880);
        expect_none();
        wait_ms(40);
        expect_tx(T_ACK, 0, 1, 0);
        assert_int_equal(T.closed, 0);
        trace_end();
}

/* Milliseconds have 32 bits, and half of them are the past. */
static void times_longer_than_can_be_counted_end_nevertheless(void **s)
{
        static const u32 ms[] = {1u << 30, 0x7fffffff, 0x80000000u, 0xfffffffe, UINT32_MAX};
        for (u32 i = 0; i < COUNT_OF(ms); i++) {
                established();
                tcp_set_keepalive(T.t, ms[i]);
                for (u32 calls = 0; !T.closed; calls++) {
                        assert_in_range(calls, 0, 60);
                        stack_tick(T.w->st, T.w->now_us += 1000ull * stack_next(T.w->st));
                }
                assert_int_equal(T.closed_err, E_TIMEDOUT);
                trace_end();
                established();
                tcp_set_user_timeout(T.t, ms[i]);
                send_bytes(0, 100);
                for (u32 hour = 0; hour < 40; hour++) {
                        wait_ms(3600 * 1000);
                        wire_flush_out(T.w);
                        assert_int_equal(T.closed, hour >= 37);
                }
                assert_int_equal(T.closed_err, E_TIMEDOUT);
                trace_end();
        }
}

static void must_36_probes_zero_window(void **s)
{
        established();
        T.wnd = 0;
        rx(T_ACK, 1, 1, 0);
        send_bytes(0, 100);
        expect_none();
        u32 rto = T.t->rto_ms;
        wait_ms(rto + 1); /* SHLD-29 */
        expect_tx(T_ACK, 1, 1, 1);
        rx(T_ACK, 1, 1, 0);
        wait_ms(2 * rto - 2); /* SHLD-30 */
        expect_none();
        wait_ms(4);
        expect_tx(T_ACK, 1, 1, 1);
        rx(T_ACK, 1, 1, 0);
        T.wnd = 1000;
        rx(T_ACK, 1, 1, 0);
        expect_tx(T_ACK, 1, 1, 100);
        trace_end();
}

static void must_37_zero_window_is_kept_open_while_probes_are_answered(void **s)
{
        established();
        T.wnd = 0;
        rx(T_ACK, 1, 1, 0);
        send_bytes(0, 100);
        for (u32 i = 0; i < 60; i++) {
                wait_ms(30000);
                wire_flush_out(T.w);
                rx(T_ACK, 1, 1, 0);
        }
        assert_int_equal(T.closed, 0);
        T.wnd = 1000;
        rx(T_ACK, 1, 1, 0);
        expect_tx(T_ACK, 1, 1, 100);
        trace_end();
}

static void zero_window_probe_that_was_taken(void **s)
{
        established();
        T.wnd = 0;
        rx(T_ACK, 1, 1, 0);
        send_bytes(0, 100);
        wait_ms(T.t->rto_ms + 1);
        expect_tx(T_ACK, 1, 1, 1);
        T.wnd = 1000;
        rx(T_ACK, 1, 2, 0);
        expect_tx(T_ACK, 2, 1, 99);
        trace_end();
}

static void fin_alone_probes_a_zero_window(void **s)
{
        established();
        T.wnd = 0;
        rx(T_ACK, 1, 1, 0);
        tcp_shutdown(T.t);
        wait_ms(T.t->rto_ms + 2);
        expect_tx(T_ACK | T_FIN, 1, 1, 0);
        rx(T_ACK, 1, 2, 0);
        state_is("FIN_WAIT_2");
        trace_end();
}

static void peer_silent_behind_zero_window_is_given_up(void **s)
{
        established();
        T.wnd = 0;
        rx(T_ACK, 1, 1, 0);
        send_bytes(0, 100);
        wait_ms(700000);
        assert_int_equal(T.closed_err, E_TIMEDOUT);
        trace_end();
}

static void fin_wait_2_does_not_last_for_ever_once_the_user_left(void **s)
{
        established();
        tcp_close(T.t);
        wait_ms(1);
        expect_tx(T_ACK | T_FIN, 1, 1, 0);
        rx(T_ACK, 1, 2, 0);
        state_is("FIN_WAIT_2");
        wait_ms(61000);
        assert_int_equal(T.closed, 1);
        trace_end();
}

static void half_closed_by_us_lasts(void **s)
{
        established();
        tcp_shutdown(T.t);
        wait_ms(1);
        expect_tx(T_ACK | T_FIN, 1, 1, 0);
        rx(T_ACK, 1, 2, 0);
        wait_ms(1000000);
        state_is("FIN_WAIT_2");
        rx(T_ACK, 1, 2, 1000);
        wait_ms(50);
        expect_tx(T_ACK, 2, 1001, 0);
        assert_int_equal(tcp_readable(T.t), 1000);
        trace_end();
}

static void idle_connections_cost_no_timer(void **s)
{
        established();
        send_bytes(0, 100);
        expect_tx(T_ACK, 1, 1, 100);
        rx(T_ACK, 1, 101, 0);
        wait_ms(3000);
        assert_int_equal(timer_running(&T.t->timer), 0);
        trace_end();
}

/* A window was shut for half an hour: microseconds in 32 bits go round. */
static void what_is_sent_again_after_half_an_hour_is_sent_now(void **s)
{
        established();
        send_bytes(0, 2920);
        expect_tx(T_ACK, 1, 1, 1460);
        expect_tx(T_ACK | T_PSH, 1461, 1, 1460);
        T.t->flight->first->tx_us = T.t->flight->last->tx_us -= 40u * 60 * 1000000;
        wait_ms(T.t->rto_ms + 1);
        expect_tx(T_ACK, 1, 1, 1460);
        assert_true(tcb_now_us(T.t) - T.t->flight->first->tx_us < 1000000);
        trace_end();
}

static void leap(u32 ms)
{
        T.w->now_us += (u64)ms * 1000;
        stack_tick(T.w->st, T.w->now_us);
        stack_batch_end(T.w->st);
}

static void a_clock_that_leaps_does_not_make_a_calm_run_older(void **s)
{
        static const u8 text[100];
        const u32 sum = 0;
        established();
        T.t->rto_ms = 3000;
        T.t->flags &= ~(u32)TF_SACK; /* no probe */
        assert_int_equal(tcp_send_ref(T.t, text, sizeof text, &sum), 0);
        stack_batch_end(T.w->st);
        assert_int_equal(T.t->timer_kind, TT_CALM);
        assert_int_equal(wire_pending(T.w), 1);
        wire_tx(T.w);
        leap(1000);
        leap(1990);
        assert_int_equal(wire_pending(T.w), 0);
        leap(20);
        assert_int_equal(wire_pending(T.w), 1);
        wire_tx(T.w);
        rx(T_ACK, 1, 101, 0);
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(a_clock_that_leaps_does_not_make_a_calm_run_older),
                test(must_18_19_backed_off_rto_stays_until_a_fresh_sample), test(must_20_shld_11_connection_is_given_up_after_r2),
                test(must_18_answer_to_a_repeated_syn_measures_nothing),
                test(must_21_user_sets_r2), test(must_22_23_syn_is_repeated_for_three_minutes),
                test(syn_ack_has_a_timer_of_its_own),
                test(half_open_is_forgotten), test(must_25_no_keepalive_unless_asked_for),
                test(must_24_26_27_shld_12_keepalive_when_idle_without_data),
                test(must_29_one_lost_keepalive_is_not_death_nine_are), test(must_29_probes_are_not_closer_than_the_time_out),
                test(times_longer_than_can_be_counted_end_nevertheless),
                test(must_36_probes_zero_window), test(must_37_zero_window_is_kept_open_while_probes_are_answered),
                test(zero_window_probe_that_was_taken), test(fin_alone_probes_a_zero_window),
                test(peer_silent_behind_zero_window_is_given_up),
                test(fin_wait_2_does_not_last_for_ever_once_the_user_left), test(half_closed_by_us_lasts),
                test(idle_connections_cost_no_timer),
                test(what_is_sent_again_after_half_an_hour_is_sent_now),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
