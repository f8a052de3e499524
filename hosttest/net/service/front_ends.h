/* front_ends.h (test) - the front between clients and targets that live on a second stack, in virtual time. Each test ends by
 * proving that entries and buffers came back. SPDX-License-Identifier: MIT */
#ifndef FRONT_ENDS_H
#define FRONT_ENDS_H

#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "fatimg.h"
#include "../../../net/service/front_impl.h"
#include "plat.h"
#include "wire.h"

enum { ENDS = 1500, GOT = 1 << 21, BIG = 1500000 };
#define ONE IPADDR(10, 0, 0, 11)
#define TWO IPADDR(10, 0, 0, 12)
#define OTHER IPADDR(10, 0, 0, 3)

static struct wire *ours, *peer;
static struct fatimg *img;
static struct fat volume_;
static struct http *http;
static struct front *front;
static u8 big[BIG];

/* A connection's end on the peer's stack: a client, or what a target accepted. */
struct end { struct tcb *t; u8 *got; u32 n, from, sent, to_send; bool deaf, eof, closed; int err; ipaddr at; };
static struct end ends[ENDS];
static u32 n_ends, n_accepted;
static struct end *accepted[ENDS];

static inline void take_all(struct end *e)
{
        const u8 *p;
        u32 n;

        while (e->t && !e->deaf && (n = tcp_peek(e->t, 0, &p))) {
                assert_true(e->n + n < GOT);
                memcpy(e->got + e->n, p, n);
                e->n += n;
                tcp_consume(e->t, n);
        }
        e->eof |= e->t && tcp_eof(e->t);
}

static inline void feed(struct end *e)
{
        while (e->t && e->sent < e->to_send) {
                u32 n = min_u32(min_u32(e->to_send - e->sent, 20000), tcp_send_room(e->t));

                if (!n || tcp_send_ref(e->t, big + e->sent, n, NULL))
                        return;
                e->sent += n;
        }
}

static inline void on_readable(struct tcb *t) { take_all(tcp_user(t)); }
static inline void on_writable(struct tcb *t) { feed(tcp_user(t)); }

static inline void on_closed(struct tcb *t, int err)
{
        struct end *e = tcp_user(t);

        e->closed = true;
        e->err = err;
        e->t = NULL;
}

static inline struct end *new_end(void)
{
        struct end *e = &ends[n_ends++];

        assert_true(n_ends <= ENDS);
        e->got = malloc(GOT);
        return e;
}

static inline bool on_accept(struct tcb *t)
{
        struct end *e = new_end();
        struct tcp_names n;

        tcp_names(t, &n);
        e->t = t;
        e->at = n.laddr;
        tcp_set_user(t, e);
        accepted[n_accepted++] = e;
        return true;
}

static const struct tcp_events events = {
        .accept = on_accept, .readable = on_readable, .writable = on_writable, .closed = on_closed,
};

/* Of 1000 frames so many are lost, by a generator of their own. */
static u32 wire_loss, wire_rng = 1;

static inline bool lost(void)
{
        wire_rng = wire_rng * 1103515245u + 12345u;
        return (wire_rng >> 16) % 1000 < wire_loss;
}

/* Frames both ways until nobody has any. */
static inline void carry(void)
{
        const struct frame *f;
        bool moved;

        do {
                wire_batch_end(ours);
                wire_batch_end(peer);
                moved = false;
                for (; (f = wire_tx(ours)); moved = true)
                        if (!lost())
                                wire_rx(peer, f->b, f->n);
                for (; (f = wire_tx(peer)); moved = true)
                        if (!lost())
                                wire_rx(ours, f->b, f->n);
        } while (moved);
}

/* Moves both clocks, in steps of 5 ms. */
static inline void run_for(u32 ms)
{
        carry();
        for (u32 done = 0; done < ms; done += 5) {
                wire_wait(ours, 5);
                wire_wait(peer, 5);
                carry();
        }
}

static inline void target(ipaddr a, u16 port)
{
        int err;

        assert_non_null(tcp_listen(peer->st, a, port, &events, NULL, &(struct tcp_opts){.nodelay = true}, &err));
}

static inline void backend(const char *name, u32 n, ...)
{
        struct front_addr at[FRONT_TARGETS];
        va_list ap;

        va_start(ap, n);
        for (u32 i = 0; i < n; i++)
                at[i] = (struct front_addr){va_arg(ap, ipaddr), 8000};
        va_end(ap);
        assert_int_equal(front_backend_set(front, name, FRONT_RELAY, at, n), 0);
}

