/* echo.c (test) - the echo service toward a peer that does not read.
 * SPDX-License-Identifier: MIT */
#include "../tcp/trace.h"
#include "echo.h"

enum { N = 512, PIECE = 1400 };

static void one_that_does_not_read_leaves_buffers_for_others(void **state)
{
        struct stack_config cfg = {.n_pkts = N};
        struct seg s;
        u32 sent = 0, back = 0;
        trace_begin(&cfg);
        T.dport = 7;
        assert_int_equal(echo_listen(T.w->st, 7, ECHO_ECHO), 0);
        rx(T_SYN, 0, 0, 0);
        assert_true(next_tx(&s));
        T.our_isn = s.seq;
        for (u32 edge = s.wnd; sent + PIECE <= edge && sent < N * PIECE; sent += PIECE) {
                rx(T_ACK, 1 + sent, 1, PIECE);
                while (next_tx(&s))
                        edge = s.ack - T.peer_isn - 1 + s.wnd;
        }
        assert_in_range(T.w->st->pkts.n_free, N / 8, N / 4);
        while (back < sent) { /* it reads */
                u32 was = back;
                rx(T_ACK, 1 + sent, 1 + back, 0);
                while (next_tx(&s))
                        if (s.n)
                                back = s.seq + s.n - T.our_isn - 1;
                if (back == was)
                        wait_ms(50);
        }
        rx(T_ACK, 1 + sent, 1 + back, 0);
        assert_int_equal(T.w->st->pkts.n_free, N);
        rx(T_ACK | T_RST, 1 + sent, 1 + back, 0);
        assert_true(echo_unlisten(T.w->st, 7, ECHO_ECHO));
        trace_end();
}

int main(void)
{
        static const struct CMUnitTest t[] = {cmocka_unit_test(one_that_does_not_read_leaves_buffers_for_others)};
        return cmocka_run_group_tests(t, NULL, NULL);
}
