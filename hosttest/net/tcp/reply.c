/* reply.c - traces of a reply that the connection keeps itself (net/tcp/calm.c): lost, overtaken, cut, closed behind, given up; of text that comes
 * while the stack is in a callback, of connections that are frozen in one, or end while others are served.
 * SPDX-License-Identifier: MIT */
#include "../../../net/handoff/block.h"
#include "trace.h"

static u32 reply_at;
static void (*before)(struct tcb *t), (*after)(struct tcb *t); /* what else the user does beside replying */

/* All that came is read, and 100 bytes of the pattern go back. */
static void on_request(struct tcb *t)
{
        if (before)
                before(t);
        u32 sum = cksum_add(0, bytes_at(reply_at), 100);
        tcp_consume(t, tcp_readable(t));
        assert_int_equal(tcp_send_ref(t, bytes_at(reply_at), 100, &sum), 0);
        reply_at += 100;
        if (after)
                after(t);
}
static const struct tcp_events replies = {.accept = on_accept, .readable = on_request, .closed = on_closed};

static void served(void)
{
        established();
        reply_at = 0;
        before = after = NULL;
        tcp_set_events(T.t, &replies);
}

static void one_after_the_other_and_nothing_is_kept(void **s)
{
        served();
        for (u32 i = 0; i < 5; i++) {
                rx(T_ACK | T_PSH, 1 + i * 10, 1 + i * 100, 10);
                expect_tx(T_ACK | T_PSH, 1 + i * 100, 11 + i * 10, 100);
                assert_int_equal(T.t->timer_kind, TT_REPLIED);
                assert_null(T.t->snd_first);
        }
        rx(T_ACK, 51, 501, 0);
        assert_int_equal(T.t->timer_kind, TT_CALM);
        assert_int_equal(tcp_send_queued(T.t), 0);
        expect_none();
        trace_end();
}

static void lost_goes_out_again(void **s)
{
        served();
        rx(T_ACK | T_PSH, 1, 1, 10);
        expect_tx(T_ACK | T_PSH, 1, 11, 100);
        wait_ms(500);
        expect_tx(T_ACK | T_PSH, 1, 11, 100);
        assert_non_null(T.t->flight);
        rx(T_ACK, 11, 101, 0);
        assert_int_equal(tcp_send_queued(T.t), 0);
        trace_end();
}

static void more_is_queued_while_it_is_out(void **s)
{
        served();
        rx(T_ACK | T_PSH, 1, 1, 10);
        expect_tx(T_ACK | T_PSH, 1, 11, 100);
        tcp_set_nodelay(T.t, true);
        assert_int_equal(tcp_send(T.t, bytes_at(100), 50), 50);
        wait_ms(1);
        expect_tx(T_ACK | T_PSH, 101, 11, 50);
        rx(T_ACK, 11, 61, 0); /* a part of it */
        assert_int_equal(tcp_send_queued(T.t), 90);
        rx(T_ACK, 11, 151, 0);
        assert_int_equal(tcp_send_queued(T.t), 0);
        trace_end();
}

static void say_more(struct tcb *t) { tcp_send(t, bytes_at(reply_at), 20); }
static void more_is_said_before_it_goes(void **s)
{
        served();
        after = say_more;
        rx(T_ACK | T_PSH, 1, 1, 10);
        expect_tx(T_ACK | T_PSH, 1, 11, 120);
        rx(T_ACK, 11, 121, 0);
        assert_int_equal(tcp_send_queued(T.t), 0);
        trace_end();
}

static void take_back(struct tcb *t) { assert_int_equal(tcp_unqueue(t, 40), 40); }
static void a_part_is_taken_back_before_it_goes(void **s)
{
        served();
        after = take_back;
        rx(T_ACK | T_PSH, 1, 1, 10);
        expect_tx(T_ACK, 1, 11, 60);
        trace_end();
}

static void hold_back(struct tcb *t) { tcp_cork(t, true); }
static void corked_it_waits_and_its_request_is_acknowledged(void **s)
{
        served();
        after = hold_back;
        rx(T_ACK | T_PSH, 1, 1, 10);
        expect_none();
        wait_ms(50);
        expect_tx(T_ACK, 1, 11, 0);
        tcp_cork(T.t, false);
        wait_ms(1);
        expect_tx(T_ACK | T_PSH, 1, 11, 100);
        trace_end();
}

