/* through.c - the transparent proxy: a client and a target, each a stack of its own, and a gateway between them that takes the
 * client's connection, reads the request, and lets it through. Requests and replies are as in lan.h. Frames are lost by number.
 * SPDX-License-Identifier: MIT */
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

static const ipaddr C = {{{10, 0, 0, 1}}}, T = {{{10, 1, 0, 1}}}, G0 = {{{10, 0, 0, 254}}}, G1 = {{{10, 1, 0, 254}}};
static const macaddr mac_c = {{2, 0, 0, 0, 0, 0xc}}, mac_t = {{2, 0, 0, 0, 0, 0xa}}, mac_g0 = {{2, 0, 0, 0, 0, 0xe0}}, mac_g1 = {{2, 0, 0, 0, 0, 0xe1}};

static struct {
        struct wire *c, *g, *t;
        struct netif eth1;              /* of the gateway, toward the target */
        struct frame out1[4096];
        u32 head1, tail1;
        struct through *th;
        u32 n_frames, lost, noise;
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
static void serve(struct tcb *t, bool gateway)
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

static void on_gateway(struct tcb *t) { serve(t, true); }
static void on_target(struct tcb *t) { serve(t, false); }
static void on_closed(struct tcb *t, int err) { }
static const struct tcp_events gateway_events = {.readable = on_gateway, .closed = on_closed};
static const struct tcp_events target_events = {.readable = on_target, .writable = on_target, .closed = on_closed};

static void on_reply(struct tcb *t) { reply_read(t, &L.got, &L.bad); }

static void on_client_closed(struct tcb *t, int err)
{
        L.client = NULL;
        L.closed++;
        L.err = (u32)-err;
}
static const struct tcp_events client_events = {.readable = on_reply, .closed = on_client_closed};

static void to_eth1(struct netif *nif, struct pkt *p)
{
        struct frame *f = &L.out1[L.head1++ % COUNT_OF(L.out1)];
        f->n = pkt_total(p);
        f->b = malloc(f->n);
        pkt_copy_out(p, 0, f->b, f->n);
        pkt_free(p);
}

/* A frame from the target to the gateway's second interface. */
static void into_eth1(const u8 *b, u32 n)
{
        struct pkt *p = pkt_alloc(&L.g->st->pkts, 2);
        pkt_append(p, b, n);
        netif_rx(&L.eth1, p);
        wire_batch_end(L.g);
}

static bool harmed(void)
{
        u32 number = L.n_frames++;
        bool lost = L.harm && L.harm(number) & 1;
        L.lost += lost;
        return lost;
}

static void look(const struct frame *f)
{
        struct seg s;
        if (f->b[23] == 6 && parse_tcp(L.t, f, &s) && L.n_saw < COUNT_OF(L.target_saw)) { /* checks the sums */
                L.target_saw[L.n_saw].seq = s.seq;
                L.target_saw[L.n_saw].ack = s.ack;
                L.target_saw[L.n_saw++].flags = s.flags;
        }
}

static bool step(void)
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
        if ((f = wire_tx(L.t)) != NULL && (moved = true) && !harmed())
                into_eth1(f->b, f->n);
        return moved;
}

static void run(u32 ms)
{
        for (u32 i = 0; i <= ms; i++) {
                while (step())
                        ;
                if (i == ms)
                        break;
                wire_wait(L.c, 1);
                wire_wait(L.g, 1);
                wire_wait(L.t, 1);
        }
}

static struct wire *machine(u8 seed, macaddr mac, ipaddr addr, ipaddr gw, macaddr gw_mac)
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

static void begin(void)
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

static void ask(u32 reply)
{
        int err;
        char req[32];
        assert_non_null(tcp_listen(L.t->st, IPADDR_ANY, 80, &target_events, NULL, &L.topts, &err));
        L.client = tcp_connect(L.c->st, IPADDR_ANY, 0, T, 80, &client_events, NULL, &L.copts, &err);
        assert_non_null(L.client);
        snprintf(req, sizeof req, "G%08u\n", reply);
        assert_int_equal(tcp_send(L.client, req, 10), 10);
}

