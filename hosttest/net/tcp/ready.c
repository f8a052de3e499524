/* ready.c - traces of a request that acknowledges the reply before it, which the connection kept (TT_READY of net/tcp/calm.c): whatever its
 * user does when it is told, what was promised to the next reply is used by that one, or given back.
 * SPDX-License-Identifier: MIT */
#include "../../../net/handoff/block.h"
#include "trace.h"

static void (*does)(struct tcb *t);
static u32 n_requests, n_ready, said;

static int answer(struct tcb *t, u32 n)
{
        u32 sum = cksum_add(0, bytes_at(said), n);
        int err = tcp_send_ref(t, bytes_at(said), n, &sum);
        said += err ? 0 : n;
        return err;
}

/* The first request is answered; of the second the user is told in that state. */
static void on_request(struct tcb *t)
{
        if (n_requests++ == 0) {
                tcp_consume(t, tcp_readable(t));
                answer(t, 100);
                return;
        }
        n_ready += t->timer_kind == TT_READY;
        if (does)
                does(t);
}
static const struct tcp_events users = {.accept = on_accept, .readable = on_request, .closed = on_closed};

static u32 sndbuf, wnd; /* other than usual, or 0 */

static void first(const struct tcp_events *ev)
{
        established();
        T.t->sndbuf = sndbuf ? sndbuf : T.t->sndbuf;
        T.wnd = wnd ? (u16)wnd : T.wnd;
        n_requests = n_ready = said = 0;
        tcp_set_events(T.t, ev);
        rx(T_ACK | T_PSH, 1, 1, 10);
        expect_tx(T_ACK | T_PSH, 1, 11, 100);
}
static void second(void (*user)(struct tcb *t))
{
        does = user;
        rx(T_ACK | T_PSH, 11, 101, 10);
        assert_int_equal(n_ready, 1);
}
static void nothing_is_promised(void)
{
        const struct tcp_state *ts = T.w->st->tcp;
        assert_int_equal(ts->cells.n_free, ts->cells.n_total);
        assert_int_equal(ts->flights.n_free, ts->flights.n_total);
}

static void reads(struct tcb *t) { tcp_consume(t, tcp_readable(t)); }
static void answers(struct tcb *t)
{
        reads(t);
        assert_int_equal(answer(t, 100), 0);
        assert_int_equal(t->timer_kind, TT_REPLY);
}
static void answered_it_goes_out_at_once(void **s)
{
        first(&users);
        second(answers);
        expect_tx(T_ACK | T_PSH, 101, 21, 100);
        assert_int_equal(T.t->timer_kind, TT_REPLIED);
        rx(T_ACK, 21, 201, 0);
        nothing_is_promised();
        trace_end();
}

static void reads_a_part(struct tcb *t) { tcp_consume(t, 3); }
static void not_answered_it_is_calm_and_answered_later(void **s)
{
        static void (*const users_do[])(struct tcb *t) = {NULL, reads_a_part, reads};
        for (u32 i = 0; i < 3; i++) {
                first(&users);
                second(users_do[i]);
                assert_int_equal(T.t->timer_kind, TT_CALM);
                nothing_is_promised();
                expect_none();
                wait_ms(50);
                expect_tx(T_ACK, 101, 21, 0);
                reads(T.t);
                answer(T.t, 50);
                wait_ms(1);
                expect_tx(T_ACK | T_PSH, 101, 21, 50);
                trace_end();
        }
}

static void closes(struct tcb *t)
{
        reads(t);
        tcp_close(t);
        assert_int_equal(answer(t, 100), E_CLOSED);
}
static void shuts_down(struct tcb *t)
{
        tcp_shutdown(t);
        assert_int_equal(answer(t, 100), E_CLOSED);
        reads(t);
}
static void closed_instead_it_takes_no_answer(void **s)
{
        first(&users);
        second(closes);
        expect_tx(T_ACK | T_FIN, 101, 21, 0);
        trace_end();
        first(&users);
        second(shuts_down);
        expect_tx(T_ACK | T_FIN, 101, 21, 0);
        trace_end();
}
static void answers_and_closes(struct tcb *t)
{
        answers(t);
        tcp_close(t);
}
static void answered_and_closed_the_fin_waits_for_a_window_that_holds_it(void **s)
{
        for (wnd = 100; wnd < 102; wnd++) {
                first(&users);
                second(answers_and_closes);
                assert_true(next_tx(&trace_last));
                assert_int_equal(trace_last.n, 100);
                assert_int_equal(trace_last.flags & T_FIN, wnd == 101);
                rx(T_ACK, 21, 201 + (wnd == 101), 0);
                if (wnd == 100)
                        expect_tx(T_ACK | T_FIN, 201, 21, 0);
                expect_none();
                trace_end();
        }
        wnd = 0;
}
static void answered_and_closed_it_takes_the_fin_along(void **s)
{
        first(&users);
        second(answers_and_closes);
        expect_tx(T_ACK | T_PSH | T_FIN, 101, 21, 100);
        trace_end();
}

