/* packets.c - one small request, counted: packets, bytes of IP and round trips until the reply is there, for a plain, a Fast Open
 * and a QuRe client, whom one machine answers, or a node behind a front, by handoff or by relay. The web server and the front
 * themselves, 10 ms each way between the client and the LAN, virtual time. `make bench` prints it.
 * SPDX-License-Identifier: MIT */
#include "early.h"
#include "fatimg.h"
#include "front_handoff.h"
#include "../../../net/service/http_impl.h"
#include "plat.h"

enum { WAY_MS = 10, PORT = 81, PAGE = 1024, ROUTES = 3 };
enum route { DIRECT, HANDED, RELAYED };
static const char *const route_name[] = {"one machine", "handoff", "relay"};
static const char *const path[] = {"/a/page", "/b/page", "/c/page"};

static struct fatimg *img;
static struct fat vol;
static struct http *site[2];
static struct front *front;

/* --- the client is far away --- */

static struct { u64 due_us; int to; struct frame f; } way[64];
static u32 n_way, first_way;

static bool far_away(int from, int to, const struct frame *f, u32 number)
{
        if (from != CLIENT && to != CLIENT)
                return false;
        struct frame copy = {f->n, malloc(f->n)};
        memcpy(copy.b, f->b, f->n);
        way[n_way++ % COUNT_OF(way)] = (typeof(way[0])){L.m[to]->now_us + WAY_MS * 1000, to, copy};
        assert_true(n_way - first_way <= COUNT_OF(way));
        return true;
}

static void run_far(u32 ms)
{
        for (u32 i = 0; i < ms; i++) {
                lan_run(1);
                for (; first_way != n_way; first_way++) {
                        u32 k = first_way % COUNT_OF(way);
                        if (way[k].due_us > L.m[way[k].to]->now_us)
                                break;
                        wire_rx(L.m[way[k].to], way[k].f.b, way[k].f.n);
                        free(way[k].f.b);
                }
                while (lan_step())
                        ;
        }
}

/* --- one request --- */

static u64 done_us;
static u32 status;
static void on_reply(struct tcb *t)
{
        char head[16] = {0};
        if (!L.got && tcp_copy(t, 0, head, 12) == 12)
                status = (u32)atoi(head + 9);
        L.got += tcp_readable(t);
        if (tcp_readable(t))
                done_us = L.m[CLIENT]->now_us;
        tcp_consume(t, tcp_readable(t));
        if (tcp_eof(t))
                tcp_close(t);
}
static const struct tcp_events events = {.readable = on_reply, .closed = client_closed};

static void get(enum client_kind kind, enum route r)
{
        char req[128];
        int err;
        struct tcp_opts o = {.fastopen = kind == FASTOPEN, .qure = kind == QURE};
        L.got = L.closed = L.err = 0;
        L.client = tcp_connect(L.m[CLIENT]->st, IPADDR_ANY, 0, SERVICE, PORT, &events, NULL, &o, &err);
        assert_non_null(L.client);
        u32 n = (u32)snprintf(req, sizeof req, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path[r]);
        assert_int_equal(tcp_send(L.client, req, n), (int)n);
        tcp_shutdown(L.client);
}

struct counted { u32 packets, bytes, inside, inside_bytes, trips; };

static struct counted count(enum client_kind kind, enum route r)
{
        struct counted c = {0};
        get(kind, r); /* brings cookies, and everybody's neighbours */
        lan_run(200);
        assert_int_equal(L.closed, 1);
        lan_skip(5);
        L.lose = far_away;
        L.n_seen = 0;
        u64 began = L.m[CLIENT]->now_us;
        get(kind, r);
        run_far(500);
        L.lose = NULL;
        assert_int_equal(status, 200);
        assert_true(L.closed == 1 && !L.err && L.got > PAGE);
        for (u32 i = 0; i < L.n_seen; i++) {
                const struct heard *e = &L.seen[i];
                bool far = e->from == CLIENT || e->to == CLIENT;
                c.packets += far;
                c.bytes += far ? e->bytes : 0;
                c.inside += !far;
                c.inside_bytes += far ? 0 : e->bytes;
        }
        c.trips = (u32)((done_us - began + WAY_MS * 1000) / (2 * WAY_MS * 1000));
        if (getenv("SHOW"))
                lan_print();
        lan_skip(100);
        return c;
}

