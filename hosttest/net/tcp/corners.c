/* corners.c - situations between the clauses, each seen to be answered otherwise once: windows that open a little, a FIN where the
 * window ends, segments longer than a buffer. Not here: what one clause asks for alone (clauses.c, window.c).
 * SPDX-License-Identifier: MIT */
#include "trace.h"

/* Behind a closed window that opens by less than a segment the sender waits for more, but not for ever: then what fits goes, not the
 * byte of a probe, however often that byte was sent before (RFC 9293 3.8.6.2.1: the override time-out, 0.1 to 1 s). */
static void must_38_a_little_window_behind_a_closed_one_is_filled_not_probed(void **s)
{
        for (u32 probes = 0; probes < 2; probes++) {
                established();
                send_bytes(0, 1460);
                expect_tx(T_ACK, 1, 1, 1460);
                T.wnd = 0;
                rx(T_ACK, 1, 1461, 0);
                send_bytes(1460, 2920);
                if (probes) {
                        wait_ms(T.t->rto_ms + 1);
                        expect_tx(T_ACK, 1461, 1, 1);
                }
                T.wnd = 500;
                rx(T_ACK, 1, 1461, 0);
                wait_ms(99);
                expect_none();
                wait_ms(TCP_SWS_MS - 98);
                expect_tx(T_ACK, 1461, 1, 500);
                rx(T_ACK, 1, 1961, 0); /* so it is with each */
                wait_ms(TCP_SWS_MS + 1);
                expect_tx(T_ACK, 1961, 1, 500);
                T.wnd = 0; /* and a window that closes again is probed */
                rx(T_ACK, 1, 2461, 0);
                wait_ms(T.t->rto_ms + 1);
                expect_tx(T_ACK, 2461, 1, 1);
                trace_end();
        }
}

/* RFC 6582 3.2 (5): a partial acknowledgement names a segment, and that one goes whatever proportional rate reduction would allow:
 * here limited transmit had put two more on their way. */
static void rfc_6582_what_a_partial_acknowledgement_names_goes_at_once(void **s)
{
        established_opts(&(struct tcp_opts){.cc = TCP_CC_NEWRENO});
        send_bytes(0, 20 * 1460);
        for (u32 i = 0; i < 10; i++)
                expect_tx(T_ACK, 1 + i * 1460, 1, 1460);
        for (u32 i = 0; i < 2; i++) {
                rx(T_ACK, 1, 1, 0);
                expect_tx(T_ACK, 1 + (10 + i) * 1460, 1, 1460); /* RFC 3042 */
        }
        rx(T_ACK, 1, 1, 0);
        expect_tx(T_ACK, 1, 1, 1460);
        rx(T_ACK, 1, 1, 0);
        expect_none();
        rx(T_ACK, 1, 1 + 3 * 1460, 0);
        expect_tx(T_ACK, 1 + 3 * 1460, 1, 1460);
        expect_none();
        trace_end();
}

/* Text fills the window to its end and the FIN stands behind it: none is left then, not less than none, which would be told as
 * 65,535 and let any number in. */
static void fin_behind_text_that_fills_the_window_leaves_none(void **s)
{
        established_opts(&(struct tcp_opts){.rcvbuf = 2000});
        rx(T_ACK, 1, 1, 1000);
        rx(T_ACK | T_FIN, 1001, 1, 1000);
        expect_tx(T_ACK, 1, 2002, 0);
        assert_int_equal(trace_last.wnd, 0);
        state_is("CLOSE_WAIT");
        send_bytes(0, 10);
        expect_tx(T_ACK, 1, 2002, 10);
        assert_int_equal(trace_last.wnd, 0);
        rx(T_ACK, 100002, 11, 0); /* far outside: not looked at */
        expect_tx(T_ACK, 11, 2002, 0);
        assert_int_equal(tcp_send_queued(T.t), 10);
        rx(T_ACK, 2002, 11, 0);
        assert_int_equal(tcp_send_queued(T.t), 0);
        trace_end();
}

/* RFC 9293 3.10.7.4: in TIME_WAIT, too, what is acceptable but has no ACK is dropped; what is not draws an acknowledgement. */
static void time_wait_drops_what_has_no_ack(void **s)
{
        established();
        tcp_shutdown(T.t);
        tcp_flush(T.t);
        expect_tx(T_ACK | T_FIN, 1, 1, 0);
        rx(T_ACK | T_FIN, 1, 2, 0);
        expect_tx(T_ACK, 2, 2, 0);
        assert_null(T.t);
        rx(T_FIN, 2, 0, 0);
        rx(T_PSH, 2, 0, 10);
        rx(0, 2, 0, 0);
        expect_none();
        rx(T_FIN, 1, 0, 0);
        expect_tx(T_ACK, 2, 2, 0);
        rx(T_ACK, 2, 2, 10);
        expect_tx(T_ACK, 2, 2, 0);
        trace_end();
}

/* RFC 5681 3.1: who had to repeat its SYN,ACK begins with one segment, by a simultaneous open as by any other. */
static void rfc_5681_lost_syn_ack_of_a_simultaneous_open_leaves_one_segment(void **s)
{
        syn_sent();
        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
        expect_tx(T_SYN | T_ACK, 0, 1, 0);
        wait_ms(1001);
        expect_tx(T_SYN | T_ACK, 0, 1, 0);
        rx(T_ACK, 1, 1, 0);
        assert_int_equal(T.connected, 1);
        send_bytes(0, 5 * 1460);
        expect_tx(T_ACK, 1, 1, 1460);
        expect_none();
        trace_end();
}

