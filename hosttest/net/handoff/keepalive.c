/* keepalive.c - web server, rules and handoff together: requests of one kept connection go each to its node, what a node
 * may answer by itself it keeps, and downloads are moved. SPDX-License-Identifier: MIT */
#include "lan.h"
#include "fatimg.h"
#include "front_handoff.h"
#include "../../../net/service/http_impl.h"
#include "plat.h"

static struct fatimg *img[MACHINES];
static struct fat volume_[MACHINES];
static struct http *http[MACHINES];
static struct front *front;
enum { BIG = 2000000 }; /* more than a send queue takes */
static char got[1 << 21];
static u8 big[BIG];
static u32 n_got;

static void on_bytes(struct tcb *t)
{
        n_got += tcp_copy(t, 0, got + n_got, sizeof got - 1 - n_got);
        tcp_consume(t, tcp_readable(t));
}
static const struct tcp_events client_bytes = {.readable = on_bytes, .closed = client_closed};

static void backend(const char *name, int machine, const char *path)
{
        struct front_rule r = {.conds = COND_PATH};
        strcpy(r.path, path);
        assert_int_equal(front_backend_set(front, name, FRONT_HANDOFF, &(struct front_addr){lan_addr[machine], 0}, 1), 0);
        assert_int_equal(front_rule_add(front, name, &r), 0);
}

static int begin(void **state)
{
        int err;
        for (u32 i = 0; i < BIG; i++)
                big[i] = (u8)(i * 31 + (i >> 8));
        lan_pkts = 4096;
        lan_begin();
        plat_reset(L.m[FRONT]);
        for (int i = FRONT; i < MACHINES; i++) {
                char text[40];
                tcp_unlisten(listener_find(L.m[i]->st->tcp, SERVICE, 80));
                img[i] = fatimg_new(5000, 512);
                u32 www = fatimg_add(img[i], 0, "www", NULL, 0);
                u32 n = (u32)snprintf(text, sizeof text, "machine %d\n", i);
                fatimg_add(img[i], www, "who", text, n);
                fatimg_add(img[i], www, "one", text, n);
                fatimg_add(img[i], www, "two", text, n);
                fatimg_add(img[i], www, "one-big", big, BIG);
                fatimg_add(img[i], 0, "empty", NULL, 0);
                assert_null(fat_mount(&volume_[i], img[i]->b, img[i]->size));
                http[i] = http_new(L.m[i]->st, &volume_[i]);
                assert_int_equal(http_site_set(http[i], "default", "www"), 0);
                assert_int_equal(http_listen(http[i], IPADDR_ANY, 80), 0);
                struct front *f = front_new(L.m[i]->st, 0);
                front_attach(f, http[i]);
                assert_true(front_handoff_attach(f, handoff_of(L.m[i]->st)));
                if (i == FRONT)
                        front = f;
        }
        n_got = 0;
        memset(got, 0, sizeof got);
        L.client = tcp_connect(L.m[CLIENT]->st, IPADDR_ANY, 0, SERVICE, 80, &client_bytes, NULL, NULL, &err);
        assert_non_null(L.client);
        lan_run(50);
        return 0;
}

static int end(void **state)
{
        if (L.client)
                tcp_abort(L.client);
        lan_run(100);
        for (int i = FRONT; i < MACHINES; i++) {
                http_file_forget(http[i]);
                fatimg_free(img[i]);
        }
        for (int i = 0; i < MACHINES; i++)
                wire_discard(L.m[i]);
        return 0;
}

/* Which machine answers; 0: none. */
static int ask(const char *path)
{
        char req[100];
        n_got = 0;
        memset(got, 0, sizeof got);
        snprintf(req, sizeof req, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);
        assert_int_equal(tcp_send(L.client, req, (u32)strlen(req)), strlen(req));
        lan_run(300);
        const char *at = strstr(got, "machine ");
        return at ? atoi(at + 8) : 0;
}

static void each_request_to_its_node(void **state)
{
        backend("one", NODE1, "/one");
        backend("two", NODE2, "/two");
        assert_int_equal(ask("/one"), NODE1);
        assert_int_equal(ask("/one"), NODE1);
        assert_int_equal(counters(NODE1).back, 0); /* the first rule covers it */
        assert_int_equal(ask("/two"), NODE2);
        assert_int_equal(counters(NODE1).back, 1);
        assert_int_equal(ask("/who"), FRONT);
        assert_int_equal(ask("/two"), NODE2);
        assert_int_equal(ask("/two"), NODE2); /* the rule in front of its own cannot be meant */
        assert_int_equal(counters(NODE2).back, 1);
        assert_int_equal(ask("/one"), NODE1);
        assert_int_equal(counters(NODE2).back, 2);
        backend("rest", NODE1, "/");
        assert_int_equal(ask("/who"), NODE1);
        assert_int_equal(counters(NODE1).back, 2);
        assert_int_equal(ask("/who"), NODE1); /* behind other backends' rules that could: asked again each time */
        assert_int_equal(counters(NODE1).back, 3);
        assert_int_equal(L.closed, 0);
        assert_int_equal(counters(FRONT).forged + counters(NODE1).forged + counters(NODE2).forged, 0);
}

