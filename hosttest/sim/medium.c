/* medium.c - the network between the nodes: one switch (or, between IP links, one silent router) with a link of its own
 * speed, delay and queue to each node. Loses, repeats, delays, spoils one bit, marks congestion, and can be cut in two.
 * Not here: what frames mean. ARP is never spoilt: it has no checksum of its own, the Ethernet FCS guards it.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include "cksum.h"
#include "sim.h"

struct frame *frame_new(struct sim *s)
{
        struct frame *f = s->spare;
        if (f)
                s->spare = f->next;
        else if (!(f = malloc(sizeof *f)))
                abort();
        f->next = NULL;
        f->refs = 1;
        f->spoilt = false;
        return f;
}

void frame_free(struct sim *s, struct frame *f)
{
        if (--f->refs)
                return;
        f->next = s->spare;
        s->spare = f;
}

/* The run's signature: when, who, what. */
static void hash_frame(struct sim *s, const struct frame *f)
{
        u64 h = s->hash ^ s->now_us * 0x9e3779b97f4a7c15ull ^ (u64)f->from << 48 ^ f->len;
        u32 w, i = 0;
        for (; i + 4 <= f->len; i += 4) {
                memcpy(&w, f->b + i, 4);
                h = (h ^ w) * 0x100000001b3ull;
        }
        for (; i < f->len; i++)
                h = (h ^ f->b[i]) * 0x100000001b3ull;
        s->hash = h ^ h >> 29;
}

static u32 l2_len(const struct sim *s) { return s->p.l3 ? 0 : 14; }

static bool is_ip(const struct sim *s, const struct frame *f)
{
        return s->p.l3 || (f->len >= 34 && f->b[12] == 8 && f->b[13] == 0);
}

/* What a wrong bit in a piece spoils is the whole datagram, so one refusal would stand for several spoilt frames. */
static bool is_piece(const struct sim *s, const struct frame *f)
{
        const u8 *ip = f->b + l2_len(s);
        return (ip[6] & 0x3f) | ip[7];
}

/* Puts f on a link: false when its queue is full, else when it is through in *t. */
static bool link_pass(struct link *l, u64 now, u32 len, u64 *t)
{
        u64 start = l->busy_us > now ? l->busy_us : now;
        if (start - now > l->limit_us)
                return false;
        *t = l->busy_us = start + (len * (u64)l->ns_per_byte) / 1000;
        return true;
}

/* A copy with one bit of the IP packet turned; padding is left alone, since nothing guards it. */
static struct frame *spoil(struct sim *s, struct frame *f)
{
        struct frame *g = frame_new(s);
        u32 l2 = l2_len(s);
        g->len = f->len;
        g->from = f->from;
        g->spoilt = true;
        memcpy(g->b, f->b, f->len);
        u32 n = (u32)f->b[l2 + 2] << 8 | f->b[l2 + 3];
        u32 bit = rng_below(&s->net, 8 * n);
        g->b[l2 + bit / 8] ^= (u8)(1u << (bit & 7));
        frame_free(s, f);
        s->count.spoilt++;
        return g;
}

/* RFC 3168: a congested queue marks instead of dropping what can be marked; the header sum follows (RFC 1624). */
static void mark(struct sim *s, struct frame *f)
{
        u8 *ip = f->b + l2_len(s);
        if (f->refs > 1 || f->spoilt || !(ip[1] & 3) || (ip[1] & 3) == 3)
                return;
        ip[1] |= 3;
        ip[10] = ip[11] = 0;
        u16 sum = (u16)~cksum_fold(cksum_add(0, ip, 20));
        memcpy(ip + 10, &sum, 2);
        s->count.marked++;
}