/* So does who had to repeat its SYN, or its SYN,ACK of a passive open; and its RTO is three seconds until there is a sample
 * (RFC 6298 5.7). */
static void rfc_5681_lost_syn_leaves_one_segment_and_three_seconds(void **s)
{
        for (u32 passive = 0; passive < 2; passive++) {
                if (passive) {
                        half_open();
                        wait_ms(1001);
                        expect_tx(T_SYN | T_ACK, 0, 1, 0);
                        rx(T_ACK, 1, 1, 0);
                } else {
                        syn_sent();
                        wait_ms(1001);
                        expect_tx(T_SYN, 0, 0, 0);
                        rx_opts(T_SYN | T_ACK, 0, 1, 0, opt_mss1460, 4);
                        expect_tx(T_ACK, 1, 1, 0);
                }
                send_bytes(0, 5 * 1460);
                expect_tx(T_ACK, 1, 1, 1460);
                expect_none();
                wait_ms(2990);
                expect_none();
                wait_ms(20);
                expect_tx(T_ACK, 1, 1, 1460);
                trace_end();
        }
}

/* RFC 5482: the user's time-out runs from the last answer to a probe, and a probe that backed off does not put it off. */
static void user_timeout_ends_a_closed_window_whose_probes_go_unanswered(void **s)
{
        established_opts(&(struct tcp_opts){.user_timeout_ms = 3000});
        T.wnd = 0;
        rx(T_ACK, 1, 1, 0);
        send_bytes(0, 10);
        for (u32 i = 0; i < 20; i++) { /* as long as they are answered it goes on */
                struct seg g;
                wait_ms(1000);
                while (next_tx(&g))
                        assert_false(g.flags & T_RST);
                rx(T_ACK, 1, 1, 0);
                state_is("ESTABLISHED");
        }
        wait_ms(6100); /* one more that is, perhaps, and one that is not */
        assert_int_equal(T.closed, 1);
        assert_int_equal(T.closed_err, E_TIMEDOUT);
        while (next_tx(&trace_last))
                ;
        assert_true(trace_last.flags & T_RST);
        trace_end();
}

/* RFC 9293 3.10.7.4 fourth: nobody listens where we opened, so a SYN cannot open anew there (MAY-2); it draws a challenge. */
static void syn_in_time_wait_of_an_active_open_draws_a_challenge(void **s)
{
        syn_sent();
        rx_opts(T_SYN | T_ACK, 0, 1, 0, opt_mss1460, 4);
        expect_tx(T_ACK, 1, 1, 0);
        tcp_shutdown(T.t);
        tcp_flush(T.t);
        expect_tx(T_ACK | T_FIN, 1, 1, 0);
        rx(T_ACK | T_FIN, 1, 2, 0);
        expect_tx(T_ACK, 2, 2, 0);
        rx_opts(T_SYN, 65536, 0, 0, opt_mss1460, 4);
        expect_tx(T_ACK, 2, 2, 0);
        assert_int_equal(T.w->st->tcp->tw_count, 1);
        trace_end();
}

/* Who gets no answer leaves options out, and takes none then (RFC 7323 2.2, RFC 2018 2): so does who answers. What a later SYN offers
 * anew comes too late. */
static void rfc_7323_repeated_syn_that_offers_less_is_answered_by_less(void **s)
{
        static const u8 all[] = {2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7};
        half_open_opts(all, sizeof all);
        for (u32 i = 0; i < 2; i++) {
                rx_opts(T_SYN, 0, 0, 0, i ? all : opt_mss1460, i ? sizeof all : 4);
                expect_tx(T_SYN | T_ACK, 0, 1, 0);
                assert_int_equal(trace_last.n_opts, 4);
        }
        T.wnd = 2000; /* not scaled, either */
        rx(T_ACK, 1, 1, 0);
        assert_int_equal(T.accepted, 1);
        assert_int_equal(T.t->flags & (TF_TS | TF_SACK), 0);
        rx(T_ACK | T_PSH, 1, 1, 10);
        assert_int_equal(tcp_readable(T.t), 10);
        send_bytes(0, 5000);
        expect_tx(T_ACK, 1, 11, 1460);
        assert_int_equal(trace_last.n_opts, 0);
        assert_int_equal(trace_last.wnd, 65525);
        expect_none(); /* 540 bytes of the window are left */
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(must_38_a_little_window_behind_a_closed_one_is_filled_not_probed),
                test(rfc_6582_what_a_partial_acknowledgement_names_goes_at_once),
                test(fin_behind_text_that_fills_the_window_leaves_none),
                test(time_wait_drops_what_has_no_ack),
                test(rfc_5681_lost_syn_ack_of_a_simultaneous_open_leaves_one_segment),
                test(rfc_5681_lost_syn_leaves_one_segment_and_three_seconds),
                test(user_timeout_ends_a_closed_window_whose_probes_go_unanswered),
                test(syn_in_time_wait_of_an_active_open_draws_a_challenge),
                test(rfc_7323_repeated_syn_that_offers_less_is_answered_by_less),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