static void head_in_pieces_is_no_reason_to_give_back(void **state)
{
        const char *req = "GET /one HTTP/1.1\r\nHost: a\r\n\r\n";
        backend("one", NODE1, "/one");
        assert_int_equal(ask("/one"), NODE1);
        n_got = 0;
        memset(got, 0, sizeof got);
        for (u32 i = 0; req[i]; i += 6) {
                assert_int_equal(tcp_send(L.client, req + i, min_u32((u32)strlen(req + i), 6)), min_u32((u32)strlen(req + i), 6));
                lan_run(100);
        }
        lan_run(300);
        assert_non_null(strstr(got, "machine "));
        assert_int_equal(atoi(strstr(got, "machine ") + 8), NODE1);
        assert_int_equal(counters(NODE1).back, 0);
        assert_int_equal(ask("/one"), NODE1);
        assert_int_equal(ask("/who"), FRONT);
        assert_int_equal(counters(NODE1).back, 1);
}

static void everything_is_the_nodes_when_no_rule_could_say_otherwise(void **state)
{
        struct front_rule r = {.conds = COND_PORT, .port = 80};
        assert_int_equal(front_backend_set(front, "one", FRONT_HANDOFF, &(struct front_addr){lan_addr[NODE1], 0}, 1), 0);
        assert_int_equal(front_rule_add(front, "one", &r), 0);
        assert_int_equal(ask("/one"), NODE1);
        assert_int_equal(ask("/two"), NODE1);
        assert_int_equal(ask("/who"), NODE1);
        assert_int_equal(counters(NODE1).back, 0);
}

static bool deaf(int from, int to, const struct frame *f, u32 number)
{
        return from == NODE1 && to == FRONT && !memcmp(f->b + 26, &lan_addr[NODE1], 4);
}

static void front_that_cannot_be_asked_is_no_reason_to_answer_anothers_request(void **state)
{
        backend("one", NODE1, "/one");
        assert_int_equal(ask("/one"), NODE1);
        L.lose = deaf;
        assert_int_equal(ask("/two"), 0);
        lan_run(4000);
        assert_non_null(strstr(got, " 503 "));
        L.lose = NULL;
}

/* Until the client has so many bytes, or the node so many connections. */
static void steps(int machine, u32 until)
{
        for (u32 i = 0; i < 20000 && (machine == CLIENT ? n_got : counters(machine).owned) < until; i++) {
                lan_step();
                if (i % 10 == 9)
                        for (int k = 0; k < MACHINES; k++)
                                wire_wait(L.m[k], 1);
        }
}

/* Asks for the large file and stops after some bytes of it. */
static void begin_download(u32 until)
{
        n_got = 0;
        memset(got, 0, sizeof got);
        const char *req = "GET /one-big HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_int_equal(tcp_send(L.client, req, (u32)strlen(req)), strlen(req));
        steps(CLIENT, until);
        assert_true(n_got >= until && n_got < BIG);
}

static void download_is_whole(void)
{
        const char *at = strstr(got, "\r\n\r\n");
        lan_run(3000);
        assert_non_null(at);
        assert_int_equal(n_got, BIG + (u32)(at + 4 - got));
        assert_memory_equal(at + 4, big, BIG);
        assert_int_equal(L.closed, 0);
        for (u32 i = 0; i < L.n_seen; i++)
                assert_false((L.seen[i].flags & T_RST) && L.seen[i].to == CLIENT);
}

static u32 n_stay;
static const char *why_;
static void stays(void *ctx, ipaddr client, u16 port, const char *why)
{
        n_stay++;
        why_ = why;
}

static u32 migrate(int from, ipaddr to)
{
        const struct handoff_which all = {.client = IPADDR_ANY};
        n_stay = 0;
        u32 n = handoff_migrate(handoff_of(L.m[from]->st), &all, to, stays, NULL);
        if (n_stay)
                printf("# stays: %s\n", why_);
        return n;
}

