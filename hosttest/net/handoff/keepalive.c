/* keepalive.c - web server, rules and handoff together: requests of one kept connection go each to its node, and what a node may answer
 * by itself it keeps. SPDX-License-Identifier: MIT */
#include "lan.h"
#include "fatimg.h"
#include "front_handoff.h"
#include "../../../net/service/http_impl.h"
#include "plat.h"

static struct fatimg *img[MACHINES];
static struct fat volume_[MACHINES];
static struct http *http[MACHINES];
static struct front *front;
static char got[1 << 16];
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
        lan_begin();
        plat_reset(L.m[FRONT]);
        for (int i = FRONT; i < MACHINES; i++) {
                char text[40];
                tcp_unlisten(listener_find(L.m[i]->st->tcp, SERVICE, 80));
                img[i] = fatimg_new(3000, 512);
                u32 www = fatimg_add(img[i], 0, "www", NULL, 0);
                u32 n = (u32)snprintf(text, sizeof text, "machine %d\n", i);
                fatimg_add(img[i], www, "who", text, n);
                fatimg_add(img[i], www, "one", text, n);
                fatimg_add(img[i], www, "two", text, n);
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
        assert_int_equal(ask("/two"), NODE2); /* behind another's rule: asked again each time */
        assert_int_equal(counters(NODE2).back, 2);
        assert_int_equal(ask("/one"), NODE1);
        assert_int_equal(L.closed, 0);
        assert_int_equal(counters(FRONT).forged + counters(NODE1).forged + counters(NODE2).forged, 0);
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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(each_request_to_its_node, begin, end),
                cmocka_unit_test_setup_teardown(everything_is_the_nodes_when_no_rule_could_say_otherwise, begin, end),
                cmocka_unit_test_setup_teardown(front_that_cannot_be_asked_is_no_reason_to_answer_anothers_request, begin, end),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
