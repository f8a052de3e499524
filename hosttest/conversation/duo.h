/* duo.h - two stacks in one process, a wire with a delay between them, and what each said. Client 10.0.0.2, server 10.0.0.1.
 * Virtual time: what takes a second passes at once. SPDX-License-Identifier: MIT */
#ifndef DUO_H
#define DUO_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../net/tcp/engine.h"
#include "cksum.h"
#ifdef DUO_CHECK
#include "tcb_check.h" /* what must be true of every connection, after every packet */
#else
static inline void tcp_check(struct stack *st) { }
#endif

enum duo_side { DUO_CLIENT, DUO_SERVER };
enum { DUO_SAID = 4096, DUO_WAY = 4096 };
#define DUO_ADDR(side) IPADDR(10, 0, 0, 2 - (int)(side))

/* One segment, as it was sent. */
struct said {
        u64  at_us;
        int  from;
        u16  sport, dport, wnd;
        u32  seq, ack, n, bytes;      /* n: payload; bytes: of the IP packet */
        u8   flags, n_opts, opts[40];
        u8   data[32];                /* the first of the payload */
        bool hello, eaten;
};

struct duo {
        struct stack *st[2];
        struct netif  nif[2];
        u64           now_us;
        u32           delay_us;       /* each way */
        struct { u64 at; int to; u32 n; u8 *b; } way[DUO_WAY];
        u32           first, n_way;
        struct said   said[DUO_SAID];
        u32           n_said;
        bool        (*eat)(struct duo *d, const struct said *s,
                           u8 *ip); /* true: the network loses it; may change it (fix the sum) */
        void         *blocks[128];
        u32           n_blocks;
};

static inline void *duo_give(void *ctx, size_t n, size_t align)
{
        struct duo *d = ctx;
        void *p;
        if (d->n_blocks == COUNT_OF(d->blocks) || posix_memalign(&p, align < 16 ? 16 : align, n ? n : 1))
                return NULL;
        memset(p, 0, n);
        return d->blocks[d->n_blocks++] = p;
}

static inline void duo_resum(u8 *ip, u32 n)
{
        u8 *t = ip + 20;
        ipaddr src, dst;
        memcpy(&src, ip + 12, 4);
        memcpy(&dst, ip + 16, 4);
        t[16] = t[17] = 0;
        u16 sum = (u16)~cksum_fold(cksum_add(ip_pseudo_sum(src, dst, IPPROTO_TCP_, (u16)(n - 20)), t, n - 20));
        memcpy(t + 16, &sum, 2);
}

static inline void duo_note(struct duo *d, int from, const u8 *ip, u32 n, struct said *s)
{
        const struct tcp_hdr *h = (const struct tcp_hdr *)(ip + 20);
        u32 hlen = (u32)(h->off >> 4 << 2);
        struct option144 x;
        *s = (struct said){.at_us = d->now_us, .from = from, .sport = be16_get(h->src), .dport = be16_get(h->dst),
                           .wnd = be16_get(h->wnd),
                           .seq = be32_get(h->seq), .ack = be32_get(h->ack), .n = n - 20 - hlen, .bytes = n, .flags = h->flags,
                                   .n_opts = (u8)(hlen - 20)};
        memcpy(s->opts, ip + 40, s->n_opts);
        memcpy(s->data, ip + 20 + hlen, min_u32(s->n, sizeof s->data));
        s->hello = option144_find(s->opts, s->n_opts, OPTION144, &x) && (x.has & O144_HELLO);
}

static inline void duo_xmit(struct netif *nif, struct pkt *p)
{
        struct duo *d = nif->dev;
        int from = nif == &d->nif[DUO_SERVER];
        u32 n = pkt_total(p);
        u8 *b = malloc(n);
        pkt_copy_out(p, 0, b, n);
        pkt_free(p);
        if (d->n_way == DUO_WAY || d->n_said == DUO_SAID)
                abort();
        struct said *s = &d->said[d->n_said++];
        duo_note(d, from, b, n, s);
        s->eaten = d->eat && d->eat(d, s, b);
        if (s->eaten) {
                free(b);
                return;
        }
        u32 i = (d->first + d->n_way++) % DUO_WAY;
        d->way[i].at = d->now_us + d->delay_us;
        d->way[i].to = !from;
        d->way[i].n = n;
        d->way[i].b = b;
}