static void close_behind(struct tcb *t) { tcp_close(t); }
static void closed_behind_it_takes_the_fin_along_and_both_go_out_again(void **s)
{
        served();
        after = close_behind;
        rx(T_ACK | T_PSH, 1, 1, 10);
        expect_tx(T_ACK | T_PSH | T_FIN, 1, 11, 100);
        wait_ms(500);
        expect_tx(T_ACK | T_PSH | T_FIN, 1, 11, 100);
        rx(T_ACK | T_FIN, 11, 102, 0);
        expect_tx(T_ACK, 102, 12, 0);
        assert_int_equal(T.closed, 1);
        trace_end();
}

static void reset_while_it_is_out_gives_back_what_was_promised(void **s)
{
        served();
        rx(T_ACK | T_PSH, 1, 1, 10);
        expect_tx(T_ACK | T_PSH, 1, 11, 100);
        rx(T_RST, 11, 0, 0);
        assert_int_equal(T.closed, 1);
        trace_end();
}

static void give_up(struct tcb *t) { tcp_abort(t); T.t = NULL; }
static void aborted_before_it_goes(void **s)
{
        served();
        after = give_up;
        rx(T_ACK | T_PSH, 1, 1, 10);
        expect_tx(T_RST | T_ACK, 1, 11, 0);
        trace_end();
}

/* Somebody's xmit hands a frame back at once while a user is in a callback: two lines, one inside the other. */
static struct trace inner, outer;
static void arrives_inside(struct tcb *t)
{
        if (t != outer.t)
                return;
        outer = T;
        T = inner;
        rx_part(T_ACK | T_PSH, 1, 1, 10);
        inner = T;
        T = outer;
}
static void text_inside_a_callback_is_served_and_every_buffer_comes_back(void **s)
{
        for (u32 first = 0; first < 2; first++) { /* before or after the outer one has read */
                served();
                u32 n_free = T.w->st->pkts.n_free;
                outer = T;
                T.sport++;
                T.accepted = 0;
                handshake(opt_mss1460, 4);
                tcp_set_events(T.t, &replies);
                inner = T;
                T = outer;
                before = first ? arrives_inside : NULL;
                after = first ? NULL : arrives_inside;
                rx(T_ACK | T_PSH, 1, 1, 10);
                struct seg g;
                u32 n = 0;
                while (next_tx(&g))
                        n += g.n;
                assert_int_equal(n, 200);
                assert_int_equal(tcp_readable(outer.t) + tcp_readable(inner.t), 0);
                wire_flush_out(T.w);
                assert_int_equal(T.w->st->pkts.n_free, n_free);
                tcp_abort(inner.t);
                trace_end();
        }
}

/* The same on the connection whose user is in its callback: more text is behind what the line lent. */
static bool arrived;
static void more_arrives_inside(struct tcb *t)
{
        before = NULL;
        arrived = true;
        rx_part(T_ACK | T_PSH, 701, 1, 700);
}
static void read_inside(struct tcb *t)
{
        if (!arrived)
                more_arrives_inside(t);
        tcp_consume(t, tcp_readable(t));
}
static const struct tcp_events readers = {.accept = on_accept, .readable = read_inside, .closed = on_closed};
static void more_text_of_the_same_inside_a_callback_is_not_lost_from_the_pool(void **s)
{
        established();
        tcp_set_events(T.t, &readers);
        arrived = false;
        u32 n_free = T.w->st->pkts.n_free;
        rx(T_ACK | T_PSH, 1, 1, 700);
        assert_int_equal(tcp_readable(T.t), 0);
        wire_flush_out(T.w);
        wait_ms(100);
        wire_flush_out(T.w);
        assert_int_equal(T.t->rcv_nxt, T.peer_isn + 1401);
        assert_int_equal(T.w->st->pkts.n_free, n_free);
        trace_end();
}

