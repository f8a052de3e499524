/* wire.c - test support: the wire and the frames on it.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "arp.h"
#include "cksum.h"
#include "wire.h"

const macaddr wire_mac_us = {{2, 0, 0, 0, 0, 1}}, wire_mac_peer = {{2, 0, 0, 0, 0, 2}};

static void fail(const char *what, long a, long b)
{
        fprintf(stderr, "wire: %s (%ld, %ld)\n", what, a, b);
        abort();
}

static void *give(void *ctx, size_t n, size_t align)
{
        struct wire *w = ctx;
        void *p;
        if (w->n_blocks == COUNT_OF(w->blocks) || posix_memalign(&p, align < 16 ? 16 : align, n ? n : 1))
                return NULL;
        memset(p, 0, n);
        return w->blocks[w->n_blocks++] = p;
}

static void keep_log(void *ctx, const char *line)
{
        struct wire *w = ctx;
        size_t have = strlen(w->log);
        snprintf(w->log + have, sizeof w->log - have, "%s\n", line);
}

void wire_check(const struct pkt *p)
{
        for (; p; p = p->chain)
                if (p->data < p->head || p->data + p->len > p->head + PKT_BUF)
                        fail("a packet that lies outside of its buffer: begin, length", p->data - p->head, p->len);
}

static void capture(struct netif *nif, struct pkt *p)
{
        wire_check(p);
        struct wire *w = container_of(nif, struct wire, nif);
        if (w->out_head - w->out_tail == WIRE_OUT)
                fail("more frames sent than the wire can hold", WIRE_OUT, 0);
        struct frame *f = &w->out[w->out_head++ % WIRE_OUT];
        f->n = pkt_total(p);
        f->b = malloc(f->n ? f->n : 1);
        pkt_copy_out(p, 0, f->b, f->n);
        pkt_free(p);
}

struct wire *wire_new_bare(const struct stack_config *cfg, u8 caps)
{
        struct wire *w = calloc(1, sizeof *w);
        struct stack_config c = {0};
        static const u8 seed[16] = "seed of the test";
        if (cfg)
                c = *cfg;
        memcpy(c.seed, seed, sizeof c.seed);
        c.alloc = give;
        c.alloc_ctx = w;
        c.log = keep_log;
        c.log_ctx = w;
        w->now_us = 1000000;
        w->st = stack_new(&c, w->now_us);
        if (!w->st)
                fail("stack_new", 0, 0);
        strcpy(w->nif.name, "eth0");
        w->nif.driver = "wire";
        w->nif.mac = wire_mac_us;
        w->nif.mtu = 1500;
        w->nif.caps = caps;
        w->nif.xmit = capture;
        netif_add(w->st, &w->nif, true);
        return w;
}

struct wire *wire_new(const struct stack_config *cfg, u8 caps)
{
        struct wire *w = wire_new_bare(cfg, caps);
        if (netif_addr_add(&w->nif, WIRE_US, 24, IFADDR_STATIC, false))
                fail("netif_addr_add", 0, 0);
        if (!(caps & NETIF_L3)) {
                arp_set(&w->nif, WIRE_PEER, wire_mac_peer);
                wire_wait(w, 10000); /* announcements and conflict probes of our address go out */
        }
        wire_batch_end(w);
        wire_flush_out(w);
        return w;
}

void wire_discard(struct wire *w)
{
        wire_flush_out(w);
        free(w->last.b);
        while (w->n_blocks)
                free(w->blocks[--w->n_blocks]);
        free(w);
}

void wire_free(struct wire *w)
{
        if (w->st->pkts.n_free != w->st->pkts.n_total)
                fail("packet buffers leaked: free, total", w->st->pkts.n_free, w->st->pkts.n_total);
        wire_discard(w);
}

void wire_rx_part(struct wire *w, const void *frame, u32 n)
{
        struct pkt *p = pkt_alloc(&w->st->pkts, 2);
        if (!p)
                return; /* as a driver: the frame is lost and counted */
        stack_tick(w->st, w->now_us);
        if (!pkt_append(p, frame, n))
                fail("frame larger than a buffer", n, 0);
        netif_rx(&w->nif, p);
}

void wire_batch_end(struct wire *w) { stack_batch_end(w->st); }

void wire_rx(struct wire *w, const void *frame, u32 n)
{
        wire_rx_part(w, frame, n);
        wire_batch_end(w);
}

void wire_wait(struct wire *w, u32 ms)
{
        u64 end = w->now_us + (u64)ms * 1000;
        while (w->now_us < end) {
                u64 step = (u64)stack_next(w->st) * 1000, left = end - w->now_us;
                w->now_us += step == 0 ? 1000 : step < left ? step : left;
                stack_tick(w->st, w->now_us);
                stack_batch_end(w->st);
        }
}

u32 wire_pending(const struct wire *w) { return w->out_head - w->out_tail; }

