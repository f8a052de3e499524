/* tcpworld.h - a stack with one client in memory that can be copied and put back as a whole, so that an assembly routine and its
 * twin run on the very same bytes and everything that they leave behind is compared: the memory, and the frames that left.
 * For hosttest/asm/tcp_*.c; everything is in one arena, so that pointers in it stay right.
 * SPDX-License-Identifier: MIT */
#ifndef TCPWORLD_H
#define TCPWORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../net/tcp/engine.h"
#include "arp.h"
#include "asmtest.h"
#include "cksum.h"
#include "eth.h"

enum { WORLD = 1 << 19, WORLD_LOG = 1 << 18, WORLD_PKTS = 48 };

static struct {
        u8 mem[WORLD] __attribute__((aligned(4096)));
        struct stack *st;
        struct netif *nif;
        struct listener *l;
        struct tcb *t;          /* the connection, NULL when it is over */
        u32 used, seed;
        u64 now;
        u8 log[WORLD_LOG];      /* frames that left, each behind its length; and what the user was told */
        u32 n_log;
        u32 user_seed;          /* of what the user does in its callbacks: the same in both runs */
        bool user_acts;
        void (*scrub)(void);    /* clears what a routine may leave as it likes; may be NULL */
} W;

static u8 world_kept[2][WORLD], world_log[2][WORLD_LOG];
static u32 world_n_log[2];

static const macaddr WORLD_US = {{2, 0, 0, 0, 0, 1}}, WORLD_PEER = {{2, 0, 0, 0, 0, 2}};
static const ipaddr WORLD_IP = {{{10, 0, 0, 1}}}, WORLD_PEER_IP = {{{10, 0, 0, 2}}};

static inline u32 dice(u32 n) { return rnd(&W.seed) % n; }
#define ONE_OF(...) ((u32[]){__VA_ARGS__}[dice(sizeof((u32[]){__VA_ARGS__}) / 4)])

static inline void world_note(const void *p, u32 n)
{
        if (W.n_log + n + 4 > WORLD_LOG)
                abort();
        memcpy(W.log + W.n_log, &n, 4);
        memcpy(W.log + W.n_log + 4, p, n);
        W.n_log += n + 4;
}

static inline void *world_take(void *ctx, size_t n, size_t align)
{
        W.used = (u32)((W.used + align - 1) & ~(align - 1));
        void *p = W.mem + W.used;
        W.used += (u32)n;
        return W.used <= WORLD ? p : NULL;
}

static inline void world_xmit(struct netif *nif, struct pkt *p)
{
        static u8 all[70000];
        world_note(all, pkt_copy_out(p, 0, all, sizeof all));
        world_note(&p->flags, 2);
        world_note(&p->next, sizeof p->next); /* nobody's queue has it */
        if (p->flags & PKT_CSUM_TODO)
                world_note(&p->csum_start, 4);
        pkt_free(p);
}

/* What users do: read some, answer, hang up. */
static inline void world_act(struct tcb *t, const char *what)
{
        static const u8 text[3000] = "what the user says";
        u32 sum = cksum_add(0, text, 1000);
        world_note(what, 1);
        if (!W.user_acts)
                return;
        switch (rnd(&W.user_seed) % 16) {
        case 0: case 1: case 2: case 3: tcp_consume(t, tcp_readable(t)); break;
        case 4: tcp_consume(t, tcp_readable(t) / 2); break;
        case 5: case 6: tcp_consume(t, tcp_readable(t)); tcp_send_ref(t, text, 1000, &sum); break;
        case 7: tcp_send(t, text, 1 + rnd(&W.user_seed) % 2999); break;
        case 8: tcp_send_ref(t, text, 1 + rnd(&W.user_seed) % 2999, NULL); break;
        case 9: if (rnd(&W.user_seed) % 8 == 0) tcp_close(t); break;
        case 11: case 12: { /* a header that is copied, and what follows it */
                struct pkt *p = pkt_alloc(&W.st->pkts, 0);
                u32 front = cksum_add(0, text, 99), n = p && pkt_append(p, text, 99) ? 0 : 1;
                tcp_consume(t, tcp_readable(t));
                if (n)
                        break;
                if (rnd(&W.user_seed) % 2) {
                        tcp_send_pkt_sum(t, p, front);
                } else {
                        pkt_free(p);
                        tcp_send_ref(t, text, 99, &front);
                }
                if (rnd(&W.user_seed) % 4)
                        tcp_send_ref(t, text, 1000, &sum);
                break;
        }
        case 10: if (rnd(&W.user_seed) % 16 == 0) tcp_abort(t); break;
        case 13: case 14: /* a reply, and something happens to it before it is sent */
                tcp_consume(t, tcp_readable(t));
                tcp_send_ref(t, text, rnd(&W.user_seed) % 4 ? 1 + rnd(&W.user_seed) % 1460 : t->mss, &sum);
                if (rnd(&W.user_seed) % 4 == 0 && t->snd_wnd > t->snd_queued)
                        sndq_list(t), t->snd_wnd = t->snd_queued + rnd(&W.user_seed) % 2;
                switch (rnd(&W.user_seed) % 12) {
                case 0: tcp_send(t, text, 20); break;
                case 1: tcp_unqueue(t, rnd(&W.user_seed) % 200); break;
                case 2: tcp_cork(t, true); break;
                case 3: if (rnd(&W.user_seed) % 3) tcp_shutdown(t); break;
                case 9: if (rnd(&W.user_seed) % 3) tcp_close(t); break;
                case 4: tcp_send_urgent(t); break;
                case 5: tcp_send_ref(t, text, 100, NULL); break;
                case 6: tcp_cork(t, false); break;
                case 7: tcp_flush(t); break;
                case 8: tcp_set_keepalive(t, 9000); break;
                }
                break;
        }
}
static inline bool world_accept(struct tcb *t) { W.t = t; return true; }
/* A callee may do what it likes with its arguments' places on the stack, and compiled code does when it ends in a jump. */
static inline void world_readable(struct tcb *volatile t) { world_act(t, "r"); t = NULL; }
static inline void world_writable(struct tcb *volatile t) { world_act(t, "w"); t = NULL; }
static inline void world_closed(struct tcb *t, int err) { world_note("c", 1); W.t = NULL; }
static const struct tcp_events world_ev[] = {
        {.accept = world_accept, .readable = world_readable, .writable = world_writable, .closed = world_closed},
        {.accept = world_accept, .readable = world_readable, .closed = world_closed},
        {.accept = world_accept, .closed = world_closed},
};

