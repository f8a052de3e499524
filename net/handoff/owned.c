/* owned.c - connections that came here by a handoff: who has them in his flow table is told that they live, and when they end.
 * An entry outlives its TCB while TIME_WAIT still answers. SPDX-License-Identifier: MIT */
#include "handoff_impl.h"
#include "mem.h"

bool owned_init(struct handoff *h)
{
        h->all_owned = h->ts->n_pool + h->ts->n_tw;
        h->owned = stack_alloc(h->st, h->all_owned * sizeof *h->owned, 16);
        h->owned_at = stack_alloc(h->st, h->ts->n_pool * sizeof *h->owned_at, 16);
        return h->owned && h->owned_at;
}

/* In the table, or waiting in TIME_WAIT for what the client may still repeat. */
static bool lives(struct handoff *h, const struct owned *o)
{
        return tcp_by_key(h->st, (struct tcp_key){o->slot, o->gen}) || timewait_find(h->ts, o->raddr, o->laddr, o->ports);
}

void owned_drop(struct handoff *h, struct owned *o)
{
        scope_leave(h, o->scope);
        o->live = 0;
        h->n_owned--;
}

static void look(struct handoff *h, struct owned *o, u16 now)
{
        bool alive = lives(h, o);
        if (alive && (u16)(now - o->told_s) < FLOW_REFRESH_S / 2)
                return;
        o->told_s = now;
        notice_add(h, o->node, alive ? NOTICE_REFRESH : NOTICE_GONE, o->raddr, o->laddr, o->ports, o->nonce);
        if (!alive)
                owned_drop(h, o);
}

/* There are as many places as TCBs and TIME_WAIT entries, so one is free, or belongs to what is over. */
void owned_add(struct handoff *h, const struct tcb *t, u8 node, const struct control_block *b)
{
        for (u32 i = 0; i < h->all_owned; i++) {
                struct owned *o = &h->owned[h->owned_next];
                h->owned_next = h->owned_next + 1 < h->all_owned ? h->owned_next + 1 : 0;
                if (o->live)
                        look(h, o, handoff_now_s(h));
                if (o->live)
                        continue;
                h->n_owned++;
                *o = (struct owned){.raddr = t->raddr,
                                    .laddr = t->laddr,
                                    .ports = t->ports,
                                    .slot = tcp_key(t).slot,
                                    .gen = t->gen,
                                    .told_s = handoff_now_s(h),
                                    .node = node,
                                    .live = 1};
                o->scope = scope_take(h, &b->scope);
                o->first = b->rcv_bytes && !b->n_place;
                memcpy(o->nonce, b->nonce, HANDOFF_NONCE);
                h->owned_at[o->slot] = (u32)(o - h->owned) + 1;
                return;
        }
}

struct owned *owned_find(struct handoff *h, u32 raddr, u32 laddr, u32 ports)
{
        const struct tcb *t = tcp_lookup(h->ts, raddr, laddr, ports);
        return t ? owned_of(h, t) : NULL;
}

struct owned *owned_of(struct handoff *h, const struct tcb *t)
{
        u32 i = h->owned_at[tcp_key(t).slot];
        struct owned *o = i ? &h->owned[i - 1] : NULL;
        return o && o->live && o->slot == tcp_key(t).slot && o->gen == t->gen ? o : NULL;
}

void owned_sweep(struct handoff *h)
{
        u32 all = h->all_owned, n = h->n_owned ? min_u32(all, max_u32(SWEEP_MIN, all / SWEEP_ROUND)) : 0;
        u16 now = handoff_now_s(h);
        for (u32 i = 0; i < n; i++) {
                struct owned *o = &h->owned[h->owned_swept];
                h->owned_swept = h->owned_swept + 1 < all ? h->owned_swept + 1 : 0;
                if (o->live)
                        look(h, o, now);
        }
}
