/* straight.c (test) - the straight lines of opening and closing against the long way: two stacks with one secret and one clock get
 * the same frames, one by tcp_receive, the other past it by eth_rx. What they send, count and remember must be the same.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../../net/tcp/engine.h"
#include "cksum.h"
#include "eth.h"
#include "wire.h"

enum { CLIENTS = 4, PORT = 80, SEEDS = 1000, STEPS = 60 };
enum way { STRAIGHT, LONG_WAY };

static struct client { u16 port; u32 turn, snd, rcv, ts_sent, ts_seen; bool ts; } client[CLIENTS];
static struct wire *way[2];
static u32 seed, told[2], straight[4]; /* by SYN and FIN */
static int wish; /* what the user does with a request */
static u8 text[3000];

static u32 dice(u32 n) { return ((seed = seed * 1664525u + 1013904223u) >> 8) % n; }
#define ONE_OF(...) ((u32[]){__VA_ARGS__}[dice(sizeof((u32[]){__VA_ARGS__}) / 4)])

static void tell(struct tcb *t, u32 what) { u32 *n = &told[tcp_stack(t) == way[LONG_WAY]->st]; *n = *n * 31 + what; }
static bool on_accept(struct tcb *t) { tell(t, 1); return wish != 6; }
static void on_closed(struct tcb *t, int err) { tell(t, 2 - (u32)err); }
static void on_writable(struct tcb *t) { tell(t, 20); }
static void on_readable(struct tcb *t)
{
        u32 sum = cksum_add(0, text, 1000);
        tell(t, 21 + tcp_readable(t));
        if (wish != 5)
                tcp_consume(t, tcp_readable(t));
        if (wish < 3)
                tcp_send_ref(t, text, 1000, &sum);
        if (wish == 3)
                tcp_send_ref(t, text, sizeof text, NULL);
        if (wish == 1 || wish == 3 || tcp_eof(t))
                tcp_close(t);
        else if (wish == 2)
                tcp_shutdown(t);
}
static const struct tcp_events events = {.accept = on_accept, .readable = on_readable, .closed = on_closed};
static const struct tcp_events more_events = {.accept = on_accept, .readable = on_readable, .closed = on_closed, .writable = on_writable};

static void begin(void)
{
        struct stack_config cfg = {.n_pkts = 64, .n_tcbs = ONE_OF(2, 16, 16), .n_synq = ONE_OF(2, 16, 16), .n_timewait = ONE_OF(2, 8), .n_listeners = 2};
        struct tcp_opts o = {.backlog = (u16)dice(3), .ttl = (u8)ONE_OF(0, 0, 9), .tos = (u8)ONE_OF(0, 0, 16), .mss = (u16)ONE_OF(0, 0, 700),
                             .rcvbuf = ONE_OF(0, 4000, 1 << 20), .nodelay = dice(2), .no_wscale = !dice(9), .no_sack = !dice(9),
                             .no_timestamps = !dice(9), .ecn = dice(2), .keepalive_ms = ONE_OF(0, 0, 3000), .timewait_ms = ONE_OF(0, 0, 500),
                             .fixed_isn = !dice(4), .isn = 7, .app_mode = !dice(12), .ack_on_read = !dice(12), .fastopen = dice(2), .no_pmtud = !dice(12),
                             .cc = (u8)dice(2), .qure = dice(2)};
        u8 caps = (u8)((dice(2) ? NETIF_SG : 0) | (dice(3) ? 0 : NETIF_L3));
        int err;
        memset(client, 0, sizeof client);
        told[0] = told[1] = 0;
        for (int k = 0; k < 2; k++) {
                way[k] = wire_new(&cfg, caps);
                struct listener *l = tcp_listen(way[k]->st, IPADDR_ANY, PORT, seed & 1 ? &events : &more_events, NULL, &o, &err);
                assert_non_null(l);
                l->n_waiting = seed % 64 == 0;
        }
}