/* What a frame to us is made of; the tests spoil one or the other. */
struct world_frame { u32 seq, ack, wnd, len, tsval, tsecr; u16 port; u8 flags, tos; bool ts, syn_options; };

static inline struct pkt *world_build(const struct world_frame *f)
{
        struct pkt *p = pkt_alloc(&W.st->pkts, 0);
        if (!p)
                return NULL;
        u32 l2 = W.nif->caps & NETIF_L3 ? 0 : ETH_HLEN, opts = f->syn_options ? 20 : f->ts ? 12 : 0, n = 20 + opts + f->len;
        u8 *b = p->data + l2;
        if (l2)
                *(struct eth_hdr *)p->data = (struct eth_hdr){WORLD_US, WORLD_PEER, be16_of(ETHERTYPE_IP_)};
        struct ip_hdr ip = {.vhl = 0x45, .tos = f->tos, .len = be16_of((u16)(20 + n)), .id = be16_of((u16)dice(65536)),
                            .frag = be16_of(IP_DF), .ttl = 64, .proto = IPPROTO_TCP_, .src = WORLD_PEER_IP, .dst = WORLD_IP};
        ip.cksum = be16_from_raw((u16)~cksum_fold(cksum_add(0, &ip, 20)));
        memcpy(b, &ip, 20);
        struct tcp_hdr h = {be16_of(f->port), be16_of(80), be32_of(f->seq), be32_of(f->ack), (u8)((5 + opts / 4) << 4), f->flags,
                            be16_of((u16)f->wnd), {{0, 0}}, {{0, 0}}};
        memcpy(b + 20, &h, 20);
        be32 val = be32_of(f->tsval), ecr = be32_of(f->tsecr);
        if (f->syn_options) {
                static const u8 syn[20] = {2, 4, 5, 0xb4, 4, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 3, 7};
                memcpy(b + 40, syn, 20);
                if (f->ts) {
                        memcpy(b + 46, (u8[]){8, 10}, 2);
                        memcpy(b + 48, &val, 4);
                        memcpy(b + 52, &ecr, 4);
                }
        } else if (f->ts) {
                memcpy(b + 40, (u8[]){1, 1, 8, 10}, 4);
                memcpy(b + 44, &val, 4);
                memcpy(b + 48, &ecr, 4);
        }
        for (u32 i = 0; i < f->len; i++)
                b[40 + opts + i] = (u8)(f->seq + i);
        u16 sum = (u16)~cksum_fold(cksum_add(ip_pseudo_sum(ip.src, ip.dst, IPPROTO_TCP_, (u16)n), b + 20, n));
        memcpy(b + 36, &sum, 2);
        p->len = (u16)(l2 + 20 + n);
        p->nif = W.nif;
        return p;
}

static inline void world_in(const struct world_frame *f)
{
        struct pkt *p = world_build(f);
        if (p)
                netif_rx(W.nif, p);
        stack_batch_end(W.st);
}

static inline void world_tick(u32 us)
{
        W.now += us;
        stack_tick(W.st, W.now);
}