static struct through_counters counters(void)
{
        struct through_counters c;
        through_counters(L.th, &c);
        return c;
}

static void finish(void)
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

static void is_answered(u32 n)
{
        assert_int_equal(L.got, n);
        assert_false(L.bad);
        assert_true(L.closed && !L.err);
}

static void let_through_with_the_clients_own_numbers(void **s)
{
        begin();
        ask(1000);
        u32 iss = L.client->iss;
        run(500);
        is_answered(1000);
        assert_int_equal(L.target_saw[0].flags, T_SYN);
        assert_int_equal(L.target_saw[0].seq, iss); /* the client's own */
        assert_int_equal(counters().taken, 1);
        assert_int_equal(counters().through, 1);
        assert_int_equal(L.g->st->tcp->n_tcbs, 0); /* no socket of its own */
        finish();
}

static void large_reply_without_timestamps_or_scale(void **s)
{
        for (u32 i = 0; i < 16; i++) {
                begin();
                L.copts.no_timestamps = i & 1;
                L.copts.no_sack = i & 2;
                L.copts.no_wscale = i & 4;
                L.copts.rcvbuf = i & 8 ? 1 << 20 : 0;
                ask(400000);
                run(4000);
                is_answered(400000);
                finish();
        }
}

/* The target's scale is another than the one that the client was told. */
static void windows_are_scaled(void **s)
{
        for (u32 i = 0; i < 3; i++) {
                begin();
                L.keep_open = true;
                L.topts.rcvbuf = i == 0 ? 30000 : i == 1 ? 1 << 22 : 1 << 20;
                L.topts.no_wscale = i == 2;
                ask(10);
                run(200);
                for (u32 k = 0; k < 10000; k++)
                        if (tcp_send(L.client, "G00000010\n", 10) != 10)
                                run(20), k--;
                run(5000);
                assert_int_equal(L.got, 100010);
                tcp_close(L.client);
                finish();
        }
}

static void answered_here_first_then_let_through(void **s)
{
        int err;
        begin();
        L.keep_open = true;
        tcp_listen(L.t->st, IPADDR_ANY, 80, &target_events, NULL, NULL, &err);
        L.client = tcp_connect(L.c->st, IPADDR_ANY, 0, T, 80, &client_events, NULL, NULL, &err);
        tcp_send(L.client, "L00000500\n", 10);
        run(300);
        assert_int_equal(L.local, 1);
        assert_int_equal(L.got, 500);
        L.got = 0;
        tcp_send(L.client, "G00000700\n", 10);
        run(300);
        assert_int_equal(L.got, 700);
        assert_false(L.bad);
        tcp_close(L.client);
        finish();
}

static void half_closed_client_is_let_through_with_his_fin(void **s)
{
        begin();
        ask(30000);
        tcp_shutdown(L.client);
        run(1000);
        is_answered(30000);
        finish();
}

static u32 lose_at;
static u32 lose_one(u32 number) { return number == lose_at; }

static void each_frame_lost_in_turn(void **s)
{
        u32 most = 40;
        for (lose_at = 0; lose_at < most; lose_at++) {
                begin();
                L.harm = lose_one;
                ask(5000);
                for (u32 k = 0; k < 20 && !L.closed; k++)
                        run(1000);
                is_answered(5000);
                assert_int_equal(counters().through, 1);
                finish();
        }
}

static u32 storm_state, storm_rate;
static u32 storm(u32 number)
{
        storm_state = storm_state * 1664525 + 1013904223;
        return (storm_state >> 16) % 100 < storm_rate;
}

