/* onward.c - what a node gives back with a wish the front hands on at once: nothing here thaws the connection in between, and the
 * service's place goes along unread. Who takes it, in this order:
 *
 *   a named node     it, the one that gave it back, this machine
 *   any (drain)      one that the rules' backends have beside it, this machine, the one that gave it back, which then must
 *
 * This machine takes only what its service understands. SPDX-License-Identifier: MIT */
#include "handoff_impl.h"

enum step { NAMED, FROM, HERE, OVER };

static void done(void *ctx, struct tcb *t, enum handoff_reason why) { }

static ipaddr chosen(struct handoff *h, const struct tcb *t, const struct control_block *b, u8 from)
{
        if (!ipaddr_is_bcast(b->wish))
                return b->wish;
        return h->choose ? h->choose(h->choose_ctx, t, h->node[from]) : IPADDR_ANY;
}

static bool here(struct tcb *t, const struct control_block *b)
{
        if (tcb_take_place(t, b) != HANDOFF_OK)
                return false;
        tcb_start(t);
        return true;
}

static bool there(struct handoff *h, struct tcb *t, const struct control_block *b, ipaddr node, u8 from, u32 step, bool returned)
{
        struct transfer *x;
        struct rider r = {.place = b->place, .n_place = b->n_place, .frozen = true, .returned = returned};
        if (ipaddr_is_any(node) || transfer_begin(h, t, node, &r, done, NULL, &x) != HANDOFF_OK)
                return false;
        x->on = true;
        x->from = from;
        x->step = (u8)step;
        return true;
}

/* From this step on; in a drain this machine comes before the node that wants to be rid of it. */
static void go_on(struct handoff *h, struct tcb *t, const struct control_block *b, u8 from, u32 tried)
{
        static const u8 orders[2][OVER] = {{NAMED, FROM, HERE}, {NAMED, HERE, FROM}};
        const u8 *order = orders[ipaddr_is_bcast(b->wish)];
        for (u32 i = tried; i < OVER; i++) {
                ipaddr node = order[i] == NAMED ? chosen(h, t, b, from) : h->node[from];
                bool own = order[i] == HERE || ip_is_ours(h->st, node);
                if (own ? here(t, b) : there(h, t, b, node, from, i, order[i] == FROM)) {
                        h->count.onward += order[i] == NAMED;
                        return;
                }
        }
        tcb_discard(t, b, false); /* the client's next packet draws RST */
}

void onward_begin(struct handoff *h, struct tcb *t, const struct control_block *b, u8 from) { go_on(h, t, b, from, NAMED); }

void onward_failed(struct handoff *h, struct tcb *t, const struct transfer *x)
{
        struct control_block b;
        u8 from = x->from, next = x->step + 1;
        block_get(x->block, x->n_block, &b);
        go_on(h, t, &b, from, next);
}