/* A wire that hands on at once, while the end of a batch serves one after the other: who was served waits again, and is gone. */
static void (*usual_xmit)(struct netif *nif, struct pkt *p);
static u32 n_xmit;
static void xmit_and_hear(struct netif *nif, struct pkt *p)
{
        usual_xmit(nif, p);
        if (++n_xmit != 2)
                return;
        rx_part(T_ACK | T_FIN, 1, 11, 0);
        rx_part(T_RST, 2, 0, 0);
}
static void gone_while_others_are_served_it_says_nothing(void **s)
{
        established();
        outer = T;
        T.sport++;
        T.accepted = 0;
        handshake(opt_mss1460, 4);
        inner = T;
        T = outer;
        usual_xmit = T.t->ts->st->nif[T.t->nif]->xmit;
        T.t->ts->st->nif[T.t->nif]->xmit = xmit_and_hear;
        n_xmit = 0;
        tcp_send(outer.t, bytes_at(0), 10);
        tcp_send(inner.t, bytes_at(0), 10);
        wait_ms(1);
        assert_int_equal(T.closed, 1);
        assert_int_equal(n_xmit, 2);
        tcp_abort(inner.t);
        trace_end();
}

/* Who greets and gives the connection away at once: from then on nobody speaks for it here. */
static bool greet_and_freeze(struct tcb *t)
{
        T.t = t;
        T.accepted++;
        tcp_send(t, bytes_at(0), 10);
        tcb_freeze(t);
        return true;
}
static const struct tcp_events givers = {.accept = greet_and_freeze, .closed = on_closed};
static void frozen_as_it_is_accepted_says_nothing(void **s)
{
        int err;
        trace_begin(NULL);
        assert_non_null(tcp_listen(T.w->st, IPADDR_ANY, OUR_PORT, &givers, NULL, NULL, &err));
        handshake(opt_mss1460, 4);
        expect_none();
        wait_ms(3000);
        expect_none();
        tcb_free(T.t);
        T.t = NULL;
        trace_end();
}

static void freeze(struct tcb *t) { tcb_freeze(t); }
static void read_and_freeze(struct tcb *t)
{
        tcp_consume(t, tcp_readable(t));
        tcb_freeze(t);
}
static void frozen_as_it_reads_says_nothing(void **s)
{
        static const struct tcp_events ev[] = {{.accept = on_accept, .readable = freeze, .closed = on_closed},
                                               {.accept = on_accept, .readable = read_and_freeze, .closed = on_closed}};
        for (u32 i = 0; i < 4; i++) { /* an acknowledgement that waits, one that is due */
                established();
                T.t->rcv_mss = i & 1 ? 20 : 536;
                tcp_set_events(T.t, &ev[i / 2]);
                rx(T_ACK | T_PSH, 1, 1, 40);
                expect_none();
                wait_ms(3000);
                expect_none();
                tcb_free(T.t);
                T.t = NULL;
                trace_end();
        }
}

static void frozen_as_it_reads_is_told_nothing_more(void **s)
{
        static const struct tcp_events ev = {.accept = on_accept, .readable = freeze, .writable = on_writable, .closed = on_closed};
        established();
        tcp_set_events(T.t, &ev);
        send_bytes(0, 10);
        expect_tx(T_ACK | T_PSH, 1, 1, 10);
        rx(T_ACK | T_PSH, 1, 11, 40);
        assert_int_equal(T.writable, 0);
        tcb_free(T.t);
        T.t = NULL;
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(one_after_the_other_and_nothing_is_kept), test(lost_goes_out_again), test(more_is_queued_while_it_is_out),
                test(more_is_said_before_it_goes), test(a_part_is_taken_back_before_it_goes),
                test(corked_it_waits_and_its_request_is_acknowledged), test(closed_behind_it_takes_the_fin_along_and_both_go_out_again),
                test(reset_while_it_is_out_gives_back_what_was_promised), test(aborted_before_it_goes),
                test(text_inside_a_callback_is_served_and_every_buffer_comes_back),
                test(more_text_of_the_same_inside_a_callback_is_not_lost_from_the_pool), test(gone_while_others_are_served_it_says_nothing), test(frozen_as_it_is_accepted_says_nothing),
                test(frozen_as_it_reads_says_nothing), test(frozen_as_it_reads_is_told_nothing_more),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
