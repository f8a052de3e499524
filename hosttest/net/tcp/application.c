/* application.c - traces of the application mode: acknowledge when read, close resets (rows R158 to R162).
 * SPDX-License-Identifier: MIT */
#include "trace.h"

static void r158_application_mode_acknowledges_when_read(void **s)
{
        static const struct tcp_opts o = {.app_mode = true};
        established_opts(&o);
        rx(T_ACK | T_PSH, 1, 1, 1000);
        rx(T_ACK | T_PSH, 1001, 1, 1000);
        wait_ms(500);
        expect_none();
        tcp_consume(T.t, 1500);
        wait_ms(1);
        expect_tx(T_ACK, 1, 1501, 0);
        rx(T_ACK | T_FIN, 2001, 1, 0);
        assert_int_equal(T.t->state, TCP_B_CLOSE_WAIT_HELD);
        state_is("CLOSE_WAIT");
        expect_none();
        tcp_consume(T.t, 500);
        wait_ms(1);
        expect_tx(T_ACK, 1, 2002, 0);
        assert_int_equal(T.t->state, TCP_B_CLOSE_WAIT);
        trace_end();
}

static void r159_application_mode_close_resets_at_once(void **s)
{
        static const struct tcp_opts o = {.app_mode = true};
        established_opts(&o);
        tcp_close(T.t);
        expect_tx(T_RST | T_ACK, 1, 1, 0);
        assert_int_equal(T.closed, 1);
        assert_int_equal(T.w->st->tcp->tw_count, 0);
        trace_end();
}

static void r160_application_mode_close_with_data_resets_after_it_is_acknowledged(void **s)
{
        static const struct tcp_opts o = {.app_mode = true};
        established_opts(&o);
        send_bytes(0, 100);
        expect_tx(T_ACK, 1, 1, 100);
        tcp_close(T.t);
        wait_ms(1);
        expect_tx(T_ACK | T_FIN, 101, 1, 0);
        state_is("FIN_WAIT_1");
        rx(T_ACK, 1, 101, 0);
        assert_int_equal(T.closed, 0);
        rx(T_ACK, 1, 102, 0);
        expect_tx(T_RST | T_ACK, 102, 1, 0);
        assert_int_equal(T.closed, 1);
        trace_end();
}

static void r161_application_mode_fin_in_fin_wait_2_is_reset_and_half_open_too(void **s)
{
        static const struct tcp_opts o = {.app_mode = true};
        established_opts(&o);
        tcp_shutdown(T.t);
        wait_ms(1);
        expect_tx(T_ACK | T_FIN, 1, 1, 0);
        rx(T_ACK, 1, 2, 0);
        state_is("FIN_WAIT_2");
        rx(T_ACK | T_FIN, 1, 2, 0);
        expect_tx(T_RST | T_ACK, 2, 1, 0);
        assert_int_equal(T.closed, 1);
        T.sport++;
        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
        struct seg g;
        assert_true(next_tx(&g));
        T.our_isn = g.seq;
        tcp_unlisten(T.l);
        expect_tx(T_RST | T_ACK, 1, 1, 0);
        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
        assert_true(next_tx(&g));
        assert_int_equal(g.flags, T_RST | T_ACK);
        trace_end();
}

static void r162_application_mode_close_wait_shutdown_sends_fin(void **s)
{
        static const struct tcp_opts o = {.app_mode = true};
        established_opts(&o);
        rx(T_ACK | T_FIN, 1, 1, 0);
        expect_tx(T_ACK, 1, 2, 0);
        tcp_shutdown(T.t);
        wait_ms(1);
        expect_tx(T_ACK | T_FIN, 1, 2, 0);
        rx(T_ACK, 2, 2, 0);
        assert_int_equal(T.closed, 1);
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(r158_application_mode_acknowledges_when_read), test(r159_application_mode_close_resets_at_once),
                test(r160_application_mode_close_with_data_resets_after_it_is_acknowledged),
                test(r161_application_mode_fin_in_fin_wait_2_is_reset_and_half_open_too),
                test(r162_application_mode_close_wait_shutdown_sends_fin),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
