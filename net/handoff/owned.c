/* owned.c - connections that came here by a handoff: who has them in his flow table is told that they live, and when they end.
 * An entry outlives its TCB while TIME_WAIT still answers. SPDX-License-Identifier: MIT */
#include "handoff_impl.h"
#include "mem.h"

bool owned_init(struct handoff *h)
{
        return tuples_init(&h->owned, h->st, h->ts->n_pool + h->ts->n_tw, sizeof(struct owned));
}

/* In the table, or waiting in TIME_WAIT for what the client may still repeat. */
static bool lives(struct handoff *h, const struct owned *o)
{
        return tcp_by_key(h->st, (struct tcp_key){o->slot, o->gen}) || timewait_find(h->ts, o->raddr, o->laddr, o->ports);
}

void owned_drop(struct handoff *h, struct owned *o)
{
        scope_leave(h, o->scope);
        tuples_del(&h->owned, tuples_chain(&h->owned, o->raddr ^ o->laddr, o->ports), o);
}

/* false: it is over. Its front is told that, or now and then that it lives. */
static bool look(struct handoff *h, struct owned *o)
{
        u8 now = (u8)handoff_now_s(h);
        bool alive = lives(h, o);
        if (alive && (u8)(now - o->told_s) < FLOW_REFRESH_S / 2)
                return true;
        o->told_s = now;
        notice_add(h, o->node, alive ? NOTICE_REFRESH : NOTICE_GONE, o->raddr, o->laddr, o->ports, o->nonce);
        if (!alive)
                owned_drop(h, o);
        return alive;
}

static void look_at_next(struct handoff *h)
{
        struct owned *o = tuples_sweep(&h->owned);
        if (o->ports)
                look(h, o);
}

bool owned_over(struct handoff *h, u32 raddr, u32 laddr, u32 ports)
{
        struct owned *o = tuples_find(&h->owned, raddr, laddr, ports);
        return o && !look(h, o);
}

/* There are as many places as TCBs and TIME_WAIT entries, so one is free, or belongs to what is over. A connection under the same
 * names was in TIME_WAIT, and made room for this one. */
void owned_add(struct handoff *h, const struct tcb *t, u8 node, const struct control_block *b)
{
        struct owned *o = tuples_find(&h->owned, t->raddr, t->laddr, t->ports);
        if (o)
                owned_drop(h, o);
        for (u32 i = 0; i < h->owned.n && !h->owned.free; i++)
                look_at_next(h);
        o = tuples_add(&h->owned, tuples_chain(&h->owned, t->raddr ^ t->laddr, t->ports), t->raddr, t->laddr, t->ports);
        if (!o)
                return;
        o->slot = tcp_key(t).slot & OWNED_SLOT;
        o->gen = t->gen;
        o->told_s = (u8)handoff_now_s(h);
        o->node = node;
        o->scope = scope_take(h, &b->scope) & OWNED_SCOPE;
        o->first = b->rcv_bytes && !b->n_place;
        memcpy(o->nonce, b->nonce, HANDOFF_NONCE);
}

struct owned *owned_find(struct handoff *h, u32 raddr, u32 laddr, u32 ports)
{
        const struct tcb *t = tcp_lookup(h->ts, raddr, laddr, ports);
        return t ? owned_of(h, t) : NULL;
}

struct owned *owned_of(struct handoff *h, const struct tcb *t)
{
        struct owned *o = tuples_find(&h->owned, t->raddr, t->laddr, t->ports);
        return o && o->slot == tcp_key(t).slot && o->gen == t->gen ? o : NULL;
}

void owned_sweep(struct handoff *h)
{
        u32 all = h->owned.n;
        for (u32 n = h->owned.n_used ? min_u32(all, max_u32(SWEEP_MIN, all / SWEEP_ROUND)) : 0; n; n--)
                look_at_next(h);
}