static void aborts(struct tcb *t)
{
        tcp_abort(t);
        T.t = NULL;
        assert_int_equal(answer(t, 100), E_CLOSED);
}
static void aborted_instead_everything_comes_back(void **s)
{
        first(&users);
        second(aborts);
        expect_tx(T_RST | T_ACK, 101, 21, 0);
        nothing_is_promised();
        trace_end();
}

static void sends_a_copy(struct tcb *t)
{
        reads(t);
        said += (u32)tcp_send(t, bytes_at(said), 100);
}
static void sends_without_a_sum(struct tcb *t)
{
        reads(t);
        assert_int_equal(tcp_send_ref(t, bytes_at(said), 100, NULL), 0);
        said += 100;
}
static void sends_a_buffer(struct tcb *t)
{
        struct pkt *p = pkt_alloc(&T.w->st->pkts, 0);
        reads(t);
        pkt_append(p, bytes_at(said), 100);
        assert_int_equal(tcp_send_pkt(t, p), 0);
        said += 100;
}
static void sends_twice(struct tcb *t)
{
        reads(t);
        assert_int_equal(answer(t, 40), 0);
        assert_int_equal(answer(t, 60), 0);
}
static void sends_nothing_first(struct tcb *t)
{
        assert_int_equal(answer(t, 0), 0);
        assert_int_equal(t->timer_kind, TT_CALM);
        reads(t);
        assert_int_equal(answer(t, 100), 0);
}
static void keeps_it_alive(struct tcb *t)
{
        tcp_set_keepalive(t, 9000);
        reads(t);
        assert_int_equal(answer(t, 100), 0);
        tcp_set_nodelay(t, true);
}
static void answered_in_other_ways_all_of_it_goes_out(void **s)
{
        static void (*const users_do[])(struct tcb *t) = {sends_a_copy, sends_without_a_sum, sends_a_buffer, sends_twice, sends_nothing_first,
                                                          keeps_it_alive};
        for (u32 i = 0; i < COUNT_OF(users_do); i++) {
                first(&users);
                second(users_do[i]);
                expect_tx(T_ACK | T_PSH, 101, 21, 100);
                rx(T_ACK, 21, 201, 0);
                nothing_is_promised();
                trace_end();
        }
}

/* The answer goes in a buffer of its own, and the request stays its reader's. */
static void answers_unread(struct tcb *t) { assert_int_equal(answer(t, 100), 0); }
static void answered_before_it_is_read_it_is_read_later(void **s)
{
        first(&users);
        wire_flush_out(T.w);
        u32 n_free = T.w->st->pkts.n_free;
        second(answers_unread);
        expect_tx(T_ACK | T_PSH, 101, 21, 100);
        rx(T_ACK, 21, 201, 0);
        wire_flush_out(T.w);
        assert_int_equal(T.w->st->pkts.n_free, n_free - 1);
        assert_int_equal(tcp_readable(T.t), 10);
        reads(T.t);
        assert_int_equal(T.w->st->pkts.n_free, n_free);
        trace_end();
}

/* There is none for it: it waits for one. Nothing was acknowledged by a first request, and nobody is told of it. */
static struct pkt *kept;
static void takes_all(struct tcb *t)
{
        struct pktpool *pool = &T.w->st->pkts;
        kept = pool->free;
        pool->free = NULL;
        answers_unread(t);
}
static u32 n_told;
static void told(struct tcb *t)
{
        n_told++;
        assert_true(t->timer_kind != TT_READY);
}
static const struct tcp_events who_want_to_know = {.accept = on_accept, .readable = on_request, .writable = told, .closed = on_closed};
static void without_a_buffer_the_answer_waits(void **s)
{
        for (u32 i = 0; i < 2; i++) {
                n_told = 0;
                if (i) {
                        first(&users);
                        second(takes_all);
                } else {
                        established();
                        n_requests = 1;
                        said = 0;
                        does = takes_all;
                        tcp_set_events(T.t, &who_want_to_know);
                        rx(T_ACK | T_PSH, 1, 1, 10);
                }
                expect_none();
                T.w->st->pkts.free = kept;
                wait_ms(20);
                if (i)
                        expect_tx(T_ACK | T_PSH, 101, 21, 100);
                else
                        expect_tx(T_ACK | T_PSH, 1, 11, 100);
                assert_int_equal(n_told, 0);
                trace_end();
        }
}

