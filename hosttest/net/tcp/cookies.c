/* cookies.c - traces of SYN cookies (RFC 4987): a flood is answered without memory, and real clients get in.
 * SPDX-License-Identifier: MIT */
#include "trace.h"

static void flood_is_answered_by_cookies_and_a_real_client_gets_in(void **s)
{
        struct stack_config cfg = {.n_synq = 4};
        static const u8 offer[] = {2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 100, 0, 0, 0, 0, 1, 3, 3, 7};
        trace_begin(&cfg);
        listen_with(NULL);
        struct seg g;
        for (u16 port = 1; port <= 100; port++) {
                T.sport = port;
                rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
                assert_true(next_tx(&g));
        }
        assert_int_equal(T.w->st->tcp->n_half, 4);
        T.sport = 5000;
        rx_opts(T_SYN, 0, 0, 0, offer, sizeof offer);
        assert_true(next_tx(&trace_last));
        T.our_isn = trace_last.seq;
        T.ts = true;
        T.tsval = 101;
        T.tsecr = opt32(tx_option(8));
        T.read_all = true;
        rx(T_ACK | T_PSH, 1, 1, 100);
        assert_int_equal(T.accepted, 1);
        assert_int_equal(T.got, 100);
        assert_int_equal(T.t->snd_scale, 7);
        assert_true(T.t->flags & TF_SACK);
        assert_int_equal(T.t->peer_mss, 1460);
        assert_int_equal(T.w->st->tcp->count.cookies_good, 1);
        wait_ms(50);
        wire_flush_out(T.w);
        /* one that was made up */
        T.sport = 5001;
        rx(T_ACK, 1, 77777, 0);
        assert_true(next_tx(&g));
        assert_int_equal(g.flags, T_RST);
        assert_int_equal(wire_drops(T.w, DROP_TCP_COOKIE), 1);
        /* one that is too old */
        T.sport = 5002;
        rx_opts(T_SYN, 0, 0, 0, offer, sizeof offer);
        assert_true(next_tx(&g));
        T.our_isn = g.seq;
        wait_ms(200000);
        wire_flush_out(T.w);
        rx(T_ACK, 1, 1, 0);
        assert_int_equal(T.accepted, 1);
        trace_end();
}

static void cookie_of_a_plain_client_has_no_options(void **s)
{
        struct stack_config cfg = {.n_synq = 1};
        trace_begin(&cfg);
        listen_with(NULL);
        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
        wire_flush_out(T.w);
        T.sport = 5000;
        static const u8 offer[] = {2, 4, 2, 24, 4, 2, 1, 3, 3, 7, 1,
                                   1}; /* MSS 536, SACK, scale: without timestamps nowhere to keep them */
        rx_opts(T_SYN, 0, 0, 0, offer, sizeof offer);
        assert_true(next_tx(&trace_last));
        assert_null(tx_option(4));
        assert_null(tx_option(3));
        T.our_isn = trace_last.seq;
        rx(T_ACK, 1, 1, 0);
        assert_int_equal(T.accepted, 1);
        assert_int_equal(T.t->flags & (TF_TS | TF_SACK), 0);
        assert_int_equal(T.t->snd_scale, 0);
        send_bytes(0, 1000);
        expect_tx(T_ACK, 1, 1, 536);
        assert_int_equal(trace_last.n_opts, 0);
        trace_end();
}

static void cookie_keeps_the_largest_mss_that_the_table_has(void **s)
{
        static const u16 mss[][2] = {{40, 48}, {100, 48}, {216, 216}, {535, 216}, {536, 536}, {1459, 1440}, {1460, 1460}, {8960, 8960},
                                     {65535, 8960}};
        struct stack_config cfg = {.n_synq = 1};
        for (u32 i = 0; i < COUNT_OF(mss); i++) {
                trace_begin(&cfg);
                listen_with(NULL);
                rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
                T.sport = 5000;
                u8 offer[] = {2, 4, (u8)(mss[i][0] >> 8), (u8)mss[i][0]};
                wire_flush_out(T.w);
                rx_opts(T_SYN, 0, 0, 0, offer, 4);
                assert_true(next_tx(&trace_last));
                T.our_isn = trace_last.seq;
                rx(T_ACK, 1, 1, 0);
                assert_int_equal(T.t->peer_mss, mss[i][1]);
                trace_end();
        }
}

static void tcb_pool_exhausted_is_a_counted_drop(void **s)
{
        struct stack_config cfg = {.n_tcbs = 1};
        trace_begin(&cfg);
        listen_with(NULL);
        handshake(opt_mss1460, 4);
        struct tcb *first = T.t;
        T.sport++;
        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
        struct seg g;
        assert_true(next_tx(&g));
        T.our_isn = g.seq;
        rx(T_ACK, 1, 1, 0);
        assert_int_equal(T.accepted, 1);
        assert_int_equal(wire_drops(T.w, DROP_TCP_NO_TCB), 1);
        tcp_abort(first);
        T.t = NULL;
        wait_ms(1001); /* the SYN,ACK again, and its acknowledgement: now there is room */
        rx(T_ACK, 1, 1, 0);
        assert_int_equal(T.accepted, 2);
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(flood_is_answered_by_cookies_and_a_real_client_gets_in), test(cookie_of_a_plain_client_has_no_options),
                test(cookie_keeps_the_largest_mss_that_the_table_has), test(tcb_pool_exhausted_is_a_counted_drop),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
