/* http_place.c (test) - a connection of the web server is moved to another machine's at any frame: the client sees the bytes that
 * one machine would have sent. What cannot go on there stays and goes on. SPDX-License-Identifier: MIT */
#include "../handoff/lan.h"
#include "fatimg.h"
#include "../../../net/service/http_impl.h"
#include "plat.h"

enum { BIG = 200000, GOT = 1 << 20 };

static struct fatimg *img[MACHINES];
static struct fat volume_[MACHINES];
static struct http *http[MACHINES];
static u8 big[BIG], got[GOT], want[GOT];
static u32 n_got, n_want, n_done;
static bool eof, deaf;
static enum handoff_reason how;

static void on_readable(struct tcb *t)
{
        const u8 *p;
        u32 n;
        while (!deaf && (n = tcp_peek(t, 0, &p))) {
                assert_true(n_got + n < GOT);
                memcpy(got + n_got, p, n);
                n_got += n;
                tcp_consume(t, n);
        }
        eof |= tcp_eof(t);
        if (eof)
                tcp_close(t);
}
static const struct tcp_events reader = {.readable = on_readable, .closed = client_closed};

static void on_done(void *ctx, struct tcb *t, enum handoff_reason why)
{
        how = why;
        n_done++;
}

/* Nodes have the same files elsewhere on their volumes; `other`: another /big. */
static void begin(const char *request, bool other)
{
        lan_begin();
        n_got = n_done = 0;
        how = HANDOFF_OK;
        eof = deaf = false;
        plat_reset(L.m[FRONT]);
        for (u32 i = 0; i < BIG; i++)
                big[i] = (u8)(i * 31 + (i >> 8) * 7);
        for (int i = FRONT; i < MACHINES; i++) {
                img[i] = fatimg_new(3000, 512);
                if (i != FRONT)
                        fatimg_add(img[i], 0, "first", big, 3000u * (u32)i);
                u32 www = fatimg_add(img[i], 0, "www", NULL, 0);
                fatimg_add(img[i], www, "small", "small\n", 6);
                big[100] += other && i != FRONT;
                fatimg_add(img[i], www, "big", big, BIG);
                big[100] -= other && i != FRONT;
                assert_null(fat_mount(&volume_[i], img[i]->b, img[i]->size));
                tcp_unlisten(listener_find(L.m[i]->st->tcp, SERVICE, 80));
                http[i] = http_new(L.m[i]->st, &volume_[i]);
                if (i == NODE1) /* sites need not have the same numbers */
                        assert_int_equal(http_site_set(http[i], "other", "www"), 0);
                assert_int_equal(http_site_set(http[i], "default", "www"), 0);
                assert_int_equal(http_listen(http[i], SERVICE, 80), 0);
        }
        int err;
        L.client = tcp_connect(L.m[CLIENT]->st, IPADDR_ANY, 0, SERVICE, 80, &reader, NULL, &L.copts, &err);
        assert_int_equal(tcp_send(L.client, request, (u32)strlen(request)), strlen(request));
}

static struct tcb *of(int machine)
{
        struct tcp_state *ts = L.m[machine]->st->tcp;
        for (u32 i = 0; i < ts->n_pool; i++)
                if (ts->pool[i].ports && tcb_lport(&ts->pool[i]) == 80)
                        return &ts->pool[i];
        return NULL;
}

static const char *move(ipaddr to)
{
        const char *why = NULL;
        struct tcb *t = of(FRONT);
        if (!t)
                return "gone";
        enum handoff_reason r = handoff_move(handoff_of(L.m[FRONT]->st), t, to, on_done, NULL, &why);
        assert_true(r == HANDOFF_OK || why);
        stack_batch_end(L.m[FRONT]->st);
        return r == HANDOFF_OK ? NULL : why;
}

static void end(void)
{
        struct http_counters n;
        if (L.client)
                tcp_abort(L.client);
        L.client = NULL;
        L.lose = NULL;
        lan_run(100);
        for (int i = FRONT; i < MACHINES; i++) {
                http_file_forget(http[i]);
                http_counters(http[i], &n);
                assert_int_equal(n.slots_free, n.slots);
        }
        lan_run(70000);
        lan_end();
        for (int i = FRONT; i < MACHINES; i++)
                fatimg_free(img[i]);
}

static u32 stop_at;
static bool hold(int from, int to, const struct frame *f, u32 number) { return number >= stop_at; }

/* What one machine sends. */
static void alone(const char *request)
{
        begin(request, false);
        lan_run(8000);
        memcpy(want, got, n_got);
        n_want = n_got;
        assert_true(n_want > 0);
        end();
}

static void same_stream(u32 at)
{
        if (n_got != n_want || memcmp(got, want, n_got))
                fail_msg("moved at frame %u: %u bytes of %u, or others", at, n_got, n_want);
        for (u32 i = 0; i < L.n_seen; i++)
                assert_false((L.seen[i].flags & T_RST) && L.seen[i].to == CLIENT);
}