/* Identification and sum of IP's header may differ, and nothing else. */
static void same_frames(void)
{
        assert_int_equal(wire_pending(way[0]), wire_pending(way[1]));
        while (wire_pending(way[0])) {
                const struct frame *a = wire_tx(way[0]), *b = wire_tx(way[1]);
                u32 l2 = way[0]->nif.caps & NETIF_L3 ? 0 : ETH_HLEN;
                struct seg s;
                assert_true(parse_tcp(way[0], a, &s));
                assert_int_equal(a->n, b->n);
                memset(a->b + l2 + 4, 0, 2);
                memset(b->b + l2 + 4, 0, 2);
                memset(a->b + l2 + 10, 0, 2);
                memset(b->b + l2 + 10, 0, 2);
                assert_memory_equal(a->b, b->b, a->n);
                for (struct client *c = client; c < client + CLIENTS; c++)
                        if (c->port == s.dport) {
                                c->rcv = s.seq + s.n + ((s.flags & T_SYN) != 0) + ((s.flags & T_FIN) != 0);
                                for (u32 i = 0; i + 10 <= s.n_opts; i++)
                                        if (s.opts[i] == 8 && s.opts[i + 1] == 10)
                                                c->ts_seen = be32_get(*(const be32 *)(s.opts + i + 2));
                        }
        }
}

#define SAME_AS(x, y, what) do { if ((x) != (y)) { print_message("# %s: straight %x, long way %x\n", what, (u32)(x), (u32)(y)); fail(); } } while (0)
#define SAME(f) SAME_AS(a->f, b->f, #f)
#define BOTH(f) SAME_AS(a->f != NULL, b->f != NULL, #f)
static void same_tcb(const struct tcb *a, const struct tcb *b)
{
        SAME(ports);
        if (!a->ports)
                return;
        SAME(raddr); SAME(laddr); SAME(rcv_nxt); SAME(rcv_adv); SAME(rcv_acked); SAME(snd_una); SAME(snd_nxt); SAME(snd_wnd);
        SAME_AS(tcb_foretold(a), tcb_foretold(b), "pred"); /* whether the window is known is the straight line's */
        /* who rests calmly may have been woken by the long way */
        bool calm = a->timer_kind == TT_CALM || b->timer_kind == TT_CALM;
        bool woken = calm && !tcb_outstanding(a) && a->timer_kind != b->timer_kind;
        if (!woken) {
                SAME(timer_kind); SAME(last_tx_ms); SAME(min_rtt_us);
        }
        SAME(state); SAME(snd_scale); SAME(rcv_scale); SAME(mss); SAME(flags); SAME(hdr_sum);
        SAME(ts_recent); SAME(rcv_mss); SAME(retries); SAME(nif); SAME(rcv_queued); SAME(snd_queued); SAME(cwnd); SAME(ssthresh);
        SAME(last_rx_ms); SAME(srtt_us); SAME(rttvar_us); SAME(rto_ms); SAME(max_snd_wnd); SAME(snd_wl1);
        SAME(rcvbuf); SAME(sndbuf); SAME(rcv_space); SAME(iss); SAME(ts_off); SAME(keepalive_ms); SAME(w_max);
        SAME(hop); SAME(user_timeout); SAME(conv); SAME(timewait_cs); SAME(challenge); SAME(peer_mss); SAME(pmtu); SAME(gen);
        SAME(listener); SAME(ttl); SAME(tos); SAME(cc); SAME(soft_error); SAME(ev); SAME(timer.fire);
        BOTH(reasm); BOTH(flight); BOTH(snd_first); BOTH(link_next);
        if (a->timer_kind != TT_NONE && a->timer_kind != TT_CALM)
                SAME(due_ms);
}

static void same_rest(void)
{
        struct tcp_state *a = way[0]->st->tcp, *b = way[1]->st->tcp;
        SAME(n_tcbs); SAME(n_half); SAME(tw_count); SAME(n_fastopen); SAME(depth); SAME(cells.n_free); SAME(flights.n_free); SAME(st->pkts.n_free);
        SAME_AS(a->free_synq ? a->free_synq - a->synq_pool : -1, b->free_synq ? b->free_synq - b->synq_pool : -1, "free_synq");
        for (u32 i = 0; i < a->n_pool; i++)
                same_tcb(&a->pool[i], &b->pool[i]);
        for (u32 i = 0; i < a->n_synq; i++) {
                const struct synq *p = &a->synq_pool[i], *q = &b->synq_pool[i];
                assert_int_equal(p->live, q->live);
                if (p->live) {
                        assert_memory_equal(&p->raddr, &q->raddr, offsetof(struct synq, tsval) - offsetof(struct synq, raddr));
                        assert_true(!p->ts_ok || p->tsval == q->tsval);
                        assert_int_equal(p->sent_us, q->sent_us);
                        assert_memory_equal(&p->due_ms, &q->due_ms, offsetof(struct synq, hop) - offsetof(struct synq, due_ms));
                        assert_memory_equal(&p->snd_scale, &q->snd_scale, sizeof *p - offsetof(struct synq, snd_scale));
                }
        }
        assert_memory_equal(a->tw, b->tw, a->n_tw * sizeof *a->tw);
        assert_memory_equal(&a->count, &b->count, sizeof a->count);
        char text[DROP_TEXT_MAX];
        for (u32 i = 0; i < DROP_N; i++)
                SAME_AS(wire_drops(way[0], i), wire_drops(way[1], i), drop_name(i, text));
        assert_int_equal(told[0], told[1]);
}

