/* http_closed.c (test) - closed sites (R43, R44) and the web server's side of conversations, between two stacks.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "../../conversation/talk.h"
#include "../../../net/service/http_impl.h"
#include "fatimg.h"
#include "plat.h"
#include "wire.h"

#define test(f) cmocka_unit_test(f)

enum { C = DUO_CLIENT, S = DUO_SERVER };
static struct http *h;
static struct fatimg *img;
static struct fat volume_;
static struct wire clock_;
static char got[4096];
static u32 n_got;

static void keep_readable(struct tcb *t)
{
        u32 n = tcp_copy(t, 0, got + n_got, (u32)sizeof got - 1 - n_got);
        n_got += n;
        got[n_got] = 0;
        talk_client_readable(t);
}
static const struct tcp_events keep_events = {.readable = keep_readable, .closed = talk_client_closed};

static void ask_as(const struct tcp_opts *client, const char *request, bool fin)
{
        K.d->n_said = 0;
        talk_connect(client, request, (u32)strlen(request), fin);
        tcp_set_events(K.c, &keep_events);
        n_got = 0;
        got[0] = 0;
        duo_run(K.d, 3000);
        assert_int_equal(K.closed, 1);
        assert_int_equal(K.err, 0);
}
static void ask(const char *request) { ask_as(&talk_qure, request, true); }

static void begin(bool late)
{
        static const struct tcp_opts other = {.qure = true};
        static const struct stack_config cfg = {.n_pkts = 1024};
        talk_begin_cfg(5000, &other, 0, &cfg);
        tcp_unlisten(K.l);
        clock_.st = K.d->st[S];
        plat_reset(&clock_);
        img = fatimg_new(3000, 512);
        u32 www = fatimg_add(img, 0, "www", NULL, 0), shop = fatimg_add(img, 0, "shop", NULL, 0);
        fatimg_add(img, www, "small", "small\n", 6);
        fatimg_add(img, shop, "small", "bought\n", 7);
        assert_null(fat_mount(&volume_, img->b, img->size));
        h = http_new(K.d->st[S], &volume_);
        assert_int_equal(http_site_set(h, "default", "/www"), 0);
        assert_int_equal(http_listen_late(h, IPADDR_ANY, TALK_PORT, late), 0);
}

static void end(void)
{
        struct http_counters c;
        http_counters(h, &c);
        assert_int_equal(c.slots_free, c.slots);
        http_file_forget(h);
        duo_run(K.d, 1000);
        assert_true(talk_clean());
        fatimg_free(img);
        talk_end();
}

#define GET(path, host) "GET " path " HTTP/1.1\r\nHost: " host "\r\n\r\n"

static void r47_a_page_in_three_packets(void **s)
{
        begin(false);
        ask(GET("/small", "x"));
        ask(GET("/small", "x"));
        assert_non_null(strstr(got, "200 OK"));
        assert_non_null(strstr(got, "small\n"));
        assert_int_equal(K.d->n_said, 3);
        ask("GET /small\r\n"); /* HTTP/0.9, as the seed writes it */
        assert_string_equal(got, "small\n");
        assert_int_equal(K.d->n_said, 3);
        ask("POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"); /* waits for the handshake */
        assert_non_null(strstr(got, "405"));
        assert_true(K.d->n_said > 3);
        end();
}

static void r46_a_page_from_a_late_server(void **s)
{
        begin(true);
        assert_true(http_port_late(h, IPADDR_ANY, TALK_PORT));
        ask(GET("/small", "x"));
        assert_int_equal(K.d->said[1].flags, TCP_ACK);
        assert_int_equal(K.d->said[3].flags, TCP_SYN | TCP_ACK | TCP_PSH | TCP_FIN);
        ask(GET("/small", "x"));
        assert_int_equal(K.d->n_said, 3);
        end();
}

static void r44_one_of_two_sites_is_closed(void **s)
{
        begin(false);
        assert_int_equal(http_site_set(h, "shop.example", "/shop"), 0);
        assert_int_equal(http_site_away(h, "shop.example", "https://example.net/later"), 0);
        ask(GET("/small", "shop.example"));
        assert_non_null(strstr(got, "bought\n"));
        assert_int_equal(http_site_close(h, "shop.example", true), 0);
        for (u32 i = 0; i < 2; i++) {
                ask(GET("/small", "shop.example"));
                assert_non_null(strstr(got, "302 Found"));
                assert_non_null(strstr(got, "\r\nLocation: https://example.net/later\r\n"));
                assert_null(strstr(got, "bought"));
        }
        ask(GET("/small", "other.example"));
        assert_non_null(strstr(got, "small\n"));
        assert_int_equal(http_site_close(h, "shop.example", false), 0);
        ask(GET("/small", "shop.example"));
        assert_non_null(strstr(got, "bought\n"));
        assert_int_equal(http_site_close(h, "nobody.example", true), E_NOENT);
        assert_int_equal(http_site_away(h, "shop.example", "bad\r\nHeader: x"), E_INVAL);
        end();
}

static void r43_all_closed_answers_before_the_request(void **s)
{
        static const struct tcp_opts plain;
        begin(false);
        assert_int_equal(http_site_away(h, "default", "http://else.example/"), 0);
        assert_int_equal(http_site_close(h, NULL, true), 0);
        ask_as(&talk_qure, GET("/small", "x"), false);
        assert_non_null(strstr(got, "302 Found\r\nLocation: http://else.example/\r\n"));
        assert_int_equal(K.d->said[1].flags, TCP_SYN | TCP_ACK | TCP_PSH | TCP_FIN);
        assert_int_equal(K.withdrawn, strlen(GET("/small", "x")));
        assert_true(K.d->said[1].bytes <= 3 * K.d->said[0].bytes);
        ask(GET("/small", "x")); /* its request came with the SYN: the usual redirect, in three packets */
        assert_non_null(strstr(got, "302 Found"));
        assert_int_equal(K.d->n_said, 3);
        ask_as(&plain, GET("/small", "x"), true); /* a plain client is read first */
        assert_non_null(strstr(got, "302 Found"));
        assert_int_equal(K.d->said[1].n, 0);
        assert_int_equal(http_site_away(h, "default", ""), 0);
        ask(GET("/small", "x"));
        assert_non_null(strstr(got, "503"));
        assert_int_equal(http_site_close(h, NULL, false), 0);
        ask(GET("/small", "x"));
        assert_non_null(strstr(got, "small\n"));
        end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {test(r47_a_page_in_three_packets), test(r46_a_page_from_a_late_server),
                                           test(r44_one_of_two_sites_is_closed),
                                           test(r43_all_closed_answers_before_the_request)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