static inline void duo_deliver(struct duo *d)
{
        u32 i = d->first;
        int to = d->way[i].to;
        struct pkt *p = pkt_alloc(&d->st[to]->pkts, 2);
        d->first = (d->first + 1) % DUO_WAY;
        d->n_way--;
        if (p && pkt_append(p, d->way[i].b, d->way[i].n))
                netif_rx(&d->nif[to], p);
        free(d->way[i].b);
        stack_batch_end(d->st[to]);
        tcp_check(d->st[to]);
}

/* Runs both for so long; packets and timers happen in their order. */
static inline void duo_run(struct duo *d, u32 ms)
{
        u64 end = d->now_us + (u64)ms * 1000;
        for (;;) {
                u64 next = d->n_way ? d->way[d->first].at : UINT64_MAX;
                for (int i = 0; i < 2; i++) {
                        u32 wait = stack_next(d->st[i]);
                        if (wait != UINT32_MAX && d->now_us + (u64)(wait ? wait : 1) * 1000 < next)
                                next = d->now_us + (u64)(wait ? wait : 1) * 1000;
                }
                if (next > end)
                        break;
                d->now_us = next;
                for (int i = 0; i < 2; i++) {
                        stack_tick(d->st[i], d->now_us);
                        stack_batch_end(d->st[i]);
                        tcp_check(d->st[i]);
                }
                while (d->n_way && d->way[d->first].at <= d->now_us)
                        duo_deliver(d);
        }
        d->now_us = end;
        for (int i = 0; i < 2; i++) {
                stack_tick(d->st[i], end);
                stack_batch_end(d->st[i]);
        }
}

/* A packet that neither side sent arrives now, on the way of what `from` sends. */
static inline void duo_inject(struct duo *d, int from, const u8 *ip, u32 n)
{
        struct pkt *p = pkt_alloc(&d->st[!from]->pkts, 2);
        stack_tick(d->st[!from], d->now_us);
        if (p && pkt_append(p, ip, n))
                netif_rx(&d->nif[!from], p);
        stack_batch_end(d->st[!from]);
        tcp_check(d->st[!from]);
}

static inline struct duo *duo_new(u32 delay_us, const struct stack_config *base)
{
        struct duo *d = calloc(1, sizeof *d);
        d->now_us = 1000000;
        d->delay_us = delay_us;
        for (int i = 0; i < 2; i++) {
                struct stack_config c = base ? *base : (struct stack_config){0};
                memcpy(c.seed, i ? "seed of a server" : "seed of a client", 16);
                c.alloc = duo_give;
                c.alloc_ctx = d;
                d->st[i] = stack_new(&c, d->now_us);
                if (!d->st[i])
                        abort();
                d->nif[i] = (struct netif){.name = "l3", .driver = "duo", .mtu = 1500, .caps = NETIF_L3, .xmit = duo_xmit,
                                           .dev = d};
                netif_add(d->st[i], &d->nif[i], true);
                netif_addr_add(&d->nif[i], DUO_ADDR(i), 24, IFADDR_STATIC, false);
                stack_batch_end(d->st[i]);
        }
        return d;
}

static inline void duo_free(struct duo *d)
{
        while (d->n_way) {
                free(d->way[d->first].b);
                d->first = (d->first + 1) % DUO_WAY;
                d->n_way--;
        }
        while (d->n_blocks)
                free(d->blocks[--d->n_blocks]);
        free(d);
}

/* "SYN,PSH,FIN" in the order in which the seed says them; ACK behind SYN. */
static inline const char *duo_flags(u8 f)
{
        static char text[40];
        static const struct { u8 bit; const char *name; } names[] = {{TCP_SYN, "SYN"}, {TCP_ACK, "ACK"}, {TCP_PSH, "PSH"},
                                                                     {TCP_FIN, "FIN"}, {TCP_RST, "RST"}};
        text[0] = 0;
        for (u32 i = 0; i < COUNT_OF(names); i++)
                if (f & names[i].bit)
                        strcat(strcat(text, text[0] ? "," : ""), names[i].name);
        return text;
}

#endif
