/* path.c - what lies between two nodes' links: some paths carry less than 1,500 bytes. Their router says so (RFC 1191), or is silent
 * (a black hole), cuts what may be cut (RFC 791), and sometimes tells that a machine is down. SPDX-License-Identifier: MIT */
#include <string.h>
#include "cksum.h"
#include "sim.h"

static u32 get16(const u8 *p) { return (u32)p[0] << 8 | p[1]; }
static void put16(u8 *p, u32 v) { p[0] = (u8)(v >> 8); p[1] = (u8)v; }

static void put_sum(u8 *at, const void *from, u32 n)
{
        at[0] = at[1] = 0;
        u16 sum = (u16)~cksum_fold(cksum_add(0, from, n));
        memcpy(at, &sum, 2);
}

/* A property of the pair, not of the moment. */
u32 path_mtu(const struct sim *s, u32 a, u32 b, bool *silent)
{
        static const u16 mtus[] = {1400, 1280, 1006, 600};
        u32 lo = a < b ? a : b, hi = a < b ? b : a, h = (lo * 40503u ^ hi * 2654435761u ^ s->p.seed * 97u) * 0x9e3779b1u;
        *silent = h >> 4 & 1;
        return (h >> 8) % 1000000 < s->p.narrow_ppm ? mtus[h & 3] : 1500;
}

/* An ICMP error from a router to the sender of f, quoting it. */
static void tell(struct sim *s, const struct frame *f, u8 code, u32 mtu)
{
        u32 l2 = s->p.l3 ? 0 : 14;
        const u8 *ip = f->b + l2;
        struct frame *g = frame_new(s);
        u8 *o = g->b + l2, *m = o + 20;
        memset(g->b, 0, l2 + 56);
        if (l2) {
                memcpy(g->b, f->b + 6, 6);
                memcpy(g->b + 6, "\x02\0\0\0\xff\xfe", 6);
                put16(g->b + 12, 0x800);
        }
        o[0] = 0x45;
        put16(o + 2, 56);
        o[8] = 64;
        o[9] = 1;
        memcpy(o + 12, "\x0a\0\xff\xfe", 4);
        memcpy(o + 16, ip + 12, 4);
        put_sum(o + 10, o, 20);
        m[0] = 3;
        m[1] = code;
        put16(m + 6, mtu);
        memcpy(m + 8, ip, 28);
        put_sum(m + 2, m, 36);
        g->len = l2 + 56;
        g->from = f->from;
        trace_frame(s, g, f->from, "router");
        s->count.told++;
        ev_at(s, s->now_us + s->node[f->from].delay_us, EV_SWITCH, f->from, g);
}

/* Two pieces, the first as large as the path takes. */
static void cut(struct sim *s, struct frame *f, u32 mtu, struct frame *piece[2])
{
        u32 l2 = s->p.l3 ? 0 : 14, hl = (f->b[l2] & 15u) * 4, first = (mtu - hl) & ~7u, all = get16(f->b + l2 + 2) - hl;
        u32 field = get16(f->b + l2 + 6);
        for (u32 i = 0; i < 2; i++) {
                struct frame *g = piece[i] = frame_new(s);
                u32 at = i * first, n = i ? all - first : first;
                u8 *ip = g->b + l2;
                memcpy(g->b, f->b, l2 + hl);
                memcpy(ip + hl, f->b + l2 + hl + at, n);
                put16(ip + 2, hl + n);
                put16(ip + 6, (field & 0xe000) | ((field & 0x1fff) + at / 8) | (i ? 0 : 0x2000));
                put_sum(ip + 10, ip, hl);
                g->len = l2 + hl + n;
                g->from = f->from;
        }
        s->count.cut_up++;
        frame_free(s, f);
}

u32 path_pass(struct sim *s, struct frame *f, u32 to, struct frame *piece[2])
{
        u32 l2 = s->p.l3 ? 0 : 14;
        const u8 *ip = f->b + l2;
        bool silent;
        u32 mtu = path_mtu(s, f->from, to, &silent);
        piece[0] = f;
        if (!s->p.l3 && get16(f->b + 12) != 0x800)
                return 1;
        if (!s->node[to].st && s->p.l3 && rng_ppm(&s->net, 300000))
                tell(s, f, 1, 0);
        if (get16(ip + 2) <= mtu)
                return 1;
        if (!(ip[6] & 0x40)) {
                cut(s, f, mtu, piece);
                return 2;
        }
        if (!silent)
                tell(s, f, 4, mtu);
        trace_frame(s, f, to, "too large");
        frame_free(s, f);
        return 0;
}
