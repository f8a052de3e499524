/* echo.c (test) - the echo service toward a peer that does not read, and the names that its datagrams have.
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

/* RFC 1122 4.1.3.5: an answer comes from the address that was asked; to a broadcast from the first. */
static void datagrams_come_from_the_address_that_was_asked(void **state)
{
        static const struct { ipaddr asked, answers; } t[] = {{WIRE_US, WIRE_US}, {IPADDR(10, 0, 0, 9), IPADDR(10, 0, 0, 9)},
                                                              {IPADDR(10, 0, 0, 255), WIRE_US}};
        struct wire *w = wire_new(NULL, 0);
        u8 f[128];
        assert_int_equal(netif_addr_add(&w->nif, IPADDR(10, 0, 0, 9), 24, IFADDR_STATIC, false), 0);
        wire_wait(w, 10000);
        wire_flush_out(w);
        assert_int_equal(echo_listen(w->st, 7, ECHO_ECHO), 0);
        for (u32 i = 0; i < COUNT_OF(t); i++) {
                wire_rx(w, f, build_udp(w, f, WIRE_PEER, 2000, t[i].asked, 7, "hello", 5));
                const struct frame *back = wire_tx(w);
                assert_non_null(back);
                assert_memory_equal(back->b + 26, &t[i].answers, 4);
                assert_memory_equal(back->b + 42, "hello", 5);
        }
        wire_free(w);
}

int main(void)
{
        static const struct CMUnitTest t[] = {cmocka_unit_test(datagrams_come_from_the_address_that_was_asked),
                cmocka_unit_test(one_that_does_not_read_leaves_buffers_for_others)};
        return cmocka_run_group_tests(t, NULL, NULL);
}
