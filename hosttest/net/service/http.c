/* http.c (test) - the server against a client on a second stack, in virtual time: what is slow, silent, greedy or too much,
 * and what happens when slots and buffers run out. Each test ends by proving that slots and buffers came back.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "fatimg.h"
#include "mem.h"
#include "../../../net/service/http_impl.h"
#include "plat.h"
#include "wire.h"

enum { BIG = 300000, CLIENTS = 200, GOT = 900000 };

static struct wire *server, *peer;
static struct fatimg *img;
static struct fat volume_;
static struct http *http;
static u8 big[BIG];

struct client { struct tcb *t; u8 *got; u32 n; bool deaf, eof, closed; int err; };
static struct client clients[CLIENTS];

static void take_all(struct client *c)
{
        const u8 *p;
        u32 n;

        while (!c->deaf && (n = tcp_peek(c->t, 0, &p))) {
                assert_true(c->n + n < GOT);
                memcpy(c->got + c->n, p, n);
                c->n += n;
                tcp_consume(c->t, n);
        }
        c->eof |= tcp_eof(c->t);
}

static void on_readable(struct tcb *t) { take_all(tcp_user(t)); }

static void on_closed(struct tcb *t, int err)
{
        struct client *c = tcp_user(t);

        c->closed = true;
        c->err = err;
        c->t = NULL;
}

static const struct tcp_events events = {.readable = on_readable, .closed = on_closed};

/* Frames both ways until nobody has any. */
static void carry(void)
{
        const struct frame *f;
        bool moved;

        do {
                wire_batch_end(server);
                wire_batch_end(peer);
                moved = false;
                for (; (f = wire_tx(server)); moved = true)
                        wire_rx(peer, f->b, f->n);
                for (; (f = wire_tx(peer)); moved = true)
                        wire_rx(server, f->b, f->n);
        } while (moved);
}

/* Moves both clocks, in steps of at most 5 ms. */
static void run_for(u32 ms)
{
        carry();
        for (u32 done = 0; done < ms; done += 5) {
                wire_wait(server, 5);
                wire_wait(peer, 5);
                carry();
        }
}

static void begin_with(u32 n_pkts)
{
        const struct stack_config cfg = {.n_pkts = n_pkts, .n_tcbs = 256, .n_synq = 128}, wide = {.n_pkts = 2048, .n_tcbs = 256};

        server = wire_new(&cfg, NETIF_L3 | NETIF_SG);
        peer = wire_new_bare(&wide, NETIF_L3);
        netif_addr_add(&peer->nif, WIRE_PEER, 24, IFADDR_STATIC, false);
        plat_reset(server);
        img = fatimg_new(3000, 512);
        u32 www = fatimg_add(img, 0, "www", NULL, 0);
        fatimg_add(img, www, "small", "small\n", 6);
        fatimg_add(img, www, "big", big, BIG);
        assert_null(fat_mount(&volume_, img->b, img->size));
        http = http_new(server->st, &volume_);
        assert_int_equal(http_site_set(http, "default", "www"), 0);
        assert_int_equal(http_listen(http, IPADDR_ANY, 80), 0);
        memset(clients, 0, sizeof(clients));
}

static int begin(void **state)
{
        begin_with(512);
        return 0;
}

static int end(void **state)
{
        struct http_counters n;

        for (u32 i = 0; i < CLIENTS; i++) {
                if (clients[i].t)
                        tcp_abort(clients[i].t);
                free(clients[i].got);
        }
        run_for(200);
        http_file_forget(http); /* its shared heads */
        http_counters(http, &n);
        assert_int_equal(n.slots_free, n.slots);
        wire_free(server);
        wire_discard(peer);
        fatimg_free(img);
        return 0;
}

static struct client *open_client(u32 i)
{
        struct client *c = &clients[i];
        int err;

        c->got = malloc(GOT);
        c->t = tcp_connect(peer->st, IPADDR_ANY, 0, WIRE_US, 80, &events, c, NULL, &err);
        if (!c->t)
                fail_msg("client %u: %s", i, stack_strerror(err));
        return c;
}

static void say(struct client *c, const char *text) { assert_int_equal(tcp_send(c->t, text, (u32)strlen(text)), strlen(text)); }