/* What header prediction takes is not the matter here: it is compared elsewhere (hosttest/asm/tcp_receive.c). */
static bool predicted(const struct pkt *p)
{
        struct wire *w = way[LONG_WAY];
        const u32_any *ip = (const u32_any *)(p->data + (w->nif.caps & NETIF_L3 ? 0 : ETH_HLEN));
        const struct tcb *t = tcp_lookup(w->st->tcp, ip[3], ip[4], ip[5]);
        return t && t->pred;
}

static void feed(const u8 *f, u32 n, u32 *n_straight)
{
        u32 drop = dice(40), at = dice(n), bit = dice(8), room = dice(2) ? 0 : dice(256);
        for (int k = 0; k < 2; k++) {
                struct pkt *p = pkt_alloc(&way[k]->st->pkts, room);
                assert_true(pkt_append(p, f, n));
                if (drop == 0)
                        p->data[at] ^= (u8)(1 << bit);
                if (drop == 1)
                        p->len = (u16)at;
                if (drop == 2)
                        p->flags |= PKT_CSUM_OK;
                p->nif = &way[k]->nif;
                bool pred = predicted(p);
                if ((k == STRAIGHT || pred) && tcp_receive(p->nif, p))
                        *n_straight += k == STRAIGHT && !pred;
                else if (way[k]->nif.caps & NETIF_L3)
                        ip_rx(&way[k]->nif, p);
                else
                        eth_rx(&way[k]->nif, p);
                stack_batch_end(way[k]->st);
        }
        same_frames();
        same_rest();
}

/* Layouts of SYNs: Linux, without timestamps, Windows, Apple, the MSS alone, nothing, and what nobody sends. */
static u32 syn_options(struct client *c, u8 *o)
{
        static const u8 layout[][28] = {
                {20, 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7},
                {12, 2, 4, 5, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7},
                {12, 2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2},
                {24, 2, 4, 5, 0xb4, 1, 3, 3, 6, 1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 4, 2, 0, 0},
                {4, 2, 4, 5, 0xb4}, {0}, {4, 2, 4, 0, 1}, {8, 2, 4, 5, 0xb4, 1, 3, 3, 200}, {8, 4, 2, 0, 0, 2, 4, 5, 0xb4}, {4, 34, 2, 1, 1},
                {12, 2, 4, 5, 0xb4, 3, 3, 7, 1, 4, 2, 0, 0}, {8, 2, 4, 5, 0xb4, 2, 4, 1, 0}, {8, 2, 4, 5, 0xb4, 1, 1, 8, 10}, {4, 144, 4, 1, 1},
        };
        u32 k = dice(3) ? dice(5) : dice(COUNT_OF(layout)), n = layout[k][0];
        memcpy(o, layout[k] + 1, n);
        c->ts = false;
        for (u32 i = 0; i + 10 <= n; i++)
                if (o[i] == 8 && o[i + 1] == 10) {
                        c->ts = true;
                        be32 v = be32_of(c->ts_sent += dice(8) ? 1 : 0x80000000);
                        memcpy(o + i + 2, &v, 4);
                }
        return n;
}

static u32 options(struct client *c, u8 *o)
{
        be32 v = be32_of(c->ts_sent += dice(10) ? dice(3) : 0xfffffff0), e = be32_of(c->ts_seen);
        if (!c->ts || !dice(20))
                return 0;
        memcpy(o, (u8[]){1, 1, 8, 10}, 4);
        memcpy(o + 4, &v, 4);
        memcpy(o + 8, &e, 4);
        return 12;
}