static void over_a_bad_wire(void **s)
{
        u32 opened = 0;
        for (u32 seed = 1; seed <= 60; seed++) {
                begin();
                storm_state = seed * 7919;
                storm_rate = seed % 4 * 3 + 2;
                L.harm = storm;
                L.dup = seed & 1;
                ask(20000);
                for (u32 k = 0; k < 300 && !L.closed; k++)
                        run(1000);
                assert_int_equal(L.got, 20000);
                assert_false(L.bad);
                opened += counters().through;
                finish();
        }
        assert_int_equal(opened, 60);
}

static void refusal_of_the_target_reaches_the_client(void **s)
{
        int err;
        begin();
        L.client = tcp_connect(L.c->st, IPADDR_ANY, 0, T, 80, &client_events, NULL, NULL, &err);
        tcp_send(L.client, "G00000700\n", 10);
        run(300);
        assert_int_equal(L.err, (u32)-E_RESET);
        assert_int_equal(counters().refused, 1);
        finish();
}

static void silent_target_ends_in_reset(void **s)
{
        begin();
        L.dead_target = true;
        ask(10);
        run(30000);
        assert_int_equal(L.err, (u32)-E_RESET);
        assert_int_equal(counters().silent, 1);
        L.dead_target = false;
        finish();
}

/* Timestamps that the client was promised and the target does not have: reset once, never promised again. */
static void target_without_timestamps_is_remembered(void **s)
{
        int err;
        begin();
        L.topts.no_timestamps = true;
        ask(10);
        run(300);
        assert_int_equal(L.err, (u32)-E_RESET);
        assert_int_equal(counters().differs, 1);
        L.client = tcp_connect(L.c->st, IPADDR_ANY, 0, T, 80, &client_events, NULL, NULL, &err);
        L.closed = L.err = 0;
        tcp_send(L.client, "G00000700\n", 10);
        run(300);
        is_answered(700);
        finish();
}

/* Nothing is promised on behalf of the target that only this machine could keep. */
static void client_with_option_144_and_fast_open_is_let_through(void **s)
{
        begin();
        struct listener *l = listener_find(L.g->st->tcp, IPADDR_ANY, 80);
        l->opts.qure = l->opts.fastopen = true;
        L.copts.qure = L.copts.fastopen = true;
        ask(1000);
        run(5000);
        is_answered(1000);
        assert_int_equal(counters().through, 1);
        finish();
}

static void resets_pass_in_both_directions(void **s)
{
        for (u32 i = 0; i < 2; i++) {
                begin();
                L.keep_open = true;
                ask(100);
                run(300);
                u32 ports = L.client->ports;
                struct tcb *t = tcp_lookup(L.t->st->tcp, be32_raw(C.v4), be32_raw(T.v4), ports << 16 | ports >> 16);
                assert_non_null(t);
                tcp_abort(i ? t : L.client);
                run(100);
                assert_null(tcp_lookup(L.t->st->tcp, be32_raw(C.v4), be32_raw(T.v4), ports << 16 | ports >> 16));
                assert_true(!L.client || !i);
                L.client = NULL;
                finish();
        }
}

/* Another path MTU behind the gateway: errors about either side's packets are understood by that side. */
static void icmp_passes_in_the_numbers_of_its_reader(void **s)
{
        begin();
        L.keep_open = true;
        ask(100);
        run(300);
        u32 ports = L.client->ports;
        struct tcb *t = tcp_lookup(L.t->st->tcp, be32_raw(C.v4), be32_raw(T.v4), ports << 16 | ports >> 16);
        L.harm = lose_one;
        lose_at = L.n_frames + 1;
        tcp_send_ref(t, "hello", 5, NULL);
        run(2); /* lost between gateway and client: a router there says so, with what it saw */
        L.harm = NULL;
        u8 f[200] = {0}, *ip = f + 14, *c = ip + 20, *q = c + 8;
        build_eth(f, mac_g0, mac_c, 0x800);
        u32 tp = t->ports << 16 | t->ports >> 16, seen = __builtin_bswap32(L.client->rcv_nxt);
        memcpy(q + 20, &tp, 4);
        memcpy(q + 24, &seen, 4);
        build_ip(q, T, C, 6, 1400);
        c[0] = 3, c[1] = 4, c[6] = 900 >> 8, c[7] = 900 & 255;
        u16 sum = (u16)~cksum_fold(cksum_add(0, c, 36));
        memcpy(c + 2, &sum, 2);
        build_ip(ip, C, T, 1, 36);
        assert_int_equal(t->pmtu, 1500);
        wire_rx(L.g, f, 70);
        run(1);
        assert_int_equal(t->pmtu, 900);
        run(500);
        assert_int_equal(L.got, 105);
        tcp_close(L.client);
        finish();
}

