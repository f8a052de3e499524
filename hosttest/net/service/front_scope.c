/* front_scope.c - what the front lets a node answer by itself, and what the node takes it for. SPDX-License-Identifier: MIT */
#include "front_ends.h"

static struct tcb *t; /* the front's end of a client's connection */

/* "a" and "b" have one target each; the rules come with each test. */
static int begin_scope(void **state)
{
        begin(state);
        front->n_rules = 0;
        backend("a", 1, ONE);
        backend("b", 1, TWO);
        struct end *c = client();
        struct tcp_names n;
        run_for(50);
        tcp_names(c->t, &n);
        t = tcp_find(ours->st, &(struct tcp_names){n.raddr, n.laddr, n.rport, n.lport});
        assert_non_null(t);
        return 0;
}

static void rule(const char *backend, u8 conds, const char *path, const char *host, const char *cookie)
{
        struct front_rule r = {.conds = conds, .port = 80, .plen = 8, .net = IPADDR(10, 0, 0, 0)};

        strcpy(r.path, path);
        strcpy(r.host, host);
        strcpy(r.cookie, cookie);
        assert_int_equal(front_rule_add(front, backend, &r), 0);
}

/* Scope of a request that is decided for "a" by rule i; its length. */
static u32 scope(u8 b[128], s32 i)
{
        memset(b, 0xee, 128);
        return front_scope_put(front, t, (s8)front_backend_find(front, "a"), i, b, 128);
}

static bool covers(const u8 *b, u32 n, const char *text)
{
        struct front_head h;

        assert_true(front_head_request((const u8 *)text, (u32)strlen(text), &h) > 0);
        return front_scope_covers(b, n, &h);
}

static void first_rule_goes_along_whole(void **state)
{
        u8 b[128];
        u32 n;

        rule("a", COND_PATH | COND_HOST | COND_COOKIE, "/api/", "www.example.com", "node=a*");
        rule("b", COND_PATH, "/api/v2", "", "");
        n = scope(b, 0);
        assert_true(n > 30 && n < 60);
        assert_true(covers(b, n, "GET /api/x HTTP/1.1\r\nHost: WWW.example.com:80\r\nCookie: x=1; node=a17\r\n\r\n"));
        assert_false(covers(b, n, "GET /apix HTTP/1.1\r\nHost: www.example.com\r\nCookie: node=a17\r\n\r\n"));
        assert_false(covers(b, n, "GET /api/x HTTP/1.1\r\nHost: example.com\r\nCookie: node=a17\r\n\r\n"));
        assert_false(covers(b, n, "GET /api/x HTTP/1.1\r\nHost: www.example.com\r\nCookie: node=b17\r\n\r\n"));
        for (u32 k = 0; k < n; k++) /* cut anywhere it covers nothing */
                assert_false(covers(b, k, "GET /api/x HTTP/1.1\r\nHost: www.example.com\r\nCookie: node=a17\r\n\r\n"));
        b[0] = 3;
        assert_false(covers(b, n, "GET /api/x HTTP/1.1\r\nHost: www.example.com\r\nCookie: node=a17\r\n\r\n"));
        assert_int_equal(front_scope_put(front, t, 0, 0, b, 20), 0); /* no room */
}

static void rule_behind_another_backends_covers_nothing(void **state)
{
        u8 b[128];

        rule("b", COND_PATH, "/a/b", "", "");
        rule("a", COND_PATH, "/a", "", "");
        assert_int_equal(scope(b, 1), 0);
        assert_false(covers(b, 0, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"));
}

/* What could match both keeps the rule from going along; what begins otherwise, or is another host's, does not. */
static void rules_that_exclude_each_other_do_no_harm(void **state)
{
        static const struct { u8 conds; const char *path, *host, *cookie; bool apart; } in_front[] = {
                {COND_PATH, "/b", "", "", true}, {COND_PATH, "/apj", "", "", true}, {COND_PATH, "/api", "", "", false},
                {COND_PATH, "/", "", "", false}, {COND_PATH, "/api/v2", "", "", false}, {COND_HOST, "", "two", "", true},
                {COND_HOST, "", "one", "", false}, {COND_HOST, "", "onetwo", "", true}, {COND_COOKIE, "", "", "x=1", false},
                {COND_PATH | COND_HOST, "/b", "one", "", true}, {COND_PATH | COND_HOST, "/api", "two", "", true},
                {COND_PATH | COND_HOST, "/api/v2", "one", "", false}, {COND_PATH | COND_COOKIE, "/b", "", "x=1", true},
                {COND_PORT, "", "", "", false}, {COND_COOKIE, "/b", "two", "x=1", false}, /* texts that no condition uses */
        };
        u8 b[128];

        for (u32 i = 0; i < COUNT_OF(in_front); i++) {
                front->n_rules = 0;
                rule("b", in_front[i].conds, in_front[i].path, in_front[i].host, in_front[i].cookie);
                rule("a", COND_PATH | COND_HOST, "/api", "one", "");
                rule("a", COND_PORT, "", "", "");
                u32 n = scope(b, 1);
                assert_int_equal(n > 0, in_front[i].apart);
                assert_false(front_scope_is_all(b, n));
                assert_int_equal(covers(b, n, "GET /api/x HTTP/1.1\r\nHost: one\r\n\r\n"), in_front[i].apart);
                assert_false(covers(b, n, "GET /b HTTP/1.1\r\nHost: one\r\n\r\n"));
        }
        front->n_rules = 0;
        rule("b", COND_PATH, "/b", "", "");
        rule("a", COND_PORT, "", "", "");
        assert_int_equal(scope(b, 1), 0); /* it would take /b, too */
}

static void rules_of_the_same_backend_in_front_do_no_harm(void **state)
{
        u8 b[128];
        u32 n;

        rule("b", COND_PATH | COND_PORT, "/b", "", "");
        front->rule[0].port = 81; /* of another port: it never applies here */
        rule("a", COND_PATH, "/a", "", "");
        rule("a", COND_PATH, "/c", "", "");
        rule("b", COND_PATH, "/", "", "");
        n = scope(b, 2);
        assert_true(n > 0 && covers(b, n, "GET /c HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_false(covers(b, n, "GET /d HTTP/1.1\r\nHost: x\r\n\r\n"));
}

static void everything_when_no_other_rule_can_apply(void **state)
{
        u8 b[128];
        u32 n;

        rule("a", COND_PATH, "/a", "", "");
        rule("a", COND_PORT | COND_SOURCE, "", "", "");
        rule("b", COND_PATH, "/b", "", "");
        n = scope(b, 0);
        assert_true(front_scope_is_all(b, n));
        assert_true(covers(b, n, "GET /anything HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_true(front_scope_is_all(b, front_scope_all(b)));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(first_rule_goes_along_whole, begin_scope, end),
                cmocka_unit_test_setup_teardown(rule_behind_another_backends_covers_nothing, begin_scope, end),
                cmocka_unit_test_setup_teardown(rules_that_exclude_each_other_do_no_harm, begin_scope, end),
                cmocka_unit_test_setup_teardown(rules_of_the_same_backend_in_front_do_no_harm, begin_scope, end),
                cmocka_unit_test_setup_teardown(everything_when_no_other_rule_can_apply, begin_scope, end),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
