/* transfer.c - who hands over, the front or a node that gives back (design 7): 51 and what follows it until 52 acknowledges all
 * of it, then 53. Here: how one begins. What it sends is in transfer_tx.c, how it goes on and ends in transfer_rx.c.
 *
 *   begin -> SENDING (51, more) -- 52 --> 53, DONE (repeats 53 when asked, for 30 s) -> free
 *            SENDING -- refusal --> the connection is as it was, and who began may try another node
 *            SENDING -- no answer --> WITHDRAWN (says so when asked for 53, for 30 s) -> free; the connection as above
 *
 * The other node is asked only before 53.
 *
 * Giving back. Only the front's own entry for the tuple lets the node in, and 51 is authenticated under the fresh number of the
 * handoff that this entry stands for: a copy from an earlier stay proves nothing. Why no packet circles between the two: an entry
 * is ACTIVE only from the moment when 53 was sent for it, that is after the other said 52; and who has said 52 forwards nothing
 * of this connection (COMING keeps, DOUBT drops) until 53 makes it his, WITHDRAWN says that it never will, or the node's word
 * that it lives there; in the last two cases the node has no entry that points back. SPDX-License-Identifier: MIT */
#include "handoff_impl.h"
#include "mem.h"

struct transfer *transfer_of(struct handoff *h, const struct flow *f)
{
        u32 i;
        memcpy(&i, f->nonce, sizeof i);
        return f->state == FLOW_PENDING ? &h->transfer[i] : NULL;
}

struct transfer *transfer_find(struct handoff *h, ipaddr node, u32 ports)
{
        for (u32 i = 0; i < h->n_transfers; i++) {
                struct transfer *x = &h->transfer[i];
                if (x->state != TRANSFER_FREE && x->ports == ports && ipaddr_eq(x->node, node))
                        return x;
        }
        return NULL;
}

void transfer_release(struct transfer *x)
{
        struct handoff *h = x->h;
        timer_stop(&h->st->wheel, &x->timer);
        x->state = TRANSFER_FREE;
        x->next = h->free_transfer;
        h->free_transfer = x;
        h->count.transfers--;
}

/* A port of ours towards the node: the client's own when it is free, else any. As the node's header holds it; 0: none is free. */
static u32 pick_ports(struct handoff *h, ipaddr own, ipaddr node, const struct tcb *t)
{
        u32 ports = t->ports;
        for (u32 tries = 0; tries < 64; tries++) {
                if (!tcp_tuple_taken(h->ts, be32_raw(node.v4), be32_raw(own.v4), ports << 16 | ports >> 16) &&
                    !transfer_find(h, node, ports))
                        return ports;
                ports = (t->ports & 0xffff0000) | __builtin_bswap16((u16)(1024 + stack_random(h->st) % 64000));
        }
        return 0;
}

/* The one that has lingered longest makes room: its node will ask for 53 in vain only if all its copies were lost. */
static struct transfer *take(struct handoff *h)
{
        struct transfer *x = h->free_transfer, *old = NULL;
        for (u32 i = 0; i < h->n_transfers && !x; i++) {
                struct transfer *y = &h->transfer[i];
                if (y->state >= TRANSFER_DONE && y->tries && (!old || (s32)(y->timer.due_ms - old->timer.due_ms) < 0))
                        old = y;
        }
        if (old)
                transfer_release(x = old);
        if (x)
                h->free_transfer = x->next;
        return x;
}

/* Freezes the connection and writes the block of a handoff that begins. */
void transfer_load(struct transfer *x, const struct rider *r)
{
        struct control_block b;
        if (!r->frozen)
                tcb_freeze(x->t);
        tcb_export(x->t, &b);
        handoff_nonce(x->h, x->nonce);
        memcpy(b.nonce, x->nonce, HANDOFF_NONCE);
        if (r->n_place)
                memcpy(b.place, r->place, r->n_place);
        b.n_place = (u16)r->n_place;
        b.wish = r->wish;
        b.returned = r->returned;
        if (r->scope)
                b.scope = *r->scope;
        block_put(x->block, &b);
        x->n_block = block_len(&b);
        x->first = block_first(&b);
        x->total = x->n_block + block_bytes(&b);
        x->fin = (b.state & FIN_RX) != 0;
}