/* The gateway's own word: the link to the target takes less than the client was told. */
static void too_large_for_the_target_is_told_to_the_client(void **s)
{
        begin();
        L.keep_open = true;
        L.topts.mss = 1000;
        ask(10);
        run(200);
        for (u32 k = 0; k < 1000; k++)
                tcp_send(L.client, "G00000010\n", 10);
        run(3000);
        assert_int_equal(L.got, 10010);
        assert_int_equal(L.client->pmtu, 1040);
        assert_true(wire_drops(L.g, DROP_FWD_TOO_BIG) > 0);
        tcp_close(L.client);
        finish();
}

/* A segment with timestamps 300 and 400 and one SACK block, 5000 to 6000. */
static u32 segment(u8 *f, macaddr to, ipaddr src, ipaddr dst, u32 ports)
{
        static const u8 opts[24] = {1, 1, 8, 10, 0, 0, 1, 44, 0, 0, 1, 144, 1, 1, 5, 10, 0, 0, 19, 136, 0, 0, 23, 112};
        u32_any *h = (u32_any *)(f + 34);
        memset(f, 0, 78);
        build_eth(f, to, mac_c, 0x800);
        build_ip(f + 14, src, dst, 6, 44);
        h[0] = ports;
        h[1] = __builtin_bswap32(70000);
        h[2] = __builtin_bswap32(90000);
        h[3] = __builtin_bswap32(11u << 28 | T_ACK << 16 | 800);
        memcpy(h + 5, opts, 24);
        ((u16_any *)h)[8] = (u16)~cksum_fold(cksum_add(ip_pseudo_sum(src, dst, 6, 44), h, 44));
        return 78;
}

static u32 at(const u8 *b) { return (u32)b[0] << 24 | (u32)b[1] << 16 | (u32)b[2] << 8 | b[3]; }

static void numbers_move_by_constants(void **s)
{
        u8 f[80];
        struct seg g;
        begin();
        struct passage *e = passage_add(L.th, be32_raw(C.v4), be32_raw(T.v4), 0x5000a00f);
        e->seq = 1000;
        e->ts_client = 7;
        e->ts_target = 50;
        e->most = 1500;
        e->shift = -2;
        e->state = PASSAGE_OPEN;
        wire_rx(L.g, f, segment(f, mac_g0, C, T, 0x5000a00f));
        assert_int_equal(L.head1 - L.tail1, 1);
        struct frame out = L.out1[L.tail1++ % COUNT_OF(L.out1)];
        assert_true(parse_tcp(L.t, &out, &g)); /* checks both sums */
        assert_int_equal(g.seq, 70000);
        assert_int_equal(g.ack, 89000);
        assert_int_equal(g.wnd, 800);
        assert_int_equal(at(g.opts + 4), 307);
        assert_int_equal(at(g.opts + 8), 350);
        assert_int_equal(at(g.opts + 16), 4000);
        assert_int_equal(at(g.opts + 20), 5000);
        free(out.b);
        into_eth1(f, segment(f, mac_g1, T, C, 0xa00f5000));
        assert_true(parse_tcp(L.c, wire_tx(L.g), &g));
        assert_int_equal(g.seq, 71000);
        assert_int_equal(g.ack, 90000);
        assert_int_equal(g.wnd, 200);
        assert_int_equal(at(g.opts + 4), 350);
        assert_int_equal(at(g.opts + 8), 393);
        assert_int_equal(at(g.opts + 16), 5000);
        finish();
}

