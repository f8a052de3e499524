/* modes.c - traces of the user's face: queues, urgent data, application mode, Fast Open, message exchange, refusal, close and
 * abort.
 * SPDX-License-Identifier: MIT */
#include "trace.h"

static void pool_exhausted_while_sending_tries_again(void **s)
{
        established();
        struct pkt *held[300];
        u32 n = 0;
        while ((held[n] = pkt_alloc(&T.w->st->pkts, 0)) != NULL)
                n++;
        send_bytes(0, 100);
        expect_none();
        while (n)
                pkt_free(held[--n]);
        wait_ms(11);
        expect_tx(T_ACK | T_PSH, 1, 1, 100);
        trace_end();
}

static void descriptors_exhausted_while_sending_waits(void **s)
{
        static const struct tcp_opts o = {.nodelay = true, .sndbuf = 1000000};
        established_opts(&o);
        struct cellpool *cells = &T.w->st->tcp->cells;
        u32 at = 0;
        while (tcp_send_ref(T.t, bytes_at(at), 100, NULL) == 0)
                at += 100;
        void *held[2000];
        u32 n = 0;
        while ((held[n] = pool_get(cells)) != NULL)
                n++;
        tcp_flush(T.t); /* nothing: there is no record for it */
        expect_none();
        pool_put(cells, held[--n]);
        wait_ms(11);
        u32 got = 0, rounds = 0;
        while (got < at && rounds++ < 2000) { /* with one record, coarsely, but all of it */
                struct seg g;
                while (next_tx(&g))
                        if (g.seq - T.our_isn - 1 <= got && g.seq - T.our_isn - 1 + g.n > got) {
                                assert_memory_equal(g.data, bytes_at(g.seq - T.our_isn - 1), g.n);
                                got = g.seq - T.our_isn - 1 + g.n;
                        }
                rx(T_ACK, 1, 1 + got, 0);
                wait_ms(15);
        }
        assert_int_equal(got, at);
        while (n)
                pool_put(cells, held[--n]);
        trace_end();
}

/* --- Fast Open --- */


int main(void)
{
        const struct CMUnitTest tests[] = {
                test(pool_exhausted_while_sending_tries_again), test(descriptors_exhausted_while_sending_waits),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
