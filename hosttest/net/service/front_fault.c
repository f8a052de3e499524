/* front_fault.c (test) - targets and clients that fail, in every state: who is tried next, what the client sees.
 * SPDX-License-Identifier: MIT */
#include "front_ends.h"

static void targets_take_turns_and_the_failed_one_rests(void **state)
{
        struct end *c[6];

        backend("one", 3, ONE, TWO, IPADDR(10, 0, 0, 2)); /* nobody listens on the third */
        for (u32 i = 0; i < 6; i++) {
                c[i] = client();
                run_for(10);
                say(c[i], GET_ONE);
                assert_int_equal(n_accepted, i + 1);
                say(accepted[i], OK_5);
                assert_true(got(c[i], OK_5));
        }
        assert_int_equal(figures().retried, 1);
        const struct front_backend *b = front_backend_at(front, (u32)front_backend_find(front, "one"));
        assert_true(b->target[2].down && !b->target[0].down);
        assert_int_equal(b->target[2].failures, 1);
        run_for(FRONT_DOWN_MS);
        struct end *d = client();
        for (u32 i = 0; i < 3; i++) { /* its turn comes again */
                d = client();
                run_for(10);
                say(d, GET_ONE);
        }
        assert_int_equal(b->target[2].failures, 2);
}

static void nobody_takes_it(void **state)
{
        struct end *c = client(), *d = client();

        backend("one", 2, WIRE_PEER, OTHER);
        backend("two", 1, IPADDR(10, 0, 0, 99)); /* no such machine */
        run_for(10);
        say(c, GET_ONE);
        assert_true(begins(c, "HTTP/1.1 502 Bad Gateway\r\n") && c->eof);
        say(d, GET_TWO);
        run_for(2500);
        assert_int_equal(d->n, 0);
        run_for(3000);
        assert_true(begins(d, "HTTP/1.1 504 Gateway Timeout\r\n") && d->eof);
        assert_int_equal(figures().bad_gateway, 1);
        assert_int_equal(figures().gateway_timeout, 1);
}

