/* front.c (test) - deciding: which request goes where, on connections that stay; what is refused; who takes a connection instead.
 * SPDX-License-Identifier: MIT */
#include "front_ends.h"

static void each_request_goes_where_the_rules_say(void **state)
{
        struct end *c = client();

        run_for(10);
        say(c, GET_ONE);
        assert_int_equal(n_accepted, 1);
        assert_true(ipaddr_eq(accepted[0]->at, ONE) && got(accepted[0], GET_ONE));
        say(accepted[0], OK_5);
        assert_true(got(c, OK_5));
        say(c, GET_ONE); /* on the connection that is kept */
        assert_int_equal(n_accepted, 1);
        assert_true(got(accepted[0], GET_ONE GET_ONE));
        say(accepted[0], OK_5);
        say(c, GET_TWO);
        assert_int_equal(n_accepted, 2);
        assert_true(accepted[0]->eof && ipaddr_eq(accepted[1]->at, TWO) && got(accepted[1], GET_TWO));
        say(accepted[1], OK_5);
        assert_true(got(c, OK_5 OK_5 OK_5));
        c->n = 0;
        say(c, GET_OWN);
        assert_true(begins(c, "HTTP/1.1 200 OK") && memcmp(c->got + c->n - 6, "small\n", 6) == 0);
        assert_true(accepted[1]->eof);
        c->n = 0;
        say(c, GET_TWO);
        assert_int_equal(n_accepted, 3);
        say(accepted[2], OK_5);
        assert_true(got(c, OK_5) && !c->eof);
        assert_int_equal(figures().relayed, 4);
        assert_int_equal(figures().reused, 1);
}

static void requests_sent_ahead_wait_their_turn(void **state)
{
        struct end *c = client();

        run_for(10);
        say(c, GET_ONE GET_TWO GET_OWN GET_OWN GET_ONE);
        assert_int_equal(n_accepted, 1);
        assert_true(got(accepted[0], GET_ONE));
        say(accepted[0], OK_5);
        assert_int_equal(n_accepted, 2);
        assert_true(got(accepted[1], GET_TWO));
        say(accepted[1], OK_5);
        assert_int_equal(n_accepted, 3);
        assert_true(got(accepted[2], GET_ONE));
        assert_true(begins(c, OK_5 OK_5 "HTTP/1.1 200 OK"));
        say(accepted[2], OK_5);
        assert_memory_equal(c->got + c->n - strlen(OK_5), OK_5, strlen(OK_5));
        assert_false(c->eof || c->closed);
}

