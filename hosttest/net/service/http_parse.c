/* http_parse.c (test) - request heads good, incomplete and hostile; paths, dates, ranges, content types.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../../net/service/http_impl.h"

static struct http_request r;

/* Parses a copy of exactly these bytes, so that the sanitizer sees any step over the end. */
static int parse_n(const char *s, size_t n)
{
        static u8 *copy;

        free(copy);
        copy = malloc(n ? n : 1);
        memcpy(copy, s, n);
        return http_parse(copy, (u32)n, &r);
}

static int parse(const char *s) { return parse_n(s, strlen(s)); }

static void text_is(struct http_text t, const char *want)
{
        assert_int_equal(t.n, strlen(want));
        assert_memory_equal(t.p, want, t.n);
}

static void plain_get_of_each_version(void **state)
{
        const char *s = "GET /a?b=c HTTP/1.1\r\nHost: Example.org:8080\r\n\r\n";

        assert_int_equal(parse(s), strlen(s));
        assert_int_equal(r.method, HTTP_GET);
        assert_int_equal(r.version, 11);
        assert_true(r.keep);
        text_is(r.target, "/a?b=c");
        text_is(r.host, "Example.org");
        assert_int_equal(parse("HEAD / HTTP/1.0\r\n\r\n"), 19);
        assert_int_equal(r.method, HTTP_HEAD);
        assert_int_equal(r.version, 10);
        assert_false(r.keep);
        assert_int_equal(parse("GET /x\r\n"), 8); /* R55: 0.9 ends with its line */
        assert_int_equal(r.version, 9);
        assert_false(r.keep);
        assert_int_equal(parse("\r\n\nGET / HTTP/1.7\nHost: a\n\n"), 27);
        assert_int_equal(r.version, 11);
}

static void every_prefix_of_a_request_is_incomplete(void **state)
{
        const char *s = "GET /index.html HTTP/1.1\r\nHost: a.b\r\nConnection: keep-alive\r\nIf-None-Match: \"x\"\r\n\r\n";

        for (size_t n = 0; n < strlen(s); n++)
                assert_int_equal(parse_n(s, n), 0);
        assert_int_equal(parse(s), strlen(s));
        text_is(r.field[FIELD_IF_NONE_MATCH], "\"x\"");
}