static bool got_text(struct client *c, const char *text)
{
        c->got[c->n] = 0;
        return strstr((char *)c->got, text) != NULL;
}

#define SMALL "GET /small HTTP/1.1\r\nHost: a\r\n\r\n"
#define LARGE "GET /big HTTP/1.1\r\nHost: a\r\n\r\n"

static u32 count_text(struct client *c, const char *text)
{
        u32 n = 0;

        c->got[c->n] = 0;
        for (char *s = (char *)c->got; (s = strstr(s, text)); s += strlen(text))
                n++;
        return n;
}

static void reply_is_in_one_segment_and_the_same_again(void **state)
{
        struct client *c = open_client(0);

        run_for(10);
        for (u32 i = 1; i <= 3; i++) { /* parsed, then remembered */
                u32 sent = server->nif.count.tx_packets;

                say(c, SMALL);
                run_for(0);
                assert_int_equal(count_text(c, "\r\n\r\nsmall\n"), i);
                assert_int_equal(count_text(c, "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), i);
                assert_int_equal(server->nif.count.tx_packets, sent + 1);
        }
        plat.wall++; /* asked for once a millisecond */
        run_for(5);
        say(c, SMALL);
        run_for(0);
        assert_int_equal(count_text(c, "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n"), 1);
}

/* A body that one buffer holds beside its head is put there, a longer one is referred to: both arrive, at every length around the border. */
static void files_around_the_size_of_a_buffer_arrive_whole(void **state)
{
        struct client *c = open_client(0);
        u32 one = 0, two = 0;

        http_site_set(http, "a", "/");
        run_for(10);
        for (u32 size = 1795; size < 1850; size++) {
                char name[8], get[64], ends[32];
                snprintf(name, sizeof(name), "E%u", size);
                snprintf(get, sizeof(get), "GET /%s HTTP/1.1\r\nHost: a\r\n\r\n", name);
                snprintf(ends, sizeof(ends), "Content-Length: %u\r\n\r\n", size);
                for (u32 i = 0; i < size; i++)
                        big[i] = (u8)(1 + (i ^ size) % 255);
                assert_int_not_equal(fatimg_add(img, 0, name, big, size), 0);
                c->n = 0;
                plat.wall++; /* what was kept for the files before goes */
                say(c, get);
                run_for(50);
                u32 all = c->n;
                say(c, get);
                run_for(50);
                assert_int_equal(c->n, 2 * all);
                assert_int_equal(count_text(c, ends), 2);
                for (u32 i = 1; i <= 2; i++)
                        assert_memory_equal(c->got + i * all - size, big, size);
                for (u32 i = 0; i < HTTP_FILES; i++)
                        if (http->file[i].ready && http->file[i].node.size == size)
                                *(http->file[i].ready->len > size ? &one : &two) += 1;
        }
        assert_true(one > 10 && two > 10);
}

static void what_was_remembered_is_forgotten_with_its_site(void **state)
{
        struct client *c = open_client(0);

        run_for(10);
        say(c, SMALL SMALL);
        run_for(0);
        assert_int_equal(count_text(c, "200 OK"), 2);
        http_site_del(http, "default");
        say(c, SMALL);
        run_for(0);
        assert_int_equal(count_text(c, "404 Not Found\r\n"), 1);
        http_site_set(http, "a", "/");
        say(c, SMALL "GET /www/small HTTP/1.1\r\nHost: A\r\n\r\n");
        run_for(0);
        assert_int_equal(count_text(c, "404 Not Found\r\n"), 2);
        assert_int_equal(count_text(c, "200 OK"), 3);
}

static void a_request_that_differs_in_one_byte_is_another_one(void **state)
{
        static const char *const behind[] = {"\r\n\r\n", "\r\nX: 0123456789abcdef\r\n\r\n"};
        struct client *c = open_client(0);

        http_site_set(http, "a", "/www");
        http_site_set(http, "b", "/");
        run_for(10);
        for (u32 i = 0; i < COUNT_OF(behind); i++)
                for (u32 j = 0; j < 4; j++) {
                        char get[80];
                        snprintf(get, sizeof(get), "GET /small HTTP/1.1\r\nHost: %c%s", "ab"[j & 1], behind[i]);
                        c->n = 0;
                        say(c, get);
                        run_for(0);
                        assert_true(got_text(c, j & 1 ? "404 Not Found\r\n" : "200 OK\r\n"));
                }
}

static void half_a_request_is_answered_408(void **state)
{
        struct client *c = open_client(0);

        run_for(10);
        say(c, "GET /small HTTP/1.1\r\nHo");
        run_for(HTTP_REQUEST_MS - 500);
        say(c, "st: a\r\nX");
        run_for(100);
        assert_int_equal(c->n, 0);
        run_for(600);
        assert_true(got_text(c, "HTTP/1.1 408 Request Timeout\r\n"));
        assert_true(c->eof);
        run_for(HTTP_LINGER_MS + 200);
        assert_true(c->closed);
}

static void the_second_half_request_has_its_own_time(void **state)
{
        struct client *c = open_client(0);

        run_for(10);
        say(c, "GET /small HTTP/1.1\r\n");
        run_for(HTTP_REQUEST_MS - 1000);
        say(c, "Host: a\r\n\r\nGET /small");
        run_for(HTTP_REQUEST_MS - 1000);
        assert_false(got_text(c, " 408 "));
        say(c, " HTTP/1.1\r\nHost: a\r\n\r\n");
        run_for(10);
        assert_int_equal(count_text(c, "small\n"), 2);
}

static void an_idle_connection_is_closed(void **state)
{
        struct client *c = open_client(0);

        run_for(10);
        say(c, SMALL);
        run_for(HTTP_IDLE_MS - 1000);
        assert_false(c->eof);
        say(c, SMALL);
        run_for(HTTP_IDLE_MS - 1000);
        assert_false(c->eof);
        run_for(2000);
        assert_true(c->eof);
        assert_int_equal(count_text(c, "small\n"), 2);
}

static void a_client_that_takes_nothing_is_let_go(void **state)
{
        struct client *c = open_client(0);
        struct http_counters n;

        c->deaf = true;
        run_for(10);
        say(c, LARGE);
        run_for(30000);
        assert_false(c->closed);
        run_for(40000);
        http_counters(http, &n);
        assert_int_equal(n.timeouts, 1);
        assert_int_equal(n.slots_free, n.slots);
        assert_true(c->closed);
        assert_int_equal(c->err, E_RESET);
}

static void a_slow_client_gets_all(void **state)
{
        struct client *c = open_client(0);

        c->deaf = true;
        run_for(10);
        say(c, LARGE SMALL);
        for (u32 i = 0; i < 40; i++) {
                run_for(20000);
                c->deaf = false;
                take_all(c);
                c->deaf = true;
        }
        c->deaf = false;
        run_for(1000);
        assert_true(got_text(c, "Content-Length: 300000\r\n"));
        u8 *body = (u8 *)strstr((char *)c->got, "\r\n\r\n") + 4;
        assert_memory_equal(body, big, BIG);
        assert_true(memcmp(c->got + c->n - 6, "small\n", 6) == 0);
}

static void more_half_requests_than_slots_cost_only_themselves(void **state)
{
        struct http_counters n;
        u32 gone = 0;

        for (u32 i = 0; i < HTTP_SLOTS + 20; i++) {
                open_client(i);
                run_for(5);
        }
        for (u32 i = 0; i < HTTP_SLOTS + 20; i++)
                say(&clients[i], "GET /sm");
        run_for(50);
        http_counters(http, &n);
        assert_int_equal(n.slots_free, 0);
        assert_int_equal(n.busy, 20);
        for (u32 i = 0; i < HTTP_SLOTS + 20; i++)
                gone += clients[i].closed;
        assert_int_equal(gone, 20);
        struct client *c = open_client(HTTP_SLOTS + 20); /* whole requests need no slot */
        run_for(50);
        say(c, SMALL);
        run_for(10);
        assert_true(got_text(c, "small\n"));
        say(c, LARGE); /* this one does */
        run_for(100);
        assert_true(got_text(c, "503 Service Unavailable\r\n"));
        run_for(HTTP_REQUEST_MS + HTTP_LINGER_MS + 1000);
        http_counters(http, &n);
        assert_int_equal(n.slots_free, n.slots);
}

static void without_buffers_a_request_waits_and_is_answered(void **state)
{
        struct client *c = open_client(0);
        struct pkt *held[512];
        u32 n = 0;

        run_for(10);
        say(c, "GET /small HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        run_for(0);
        assert_int_equal(count_text(c, "small\n"), 1);
        while (server->st->pkts.n_free > 3)
                held[n++] = pkt_alloc(&server->st->pkts, 0);
        say(c, "GET /no HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        run_for(0);
        held[n++] = pkt_alloc(&server->st->pkts, 0);
        held[n++] = pkt_alloc(&server->st->pkts, 0);
        run_for(300);
        while (n)
                pkt_free(held[--n]);
        run_for(3000);
        assert_int_equal(count_text(c, "404 Not Found\r\n"), 1);
        say(c, SMALL);
        run_for(300);
        assert_int_equal(count_text(c, "small\n"), 2);
}

static void a_pool_that_runs_dry_recovers(void **state)
{
        assert_int_equal(end(NULL), 0);
        begin_with(48);
        for (u32 i = 0; i < 60; i++) {
                open_client(i);
                run_for(5);
        }
        for (u32 i = 0; i < 120; i++)
                say(&clients[i % 60], "GET /no HTTP/1.1\r\nHost: a\r\n\r\n");
        for (u32 ms = 0; ms < 2000; ms += 5) { /* what the server says is lost: it keeps it all */
                const struct frame *f;

                wire_wait(peer, 5);
                wire_wait(server, 5);
                while ((f = wire_tx(peer)))
                        wire_rx(server, f->b, f->n);
                wire_flush_out(server);
        }
        assert_true(server->st->pkts.n_low <= 2);
        run_for(60000);
        u32 answered = 0;
        for (u32 i = 0; i < 60; i++)
                answered += count_text(&clients[i], "404 Not Found\r\n");
        assert_true(answered > 30);
        struct client *c = open_client(70);
        run_for(5000);
        say(c, SMALL);
        run_for(5000);
        assert_true(got_text(c, "small\n"));
}

static void an_error_reply_is_not_lost_in_a_reset(void **state)
{
        struct client *c = open_client(0);
        static char body[30000];

        memset(body, 'x', sizeof(body) - 1);
        run_for(10);
        say(c, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999\r\n\r\n");
        tcp_send(c->t, body, sizeof(body) - 1);
        run_for(50);
        tcp_send(c->t, body, sizeof(body) - 1);
        run_for(50);
        assert_true(got_text(c, "413 Content Too Large\r\n"));
        assert_true(c->eof && !c->closed);
        tcp_close(c->t);
        run_for(100);
        assert_int_equal(c->err, 0);
}

static void unread_requests_wait_for_room(void **state)
{
        struct client *c = open_client(0);
        u32 asked = 0;

        c->deaf = true;
        run_for(10);
        for (u32 i = 0; i < 3000; i++) { /* replies of more bytes than windows and queues hold */
                if (tcp_send_room(c->t) > 100) {
                        say(c, SMALL);
                        asked++;
                }
                if (i % 20 == 0)
                        run_for(5);
        }
        run_for(1000);
        c->deaf = false;
        take_all(c);
        run_for(20000);
        assert_true(asked > 1000);
        assert_int_equal(count_text(c, "small\n"), asked);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
        const struct CMUnitTest tests[] = {
                T(reply_is_in_one_segment_and_the_same_again), T(files_around_the_size_of_a_buffer_arrive_whole),
                T(what_was_remembered_is_forgotten_with_its_site), T(a_request_that_differs_in_one_byte_is_another_one),
                        T(half_a_request_is_answered_408),
                T(the_second_half_request_has_its_own_time), T(an_idle_connection_is_closed),
                        T(a_client_that_takes_nothing_is_let_go),
                T(a_slow_client_gets_all), T(more_half_requests_than_slots_cost_only_themselves),
                        T(without_buffers_a_request_waits_and_is_answered),
                T(a_pool_that_runs_dry_recovers), T(an_error_reply_is_not_lost_in_a_reset), T(unread_requests_wait_for_room),
        };
        for (u32 i = 0; i < BIG; i++)
                big[i] = (u8)(i * 31 + i / 509);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