static inline void path_rule(const char *name, const char *path)
{
        struct front_rule r = {.conds = COND_PATH};

        strcpy(r.path, path);
        assert_int_equal(front_rule_add(front, name, &r), 0);
}

static inline void begin_with(u32 n_pkts, u32 relays, u32 n_tcbs)
{
        const struct stack_config cfg = {.n_pkts = n_pkts, .n_tcbs = n_tcbs, .n_synq = 128};
        const struct stack_config wide = {.n_pkts = 4096, .n_tcbs = 512, .n_synq = 256};

        ours = wire_new(&cfg, NETIF_L3 | NETIF_SG);
        peer = wire_new_bare(&wide, NETIF_L3);
        netif_addr_add(&peer->nif, WIRE_PEER, 24, IFADDR_STATIC, false);
        netif_addr_add(&peer->nif, OTHER, 24, IFADDR_STATIC, false);
        netif_addr_add(&peer->nif, ONE, 24, IFADDR_STATIC, false);
        netif_addr_add(&peer->nif, TWO, 24, IFADDR_STATIC, false);
        wire_wait(peer, 10000);
        wire_flush_out(peer);
        plat_reset(ours);
        img = fatimg_new(3000, 512);
        u32 www = fatimg_add(img, 0, "www", NULL, 0);
        fatimg_add(img, www, "small", "small\n", 6);
        assert_null(fat_mount(&volume_, img->b, img->size));
        http = http_new(ours->st, &volume_);
        assert_int_equal(http_site_set(http, "default", "www"), 0);
        assert_int_equal(http_listen(http, IPADDR_ANY, 80), 0);
        front = front_new(ours->st, relays);
        front_attach(front, http);
        front_forwarded_for(front, false);
        memset(ends, 0, sizeof(ends));
        n_ends = n_accepted = 0;
}

static inline int begin(void **state)
{
        for (u32 i = 0; i < BIG; i++)
                big[i] = (u8)(i * 7 + (i >> 9));
        begin_with(1024, 0, 256);
        target(ONE, 8000);
        target(TWO, 8000);
        backend("one", 1, ONE);
        backend("two", 1, TWO);
        path_rule("one", "/one");
        path_rule("two", "/two");
        return 0;
}

static inline int end(void **state)
{
        struct front_counters n;

        for (u32 i = 0; i < n_ends; i++) {
                if (ends[i].t)
                        tcp_abort(ends[i].t);
                ends[i].t = NULL;
        }
        run_for(4000);
        for (u32 i = 0; i < n_ends; i++)
                free(ends[i].got);
        http_file_forget(http);
        front_counters(front, &n);
        assert_int_equal(n.entries_free, n.entries);
        assert_int_equal(n.waiting, 0);
        for (u32 i = 0; i < FRONT_BACKENDS; i++) {
                assert_int_equal(front->backend[i].users, 0);
                for (u32 k = 0; k < FRONT_TARGETS; k++)
                        assert_int_equal(front->backend[i].target[k].active, 0);
        }
        wire_free(ours);
        wire_discard(peer);
        fatimg_free(img);
        return 0;
}

static inline struct end *client_from(ipaddr a, u16 port)
{
        struct end *e = new_end();
        int err;

        e->t = tcp_connect(peer->st, a, 0, WIRE_US, port, &events, e, &(struct tcp_opts){.nodelay = true}, &err);
        assert_non_null(e->t);
        return e;
}

static inline struct end *client(void) { return client_from(WIRE_PEER, 80); }

static inline void say(struct end *e, const char *text)
{
        assert_int_equal(tcp_send(e->t, text, (u32)strlen(text)), strlen(text));
        tcp_flush(e->t);
        run_for(10);
}

static inline bool got(struct end *e, const char *text) { return e->n == strlen(text) && memcmp(e->got, text, e->n) == 0; }
static inline bool begins(struct end *e, const char *text)
{
        return e->n >= strlen(text) && memcmp(e->got, text, strlen(text)) == 0;
}

static inline struct front_counters figures(void)
{
        struct front_counters n;

        front_counters(front, &n);
        return n;
}

#define GET_ONE "GET /one HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_TWO "GET /two HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_OWN "GET /small HTTP/1.1\r\nHost: a\r\n\r\n"
#define OK_5 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)

#endif
