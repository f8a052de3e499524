/* pressure.c - traces of what happens when memory runs short: buffers, descriptors, connections.
 * SPDX-License-Identifier: MIT */
#include "trace.h"

/* Two segments come, and before their batch ends all buffers are somebody else's. */
static void acknowledgement_goes_out_in_the_buffer_that_was_read(void **s)
{
        established();
        T.read_all = true;
        struct pkt *held[300];
        u32 n = 0;
        rx_part(T_ACK, 1, 1, MSS);
        rx_part(T_ACK, 1 + MSS, 1, MSS);
        while ((held[n] = pkt_alloc(&T.w->st->pkts, 0)) != NULL)
                n++;
        wire_batch_end(T.w);
        expect_tx(T_ACK, 1, 1 + 2 * MSS, 0);
        while (n)
                pkt_free(held[--n]);
        trace_end();
}

static void connection_that_ends_gives_back_the_buffer_that_was_read(void **s)
{
        established();
        T.read_all = true;
        u32 n_free = T.w->st->pkts.n_free;
        rx_part(T_ACK, 1, 1, MSS);
        rx_part(T_ACK, 1 + MSS, 1, MSS);
        assert_int_equal(T.w->st->pkts.n_free, n_free - 1);
        tcp_abort(T.t);
        wire_batch_end(T.w);
        expect_tx(T_RST | T_ACK, 1, 1 + 2 * MSS, 0);
        assert_int_equal(T.w->st->pkts.n_free, n_free);
        trace_end();
}

static void acknowledgement_without_a_buffer_is_made_up_for(void **s)
{
        established();
        struct pkt *held[300];
        u32 n = 0;
        rx_part(T_ACK, 1, 1, MSS);
        rx_part(T_ACK, 1 + MSS, 1, MSS);
        while ((held[n] = pkt_alloc(&T.w->st->pkts, 0)) != NULL)
                n++;
        wire_batch_end(T.w);
        expect_none();
        while (n)
                pkt_free(held[--n]);
        wait_ms(45);
        expect_tx(T_ACK, 1, 1 + 2 * MSS, 0);
        tcp_consume(T.t, 2 * MSS);
        wire_batch_end(T.w);
        trace_end();
}

/* All buffers but so many of 64 are somebody else's. */
static struct pkt *held[64];

static u32 hold_all_but(u32 n, u32 left)
{
        while (T.w->st->pkts.n_free > left)
                held[n++] = pkt_alloc(&T.w->st->pkts, 0);
        return n;
}

static void short_of_buffers_what_is_next_takes_the_place_of_what_is_furthest_ahead(void **s)
{
        struct stack_config cfg = {.n_pkts = 64};
        trace_begin(&cfg);
        listen_with(NULL);
        handshake(opt_mss1460, 4);
        for (u32 i = 1; i < 5; i++)
                rx(T_ACK, 1 + i * 1000, 1, 1000);
        wire_flush_out(T.w);
        u32 n = hold_all_but(0, 2);
        rx(T_ACK, 1, 1, 1000);
        assert_int_equal(tcp_readable(T.t), 4000);
        assert_int_equal(wire_drops(T.w, DROP_TCP_OOO_EVICTED), 1);
        rx(T_ACK, 1 + 4000, 1, 1000); /* nothing is further ahead, and some is queued */
        assert_int_equal(tcp_readable(T.t), 4000);
        assert_int_equal(wire_drops(T.w, DROP_TCP_RCV_POOL), 1);
        while (n)
                pkt_free(held[--n]);
        wire_flush_out(T.w);
        trace_end();
}