/* From the sender's link through the air to the switch port of `to`. */
static void carry(struct sim *s, struct frame *f, u64 t, u32 to)
{
        struct rng *r = &s->net;
        struct node *from = &s->node[f->from], *dst = &s->node[to];
        if (rng_ppm(r, s->p.loss_ppm)) {
                s->count.lost++;
                trace_frame(s, f, to, "lost");
                frame_free(s, f);
                return;
        }
        t += from->delay_us + dst->delay_us;
        if (rng_ppm(r, s->p.reorder_ppm)) {
                t += rng_below(r, 3 * (from->delay_us + dst->delay_us) + 2000);
                s->count.delayed++;
        }
        if (is_ip(s, f) && f->refs == 1 && !is_piece(s, f) && rng_ppm(r, s->p.corrupt_ppm))
                f = spoil(s, f);
        if (is_ip(s, f) && rng_ppm(r, s->p.ce_ppm))
                mark(s, f);
        trace_frame(s, f, to, f->spoilt ? "spoilt" : "");
        ev_at(s, t, EV_SWITCH, to, f);
}

static void send_to(struct sim *s, struct frame *f, u64 t, u32 to)
{
        if (rng_ppm(&s->net, s->p.dup_ppm)) {
                s->count.duplicated++;
                f->refs++;
                carry(s, f, t + rng_below(&s->net, 20000), to);
        }
        carry(s, f, t, to);
}

/* Which node a frame is for; -1 everybody, -2 nobody. */
static int target(const struct sim *s, const struct frame *f)
{
        const u8 *a = s->p.l3 ? f->b + 16 : f->b;
        u32 id;
        if (s->p.l3) {
                if (a[0] != 10)
                        return -2;
                id = ((u32)a[2] << 8 | a[3]) - 1;
        } else {
                if (a[0] & 1)
                        return -1;
                id = (u32)a[4] << 8 | a[5];
        }
        return id < s->p.nodes ? (int)id : -2;
}

void medium_send(struct node *from, struct frame *f)
{
        struct sim *s = from->sim;
        u64 t;
        int to = target(s, f);
        f->from = from->id;
        s->count.frames++;
        s->count.bytes += f->len;
        hash_frame(s, f);
        if (s->p.cluster)
                cluster_heard(s, f);
        if (to == -2 || !link_pass(&from->up, s->now_us, f->len, &t)) {
                s->count.queue_full += to != -2;
                trace_frame(s, f, (u32)to, to == -2 ? "nobody" : "full");
                frame_free(s, f);
                return;
        }
        if (to >= 0) {
                struct frame *piece[2];
                u32 n = path_pass(s, f, (u32)to, piece);
                for (u32 i = 0; i < n; i++)
                        send_to(s, piece[i], t, (u32)to);
                return;
        }
        for (u32 i = 0; i < s->p.nodes; i++)
                if (i != from->id) {
                        f->refs++;
                        send_to(s, f, t, i);
                }
        frame_free(s, f);
}

void medium_switch(struct sim *s, u32 to, struct frame *f)
{
        struct node *n = &s->node[to];
        u64 t;
        if (s->cut && s->node[f->from].far != n->far) {
                s->count.cut++;
                frame_free(s, f);
        } else if (!link_pass(&n->down, s->now_us, f->len, &t)) {
                s->count.queue_full++;
                frame_free(s, f);
        } else {
                ev_at(s, t, EV_ARRIVE, to, f);
        }
}

void medium_split(struct sim *s)
{
        if (s->cut)
                return;
        u32 share = rng_in(&s->life, 1, 5);
        for (u32 i = 0; i < s->p.nodes; i++)
                s->node[i].far = rng_below(&s->life, 10) < share;
        /* half of them short enough for every connection to live through */
        s->cut = true;
        s->cut_long = rng_below(&s->life, 2);
        u32 ms = s->cut_long ? rng_in(&s->life, 10000, 400000) : rng_in(&s->life, 50, 8000);
        work_cut(s);
        ev_at(s, s->now_us + ms * 1000ull, EV_HEAL, 0, NULL);
}