static void segment(struct client *c)
{
        u8 f[2048], o[40];
        struct seg s = {.sport = c->port, .dport = PORT, .seq = c->snd, .ack = c->rcv, .wnd = (u16)(dice(10) ? 64000 : dice(3)), .opts = o};
        s.flags = (u8)ONE_OF(T_SYN, T_ACK, T_ACK, T_ACK, T_ACK | T_FIN, T_ACK | T_FIN, T_ACK | T_PSH, T_ACK | T_PSH, T_RST, T_RST | T_ACK,
                             dice(4) ? T_SYN : T_SYN | T_ACK, dice(4) ? T_ACK : T_SYN | T_ECE | T_CWR, dice(4) ? T_ACK : T_ACK | T_ECE, dice(4) ? T_ACK : 0,
                             dice(4) ? T_FIN | T_ACK : T_FIN | T_PSH | T_ACK);
        if (dice(4)) /* as conversations go */
                s.flags = (u8[]){T_SYN, T_ACK, T_ACK | T_PSH, T_ACK | T_FIN, T_ACK}[c->turn++ % 5];
        if ((s.flags & T_SYN) && dice(6)) {
                *c = (struct client){.port = (u16)(dice(4) ? 1000 + dice(30) : c->port ? c->port : 1), .snd = dice(4) ? seed : c->snd, .ts_sent = c->ts_sent};
                s.sport = c->port;
                s.seq = c->snd;
        }
        if (!(s.flags & T_ACK))
                s.ack = dice(2) ? 0 : s.ack;
        s.n_opts = (u8)(s.flags & T_SYN ? syn_options(c, o) : options(c, o));
        s.n = s.flags & T_PSH || (!dice(30) && !(s.flags & T_SYN)) ? ONE_OF(1, 100, 1000) : s.flags & T_SYN && !dice(12) ? 10 : 0;
        s.data = text;
        s.seq += dice(24) ? 0 : ONE_OF(1, 0xffffffff, 1000, 0x80000000);
        s.ack += dice(24) ? 0 : ONE_OF(1, 0xffffffff, 1000, 0x80000000);
        u32 n = build_tcp(way[0], f, &s), l2 = way[0]->nif.caps & NETIF_L3 ? 0 : ETH_HLEN;
        if (!dice(30)) { /* congestion experienced, or from somebody who cannot be */
                u8 *ip = f + l2;
                ipaddr src = dice(2) ? WIRE_PEER : (ipaddr[]){IPADDR(10, 0, 0, 255), IPADDR(240, 0, 0, 1), WIRE_US, IPADDR(0, 0, 0, 0)}[dice(4)];
                ip[1] |= (u8)dice(4);
                u8 tos = ip[1];
                build_ip(ip, src, WIRE_US, 6, n - l2 - 20);
                ip[1] = tos;
                memset(ip + 10, 0, 2);
                u16 sum = (u16)~cksum_fold(cksum_add(0, ip, 20));
                memcpy(ip + 10, &sum, 2);
        }
        if (dice(12))
                c->snd = s.seq + s.n + ((s.flags & (T_SYN | T_FIN)) != 0);
        wish = (int)ONE_OF(1, 1, 1, 3, dice(14), dice(14));
        feed(f, n, &straight[s.flags & (T_SYN | T_FIN)]);
}

static void both_ways_agree(void **state)
{
        for (u32 i = 0; i < sizeof text; i++)
                text[i] = (u8)(i * 7);
        memset(straight, 0, sizeof straight);
        for (u32 k = 1; k <= SEEDS; k++) {
                seed = k * 2654435761u;
                begin();
                for (u32 i = 0; i < STEPS; i++) {
                        segment(&client[dice(CLIENTS)]);
                        u64 us = dice(3) ? dice(5000) : dice(12) ? dice(900000) : dice(70000000);
                        for (int w = 0; w < 2; w++) {
                                way[w]->now_us += us;
                                stack_tick(way[w]->st, way[w]->now_us);
                                stack_batch_end(way[w]->st);
                        }
                        same_frames();
                        same_rest();
                }
                for (int w = 0; w < 2; w++)
                        wire_discard(way[w]);
        }
        print_message("# taken straight: %u SYNs, %u acknowledgements, %u FINs\n", straight[T_SYN], straight[0], straight[T_FIN]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(both_ways_agree),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