static void every_kind_of_rule(void **state)
{
        static const struct { struct front_rule r; const char *head; u16 port; bool match; } t[] = {
                {{.conds = COND_HOST, .host = "Api.Example"}, "Host: api.example:80\r\n", 80, true},
                {{.conds = COND_HOST, .host = "api.example"}, "Host: xapi.example\r\n", 80, false},
                {{.conds = COND_COOKIE, .cookie = "node=a"}, "Host: a\r\nCookie: x=y; node=a; z=1\r\n", 80, true},
                {{.conds = COND_COOKIE, .cookie = "node=a"}, "Host: a\r\nCookie: node=ab\r\n", 80, false},
                {{.conds = COND_COOKIE, .cookie = "node=a"}, "Host: a\r\nCookie: xnode=a\r\n", 80, false},
                {{.conds = COND_COOKIE, .cookie = "node=a*"}, "Host: a\r\nX: y\r\nCookie: q=1\r\nCookie: node=ab\r\n", 80, true},
                {{.conds = COND_ETAG, .etag = "n1-"}, "Host: a\r\nIf-None-Match: \"x\", W/\"n1-77\"\r\n", 80, true},
                {{.conds = COND_ETAG, .etag = "n1-"}, "Host: a\r\nIf-None-Match: \"xn1-77\"\r\n", 80, false},
                {{.conds = COND_SOURCE, .net = WIRE_PEER, .plen = 32}, "Host: a\r\n", 80, true},
                {{.conds = COND_SOURCE, .net = OTHER, .plen = 32}, "Host: a\r\n", 80, false},
                {{.conds = COND_SOURCE, .net = OTHER, .plen = 24}, "Host: a\r\n", 80, true},
                {{.conds = COND_PORT, .port = 80}, "Host: a\r\n", 80, true},
                {{.conds = COND_PORT, .port = 81}, "Host: a\r\n", 80, false},
                {{.conds = COND_PORT, .port = 81}, "Host: a\r\n", 81, true},
                {{.conds = COND_PATH | COND_HOST, .path = "/q", .host = "b"}, "Host: b\r\n", 80, true},
                {{.conds = COND_PATH | COND_HOST, .path = "/q", .host = "c"}, "Host: b\r\n", 80, false},
        };
        char request[200];

        assert_int_equal(http_listen(http, IPADDR_ANY, 81), 0);
        for (size_t i = 0; i < COUNT_OF(t); i++) {
                struct end *c = client_from(WIRE_PEER, t[i].port);
                u32 before = n_accepted;

                assert_int_equal(front_rule_add(front, "one", &t[i].r), 0);
                run_for(10);
                sprintf(request, "GET /q HTTP/1.1\r\n%s\r\n", t[i].head);
                say(c, request);
                if ((n_accepted > before) != t[i].match)
                        fail_msg("rule %zu", i);
                assert_int_equal(front_rule_at(front, 2)->hits, t[i].match);
                assert_int_equal(front_rule_del(front, "one", &t[i].r), 0);
                tcp_abort(c->t);
                c->t = NULL;
                run_for(10);
        }
}

static void rules_and_backends_say_what_is_wrong(void **state)
{
        struct front_rule r = {.conds = COND_PATH, .path = "/one"};
        struct front_addr at = {ONE, 8000};

        assert_int_equal(front_rule_add(front, "one", &r), E_EXIST);
        assert_int_equal(front_rule_add(front, "none", &r), E_NOENT);
        assert_int_equal(front_rule_add(front, NULL, &(struct front_rule){.conds = 0}), E_INVAL);
        assert_int_equal(front_rule_del(front, "two", &r), E_NOENT);
        assert_int_equal(front_backend_del(front, "one"), E_INUSE);
        assert_int_equal(front_backend_del(front, "none"), E_NOENT);
        assert_int_equal(front_backend_set(front, "h", FRONT_HANDOFF, &at, 1), E_NOENT);
        assert_int_equal(front_backend_set(front, "h", FRONT_RELAY, &at, 0), E_INVAL);
        assert_int_equal(front_listen(front, IPADDR_ANY, 90, "none"), E_NOENT);
        assert_int_equal(front_rule_del(front, "one", &r), 0);
        assert_int_equal(front_backend_del(front, "one"), 0);
        assert_int_equal(front_rule_add(front, NULL, &r), 0); /* the local site */
        struct end *c = client();
        run_for(10);
        say(c, GET_ONE);
        assert_true(begins(c, "HTTP/1.1 404"));
}

/* Connections in hand keep the targets that they have. */
static void new_targets_are_for_new_requests(void **state)
{
        struct end *c = client();

        run_for(10);
        say(c, GET_ONE);
        backend("one", 1, TWO);
        say(accepted[0], OK_5);
        assert_true(got(c, OK_5));
        say(c, GET_ONE);
        assert_int_equal(n_accepted, 2);
        assert_true(ipaddr_eq(accepted[1]->at, TWO));
}