static void corks(struct tcb *t)
{
        answers(t);
        tcp_cork(t, true);
}
static void corked_it_waits(void **s)
{
        first(&users);
        second(corks);
        expect_none();
        tcp_cork(T.t, false);
        wait_ms(1);
        expect_tx(T_ACK | T_PSH, 101, 21, 100);
        trace_end();
}

/* More than a segment, than the window, than the buffer. */
static void answers_much(struct tcb *t)
{
        reads(t);
        assert_int_equal(answer(t, T.t->mss + 1u), 0);
        assert_true(t->timer_kind == TT_CALM);
}
static void beyond_the_buffer(struct tcb *t)
{
        reads(t);
        assert_int_equal(answer(t, 121), E_NOMEM);
        assert_int_equal(answer(t, 120), 0);
        assert_int_equal(t->timer_kind, TT_REPLY);
}
static void smaller_segments(struct tcb *t)
{
        reads(t);
        pmtu_learn(t, 600);
        assert_int_equal(answer(t, 1000), 0);
}
static void what_does_not_fit_is_listed(void **s)
{
        first(&users);
        u32 mss = T.t->mss;
        second(answers_much);
        expect_tx(T_ACK, 101, 21, mss);
        expect_tx(T_ACK | T_PSH, 101 + mss, 21, 1);
        trace_end();
        sndbuf = 120;
        first(&users);
        second(beyond_the_buffer);
        expect_tx(T_ACK | T_PSH, 101, 21, 120);
        sndbuf = 0;
        trace_end();
        first(&users);
        second(smaller_segments);
        expect_tx(T_ACK, 101, 21, 560);
        expect_tx(T_ACK | T_PSH, 661, 21, 440);
        trace_end();
}
static void answers_beyond_the_window(struct tcb *t)
{
        reads(t);
        assert_int_equal(answer(t, T.wnd + 1u), 0);
        assert_true(t->timer_kind == TT_CALM);
}
static void what_the_window_does_not_hold_is_listed(void **s)
{
        wnd = 120;
        first(&users);
        second(answers_beyond_the_window);
        assert_int_equal(T.t->snd_queued, 121);
        assert_null(T.t->snd_first->next);
        trace_end();
        wnd = 0;
}
static void answers_within_the_window(struct tcb *t)
{
        reads(t);
        assert_int_equal(answer(t, T.wnd), 0);
        assert_true(t->timer_kind == TT_REPLY);
}
/* It became another one while the reply was out, and the next request brings it, too. */
static void another_window_counts_for_the_next_answer(void **s)
{
        static const struct { void (*user)(struct tcb *t); u16 to; u32 sent; } is[] = {
                {answers_beyond_the_window, 50, 0}, {answers_within_the_window, 50, 50}, {answers_within_the_window, 200, 200}};
        for (u32 i = 0; i < COUNT_OF(is); i++) {
                wnd = 120;
                first(&users);
                wnd = 0;
                does = reads;
                T.wnd = is[i].to;
                rx(T_ACK | T_PSH, 11, 1, 10);
                assert_int_equal(T.t->timer_kind, TT_REPLIED);
                n_ready = 0;
                does = is[i].user;
                rx(T_ACK | T_PSH, 21, 101, 10);
                assert_int_equal(n_ready, 1);
                if (is[i].sent)
                        expect_tx(T_ACK | T_PSH, 101, 31, is[i].sent);
                else
                        assert_int_equal(T.t->snd_queued, 51);
                trace_end();
        }
}

/* Others took everything meanwhile: what was promised is there. */
static void answers_when_all_is_taken(struct tcb *t)
{
        struct cellpool *cells = &t->ts->cells, *flights = &t->ts->flights;
        u32 n_cells = cells->n_free, n_flights = flights->n_free;
        assert_int_equal(n_cells, cells->n_total - 1);
        assert_int_equal(n_flights, flights->n_total - 1);
        cells->n_free = flights->n_free = 0;
        answers(t);
        assert_int_equal(cells->n_free + flights->n_free, 0);
        cells->n_free = n_cells;
        flights->n_free = n_flights;
}
static void with_all_cells_taken_it_is_answered(void **s)
{
        first(&users);
        second(answers_when_all_is_taken);
        expect_tx(T_ACK | T_PSH, 101, 21, 100);
        trace_end();
}