static void serve(int machine, int k)
{
        plat_reset(L.m[machine]);
        site[k] = http_new(L.m[machine]->st, &vol);
        assert_int_equal(http_site_set(site[k], "default", "www"), 0);
        assert_int_equal(http_listen(site[k], IPADDR_ANY, PORT), 0);
}

static void rule(const char *name, enum front_action action, const char *prefix)
{
        const struct front_addr at = {lan_addr[NODE1], PORT};
        struct front_rule r = {.conds = COND_PATH};
        assert_int_equal(front_backend_set(front, name, action, &at, 1), 0);
        strcpy(r.path, prefix);
        assert_int_equal(front_rule_add(front, name, &r), 0);
}

static void begin_sites(void)
{
        static u8 page[PAGE];
        lan_begin();
        img = fatimg_new(3000, 512);
        u32 www = fatimg_add(img, 0, "www", NULL, 0);
        for (u32 i = 0; i < ROUTES; i++)
                fatimg_add(img, fatimg_add(img, www, (char[]){(char)('a' + i), 0}, NULL, 0), "page", page, sizeof page);
        assert_null(fat_mount(&vol, img->b, img->size));
        serve(FRONT, 0);
        serve(NODE1, 1);
        front = front_new(L.m[FRONT]->st, 0);
        front_attach(front, site[0]);
        assert_true(front_handoff_attach(front, handoff_of(L.m[FRONT]->st)));
        rule("direct", FRONT_HANDOFF, "/b");
        rule("relay", FRONT_RELAY, "/c");
        lan_skip(61);
}

static void end_sites(void)
{
        for (u32 i = 0; i < 2; i++)
                http_file_forget(site[i]);
        lan_end();
        fatimg_free(img);
}

static void small_request_by_every_client_and_way(void **s)
{
        struct counted c[ROUTES][CLIENT_KINDS];
        begin_sites();
        for (u32 r = 0; r < ROUTES; r++)
                for (u32 k = 0; k < CLIENT_KINDS; k++) {
                        struct counted *n = &c[r][k];
                        *n = count(k, r);
                        printf("request.%s.%s: %u packets, %u bytes at the client, "
                               "%u packets, %u bytes inside, %u round trip%s\n", route_name[r], kind_name[k], n->packets, n->bytes, n->inside, n->inside_bytes, n->trips,
                               n->trips == 1 ? "" : "s");
                }
        assert_int_equal(c[DIRECT][QURE].packets, 3);
        assert_int_equal(c[HANDED][QURE].packets, 3);
        assert_int_equal(c[RELAYED][QURE].packets, 3);
        for (u32 r = 0; r < ROUTES; r++) {
                assert_int_equal(c[r][PLAIN].trips, 2);
                assert_int_equal(c[r][FASTOPEN].trips, 1);
                assert_int_equal(c[r][QURE].trips, 1);
                if (r != RELAYED)
                        assert_int_equal(c[r][PLAIN].packets, c[DIRECT][PLAIN].packets); /* the client cannot tell */
        }
        assert_in_range(c[HANDED][QURE].inside, 4, 5); /* 51, 52, 53, 30 forwarded; a notice of the end, with others' */
        assert_true(c[HANDED][QURE].inside_bytes < c[RELAYED][QURE].inside_bytes);
        end_sites();
}

/* No flow entry is free, or the node speaks another version: the same node answers, through the front. */
static void what_cannot_be_handed_over_is_relayed(void **s)
{
        begin_sites();
        struct handoff *h = handoff_of(L.m[FRONT]->st);
        u32 free = h->flows.free;
        for (u32 k = 0; k < CLIENT_KINDS; k++) {
                struct front_counters n;
                status = 0;
                h->flows.free = 0;
                get(k, HANDED);
                lan_run(300);
                h->flows.free = free;
                assert_int_equal(status, 200);
                assert_true(L.closed == 1 && !L.err && L.got > PAGE);
                front_counters(front, &n);
                assert_int_equal(n.relayed, k + 1);
                assert_int_equal(n.handed, 0);
        }
        assert_int_equal(counters(FRONT).handed, 0);
        lan_skip(100);
        end_sites();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(small_request_by_every_client_and_way), test(what_cannot_be_handed_over_is_relayed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