static void connection_decides_what_stays(void **state)
{
        static const struct { const char *text; bool keep; } t[] = {
                {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
                {"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive , Close\r\n\r\n", false},
                {"GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n", true},
                {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
                {"GET / HTTP/1.0\r\nConnection: keep-alive\r\nconnection: close\r\n\r\n", false},
                {"GET / HTTP/1.0\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n", false},
                {"GET / HTTP/1.0\r\n\r\n", false}};

        for (u32 i = 0; i < COUNT_OF(t); i++) {
                assert_true(parse(t[i].text) > 0);
                assert_int_equal(r.keep, t[i].keep);
        }
}

static void refused_with(const char *text, int status)
{
        if (parse(text) != -1 || r.status != status)
                fail_msg("'%.60s' gave status %d, not %d", text, r.status, status);
}

static void what_is_malformed_is_refused(void **state)
{
        static const struct { const char *text; int status; } t[] = {
                {"GET  / HTTP/1.1\r\n\r\n", 400},                                  /* two blanks: an empty target */
                {"GET / HTTP/1.1 \r\n\r\n", 400},
                {"GET / HTTP/1.11\r\n\r\n", 400},
                {"GET / http/1.1\r\n\r\n", 400},
                {"GET /a b HTTP/1.1\r\n\r\n", 400},
                {"GET / HTTP/2.0\r\n\r\n", 505},
                {"GET / HTTP/0.9\r\n\r\n", 505},
                {" GET / HTTP/1.1\r\n\r\n", 400},
                {"G(T / HTTP/1.1\r\n\r\n", 400},
                {"GET\r\n\r\n", 400},
                {"POST /\r\n", 400},                                               /* 0.9 knows GET only */
                {"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
                {"GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
                {"GET / HTTP/1.1\r\n\r\n", 400},                                   /* no Host */
                {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
                {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
                {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
                {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
                {"GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", 400},
                {"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400},
                {"GET / HTTP/1.1\r\nHost: a\r\nnocolon\r\n\r\n", 400},
                {"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400},
                {"GET / HTTP/1.1\rHost: a\r\n\r\n", 400},
                {"GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", 400},
                {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
                {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", 400},
                {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400},
                {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n", 400},
                {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 413},
                {"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 501},
                {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\ntransfer-encoding: xchunked\r\n\r\n", 400},
                {"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
                {"GET http://u@h/x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
                {"GET https://h/x HTTP/1.1\r\nHost: a\r\n\r\n", 400}};

        for (u32 i = 0; i < COUNT_OF(t); i++)
                refused_with(t[i].text, t[i].status);
        assert_int_equal(parse_n("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 29), -1);
}

static void absolute_form_names_the_host(void **state)
{
        assert_true(parse("GET HTTP://Other:80/p?q HTTP/1.1\r\nHost: a\r\n\r\n") > 0);
        text_is(r.host, "Other");
        text_is(r.target, "/p?q");
        assert_true(parse("GET http://other HTTP/1.1\r\nHost: a\r\n\r\n") > 0);
        text_is(r.target, "/");
        assert_true(parse("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n") > 0);
        text_is(r.host, "[::1]");
        assert_true(parse("GET / HTTP/1.1\r\nHost:\r\n\r\n") > 0);
        text_is(r.host, "");
}

static void limits_of_line_and_head(void **state)
{
        static char text[40000];
        u32 n = (u32)sprintf(text, "GET /");

        memset(text + n, 'a', 9000);
        assert_int_equal(parse_n(text, n + 9000), -1);
        assert_int_equal(r.status, 414);
        strcpy(text + n + 9000, " HTTP/1.1\r\n");
        assert_int_equal(parse(text), -1);
        assert_int_equal(r.status, 414);
        n = (u32)sprintf(text, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
        memset(text + n, 'a', 13000);
        assert_int_equal(parse_n(text, HTTP_HEAD_MAX - 1), 0);
        assert_int_equal(parse_n(text, HTTP_HEAD_MAX), -1);
        assert_int_equal(r.status, 431);
        strcpy(text + n + 13000, "\r\n\r\n");
        assert_int_equal(parse(text), -1);
        assert_int_equal(r.status, 431);
}

static void methods_are_told_apart(void **state)
{
        assert_true(parse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n") > 0);
        assert_int_equal(r.method, HTTP_OTHER);
        assert_int_equal(r.body, 5);
        assert_true(parse("OPTIONS * HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n") > 0);
        assert_int_equal(r.method, HTTP_OTHER);
        assert_true(r.expects);
        assert_true(parse("get / HTTP/1.1\r\nHost: a\r\n\r\n") > 0);
        assert_int_equal(r.method, HTTP_UNKNOWN);
}

static void path_is(const char *target, u32 status, const char *want)
{
        char path[64];
        u32 got = http_path((struct http_text){target, (u32)strlen(target)}, path, sizeof(path));

        if (got != status || (!status && strcmp(path, want)))
                fail_msg("%s gave %u '%s'", target, got, path);
}

static void paths_are_decoded_and_stay_inside(void **state)
{
        path_is("/", 0, "/");
        path_is("/a%20b.html?x=%00", 0, "/a b.html");
        path_is("/a%2Fb", 0, "/a/b");
        path_is("/%C3%A4", 0, "/\xc3\xa4");
        path_is("/..a/b..", 0, "/..a/b..");
        path_is("/./a", 0, "/./a"); /* no file has the name "." */
        static const char *const bad[] = {"/..", "/../x", "/a/../b", "/a/..", "/%2e%2e/x", "/.%2E", "/a%2f..%2fb", "/%2e%2e%2f",
                                          "/a\\b",
                                          "/..%5cx", "/%00", "/a%00.html", "/%0a", "/%", "/%4", "/%zz", "/%7f"};
        for (u32 i = 0; i < COUNT_OF(bad); i++)
                path_is(bad[i], 400, NULL);
        path_is("/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 404, NULL);
}

static void dates_of_three_forms(void **state)
{
        static const char *const same[] = {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                                           "Sun Nov  6 08:49:37 1994"};
        static const char *const bad[] = {"", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT ",
                                          "Sun, 06 Nov 1994 24:49:37 GMT",
                                          "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
                                                  "Sun, 06 Nov 1994 08:49:37 EST", "784111777"};
        char text[HTTP_DATE];
        u64 t;

        for (u32 i = 0; i < COUNT_OF(same); i++) {
                t = 0;
                assert_true(http_date_get((struct http_text){same[i], (u32)strlen(same[i])}, &t));
                assert_true(t == 784111777);
        }
        for (u32 i = 0; i < COUNT_OF(bad); i++)
                assert_false(http_date_get((struct http_text){bad[i], (u32)strlen(bad[i])}, &t));
        for (u32 i = 0; i < 20000; i++) {
                u64 back, want = (u64)i * 200003;
                http_date_put(want, text);
                assert_true(http_date_get((struct http_text){text, HTTP_DATE}, &back));
                assert_true(back == want);
        }
}

static void range_is(const char *s, u32 status, u32 from, u32 n)
{
        u32 f, k, got = http_range((struct http_text){s, (u32)strlen(s)}, 1000, &f, &k);

        if (got != status || (status == 206 && (f != from || k != n)) || (status == 200 && (f != 0 || k != 1000)))
                fail_msg("%s gave %u %u+%u", s, got, f, k);
}

static void single_ranges_are_honoured(void **state)
{
        range_is("bytes=0-0", 206, 0, 1);
        range_is("bytes=10-19", 206, 10, 10);
        range_is("bytes=990-", 206, 990, 10);
        range_is("bytes=990-5000", 206, 990, 10);
        range_is("bytes=-1", 206, 999, 1);
        range_is("bytes=-5000", 206, 0, 1000);
        range_is("bytes=-0", 416, 0, 0);
        range_is("bytes=1000-", 416, 0, 0);
        range_is("bytes=99999999999999-", 416, 0, 0);
        range_is("bytes=0-99999999999999", 206, 0, 1000);
        range_is("bytes=5-4", 200, 0, 0);
        range_is("bytes=0-1,5-6", 200, 0, 0);
        range_is("bytes=-", 200, 0, 0);
        range_is("bytes=a-b", 200, 0, 0);
        range_is("lines=1-2", 200, 0, 0);
        range_is("bytes=--1", 200, 0, 0);
}

static void types_by_ending(void **state)
{
        assert_string_equal(http_mime("/a/b.HTML"), "text/html; charset=utf-8");
        assert_string_equal(http_mime("/a.b/c"), "application/octet-stream");
        assert_string_equal(http_mime("x.tar.gz"), "application/gzip");
        assert_string_equal(http_mime("x."), "application/octet-stream");
}

/* Each byte at each place among others: the words of four must say what one byte after the other does. */
static void runs_end_at_the_first_byte_that_does_not_belong(void **s)
{
        static const char other[] = " z~\x80\xff!\xa0";
        for (u32 c = 0; c < 256; c++) {
                bool plain = c >= 0x20 && c != 0x7f;
                bool token = c < 0x80 && c > 0x20 && plain && !strchr("(),/:;<=>?@[\\]{}\"", (int)c);
                for (u32 at = 0; at < 9; at++) {
                        char b[16];
                        for (u32 i = 0; i < sizeof b; i++)
                                b[i] = other[(i + c) % (sizeof other - 1)];
                        b[1 + at] = (char)c;
                        assert_int_equal(http_plain_run(b + 1, 9), plain ? 9 : at);
                        assert_int_equal(http_plain_run(b + 1, at), at);
                        memset(b, 'x', sizeof b);
                        b[at] = (char)c;
                        assert_int_equal(http_token(b, 12), token ? 12 : at);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(plain_get_of_each_version),
                cmocka_unit_test(every_prefix_of_a_request_is_incomplete),
                cmocka_unit_test(connection_decides_what_stays),
                cmocka_unit_test(what_is_malformed_is_refused),
                cmocka_unit_test(absolute_form_names_the_host),
                cmocka_unit_test(limits_of_line_and_head),
                cmocka_unit_test(runs_end_at_the_first_byte_that_does_not_belong),
                cmocka_unit_test(methods_are_told_apart),
                cmocka_unit_test(paths_are_decoded_and_stay_inside),
                cmocka_unit_test(dates_of_three_forms),
                cmocka_unit_test(single_ranges_are_honoured),
                cmocka_unit_test(types_by_ending),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