enum handoff_reason transfer_begin(struct handoff *h, struct tcb *t, ipaddr node, const struct rider *r, handoff_done_fn *done,
                                   void *ctx, struct transfer **out)
{
        int index = handoff_node_index(h, node);
        ipaddr own;
        if (!tcb_movable(t))
                return HANDOFF_STATE;
        if (index < 0 || !h->n_keys || !handoff_own(h, node, &own))
                return HANDOFF_UNREACHABLE;
        const struct owned *came = owned_of(h, t);
        if (came && came->node != index)
                return HANDOFF_STATE; /* its front would go on forwarding to us */
        u32 ports = pick_ports(h, own, node, t);
        struct transfer *x = ports ? take(h) : NULL;
        if (!x)
                return HANDOFF_FULL;
        struct flow *f = flow_add(&h->flows, t->raddr, t->laddr, t->ports);
        if (!f) {
                x->next = h->free_transfer;
                h->free_transfer = x;
                return HANDOFF_FULL;
        }
        u32 i = (u32)(x - h->transfer);
        memcpy(f->nonce, &i, sizeof i);
        f->node = (u8)index;
        *x = (struct transfer){.h = h,
                               .t = t,
                               .flow = f,
                               .timer.fire = transfer_fire,
                               .done = done,
                               .ctx = ctx,
                               .node = node,
                               .own = own,
                               .ports = ports,
                               .early = (t->flags & TF_SYN_PENDING) != 0,
                               .rto_ms = t->flags & TF_SYN_PENDING ? TRANSFER_EARLY_MS : TRANSFER_RTO_MS,
                               .state = TRANSFER_SENDING,
                               .back = came != NULL,
                               .node_index = (u8)index};
        if (came)
                memcpy(x->prior, came->nonce, HANDOFF_NONCE);
        pktq_init(&x->kept);
        transfer_load(x, r);
        h->count.begun++;
        h->count.transfers++;
        h->count.flows_max = max_u32(h->count.flows_max, h->flows.n_used);
        transfer_send(x);
        *out = x;
        return HANDOFF_OK;
}

enum handoff_reason handoff_begin(struct handoff *h, struct tcb *t, ipaddr node, const struct handoff_scope *scope,
                                  handoff_done_fn *done, void *ctx)
{
        struct transfer *x;
        return transfer_begin(h, t, node, &(struct rider){.scope = scope}, done, ctx, &x);
}

enum handoff_reason handoff_move(struct handoff *h, struct tcb *t, ipaddr node, handoff_done_fn *done, void *ctx,
                                 const char **why)
{
        struct transfer *x;
        u8 place[TCP_PLACE_MAX];
        u32 n;
        if (!tcb_place(t, place, &n, why))
                return HANDOFF_STATE;
        const struct owned *came = owned_of(h, t);
        ipaddr to = came ? h->node[came->node] : node;
        enum handoff_reason r = transfer_begin(
                h, t, to, &(struct rider){.place = place, .n_place = n, .wish = came ? node : IPADDR_ANY}, done, ctx, &x);
        if (r == HANDOFF_OK) {
                x->asked = true;
                return r;
        }
        *why = handoff_reason_text(r);
        tcb_resume(t);
        return r;
}

enum handoff_reason handoff_back(struct handoff *h, struct tcb *t, handoff_done_fn *done, void *ctx)
{
        const struct owned *o = owned_of(h, t);
        return o ? handoff_begin(h, t, h->node[o->node], NULL, done, ctx) : HANDOFF_STATE;
}

void transfer_keep(struct transfer *x, struct pkt *p)
{
        bool kept = kept_put(&x->kept, TRANSFER_KEEP, x->h->st, p, DROP_HANDOFF_KEPT);
        x->h->count.kept += kept;
        x->h->count.kept_lost += !kept;
}