static void short_of_buffers_who_has_read_all_gets_one_more(void **s)
{
        struct stack_config cfg = {.n_pkts = 64};
        trace_begin(&cfg);
        listen_with(NULL);
        handshake(opt_mss1460, 4);
        u32 n = hold_all_but(0, 3);
        rx(T_ACK, 1, 1, 1000); /* it came in one of the three */
        assert_int_equal(tcp_readable(T.t), 1000);
        rx(T_ACK, 1001, 1, 1000);
        assert_int_equal(tcp_readable(T.t), 1000);
        tcp_consume(T.t, 1000);
        wire_flush_out(T.w);
        n = hold_all_but(n, 2);
        rx(T_ACK, 1001, 1, 1000);
        assert_int_equal(tcp_readable(T.t), 0);
        while (n)
                pkt_free(held[--n]);
        wire_flush_out(T.w);
        trace_end();
}

static void delayed_acknowledgements_of_many_connections_come_in_their_time(void **s)
{
        struct tcb *t[5];
        struct seg g;
        trace_begin(NULL);
        listen_with(NULL);
        for (u32 i = 0; i < 5; i++) {
                T.sport = (u16)(3000 + i);
                T.accepted = 0;
                handshake(opt_mss1460, 4);
                t[i] = T.t;
                u32 isn = T.our_isn;
                rx(T_ACK, 1, 1, 100);
                wait_ms(7);
                T.our_isn = isn;
        }
        tcp_abort(t[2]); /* out of the middle of the list */
        wire_flush_out(T.w);
        u16 next = 3000;
        for (u32 ms = 0; ms < 80; ms++) {
                wait_ms(1);
                while (next_tx(&g)) {
                        assert_int_equal(g.dport, next);
                        next = (u16)(next + 1 + (next == 3001));
                }
        }
        assert_int_equal(next, 3005);
        for (u32 i = 0; i < 5; i++)
                if (i != 2)
                        tcp_abort(t[i]);
        T.t = NULL;
        trace_end();
}

static void abandoned_connection_makes_room_for_a_new_one(void **s)
{
        struct stack_config cfg = {.n_tcbs = 2};
        trace_begin(&cfg);
        listen_with(NULL);
        handshake(opt_mss1460, 4);
        struct tcb *kept = T.t;
        u32 kept_isn = T.our_isn;
        T.sport++;
        T.accepted = 0;
        handshake(opt_mss1460, 4);
        tcp_close(T.t);
        wait_ms(1);
        expect_tx(T_ACK | T_FIN, 1, 1, 0);
        rx(T_ACK, 1, 2, 0); /* FIN_WAIT_2, nobody reads */
        u32 isn = T.our_isn;
        T.sport++;
        T.accepted = 0;
        struct seg g;
        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
        assert_true(next_tx(&g));
        T.our_isn = g.seq;
        rx(T_ACK, 1, 1, 0);
        assert_int_equal(T.accepted, 1);
        T.our_isn = isn;
        expect_tx(T_RST | T_ACK, 2, 1, 0);
        assert_int_equal(T.closed_err, E_NOMEM);
        T.our_isn = kept_isn;
        T.sport++;
        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4); /* the others are in use */
        assert_true(next_tx(&g));
        T.our_isn = g.seq;
        rx(T_ACK, 1, 1, 0);
        assert_int_equal(T.accepted, 1);
        assert_int_equal(wire_drops(T.w, DROP_TCP_NO_TCB), 1);
        struct tcb *last = T.t;
        tcp_abort(kept);
        T.t = last;
        trace_end();
}

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

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(acknowledgement_goes_out_in_the_buffer_that_was_read),
                test(connection_that_ends_gives_back_the_buffer_that_was_read),
                test(acknowledgement_without_a_buffer_is_made_up_for),
                test(short_of_buffers_what_is_next_takes_the_place_of_what_is_furthest_ahead),
                test(short_of_buffers_who_has_read_all_gets_one_more),
                test(delayed_acknowledgements_of_many_connections_come_in_their_time),
                test(abandoned_connection_makes_room_for_a_new_one), test(pool_exhausted_while_sending_tries_again),
                test(descriptors_exhausted_while_sending_waits),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
