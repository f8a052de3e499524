/* through.h - a client and a target, each a stack of its own, and a gateway between them that takes the client's connection,
 * reads the request, and lets it through. Requests and replies are as in lan.h. Frames are lost by number.
 * SPDX-License-Identifier: MIT */
#ifndef THROUGH_LAN_H
#define THROUGH_LAN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arp.h"
#include "icmp.h"
#include "reply.h"
#include "route.h"
#include "wire.h"
#include "../../../net/handoff/through_impl.h"

#define test(f) cmocka_unit_test(f)

static const ipaddr C = {{{10, 0, 0, 1}}}, T = {{{10, 1, 0, 1}}}, G0 = {{{10, 0, 0, 254}}}, G1 = {{{10, 1, 0, 254}}};
static const macaddr mac_c = {{2, 0, 0, 0, 0, 0xc}}, mac_t = {{2, 0, 0, 0, 0, 0xa}}, mac_g0 = {{2, 0, 0, 0, 0, 0xe0}}, mac_g1 = {{2, 0, 0, 0, 0, 0xe1}};

static struct {
        struct wire *c, *g, *t;
        struct netif eth1;              /* of the gateway, toward the target */
        struct frame out1[4096];
        u32 head1, tail1;
        struct through *th;
        u32 n_frames, lost, noise;
        u32 ms, slow, next_ms;          /* a frame of the target moves every so many milliseconds, 0 = all at once */
        u32 lazy;                       /* the client's clock moves every so many milliseconds */
        bool dead_target, dup;
        u32 (*harm)(u32 number);        /* 1: the frame is lost */
        struct tcb *client;
        u32 got, err, closed, local;
        bool bad, keep_open;
        struct tcp_opts copts, topts;
        struct { u16 dport; u32 seq, ack; u8 flags; } target_saw[64];
        u32 n_saw;
} L;

/* "G" length: the target's; "L": the gateway's own. */
static inline void serve(struct tcb *t, bool gateway)
{
        char b[64];
        for (u32 n; (n = tcp_copy(t, 0, b, 63)) != 0;) {
                b[n] = 0;
                char *end = strchr(b, '\n');
                if (!end)
                        break;
                if (gateway && b[0] == 'G') {
                        int e = through_begin(L.th, t);
                        assert_int_equal(e, 0);
                        return;
                }
                u32 reply = (u32)atoi(b + 1);
                if (reply && tcp_send_ref(t, reply_bytes(), reply, NULL) < 0)
                        return; /* when there is room again */
                L.local += gateway;
                tcp_consume(t, (u32)(end - b) + 1);
                if (!L.keep_open)
                        tcp_shutdown(t);
        }
        if (tcp_eof(t) && !tcp_readable(t))
                tcp_close(t);
}

static inline void on_gateway(struct tcb *t) { serve(t, true); }
static inline void on_target(struct tcb *t) { serve(t, false); }
static inline void on_closed(struct tcb *t, int err) { }
static const struct tcp_events gateway_events = {.readable = on_gateway, .closed = on_closed};
static const struct tcp_events target_events = {.readable = on_target, .writable = on_target, .closed = on_closed};

static inline void on_reply(struct tcb *t) { reply_read(t, &L.got, &L.bad); }

static inline void on_client_closed(struct tcb *t, int err)
{
        L.client = NULL;
        L.closed++;
        L.err = (u32)-err;
}
static const struct tcp_events client_events = {.readable = on_reply, .closed = on_client_closed};

static inline void to_eth1(struct netif *nif, struct pkt *p)
{
        struct frame *f = &L.out1[L.head1++ % COUNT_OF(L.out1)];
        f->n = pkt_total(p);
        f->b = malloc(f->n);
        pkt_copy_out(p, 0, f->b, f->n);
        pkt_free(p);
}

/* A frame from the target to the gateway's second interface. */
static inline void into_eth1(const u8 *b, u32 n)
{
        struct pkt *p = pkt_alloc(&L.g->st->pkts, 2);
        pkt_append(p, b, n);
        netif_rx(&L.eth1, p);
        wire_batch_end(L.g);
}

static inline bool harmed(void)
{
        u32 number = L.n_frames++;
        bool lost = L.harm && L.harm(number) & 1;
        L.lost += lost;
        return lost;
}

static inline void look(const struct frame *f)
{
        struct seg s;
        if (f->b[23] == 6 && parse_tcp(L.t, f, &s) && L.n_saw < COUNT_OF(L.target_saw)) { /* checks the sums */
                L.target_saw[L.n_saw].seq = s.seq;
                L.target_saw[L.n_saw].ack = s.ack;
                L.target_saw[L.n_saw++].flags = s.flags;
        }
}

