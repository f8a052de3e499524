/* front_hold.c (test) - heads that come slowly or never end, and what happens when entries or connections run out.
 * SPDX-License-Identifier: MIT */
#include "front_ends.h"

/* Instead of what `begin` made: so few entries, and one backend. */
static void begin_again_with(void **state, u32 relays)
{
        end(state);
        begin_with(1024, relays, 256);
        target(ONE, 8000);
        backend("one", 1, ONE);
        path_rule("one", "/one");
}

static void heads_in_pieces(void **state)
{
        static const char s[] = "GET /one HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
        struct end *c = client();

        run_for(10);
        for (u32 i = 0; i < strlen(s); i++) {
                assert_int_equal(n_accepted, 0);
                say(c, (char[]){s[i], 0});
        }
        assert_true(n_accepted == 1 && got(accepted[0], s));
        say(accepted[0], OK_5);
        assert_true(got(c, OK_5));
        say(c, "GET /sma"); /* on a connection whose target is kept */
        say(c, "ll HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_true(begins(c, OK_5 "HTTP/1.1 200"));
        assert_int_equal(figures().held, 1);
}

static void a_head_that_takes_too_long(void **state)
{
        struct end *c = client();

        run_for(10);
        say(c, "GET /one HTTP/1.1\r\n");
        for (u32 i = 0; i < 9; i++) {
                run_for(1000);
                say(c, "X: y\r\n");
        }
        assert_int_equal(c->n, 0);
        run_for(2000);
        assert_true(begins(c, "HTTP/1.1 408") && c->eof);
        assert_int_equal(figures().late, 1);
}

static void a_head_that_is_too_long(void **state)
{
        static char s[FRONT_HEAD_MAX + 100];
        struct end *c = client();

        run_for(10);
        memset(s, 'a', sizeof(s) - 1);
        memcpy(s, "GET /one HTTP/1.1\r\nX: ", 22);
        for (u32 i = 0; i < sizeof(s) - 1; i += 1000) {
                char piece[1001] = "";

                strncpy(piece, s + i, 1000);
                tcp_send(c->t, piece, (u32)strlen(piece));
                run_for(10);
        }
        assert_true(begins(c, "HTTP/1.1 431") && c->eof);
        assert_int_equal(figures().too_long, 1);
}

static void one_source_holds_only_so_many(void **state)
{
        struct end *c[FRONT_SOURCE_HOLDS + 2];

        for (u32 i = 0; i < COUNT_OF(c); i++)
                c[i] = client();
        run_for(50);
        for (u32 i = 0; i < COUNT_OF(c); i++)
                say(c[i], "GET /one");
        for (u32 i = 0; i < FRONT_SOURCE_HOLDS; i++)
                assert_int_equal(c[i]->n, 0);
        assert_true(begins(c[FRONT_SOURCE_HOLDS], "HTTP/1.1 429") && begins(c[FRONT_SOURCE_HOLDS + 1], "HTTP/1.1 429"));
        assert_int_equal(figures().crowded, 2);
        assert_int_equal(figures().waiting, FRONT_SOURCE_HOLDS);
        struct end *d = client_from(OTHER, 80); /* others are not in its way */
        run_for(10);
        say(d, "GET /one");
        say(d, " HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_int_equal(n_accepted, 1);
}

static void one_source_holds_only_so_many_bytes(void **state)
{
        static char piece[FRONT_HEAD_MAX - 200];
        struct end *c[FRONT_SOURCE_BYTES / (FRONT_HEAD_MAX - 200) + 1];

        memset(piece, 'a', sizeof(piece) - 1);
        memcpy(piece, "GET /one?", 9);
        for (u32 i = 0; i < COUNT_OF(c); i++) {
                c[i] = client();
                run_for(10);
                say(c[i], piece);
                run_for(50);
        }
        assert_true(begins(c[COUNT_OF(c) - 1], "HTTP/1.1 429"));
        assert_int_equal(c[0]->n, 0);
}

/* Those that wait leave half of the entries to those that have asked. */
static void heads_take_half_of_the_entries(void **state)
{
        struct end *c[5];

        begin_again_with(state, 8);
        for (u32 i = 0; i < COUNT_OF(c); i++) {
                c[i] = client();
                run_for(10);
                say(c[i], "GET /one HT");
                assert_int_equal(begins(c[i], "HTTP/1.1 503"), i == 4);
        }
        struct end *d = client();
        run_for(10);
        say(d, GET_ONE);
        assert_int_equal(n_accepted, 1);
}

static void entries_run_out(void **state)
{
        struct end *c[9];

        begin_again_with(state, 8);
        for (u32 i = 0; i < COUNT_OF(c); i++) {
                c[i] = client();
                run_for(10);
                say(c[i], GET_ONE);
        }
        assert_int_equal(n_accepted, 8);
        assert_true(begins(c[8], "HTTP/1.1 503"));
        assert_int_equal(figures().busy, 1);
        say(accepted[0], OK_5);
        assert_true(got(c[0], OK_5));
        tcp_close(c[0]->t);
        run_for(50);
        struct end *d = client();
        run_for(10);
        say(d, GET_ONE);
        assert_int_equal(n_accepted, 9);
}

static void connections_run_out(void **state)
{
        struct end *c[10];
        u32 n = 0;

        end(state);
        begin_with(1024, 0, 16);
        target(ONE, 8000);
        backend("one", 1, ONE);
        path_rule("one", "/one");
        for (u32 i = 0; i < COUNT_OF(c); i++) {
                c[i] = client();
                run_for(10);
        }
        for (u32 i = 0; i < COUNT_OF(c); i++)
                say(c[i], GET_ONE);
        for (u32 i = 0; i < COUNT_OF(c); i++)
                n += begins(c[i], "HTTP/1.1 503");
        assert_int_equal(n_accepted, 6);
        assert_int_equal(n, 4);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(heads_in_pieces),
                T(a_head_that_takes_too_long),
                T(a_head_that_is_too_long),
                T(one_source_holds_only_so_many),
                T(one_source_holds_only_so_many_bytes),
                T(heads_take_half_of_the_entries),
                T(entries_run_out),
                T(connections_run_out),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
