/* close.c - traces of how connections end, and of ends that cross: abort, repeated FIN, RST, users who close inside an event.
 * SPDX-License-Identifier: MIT */
#include "trace.h"

/* 3.10.5: RST from CLOSE_WAIT and the states before, not from those in which both sides have closed. */
static void abort_of_a_closing_connection_says_nothing(void **s)
{
        static const struct { u32 fin_of_peer, ours; const char *state; } c[] = {
                {1, 0, "CLOSE_WAIT"}, {1, 1, "LAST_ACK"}, {0, 1, "FIN_WAIT_1"}, {2, 1, "CLOSING"}};
        for (u32 i = 0; i < COUNT_OF(c); i++) {
                established();
                if (c[i].fin_of_peer == 1)
                        rx(T_ACK | T_FIN, 1, 1, 0);
                if (c[i].ours) {
                        tcp_shutdown(T.t);
                        tcp_flush(T.t);
                }
                if (c[i].fin_of_peer == 2)
                        rx(T_ACK | T_FIN, 1, 1, 0);
                state_is(c[i].state);
                wire_flush_out(T.w);
                tcp_abort(T.t);
                T.t = NULL;
                if (c[i].ours && c[i].fin_of_peer)
                        expect_none();
                else
                        assert_true(next_tx(&trace_last) && trace_last.flags & T_RST);
                trace_end();
        }
}

static void fin_is_answered_however_often_it_comes(void **s)
{
        established();
        rx(T_ACK | T_FIN, 1, 1, 0);
        expect_tx(T_ACK, 1, 2, 0);
        for (u32 i = 0; i < 4; i++) { /* our acknowledgement is lost, and lost again */
                wait_ms(100);
                rx(T_ACK | T_FIN, 1, 1, 0);
                expect_tx(T_ACK, 1, 2, 0);
        }
        for (u32 i = 0; i < 8; i++) { /* beyond the window: FIN is repeated by a timer, so this is no war of acknowledgements */
                rx(T_ACK | T_FIN, 100000, 1, 0);
                expect_tx(T_ACK, 1, 2, 0);
        }
        trace_end();
}

/* RFC 9293 figure 8, line 6. */
static void simultaneous_open_is_complete_with_the_peers_syn_ack(void **s)
{
        syn_sent();
        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
        expect_tx(T_SYN | T_ACK, 0, 1, 0);
        rx_opts(T_SYN | T_ACK, 5, 1, 0, opt_mss1460, 4); /* another SYN */
        expect_tx(T_ACK, 1, 1, 0);
        rx_opts(T_SYN | T_ACK, 0, 0, 0, opt_mss1460, 4); /* of nothing */
        expect_tx(T_ACK, 1, 1, 0);
        state_is("SYN_RECEIVED");
        rx_opts(T_SYN | T_ACK, 0, 1, 0, opt_mss1460, 4);
        state_is("ESTABLISHED");
        assert_int_equal(T.connected, 1);
        expect_tx(T_ACK, 1, 1, 0);
        trace_end();
        static const u8 scaled[] = {2, 4, 5, 180, 1, 3, 3, 4};
        syn_sent();
        rx_opts(T_SYN, 0, 0, 0, scaled, sizeof scaled);
        expect_tx(T_SYN | T_ACK, 0, 1, 0);
        T.wnd = 64000;
        rx_opts(T_SYN | T_ACK, 0, 1, 0, scaled, sizeof scaled);
        assert_int_equal(T.t->snd_scale, 4);
        assert_int_equal(T.t->snd_wnd, 64000); /* a SYN's is not scaled */
        trace_end();
}

/* RFC 5961 3.2: a restarted peer answers our acknowledgement by a RST with exactly its number, which is not RCV.NXT here. */
static void rst_counts_where_the_acknowledgement_waits_for_the_reader(void **s)
{
        static const struct tcp_opts o = {.ack_on_read = true};
        established_opts(&o);
        rx(T_ACK, 1, 1, 100);
        rx(T_RST, 1, 0, 0);
        assert_int_equal(T.closed, 1);
        assert_int_equal(T.closed_err, E_RESET);
        trace_end();
}

static void user_timeout_ends_the_connection_at_its_time(void **s)
{
        static const struct tcp_opts o = {.user_timeout_ms = 10000};
        established_opts(&o);
        send_bytes(0, 100);
        wait_ms(9900);
        assert_int_equal(T.closed, 0);
        wait_ms(200);
        assert_int_equal(T.closed, 1);
        assert_int_equal(T.closed_err, E_TIMEDOUT);
        wire_flush_out(T.w);
        trace_end();
}

static void user_may_close_or_abort_inside_any_event(void **s)
{
        established();
        rx(T_ACK | T_PSH, 1, 1, 10);
        tcp_consume(T.t, 10);
        tcp_close(T.t);
        wait_ms(1);
        rx(T_ACK | T_FIN, 11, 2, 0);
        assert_int_equal(T.closed, 1);
        trace_end();
}

static int idles;

static void on_idle(struct tcb *t)
{
        if (++idles == 3)
                tcp_close(t);
}

static void idle_event_comes_in_place_of_probes(void **s)
{
        static struct tcp_events ev;
        established();
        ev = trace_events;
        ev.idle = on_idle;
        idles = 0;
        tcp_set_events(T.t, &ev);
        tcp_set_keepalive(T.t, 5000);
        wait_ms(14000);
        assert_int_equal(idles, 2);
        expect_none();
        wait_ms(2000);
        assert_int_equal(idles, 3);
        expect_tx(T_ACK | T_FIN, 1, 1, 0);
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(abort_of_a_closing_connection_says_nothing), test(fin_is_answered_however_often_it_comes),
                test(simultaneous_open_is_complete_with_the_peers_syn_ack),
                test(rst_counts_where_the_acknowledgement_waits_for_the_reader),
                test(user_timeout_ends_the_connection_at_its_time), test(user_may_close_or_abort_inside_any_event),
                test(idle_event_comes_in_place_of_probes),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