static void a_target_that_dies_before_it_replies(void **state)
{
        struct end *c = client(), *d = client();

        backend("one", 2, ONE, TWO);
        run_for(10);
        say(c, GET_ONE);
        tcp_abort(accepted[0]->t);
        accepted[0]->t = NULL;
        run_for(20);
        assert_int_equal(n_accepted, 2); /* the same request at the next one */
        assert_true(got(accepted[1], GET_ONE));
        say(accepted[1], "HTTP/1.1 200 OK\r\nConte"); /* in the middle of its head */
        tcp_close(accepted[1]->t);
        run_for(20);
        assert_true(begins(c, "HTTP/1.1 502"));
        say(d, "POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
        assert_int_equal(n_accepted, 3);
        tcp_abort(accepted[2]->t);
        accepted[2]->t = NULL;
        run_for(20);
        assert_int_equal(n_accepted, 3); /* what may have had its effect is not repeated */
        assert_true(begins(d, "HTTP/1.1 502"));
}

static void a_kept_connection_that_the_target_closes(void **state)
{
        struct end *c = client();

        run_for(10);
        say(c, GET_ONE);
        say(accepted[0], OK_5);
        tcp_close(accepted[0]->t);
        run_for(20);
        assert_int_equal(figures().entries_free, figures().entries); /* nothing is kept for it then */
        say(c, GET_ONE);
        assert_int_equal(n_accepted, 2);
        say(accepted[1], OK_5);
        /* it dies just as the next request is on its way: that one is sent again, to the same target if there is no other */
        tcp_send(c->t, GET_ONE, (u32)strlen(GET_ONE));
        tcp_abort(accepted[1]->t);
        accepted[1]->t = NULL;
        run_for(20);
        assert_int_equal(n_accepted, 3);
        say(accepted[2], OK_5);
        assert_true(got(c, OK_5 OK_5 OK_5));
}

static void a_reply_cut_short_ends_in_reset(void **state)
{
        struct end *c = client(), *d = client();

        run_for(10);
        say(c, GET_ONE);
        say(accepted[0], "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
        tcp_close(accepted[0]->t);
        run_for(20);
        assert_true(c->closed && c->err == E_RESET && begins(c, "HTTP/1.1 200 OK\r\n"));
        say(d, GET_ONE);
        say(accepted[1], "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
        tcp_abort(accepted[1]->t);
        accepted[1]->t = NULL;
        run_for(20);
        assert_true(d->closed && d->err == E_RESET);
        assert_int_equal(figures().aborted, 2);
}

static void a_reply_that_breaks_the_grammar(void **state)
{
        struct end *c = client(), *d = client();

        run_for(10);
        say(c, GET_ONE);
        say(accepted[0], "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx");
        assert_true(begins(c, "HTTP/1.1 502") && c->eof);
        say(d, GET_ONE);
        say(accepted[1], "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
        say(accepted[1], "zz\r\n");
        assert_true(d->closed && d->err == E_RESET && begins(d, "HTTP/1.1 200") && accepted[1]->closed);
}

/* The answer comes before the body is through, and with it the target's end. */
static void a_target_that_has_seen_enough(void **state)
{
        static const char large[] = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n";
        struct end *c = client(), *d = client();

        run_for(10);
        say(c, "POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
        say(accepted[0], large);
        assert_true(got(c, large) && !c->eof);
        say(c, "def"); /* nothing says that it wants no more */
        assert_memory_equal(accepted[0]->got + accepted[0]->n - 6, "abcdef", 6);
        tcp_close(accepted[0]->t);
        run_for(20);
        assert_true(got(c, large) && c->eof);
        say(d, "POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
        tcp_shutdown(d->t);
        run_for(20);
        assert_true(accepted[1]->eof); /* and one that ends in the middle of its body */
        say(accepted[1], "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        assert_true(begins(d, "HTTP/1.1 400") && d->eof);
}

/* What may not be sent twice is not sent on a connection that the target may be closing just now. */
static void a_post_on_a_connection_long_unused(void **state)
{
        static const char post[] = "POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
        struct end *c = client();

        run_for(10);
        say(c, GET_ONE);
        say(accepted[0], OK_5);
        say(c, post);
        assert_int_equal(n_accepted, 1);
        say(accepted[0], OK_5);
        run_for(2 * FRONT_TRUST_MS);
        say(c, post);
        assert_true(n_accepted == 2 && got(accepted[1], post));
        say(accepted[1], OK_5);
        run_for(2 * FRONT_TRUST_MS);
        say(c, GET_ONE);
        assert_int_equal(n_accepted, 2);
}

static void a_client_that_goes_away(void **state)
{
        struct end *c = client();

        run_for(10);
        say(c, GET_ONE);
        say(accepted[0], "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
        tcp_abort(c->t);
        c->t = NULL;
        run_for(20);
        assert_true(accepted[0]->closed && accepted[0]->err == E_RESET);
}

/* A target that says more than it was asked for would answer the next request with it. */
static void a_target_that_speaks_unasked(void **state)
{
        struct end *c = client();

        run_for(10);
        say(c, GET_ONE);
        say(accepted[0], OK_5 OK_5);
        assert_true(got(c, OK_5) && accepted[0]->closed);
        say(c, GET_ONE);
        assert_int_equal(n_accepted, 2);
        say(accepted[1], "220 smtp.example\r\n");
        assert_true(begins(c, OK_5 "HTTP/1.1 502"));
}

static void no_reply_at_all(void **state)
{
        struct end *c = client(), *d = client();

        run_for(10);
        say(c, GET_ONE);
        say(d, GET_ONE);
        say(accepted[1], "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
        run_for(FRONT_STALL_MS + 1000);
        assert_true(begins(c, "HTTP/1.1 504"));
        assert_true(d->closed && d->err == E_RESET);
}

static void idle_connections_end(void **state)
{
        struct end *c = client();

        run_for(10);
        say(c, GET_ONE);
        say(accepted[0], OK_5);
        run_for(FRONT_IDLE_MS + 1000);
        assert_true(c->eof && !c->closed && accepted[0]->eof);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(targets_take_turns_and_the_failed_one_rests),
                T(nobody_takes_it),
                T(a_target_that_dies_before_it_replies),
                T(a_kept_connection_that_the_target_closes),
                T(a_reply_cut_short_ends_in_reset),
                T(a_reply_that_breaks_the_grammar),
                T(a_target_that_has_seen_enough),
                T(a_post_on_a_connection_long_unused),
                T(a_client_that_goes_away),
                T(a_target_that_speaks_unasked),
                T(no_reply_at_all),
                T(idle_connections_end),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