static void moved_at_every_frame(const char *request, u32 first, u32 step, u32 last, u32 at_least)
{
        u32 moved = 0;
        alone(request);
        for (u32 at = first; at < last; at += step) {
                begin(request, false);
                stop_at = at;
                L.lose = hold;
                lan_run(3);
                L.lose = NULL;
                const char *why = move(lan_addr[at % 2 ? NODE1 : NODE2]);
                lan_run(9000);
                assert_true(why || (n_done == 1 && how == HANDOFF_OK));
                moved += !why;
                same_stream(at);
                end();
        }
        assert_true(moved >= at_least);
}

static void reply_goes_on_elsewhere_from_any_frame(void **s)
{
        moved_at_every_frame("GET /big HTTP/1.1\r\nHost: a\r\n\r\n", 4, 7, 120, 15);
}

static void requests_behind_it_are_answered_there(void **s)
{
        moved_at_every_frame("GET /big HTTP/1.1\r\nHost: a\r\n\r\nGET /small HTTP/1.1\r\nHost: b\r\n\r\nGET /big HTTP/1.1\r\nHost: a\r\n"
                             "Range: bytes=777-150000\r\n\r\nGET /none HTTP/1.1\r\nHost: a\r\n\r\n", 4, 17, 260, 12);
}

static void last_reply_of_a_connection(void **s)
{
        moved_at_every_frame("GET /big HTTP/1.0\r\n\r\n", 4, 11, 110, 3);
        moved_at_every_frame("GET /small HTTP/1.1\r\nConnection: close\r\n\r\n", 6, 1, 12, 1);
}