/* A new stack and a connection in ESTABLISHED, in one of the ways that connections differ. */
static inline void world_begin(u32 seed)
{
        memset(&W, 0, sizeof W);
        W.seed = seed;
        W.now = 1000000;
        struct stack_config cfg = {.n_pkts = WORLD_PKTS, .n_tcbs = 4, .n_listeners = 3, .n_synq = 4, .n_timewait = 8, .n_udp = 1,
                                   .n_arp = 4, .n_routes = 4, .n_reass = 1, .alloc = world_take};
        memcpy(cfg.seed, &seed, 4);
        W.st = stack_new(&cfg, W.now);
        W.nif = W.st ? world_take(NULL, sizeof *W.nif, 16) : NULL;
        if (!W.nif)
                abort();
        *W.nif = (struct netif){.name = "w0", .driver = "world", .mac = WORLD_US, .mtu = 1500, .xmit = world_xmit,
                                .caps = (u8)((dice(4) ? NETIF_SG : 0) | (dice(4) ? 0 : NETIF_L3))};
        netif_add(W.st, W.nif, true);
        netif_addr_add(W.nif, WORLD_IP, 24, IFADDR_STATIC, false);
        arp_set(W.nif, WORLD_PEER_IP, WORLD_PEER);
        if (dice(8) == 0)
                tcp_set_rto_min(W.st, ONE_OF(1, 1000, 1500, 61000));
        bool ts = dice(2);
        struct tcp_opts o = {.nodelay = dice(2), .ecn = dice(2), .psh_message = dice(8) == 0, .no_sack = dice(2),
                             .keepalive_ms = dice(2) ? 9000 : 0, .rcvbuf = ONE_OF(4096, 16384, 1 << 20), .no_wscale = dice(4) == 0, .ack_on_read = dice(16) == 0};
        int err;
        W.l = tcp_listen(W.st, IPADDR_ANY, 80, &world_ev[dice(3)], NULL, &o, &err);
        struct world_frame f = {.seq = rnd(&W.seed), .wnd = 64000, .tsval = rnd(&W.seed), .port = (u16)(1024 + dice(60000)),
                                .flags = TCP_SYN | (o.ecn ? TCP_ECE | TCP_CWR : 0), .ts = ts, .syn_options = true};
        world_in(&f);
        u32 ports = be16_raw(be16_of(f.port)) | (u32)be16_raw(be16_of(80)) << 16;
        struct synq *q = synq_find(W.st->tcp, be32_raw(WORLD_PEER_IP.v4), be32_raw(WORLD_IP.v4), ports);
        if (!q)
                abort();
        world_tick(dice(3000));
        f.syn_options = false;
        f.flags = TCP_ACK;
        f.seq++;
        f.ack = q->iss + 1;
        world_in(&f);
        if (!W.t)
                abort();
        W.user_seed = seed | 1;
        W.user_acts = true;
}

static inline void world_keep(u32 i)
{
        memcpy(world_kept[i], W.mem, W.used);
        memcpy(world_log[i], W.log, W.n_log);
        world_n_log[i] = W.n_log;
}

static inline void world_put_back(u32 i) { memcpy(W.mem, world_kept[i], W.used); }

/* Runs both on the same world and goes on from what the twin left; false when they differ in anything. */
static inline bool world_same(const void *routine, const void *twin, const u32 args[6], u32 *result)
{
        u32 spoilt;
        u32 seed = W.user_seed;
        struct tcb *t = W.t;
        W.n_log = 0;
        world_keep(0);
        u32 result_asm = call_checked6(&spoilt, routine, args);
        if (result)
                *result = result_asm;
        if (W.scrub)
                W.scrub();
        world_keep(1);
        struct tcb *after = W.t;
        world_put_back(0);
        W.user_seed = seed;
        W.t = t;
        W.n_log = 0;
        u32 spoilt_c, result_c = call_checked6(&spoilt_c, twin, args);
        if (W.scrub)
                W.scrub();
        bool same = !spoilt && (!result || result_c == *result) && W.t == after && W.n_log == world_n_log[1] &&
                    !memcmp(W.log, world_log[1], W.n_log);
        if (!same)
                fprintf(stderr, "# spoilt %u, results %u and %u, log of %u and %u bytes, connection %p and %p\n", spoilt, result_asm,
                        result_c, world_n_log[1], W.n_log, (void *)after, (void *)W.t);
        for (u32 i = 0; !same && i < W.n_log && i < world_n_log[1]; i++)
                if (W.log[i] != world_log[1][i])
                        fprintf(stderr, "# byte %u of the log: assembly %02x, twin %02x\n", i, world_log[1][i], W.log[i]);
        for (u32 i = 0; same && i < W.used; i++) {
                if (W.mem[i] != world_kept[1][i]) {
                        u32 in_tcb = (u32)(W.mem + i - (u8 *)(t ? t : W.st->tcp->pool));
                        fprintf(stderr, "# byte %u of the world (tcb + %u): assembly %02x, twin %02x\n", i, in_tcb,
                                world_kept[1][i], W.mem[i]);
                        same = false;
                }
        }
        return same;
}

#endif