static void what_could_be_smuggled_is_refused(void **state)
{
        struct end *c = client(), *d = client(), *e = client();

        run_for(10);
        say(c, "POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
               "0\r\n\r\nGET /two HTTP/1.1\r\n\r\n");
        assert_true(begins(c, "HTTP/1.1 400") && c->eof);
        say(d, "POST /one HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        say(d, "5\r\nhelloX");
        assert_true(begins(d, "HTTP/1.1 400") && d->eof);
        say(e, "GET /one HTTP/1.1\nHost: a\r\n\r\n");
        assert_true(begins(e, "HTTP/1.1 400") && e->eof);
        assert_int_equal(n_accepted, 1);
        assert_true(accepted[0]->closed); /* reset, not ended as if it were whole */
        assert_int_equal(figures().bad_request, 2);
}

static void connections_end_as_either_side_wants(void **state)
{
        struct end *c = client(), *d = client(), *e = client(), *f = client();

        run_for(10);
        say(c, "GET /one HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        say(accepted[0], OK_5);
        assert_true(got(c, OK_5) && c->eof);
        say(d, GET_ONE);
        say(accepted[1], "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
        assert_true(d->eof && d->n > 5);
        say(e, GET_ONE);
        say(accepted[2], "HTTP/1.1 200 OK\r\n\r\nto the end");
        assert_false(e->eof);
        tcp_shutdown(accepted[2]->t);
        run_for(20);
        assert_true(e->eof && memcmp(e->got + e->n - 3, "end", 3) == 0);
        say(f, "GET /one\r\n");
        assert_true(got(accepted[3], "GET /one\r\n"));
        say(accepted[3], "old");
        tcp_shutdown(accepted[3]->t);
        run_for(20);
        assert_true(got(f, "old") && f->eof);
}

static void the_client_is_named_to_the_target(void **state)
{
        struct end *c = client();

        front_forwarded_for(front, true);
        run_for(10);
        say(c, "GET /one HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n");
        assert_true(got(accepted[0], "GET /one HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\n"
                                     "X-Forwarded-For: 10.0.0.2\r\n\r\n"));
        say(accepted[0], OK_5);
        say(c, "POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab");
        assert_true(accepted[0]->n > 40);
        assert_memory_equal(accepted[0]->got + accepted[0]->n - 31, "X-Forwarded-For: 10.0.0.2\r\n\r\nab", 31);
}

/* Whoever is registered for it gets the connection with everything unread, and may give it back. */
static struct tcb *taken;
static int take_it(void *ctx, struct tcb *t, const struct front_verdict *v, const struct front_head *h)
{
        if (taken)
                return 503;
        assert_true(v->action == FRONT_HANDOFF && h && h->path.n == 2 && tcp_readable(t) >= h->n);
        tcp_set_events(t, &front_past_events);
        taken = t;
        return 0;
}

static void somebody_else_takes_the_connection(void **state)
{
        struct front_addr at = {ONE, 0};
        struct end *c = client(), *d = client();

        taken = NULL;
        front_register(front, FRONT_HANDOFF, (struct front_actor){take_it, NULL});
        assert_int_equal(front_backend_set(front, "h", FRONT_HANDOFF, &at, 1), 0);
        path_rule("h", "/h");
        run_for(10);
        say(c, GET_ONE);
        say(accepted[0], OK_5);
        say(c, "GET /h HTTP/1.1\r\nHost: a\r\n\r\n" GET_OWN);
        assert_non_null(taken);
        assert_true(accepted[0]->eof);
        say(d, "GET /h HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_true(begins(d, "HTTP/1.1 503"));
        tcp_consume(taken, 28);
        front_give_back(front, taken);
        run_for(20);
        assert_true(begins(c, OK_5 "HTTP/1.1 200 OK"));
        assert_int_equal(figures().handed, 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(each_request_goes_where_the_rules_say),
                T(requests_sent_ahead_wait_their_turn),
                T(every_kind_of_rule),
                T(rules_and_backends_say_what_is_wrong),
                T(new_targets_are_for_new_requests),
                T(what_could_be_smuggled_is_refused),
                T(connections_end_as_either_side_wants),
                T(the_client_is_named_to_the_target),
                T(somebody_else_takes_the_connection),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