/* In the middle of a reply: node to node by way of the front, which does not touch it. */
static void download_moves_from_node_to_node(void **state)
{
        backend("one", NODE1, "/one");
        begin_download(60000);
        u32 connections = L.m[FRONT]->st->tcp->count.passive_opens;
        assert_int_equal(migrate(NODE1, lan_addr[NODE2]), 1);
        download_is_whole();
        assert_int_equal(L.m[FRONT]->st->tcp->count.passive_opens, connections); /* never started there */
        assert_int_equal(counters(FRONT).onward, 1);
        assert_int_equal(counters(NODE1).moved, 1);
        assert_int_equal(counters(NODE1).owned, 0);
        assert_int_equal(counters(NODE2).owned, 1);
        assert_int_equal(ask("/two"), FRONT); /* and the rules go on */
}

static void download_moves_from_the_front_and_back_again(void **state)
{
        begin_download(60000);
        assert_int_equal(migrate(FRONT, lan_addr[NODE1]), 1);
        steps(NODE1, 1);
        assert_int_equal(counters(NODE1).owned, 1);
        assert_int_equal(migrate(NODE1, lan_addr[FRONT]), 1);
        download_is_whole();
        assert_int_equal(counters(NODE1).owned, 0);
        assert_int_equal(counters(FRONT).flows, 0);
}

static void whoever_is_named_and_refuses_changes_nothing(void **state)
{
        backend("one", NODE1, "/one");
        begin_download(60000);
        tcp_unlisten(listener_find(L.m[NODE2]->st->tcp, SERVICE, 80));
        assert_int_equal(migrate(NODE1, lan_addr[NODE2]), 1);
        download_is_whole();
        assert_int_equal(counters(NODE1).owned, 1); /* it went there and back */
        assert_int_equal(counters(FRONT).refused[HANDOFF_LISTENER], 1);
        assert_int_equal(migrate(NODE1, lan_addr[CLIENT]), 1); /* nobody's address */
        lan_run(500);
        assert_int_equal(counters(NODE1).owned, 1);
        assert_int_equal(ask("/one"), NODE1);
}

static void drained_node_is_left_by_all_and_asked_by_none(void **state)
{
        struct front_addr both[] = {{lan_addr[NODE1], 0}, {lan_addr[NODE2], 0}};
        struct front_rule r = {.conds = COND_PATH, .path = "/one"};
        assert_int_equal(front_backend_set(front, "one", FRONT_HANDOFF, both, 2), 0);
        assert_int_equal(front_rule_add(front, "one", &r), 0);
        begin_download(60000);
        int from = counters(NODE1).owned ? NODE1 : NODE2, to = NODE1 + NODE2 - from;
        assert_true(handoff_drain(handoff_of(L.m[from]->st), true));
        assert_int_equal(migrate(from, IPADDR_BCAST), 1);
        download_is_whole();
        assert_int_equal(counters(from).owned, 0);
        assert_int_equal(counters(to).owned, 1);
        for (u32 i = 0; i < 4; i++)
                assert_int_equal(ask("/one"), to);
        assert_int_equal(ask("/two"), FRONT);
        assert_int_equal(ask("/one"), to);
        assert_true(handoff_drain(handoff_of(L.m[from]->st), false));
        assert_int_equal(migrate(to, lan_addr[from]), 1); /* the new version takes them back */
        lan_run(300);
        assert_int_equal(counters(from).owned, 1);
        assert_false(handoff_drain(handoff_of(L.m[FRONT]->st), true)); /* the address is its own */
}

/* The front alone is left, and has no such file: the node must keep it. */
static void what_nobody_else_can_take_stays_on_the_drained_node(void **state)
{
        backend("one", NODE1, "/one");
        begin_download(60000);
        assert_int_equal(http_site_set(http[FRONT], "default", "empty"), 0);
        assert_true(handoff_drain(handoff_of(L.m[NODE1]->st), true));
        assert_int_equal(migrate(NODE1, IPADDR_BCAST), 1);
        download_is_whole();
        assert_int_equal(counters(NODE1).owned, 1);
        assert_int_equal(counters(NODE1).confirmed, 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(each_request_to_its_node, begin, end),
                cmocka_unit_test_setup_teardown(head_in_pieces_is_no_reason_to_give_back, begin, end),
                cmocka_unit_test_setup_teardown(everything_is_the_nodes_when_no_rule_could_say_otherwise, begin, end),
                cmocka_unit_test_setup_teardown(front_that_cannot_be_asked_is_no_reason_to_answer_anothers_request, begin, end),
                cmocka_unit_test_setup_teardown(download_moves_from_node_to_node, begin, end),
                cmocka_unit_test_setup_teardown(download_moves_from_the_front_and_back_again, begin, end),
                cmocka_unit_test_setup_teardown(whoever_is_named_and_refuses_changes_nothing, begin, end),
                cmocka_unit_test_setup_teardown(drained_node_is_left_by_all_and_asked_by_none, begin, end),
                cmocka_unit_test_setup_teardown(what_nobody_else_can_take_stays_on_the_drained_node, begin, end),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
