/* admit.c - 51 arrives: whether it is genuine, a copy, and whether a connection with this block may live here.
 * SPDX-License-Identifier: MIT */
#include "handoff_impl.h"
#include "mem.h"

/* Who gives back proves it with the fresh number of the handoff that our entry stands for. Where we are no front, nobody gives
 * back. */
static bool good_51(struct handoff *h, const struct ip_hdr *ip, const struct tcp_hdr *th, const struct tcp_seg *s,
                    struct ctl_in *in)
{
        const struct flow *f = NULL;
        ipaddr v;
        if (in->n >= BLOCK_BYTES) {
                memcpy(&v, in->text + 12, sizeof v);
                u32 port = in->opt.has & O144_PORT ? __builtin_bswap16(in->opt.port) : (u16) * (const u32_any *)th;
                f = flow_find(&h->flows, be32_raw(in->opt.addr.v4), be32_raw(v.v4), port | (*(const u32_any *)th & 0xffff0000));
        }
        return ctl_good(h, in, CTL_51, ip, th, s, s->seq, f && !handoff_is_silent(h, v) ? f->nonce : NULL);
}

/* May a connection with this block live here? */
static enum handoff_reason admit(struct handoff *h, const struct control_block *b, ipaddr own, ipaddr front)
{
        struct tuple n = block_names(b);
        if (h->draining && !b->returned)
                return HANDOFF_DRAINS;
        if (!handoff_is_service(h, b->service) || !ip_is_ours(h->st, b->service) || handoff_is_service(h, own))
                return HANDOFF_ADDRESS;
        const struct listener *l = listener_find(h->ts, b->service, b->service_port);
        if (!l)
                return HANDOFF_LISTENER;
        const struct flow *f = flow_find(&h->flows, n.raddr, n.laddr, n.ports);
        if (tcp_lookup(h->ts, n.raddr, n.laddr, n.ports) || adoption_of(h, n.raddr, n.laddr, n.ports) ||
            (f && (f->state != FLOW_ACTIVE || !ipaddr_eq(h->node[f->node], front)))) /* in doubt: he says first whose it is */
                return HANDOFF_TAKEN;
        u32 room = h->st->pkts.n_free / 2 * 1024;
        bool early = (b->flags & TF_TFO_ACCEPTED && h->ts->n_fastopen >= h->ts->n_pool / 4) ||
                     (b->conv_flags && !h->ts->conv->free);
        bool busy = early || !h->free_adoption || h->ts->n_tcbs == h->ts->n_pool ||
                    l->n_waiting >= (l->opts.backlog ? l->opts.backlog : 16u);
        return busy || block_bytes(b) > room ? HANDOFF_BUSY : HANDOFF_OK;
}

/* 51, its authenticator right. Consumes p. */
static void begin(struct handoff *h, const struct ip_hdr *ip, const struct tcp_hdr *th, const struct tcp_seg *s, struct pkt *p,
                  const struct control_block *b, u8 node)
{
        struct tuple n = block_names(b);
        struct owned *had = owned_find(h, n.raddr, n.laddr, n.ports);
        if (had && !memcmp(had->nonce, b->nonce, HANDOFF_NONCE)) {
                h->count.stray++; /* a late copy of the 51 that brought the connection here */
                pkt_drop(p, DROP_HANDOFF_AGAIN);
                return;
        }
        enum handoff_reason why = admit(h, b, ip->dst, ip->src);
        if (why != HANDOFF_OK) {
                adoption_refuse(h, ip->dst, ip->src, *(const u32_any *)th, s->seq, h->node_key[node], b->nonce, why);
                pkt_drop(p, DROP_HANDOFF_REFUSED);
                return;
        }
        struct flow *f = flow_find(&h->flows, n.raddr, n.laddr, n.ports);
        bool back = f && !handoff_is_silent(h, b->service);
        if (f && !back)
                flow_del(&h->flows, f); /* we had given it back to him */
        struct adoption *a = h->free_adoption;
        h->free_adoption = a->next;
        u32 now = stack_now_ms(h->st);
        *a = (struct adoption){.h = h,
                               .timer.fire = adoption_fire,
                               .front = ip->src,
                               .own = ip->dst,
                               .ports = *(const u32_any *)th,
                               .first = s->seq,
                               .total = block_len(b) + block_bytes(b),
                               .fresh = stack_random(h->st),
                               .born_ms = now,
                               .state = ADOPTION_FILLING,
                               .node_index = node,
                               .key = h->node_key[node],
                               .back = back,
                               .block = *b};
        pktq_init(&a->queue);
        pktq_init(&a->kept);
        timer_set(&h->st->wheel, &a->timer, now + ADOPT_GIVE_UP_MS);
        adoption_text(a, p, s, 0);
}

void adoption_rx_51(struct handoff *h, const struct ip_hdr *ip, const struct tcp_hdr *th, struct tcp_seg *s, struct pkt *p,
                    struct ctl_in *in, u8 node)
{
        struct control_block b;
        struct adoption *a = adoption_find(h, ip->src, *(const u32_any *)th);
        if (!good_51(h, ip, th, s, in)) {
                h->count.forged++;
                pkt_drop(p, DROP_HANDOFF_FORGED_51);
                return;
        }
        h->node_key[node] = in->key;
        u16 port = in->opt.has & O144_PORT ? in->opt.port : be16_get(th->src);
        if (!(in->opt.has & O144_BLOCK) || in->opt.block > in->n || !block_get(in->text, in->opt.block, &b) ||
            block_first(&b) != s->seq || !ipaddr_eq(b.client, in->opt.addr) || b.client_port != port ||
            b.service_port != be16_get(th->dst)) {
                u8 nonce[HANDOFF_NONCE] = {0};
                if (in->n >= 4 + HANDOFF_NONCE)
                        memcpy(nonce, in->text + 4, HANDOFF_NONCE);
                adoption_refuse(h, ip->dst, ip->src, *(const u32_any *)th, s->seq, in->key, nonce, HANDOFF_BLOCK);
                pkt_drop(p, DROP_HANDOFF_BLOCK);
                return;
        }
        /* a front that said 52 stays with that answer: which of two copies is the late one, nothing tells */
        if (a && ((a->back && a->state == ADOPTION_WAITING) || !memcmp(a->block.nonce, b.nonce, HANDOFF_NONCE))) {
                adoption_send_ack(a);
                pkt_drop(p, DROP_HANDOFF_51_AGAIN);
                return;
        }
        if (a)
                adoption_abandon(a, true); /* he began anew: he will not send the other's 53 any more */
        begin(h, ip, th, s, p, &b, node);
}