static void freezes(struct tcb *t)
{
        reads(t);
        tcb_freeze(t);
}
static void frozen_it_holds_nothing_and_says_nothing(void **s)
{
        first(&users);
        second(freezes);
        nothing_is_promised();
        expect_none();
        wait_ms(3000);
        expect_none();
        tcb_free(T.t);
        T.t = NULL;
        trace_end();
}

/* Another connection's second request comes while the first user is being told of its own. */
static struct trace inner, outer;
static void other_arrives(struct tcb *t)
{
        if (t == outer.t) {
                outer = T;
                T = inner;
                rx_part(T_ACK | T_PSH, 11, 101, 10);
                inner = T;
                T = outer;
        }
        reads(t);
        u32 sum = cksum_add(0, bytes_at(100), 100);
        assert_int_equal(tcp_send_ref(t, bytes_at(100), 100, &sum), 0);
}
static void two_at_once_are_both_answered(void **s)
{
        first(&users);
        outer = T;
        T.sport++;
        T.accepted = 0;
        handshake(opt_mss1460, 4);
        tcp_set_events(T.t, &users);
        n_requests = said = 0;
        rx(T_ACK | T_PSH, 1, 1, 10);
        inner = T;
        struct seg g;
        while (next_tx(&g))
                ;
        T = outer;
        n_ready = 0;
        does = other_arrives;
        rx(T_ACK | T_PSH, 11, 101, 10);
        assert_int_equal(n_ready, 2);
        u32 n = 0;
        while (next_tx(&g))
                n += g.n;
        assert_int_equal(n, 200);
        assert_true(outer.t->timer_kind == TT_REPLIED && inner.t->timer_kind == TT_REPLIED);
        tcp_abort(inner.t);
        trace_end();
}

/* Who wants to know what was acknowledged is told before the answer goes, when it has nothing to say also. */
static void who_wants_to_know_is_told(void **s)
{
        for (u32 i = 0; i < 2; i++) {
                first(&who_want_to_know);
                n_told = 0;
                second(i ? answers : reads);
                assert_int_equal(n_told, 1);
                if (i)
                        expect_tx(T_ACK | T_PSH, 101, 21, 100);
                assert_int_equal(T.t->timer_kind, i ? TT_REPLIED : TT_CALM);
                trace_end();
        }
}

/* Nobody is told: what was promised is given back all the same. */
static void with_nobody_to_tell_it_is_calm(void **s)
{
        static const struct tcp_events deaf = {.accept = on_accept, .closed = on_closed};
        first(&users);
        tcp_set_events(T.t, &deaf);
        rx(T_ACK | T_PSH, 11, 101, 10);
        assert_int_equal(T.t->timer_kind, TT_CALM);
        nothing_is_promised();
        assert_int_equal(tcp_readable(T.t), 10);
        trace_end();
}

/* Behind text that was not read yet, too. */
static void behind_what_is_not_read_yet(void **s)
{
        first(&users);
        does = NULL;
        rx(T_ACK | T_PSH, 11, 1, 10);
        assert_int_equal(n_requests, 2);
        does = answers;
        n_ready = 0;
        rx(T_ACK | T_PSH, 21, 101, 10);
        assert_int_equal(n_ready, 1);
        expect_tx(T_ACK | T_PSH, 101, 31, 100);
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(answered_it_goes_out_at_once), test(not_answered_it_is_calm_and_answered_later), test(closed_instead_it_takes_no_answer),
                test(answered_and_closed_it_takes_the_fin_along),
                test(answered_and_closed_the_fin_waits_for_a_window_that_holds_it), test(aborted_instead_everything_comes_back),
                test(answered_in_other_ways_all_of_it_goes_out), test(answered_before_it_is_read_it_is_read_later), test(without_a_buffer_the_answer_waits), test(corked_it_waits), test(what_does_not_fit_is_listed),
                test(what_the_window_does_not_hold_is_listed), test(another_window_counts_for_the_next_answer), test(with_all_cells_taken_it_is_answered),
                test(frozen_it_holds_nothing_and_says_nothing), test(two_at_once_are_both_answered), test(who_wants_to_know_is_told),
                test(with_nobody_to_tell_it_is_calm), test(behind_what_is_not_read_yet),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