static void older_connections_and_other_ports_pass(void **s)
{
        int err;
        begin();
        L.keep_open = true;
        assert_int_equal(through_leave(L.th, 80, IPADDR_ANY, 0), 0);
        ask(100);
        run(300);
        assert_int_equal(L.got, 100);
        assert_int_equal(counters().taken, 0);
        assert_int_equal(through_intercept(L.th, 80, IPADDR(10, 1, 0, 0), 16), 0);
        tcp_send(L.client, "G00000100\n", 10); /* it began before */
        L.got = 0;
        run(300);
        assert_int_equal(L.got, 100);
        tcp_close(L.client);
        run(100);
        assert_int_equal(through_leave(L.th, 80, IPADDR(10, 1, 0, 0), 16), 0);
        assert_int_equal(through_intercept(L.th, 80, IPADDR(10, 2, 0, 0), 16), 0); /* another network */
        L.got = 0;
        L.client = tcp_connect(L.c->st, IPADDR_ANY, 0, T, 80, &client_events, NULL, NULL, &err);
        tcp_send(L.client, "G00000100\n", 10);
        run(300);
        assert_int_equal(L.got, 100);
        assert_int_equal(counters().taken, 0);
        tcp_close(L.client);
        finish();
}

static void same_names_again_after_the_end(void **s)
{
        int err;
        begin();
        ask(100);
        u16 port = tcb_lport(L.client);
        run(70000);
        is_answered(100);
        L.closed = L.got = 0;
        L.client = tcp_connect(L.c->st, IPADDR_ANY, port, T, 80, &client_events, NULL, NULL, &err);
        assert_non_null(L.client);
        tcp_send(L.client, "G00000200\n", 10);
        run(300);
        is_answered(200);
        assert_int_equal(counters().taken, 2);
        finish();
}

static void table_that_is_full_takes_no_more(void **s)
{
        begin();
        for (u32 i = 0; i < 16; i++)
                assert_non_null(passage_add(L.th, i, 1, 2));
        assert_null(passage_add(L.th, 99, 1, 2));
        bool from;
        for (u32 i = 0; i < 16; i++)
                passage_at(L.th, i)->state = PASSAGE_OPEN;
        passage_at(L.th, 7)->ends = END_RESET; /* makes room */
        struct passage *e = passage_add(L.th, 99, 1, 2);
        assert_ptr_equal(e, passage_at(L.th, 7));
        assert_ptr_equal(passage_find(L.th, 1, 99, 2u << 16, &from), e);
        assert_false(from);
        e->state = PASSAGE_OPEN;
        finish();
}

#define test(f) cmocka_unit_test(f)
int main(void)
{
        const struct CMUnitTest tests[] = {
                test(let_through_with_the_clients_own_numbers),
                test(large_reply_without_timestamps_or_scale),
                test(windows_are_scaled),
                test(answered_here_first_then_let_through),
                test(half_closed_client_is_let_through_with_his_fin),
                test(each_frame_lost_in_turn),
                test(over_a_bad_wire),
                test(refusal_of_the_target_reaches_the_client),
                test(silent_target_ends_in_reset),
                test(target_without_timestamps_is_remembered),
                test(client_with_option_144_and_fast_open_is_let_through),
                test(resets_pass_in_both_directions),
                test(icmp_passes_in_the_numbers_of_its_reader),
                test(too_large_for_the_target_is_told_to_the_client),
                test(numbers_move_by_constants),
                test(older_connections_and_other_ports_pass),
                test(same_names_again_after_the_end),
                test(table_that_is_full_takes_no_more),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
