/* drain.c - connections that live here go to another node: those that somebody names, or all, for a machine that is to be
 * switched off. What cannot be moved is named with the reason. Not here: how one is moved (transfer.c, onward.c).
 * SPDX-License-Identifier: MIT */
#include "handoff_impl.h"

enum { DRAIN_AGAIN_MS = 5000 };

static void moved(void *ctx, struct tcb *t, enum handoff_reason why)
{
        struct handoff *h = ctx;
        h->count.moved += why == HANDOFF_OK;
        h->count.stayed += why != HANDOFF_OK;
}

/* Lives here under a service address, and is nobody's transfer. */
static bool is_one(struct handoff *h, const struct tcb *t, const struct handoff_which *w)
{
        return t->ports && !(t->flags & TF_DEAD) && handoff_is_service(h, tcb_laddr(t)) &&
               tcp_lookup(h->ts, t->raddr, t->laddr, t->ports) == t &&
               (ipaddr_is_any(w->client) || ipaddr_eq(w->client, tcb_raddr(t))) &&
               (!w->client_port || w->client_port == tcb_rport(t)) && (!w->service_port || w->service_port == tcb_lport(t));
}

u32 handoff_migrate(struct handoff *h, const struct handoff_which *w, ipaddr node, handoff_stays_fn *fn, void *ctx)
{
        u32 begun = 0;
        for (u32 i = 0; i < h->ts->n_pool; i++) {
                struct tcb *t = &h->ts->pool[i];
                const char *why = NULL;
                if (!is_one(h, t, w) || (ipaddr_is_bcast(node) && !owned_of(h, t)))
                        continue;
                ipaddr client = tcb_raddr(t);
                u16 port = tcb_rport(t);
                enum handoff_reason r = handoff_move(h, t, node, moved, h, &why);
                begun += r == HANDOFF_OK;
                if (r != HANDOFF_OK && fn)
                        fn(ctx, client, port, why);
        }
        return begun;
}

void drain_sweep(struct handoff *h)
{
        const struct handoff_which all = {.client = IPADDR_ANY};
        u32 now = stack_now_ms(h->st);
        if (!h->draining || now - h->drain_ms < DRAIN_AGAIN_MS)
                return;
        h->drain_ms = now;
        handoff_migrate(h, &all, IPADDR_BCAST, NULL, NULL);
}

bool handoff_drain(struct handoff *h, bool on)
{
        for (u32 i = 0; i < HANDOFF_SERVICES && on; i++)
                if (!ipaddr_is_any(h->service[i].addr) && !h->service[i].silent)
                        return false;
        h->draining = on;
        h->drain_ms = stack_now_ms(h->st);
        return true;
}

bool handoff_draining(const struct handoff *h) { return h->draining; }

void handoff_on_choose(struct handoff *h, handoff_choose_fn *fn, void *ctx)
{
        h->choose = fn;
        h->choose_ctx = ctx;
}
