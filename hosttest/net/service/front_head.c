/* front_head.c (test) - heads and body framing of relayed messages: good, incomplete, hostile, in pieces.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../../net/service/front_impl.h"

static struct front_head h;

/* A copy of exactly these bytes, so that the sanitizer sees any step over the end. */
static const u8 *exactly(const char *s, size_t n)
{
        static u8 *copy;

        free(copy);
        copy = malloc(n ? n : 1);
        memcpy(copy, s, n);
        return copy;
}

static int request(const char *s) { return front_head_request(exactly(s, strlen(s)), (u32)strlen(s), &h); }
static int reply(const char *s) { return front_head_reply(exactly(s, strlen(s)), (u32)strlen(s), false, false, &h); }

static void text_is(struct http_text t, const char *want)
{
        assert_int_equal(t.n, strlen(want));
        assert_memory_equal(t.p, want, t.n);
}

static void good_requests(void **state)
{
        const char *s = "GET /a?b HTTP/1.1\r\nHost: One.Example:81\r\nCookie: a=1\r\n\r\n";

        assert_int_equal(request(s), strlen(s));
        assert_int_equal(h.version, 11);
        assert_true(h.repeatable && !h.closes && !h.lone_lf && h.body.kind == BODY_DONE);
        text_is(h.path, "/a?b");
        text_is(h.host, "One.Example");
        assert_true(request("GET http://two.example/x HTTP/1.1\r\nHost: one\r\n\r\n") > 0);
        text_is(h.host, "two.example");
        text_is(h.path, "/x");
        assert_true(request("GET http://two.example?q HTTP/1.1\r\nHost: one\r\n\r\n") > 0);
        text_is(h.path, "?q");
        assert_true(request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n") > 0 && h.repeatable);
        assert_true(request("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n") > 0 && h.is_connect && !h.repeatable);
        assert_true(request("GET /\r\n") > 0 && h.version == 9 && h.closes);
        assert_true(request("GET / HTTP/1.0\r\n\r\n") > 0 && h.closes);
        assert_true(request("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n") > 0 && !h.closes);
        assert_true(request("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, close\r\n\r\n") > 0 && h.closes);
        assert_true(request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4294967297\r\n\r\n") > 0);
        assert_true(h.body.kind == BODY_LENGTH && h.body.left == 4294967297ull && !h.repeatable);
        assert_true(request("DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx") > 0 && !h.repeatable);
        assert_true(request("PUT / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: Chunked\r\n\r\n") > 0);
        assert_int_equal(h.body.kind, BODY_CHUNKED);
        assert_true(request("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n") > 0 && h.skip == 4);
        assert_true(request("GET / HTTP/1.1\nHost: a\r\n\r\n") > 0 && h.lone_lf);
}

static void requests_that_two_could_read_differently(void **state)
{
        static const char *const bad[] = {
                "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 4\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x4\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
                "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n Transfer-Encoding: chunked\r\n\r\n",
                "GET / HTTP/1.1\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
                "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
                "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
                "POST /\r\n",
                "G\x01T / HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
                "\x16\x03\x01\x02\r\n",
        };

        for (size_t i = 0; i < COUNT_OF(bad); i++)
                if (request(bad[i]) != -1)
                        fail_msg("taken: %s", bad[i]);
}

static void every_beginning_of_a_head_is_incomplete(void **state)
{
        static const char *const good[] = {
                "GET /a HTTP/1.1\r\nHost: a\r\nX: b\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
        };

        for (size_t i = 0; i < COUNT_OF(good); i++)
                for (size_t n = 0; n < strlen(good[i]); n++) {
                        const u8 *p = exactly(good[i], n);

                        int len = i ? front_head_reply(p, (u32)n, false, false, &h) : front_head_request(p, (u32)n, &h);

                        assert_int_equal(len, 0);
                }
}

static void replies(void **state)
{
        assert_true(reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n") > 0);
        assert_true(h.body.kind == BODY_LENGTH && h.body.left == 5 && !h.closes);
        assert_true(reply("HTTP/1.1 200\r\n\r\n") > 0 && h.body.kind == BODY_CLOSE && h.closes);
        assert_true(reply("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n") > 0 && h.body.kind == BODY_LENGTH && h.closes);
        assert_true(reply("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n") > 0 && h.body.kind == BODY_DONE);
        assert_true(reply("HTTP/1.1 204 x\r\n\r\n") > 0 && h.body.kind == BODY_DONE && !h.closes);
        assert_true(reply("HTTP/1.1 100 Continue\r\n\r\n") > 0 && h.body.kind == BODY_DONE);
        assert_true(reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") > 0 && h.body.kind == BODY_CHUNKED);
        assert_true(reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n") > 0 && h.body.kind == BODY_CLOSE);
        assert_int_equal(reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"), -1);
        assert_int_equal(reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"), -1);
        assert_int_equal(reply("HTTQ"), -1);
        assert_int_equal(reply("HTTP/1.1 20 OK\r\n\r\n"), -1);
        const char *s = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        assert_true(front_head_reply((const u8 *)s, (u32)strlen(s), true, false, &h) > 0 && h.body.kind == BODY_DONE);
        assert_true(front_head_reply((const u8 *)s, (u32)strlen(s), false, true, &h) > 0 && h.body.kind == BODY_DONE);
}

static void fields_are_found_in_their_order(void **state)
{
        struct http_text v;
        u32 at = 0;

        request("GET / HTTP/1.1\r\nHost: a\r\ncookie:  a=1 \r\nX: y\r\nCOOKIE: b=2\r\n\r\n");
        assert_true(front_field(&h, "cookie", &at, &v));
        text_is(v, "a=1");
        assert_true(front_field(&h, "cookie", &at, &v));
        text_is(v, "b=2");
        assert_false(front_field(&h, "cookie", &at, &v));
}

/* Passes s in pieces of `step` bytes; where the message ended, with *kind. */
static u32 pass(struct front_body b, const char *s, u32 step, u8 *kind)
{
        u32 n = (u32)strlen(s), at = 0;

        while (at < n) {
                u32 piece = min_u32(step, n - at), k = front_body_pass(&b, exactly(s + at, piece), piece);

                at += k;
                if (k < piece)
                        break;
        }
        front_body_pass(&b, exactly("", 0), 0);
        *kind = b.kind;
        return at;
}

static void bodies_in_pieces_of_every_size(void **state)
{
        static const struct { struct front_body b; const char *s; u32 n; u8 kind; } t[] = {
                {{.kind = BODY_LENGTH, .left = 5, .head = 3}, "xxxhelloGET", 8, BODY_DONE},
                {{.kind = BODY_DONE, .head = 3}, "xxxG", 3, BODY_DONE},
                {{.kind = BODY_CLOSE, .head = 3}, "xxxabcdef", 9, BODY_CLOSE},
                {{.kind = BODY_CHUNKED}, "5\r\nhello\r\n0\r\n\r\nGET", 15, BODY_DONE},
                {{.kind = BODY_CHUNKED, .head = 2}, "xx00A;a=\"b\" \t\r\n0123456789\r\n1 \r\nx\r\n000\r\nT: x\r\nU: y\r\n\r\n!",
                 53, BODY_DONE},
                {{.kind = BODY_CHUNKED}, "fffffffffffffff\r\nabc", 20, BODY_CHUNKED},
                {{.kind = BODY_CHUNKED}, "5\r\nhelloX", 8, BODY_BAD},
                {{.kind = BODY_CHUNKED}, "5\nhello", 1, BODY_BAD},
                {{.kind = BODY_CHUNKED}, "5;a\nhello", 3, BODY_BAD},
                {{.kind = BODY_CHUNKED}, "\r\n", 0, BODY_BAD},
                {{.kind = BODY_CHUNKED}, "-5\r\nhello", 0, BODY_BAD},
                {{.kind = BODY_CHUNKED}, "0x5\r\nhello", 1, BODY_BAD},
                {{.kind = BODY_CHUNKED}, "10000000000000000\r\n", 15, BODY_BAD},
                {{.kind = BODY_CHUNKED}, "0\r\n\nGET", 3, BODY_BAD},
                {{.kind = BODY_CHUNKED}, "0\r\nA: b\n\r\n", 7, BODY_BAD},
        };

        for (size_t i = 0; i < COUNT_OF(t); i++)
                for (u32 step = 1; step < 60; step++) {
                        u8 kind;
                        u32 n = pass(t[i].b, t[i].s, step, &kind);

                        if (n != t[i].n || kind != t[i].kind)
                                fail_msg("body %zu in pieces of %u: %u bytes, kind %u", i, step, n, kind);
                }
}

static void lines_without_end_are_cut_off(void **state)
{
        static char s[20000];
        u8 kind;

        memset(s, 'a', sizeof(s) - 1);
        memcpy(s, "1;", 2);
        pass((struct front_body){.kind = BODY_CHUNKED}, s, 100, &kind);
        assert_int_equal(kind, BODY_BAD);
        memcpy(s, "0\r\n", 3);
        pass((struct front_body){.kind = BODY_CHUNKED}, s, 100, &kind);
        assert_int_equal(kind, BODY_BAD);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(good_requests),
                cmocka_unit_test(requests_that_two_could_read_differently),
                cmocka_unit_test(every_beginning_of_a_head_is_incomplete),
                cmocka_unit_test(replies),
                cmocka_unit_test(fields_are_found_in_their_order),
                cmocka_unit_test(bodies_in_pieces_of_every_size),
                cmocka_unit_test(lines_without_end_are_cut_off),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