static inline bool step(void)
{
        const struct frame *f;
        bool moved = false;
        if ((f = wire_tx(L.c)) != NULL && (moved = true) && !harmed())
                wire_rx(L.g, f->b, f->n);
        if ((f = wire_tx(L.g)) != NULL && (moved = true)) {
                struct seg s;
                if (f->b[23] == 6)
                        parse_tcp(L.c, f, &s);
                if (!harmed()) {
                        wire_rx(L.c, f->b, f->n);
                        if (L.dup && L.n_frames % 5 == 0)
                                wire_rx(L.c, f->b, f->n);
                }
        }
        if (L.tail1 != L.head1 && (moved = true)) {
                struct frame g = L.out1[L.tail1++ % COUNT_OF(L.out1)];
                look(&g);
                if (!harmed() && !L.dead_target)
                        wire_rx(L.t, g.b, g.n);
                free(g.b);
        }
        if (L.ms >= L.next_ms && (f = wire_tx(L.t)) != NULL && (moved = true)) {
                L.next_ms = L.ms + L.slow;
                if (!harmed())
                        into_eth1(f->b, f->n);
        }
        return moved;
}

static inline void run(u32 ms)
{
        for (u32 i = 0; i <= ms; i++) {
                while (step())
                        ;
                if (i == ms)
                        break;
                if (!L.lazy || L.ms % L.lazy == 0)
                        wire_wait(L.c, 1);
                wire_wait(L.g, 1);
                wire_wait(L.t, 1);
                L.ms++;
        }
}

static inline struct wire *machine(u8 seed, macaddr mac, ipaddr addr, ipaddr gw, macaddr gw_mac)
{
        struct stack_config cfg = {.n_pkts = 1024, .n_tcbs = 64};
        u8 s[16] = {seed};
        struct wire *w = wire_new_bare(&cfg, 0);
        w->nif.mac = mac;
        stack_seed(w->st, s);
        assert_int_equal(netif_addr_add(&w->nif, addr, 24, IFADDR_STATIC, false), 0);
        if (ipaddr_is_any(gw))
                return w;
        assert_int_equal(route_add(w->st, IPADDR_ANY, 0, gw, NULL, IFADDR_STATIC), 0);
        arp_set(&w->nif, gw, gw_mac);
        return w;
}

static inline void begin(void)
{
        int err;
        memset(&L, 0, sizeof L);
        L.c = machine(1, mac_c, C, G0, mac_g0);
        L.t = machine(2, mac_t, T, G1, mac_g1);
        L.g = machine(3, mac_g0, G0, IPADDR_ANY, mac_g0);
        L.eth1 = (struct netif){.name = "eth1", .driver = "test", .mac = mac_g1, .mtu = 1500, .xmit = to_eth1};
        netif_add(L.g->st, &L.eth1, true);
        assert_int_equal(netif_addr_add(&L.eth1, G1, 24, IFADDR_STATIC, false), 0);
        arp_set(&L.g->nif, C, mac_c);
        arp_set(&L.eth1, T, mac_t);
        ip_forwarding(L.g->st, true);
        L.th = through_new(L.g->st, 16);
        assert_non_null(L.th);
        assert_int_equal(through_intercept(L.th, 80, IPADDR_ANY, 0), 0);
        assert_non_null(tcp_listen(L.g->st, IPADDR_ANY, 80, &gateway_events, NULL, NULL, &err));
        run(10000);
        L.n_frames = L.n_saw = 0;
}

static inline void ask(u32 reply)
{
        int err;
        char req[32];
        assert_non_null(tcp_listen(L.t->st, IPADDR_ANY, 80, &target_events, NULL, &L.topts, &err));
        L.client = tcp_connect(L.c->st, IPADDR_ANY, 0, T, 80, &client_events, NULL, &L.copts, &err);
        assert_non_null(L.client);
        snprintf(req, sizeof req, "G%08u\n", reply);
        assert_int_equal(tcp_send(L.client, req, 10), 10);
}

static inline struct through_counters counters(void)
{
        struct through_counters c;
        through_counters(L.th, &c);
        return c;
}

static inline void finish(void)
{
        L.harm = NULL;
        run(2000);
        for (u32 i = 0; i < 16; i++)
                passage_at(L.th, i)->seen_ms -= PASSAGE_IDLE_MS; /* hours later */
        run(9000);
        assert_int_equal(counters().passages, 0);
        assert_int_equal(counters().opening, 0);
        wire_free(L.c);
        wire_free(L.t);
        while (L.tail1 != L.head1)
                free(L.out1[L.tail1++ % COUNT_OF(L.out1)].b);
        wire_free(L.g);
}

static inline void is_answered(u32 n)
{
        assert_int_equal(L.got, n);
        assert_false(L.bad);
        assert_true(L.closed && !L.err);
}

static u32 lose_at;
static inline u32 lose_one(u32 number) { return number == lose_at; }

#endif
