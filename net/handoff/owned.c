/* owned.c - connections that came here by a handoff, beside their TCBs: who has them in his flow table is told that they live, and
 * when they end. SPDX-License-Identifier: MIT */
#include "handoff_impl.h"
#include "mem.h"

void owned_add(struct handoff *h, const struct tcb *t, u8 node, const u8 *nonce)
{
        struct owned *o = &h->owned[tcp_key(t).slot];
        h->n_owned += !o->live;
        *o = (struct owned){.raddr = t->raddr, .laddr = t->laddr, .ports = t->ports, .gen = t->gen, .told_s = handoff_now_s(h), .node = node, .live = 1};
        memcpy(o->nonce, nonce, HANDOFF_NONCE);
}

struct owned *owned_find(struct handoff *h, u32 raddr, u32 laddr, u32 ports)
{
        const struct tcb *t = tcp_lookup(h->ts, raddr, laddr, ports);
        struct owned *o = t ? &h->owned[tcp_key(t).slot] : NULL;
        return o && o->live && o->gen == t->gen ? o : NULL;
}

/* In the table, or waiting in TIME_WAIT for what the client may still repeat. */
static bool lives(struct handoff *h, const struct owned *o)
{
        return tcp_by_key(h->st, (struct tcp_key){(u32)(o - h->owned), o->gen}) || timewait_find(h->ts, o->raddr, o->laddr, o->ports);
}

void owned_sweep(struct handoff *h)
{
        u32 all = h->ts->n_pool, n = h->n_owned ? min_u32(all, max_u32(SWEEP_MIN, all / (FLOW_REFRESH_S / 2))) : 0;
        u16 now = handoff_now_s(h);
        for (u32 i = 0; i < n; i++) {
                struct owned *o = &h->owned[h->owned_swept];
                h->owned_swept = h->owned_swept + 1 < all ? h->owned_swept + 1 : 0;
                if (!o->live)
                        continue;
                bool alive = lives(h, o);
                if (alive && (u16)(now - o->told_s) < FLOW_REFRESH_S / 2)
                        continue;
                o->told_s = now;
                notice_add(h, o->node, alive ? NOTICE_REFRESH : NOTICE_GONE, o->raddr, o->laddr, o->ports, o->nonce);
                o->live = alive;
                h->n_owned -= !alive;
        }
}