const struct frame *wire_tx(struct wire *w)
{
        free(w->last.b);
        w->last = (struct frame){0, NULL};
        if (w->out_head == w->out_tail)
                return NULL;
        w->last = w->out[w->out_tail++ % WIRE_OUT];
        return &w->last;
}

void wire_flush_out(struct wire *w)
{
        while (wire_tx(w))
                ;
}

u32 build_eth(u8 *f, macaddr dst, macaddr src, u16 type)
{
        memcpy(f, dst.b, 6);
        memcpy(f + 6, src.b, 6);
        be16 t = be16_of(type);
        memcpy(f + 12, &t, 2);
        return 14;
}

void build_ip(u8 *ip, ipaddr src, ipaddr dst, u8 proto, u32 n)
{
        struct ip_hdr h = {.vhl = 0x45, .len = be16_of((u16)(20 + n)), .id = be16_of(1), .ttl = 64, .proto = proto, .src = src, .dst = dst};
        u16 sum = (u16)~cksum_fold(cksum_add(0, &h, 20));
        h.cksum = be16_from_raw(sum);
        memcpy(ip, &h, 20);
}

/* Link header of a frame from the peer, or nothing on an L3 wire. */
static u32 link_header(const struct wire *w, u8 *f)
{
        return w->nif.caps & NETIF_L3 ? 0 : build_eth(f, wire_mac_us, wire_mac_peer, 0x0800);
}

static u16 transport_sum(ipaddr src, ipaddr dst, u8 proto, const u8 *l4, u32 n)
{
        return (u16)~cksum_fold(cksum_add(ip_pseudo_sum(src, dst, proto, (u16)n), l4, n));
}

u32 build_udp(const struct wire *w, u8 *f, ipaddr src, u16 sport, ipaddr dst, u16 dport, const void *data, u32 n)
{
        u32 l2 = link_header(w, f);
        u8 *ip = f + l2, *u = ip + 20;
        be16 h[4] = {be16_of(sport), be16_of(dport), be16_of((u16)(8 + n)), {{0, 0}}};
        memcpy(u, h, 8);
        if (n)
                memcpy(u + 8, data, n);
        u16 sum = transport_sum(src, dst, IPPROTO_UDP_, u, 8 + n);
        memcpy(u + 6, &sum, 2);
        build_ip(ip, src, dst, IPPROTO_UDP_, 8 + n);
        return l2 + 28 + n;
}

struct tcp_wire { be16 sport, dport; be32 seq, ack; u8 off, flags; be16 wnd, sum, urg; };

u32 build_tcp(const struct wire *w, u8 *f, const struct seg *s)
{
        u32 l2 = link_header(w, f), n = 20 + s->n_opts + s->n;
        u8 *ip = f + l2, *t = ip + 20;
        struct tcp_wire h = {be16_of(s->sport), be16_of(s->dport), be32_of(s->seq), be32_of(s->ack), (u8)((20 + s->n_opts) / 4 << 4),
                             s->flags, be16_of(s->wnd), {{0, 0}}, be16_of(s->urg)};
        memcpy(t, &h, 20);
        if (s->n_opts)
                memcpy(t + 20, s->opts, s->n_opts);
        if (s->n)
                memcpy(t + 20 + s->n_opts, s->data, s->n);
        u16 sum = transport_sum(WIRE_PEER, WIRE_US, IPPROTO_TCP_, t, n);
        memcpy(t + 16, &sum, 2);
        build_ip(ip, WIRE_PEER, WIRE_US, IPPROTO_TCP_, n);
        return l2 + 20 + n;
}

bool parse_tcp(const struct wire *w, const struct frame *f, struct seg *out)
{
        u32 l2 = w->nif.caps & NETIF_L3 ? 0 : 14;
        if (!f || f->n < l2 + 40)
                return false;
        const u8 *ip = f->b + l2;
        struct ip_hdr h;
        memcpy(&h, ip, 20);
        if (h.proto != IPPROTO_TCP_ || (l2 && (f->b[12] != 8 || f->b[13] != 0)))
                return false;
        u32 n = be16_get(h.len) - 20u;
        if (cksum_fold(cksum_add(0, ip, 20)) != 0xffff)
                fail("IP checksum wrong in a frame of ours", 0, 0);
        const u8 *t = ip + 20;
        if (l2 + 20 + n > f->n || (u16)transport_sum(h.src, h.dst, IPPROTO_TCP_, t, n) != 0)
                fail("TCP length or checksum wrong in a frame of ours", n, f->n);
        struct tcp_wire th;
        memcpy(&th, t, 20);
        u32 hl = th.off >> 4 << 2;
        *out = (struct seg){be16_get(th.sport), be16_get(th.dport), be32_get(th.seq), be32_get(th.ack), th.flags, be16_get(th.wnd),
                            t + 20, (u8)(hl - 20), t + hl, n - hl, be16_get(th.urg)};
        return true;
}