static void error_that_lingers(void **s)
{
        moved_at_every_frame("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 3, 1, 14, 2);
}

static void rest_of_a_body_is_passed_over_there(void **s)
{
        char body[4000];
        begin("GET /small HTTP/1.1\r\nHost: a\r\nContent-Length: 8000\r\n\r\n", false);
        memset(body, 'x', sizeof body);
        tcp_send(L.client, body, sizeof body);
        lan_run(50);
        assert_int_equal(((struct http_conn *)tcp_user(of(FRONT)))->state, CONN_SKIPPING);
        assert_null(move(lan_addr[NODE1]));
        lan_run(300);
        assert_int_equal(((struct http_conn *)tcp_user(of(NODE1)))->skip, 4000);
        tcp_send(L.client, body, sizeof body);
        u32 before = n_got;
        tcp_send(L.client, "GET /small HTTP/1.1\r\nHost: a\r\n\r\n", 32);
        lan_run(100);
        assert_int_equal(n_got, 2 * before);
        end();
}

/* The client stops there: the time of what it was in the middle of runs on the node. */
static void times_run_on_the_node(void **s)
{
        begin("GET /small HTTP/1.1\r\nHost: a\r\nContent-Length: 8000\r\n\r\n", false);
        lan_run(50);
        assert_null(move(lan_addr[NODE1]));
        lan_run(9000);
        assert_null(L.err || L.closed ? "gone" : NULL);
        lan_run(2000);
        assert_true(L.reset);
        end();
        begin("GET /big HTTP/1.1\r\nHost: a\r\n\r\nGET /big HTTP/1.1\r\nHost: a\r\n\r\n"
              "GET /big HTTP/1.1\r\nHost: a\r\n\r\nGET /big HTTP/1.1\r\nHost: a\r\n\r\n"
              "GET /big HTTP/1.1\r\nHost: a\r\n\r\nGET /big HTTP/1.1\r\nHost: a\r\n\r\n", false);
        deaf = true;
        lan_run(50);
        assert_int_equal(((struct http_conn *)tcp_user(of(FRONT)))->state, CONN_SENDING);
        assert_null(move(lan_addr[NODE1]));
        lan_run(70000);
        assert_int_equal(n_done, 1);
        assert_null(of(NODE1)); /* a minute of nothing */
        end();
}

/* The listener's, and of what its connections begin as. */
static void small_queue(struct tcp_state *ts, u32 bytes)
{
        struct listener *l = listener_find(ts, SERVICE, 80);
        l->opts.sndbuf = l->like.sndbuf = bytes;
}

/* Much larger than the send queue: the file's rest is still in the file. */
static void reply_larger_than_the_queue(const char *request, bool other, enum handoff_reason expected)
{
        begin(request, other);
        small_queue(L.m[FRONT]->st->tcp, 40000);
        small_queue(L.m[NODE1]->st->tcp, 50000);
        stop_at = 12;
        L.lose = hold;
        lan_run(3);
        L.lose = NULL;
        struct http_conn *c = tcp_user(of(FRONT));
        assert_int_equal(c->state, CONN_SENDING);
        assert_true(c->left > 100000);
        assert_null(move(lan_addr[NODE1]));
        lan_run(9000);
        assert_int_equal(how, expected);
        assert_int_equal(n_done, 1);
        same_stream(0);
        end();
}

static void file_is_opened_there_again(void **s)
{
        static const char *const requests[] = {"GET /big HTTP/1.1\r\nHost: a\r\n\r\n", "GET /big HTTP/1.0\r\n\r\n",
                                               "GET /big?x HTTP/1.1\r\nHost: a\r\nRange: bytes=5000-\r\n\r\n"};
        for (u32 i = 0; i < COUNT_OF(requests); i++) {
                alone(requests[i]);
                reply_larger_than_the_queue(requests[i], false, HANDOFF_OK);
                reply_larger_than_the_queue(requests[i], true, HANDOFF_PLACE);
        }
}

/* Nobody carries 200,000 bytes that both have. */
static void bytes_never_sent_are_read_there(void **s)
{
        u32 carried = 0;
        alone("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
        begin("GET /big HTTP/1.1\r\nHost: a\r\n\r\n", false);
        stop_at = 12;
        L.lose = hold;
        lan_run(3);
        L.lose = NULL;
        L.n_seen = 0;
        assert_true(tcp_send_queued(of(FRONT)) > 150000);
        assert_null(move(lan_addr[NODE1]));
        lan_run(300);
        for (u32 i = 0; i < L.n_seen; i++)
                carried += L.seen[i].from == FRONT && L.seen[i].option ? L.seen[i].n : 0;
        assert_true(carried > 5000 && carried < 40000);
        lan_run(9000);
        same_stream(12);
        end();
        /* refused, they are read again here */
        begin("GET /big HTTP/1.1\r\nHost: a\r\n\r\n", true);
        stop_at = 12;
        L.lose = hold;
        lan_run(3);
        L.lose = NULL;
        assert_null(move(lan_addr[NODE1]));
        lan_run(9000);
        assert_int_equal(how, HANDOFF_PLACE);
        same_stream(12);
        end();
}

static void longer_target_than_fits_is_named(void **s)
{
        char request[400] = "GET /big?", tail[] = " HTTP/1.1\r\nHost: a\r\n\r\n";
        memset(request + 9, 'y', 200);
        strcpy(request + 209, tail);
        alone(request);
        begin(request, false);
        small_queue(L.m[FRONT]->st->tcp, 40000);
        stop_at = 12;
        L.lose = hold;
        lan_run(3);
        L.lose = NULL;
        assert_string_equal(move(lan_addr[NODE1]), "its target is too long, or its site is gone");
        lan_run(9000);
        same_stream(12);
        end();
}

static void node_without_a_slot_refuses(void **s)
{
        alone("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
        struct http_conn *free = NULL;
        begin("GET /big HTTP/1.1\r\nHost: a\r\n\r\n", false);
        stop_at = 12;
        L.lose = hold;
        lan_run(3);
        L.lose = NULL;
        free = http[NODE1]->slots_free;
        http[NODE1]->slots_free = NULL;
        assert_null(move(lan_addr[NODE1]));
        lan_run(9000);
        assert_int_equal(how, HANDOFF_PLACE);
        same_stream(12);
        http[NODE1]->slots_free = free;
        end();
}

static void node_takes_no_nonsense(void **s)
{
        begin("GET /big HTTP/1.1\r\nHost: a\r\n\r\n", false);
        small_queue(L.m[FRONT]->st->tcp, 40000);
        stop_at = 12;
        L.lose = hold;
        lan_run(3);
        u8 place[TCP_PLACE_MAX + 1];
        const char *why;
        int n = http_place_put(of(FRONT), place, TCP_PLACE_MAX, &why);
        assert_true(n > 40);
        struct tcb *t = tcb_new(L.m[NODE1]->st->tcp);
        t->listener = (u16)(listener_find(L.m[NODE1]->st->tcp, SERVICE, 80)->index + 1);
        t->user = http[NODE1];
        for (u32 i = 0; i <= TCP_PLACE_MAX; i++) {
                u8 *exact = malloc(i + 1);
                memcpy(exact, place, i);
                assert_int_equal(i && http_place_take(t, exact, i), i == (u32)n);
                if (i == (u32)n)
                        http_slot_give(http[NODE1], t);
                t->user = http[NODE1];
                free(exact);
        }
        for (u32 bit = 0; bit < (u32)n * 8; bit++) { /* where it is taken all the same, it is in bounds */
                place[bit / 8] ^= (u8)(1 << bit % 8);
                if (http_place_take(t, place, (u32)n)) {
                        struct http_conn *c = tcp_user(t);
                        assert_false(timer_running(&c->timer));
                        assert_true(c->pos.off <= BIG && c->left <= BIG - c->pos.off && c->skip <= HTTP_BODY_MAX);
                        http_slot_give(http[NODE1], t);
                }
                t->user = http[NODE1];
                place[bit / 8] ^= (u8)(1 << bit % 8);
        }
        t->ev = &tcp_no_events;
        tcb_free(t);
        tcb_resume(of(FRONT));
        end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(reply_goes_on_elsewhere_from_any_frame),
                test(requests_behind_it_are_answered_there),
                test(last_reply_of_a_connection),
                test(error_that_lingers),
                test(rest_of_a_body_is_passed_over_there),
                test(times_run_on_the_node),
                test(file_is_opened_there_again),
                test(bytes_never_sent_are_read_there),
                test(longer_target_than_fits_is_named),
                test(node_without_a_slot_refuses),
                test(node_takes_no_nonsense),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
