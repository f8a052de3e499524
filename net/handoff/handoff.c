/* handoff.c - the handoff of one stack: making it, its secret, its sweep, and the door for segments of no connection.
 * SPDX-License-Identifier: MIT */
#include "handoff_impl.h"
#include "icmp.h"
#include "mem.h"

static void sweep(struct timer *tm)
{
        struct handoff *h = container_of(tm, struct handoff, sweep_timer);
        struct flow *f;
        u32 left = h->flows.n_used ? min_u32(h->flows.n, max_u32(SWEEP_MIN, h->flows.n / FLOW_REFRESH_S)) : 0;
        while (flow_expired(&h->flows, handoff_now_s(h), &left, &f)) {
                flow_del(&h->flows, f);
                h->count.expired++;
        }
        anew_sweep(h);
        owned_sweep(h);
        drain_sweep(h);
        node_mtu_sweep(h);
        timer_set(&h->st->wheel, tm, stack_now_ms(h->st) + SWEEP_MS);
}

static void flush(struct timer *tm) { notice_flush(container_of(tm, struct handoff, notice_timer)); }

struct handoff *handoff_new(struct stack *st, u32 flows)
{
        struct handoff *h = stack_alloc(st, sizeof *h, 64);
        if (!h)
                return NULL;
        *h = (struct handoff){.st = st, .ts = st->tcp, .kind = OPTION144, .sweep_timer.fire = sweep, .notice_timer.fire = flush};
        pktq_init(&h->anew[0]);
        pktq_init(&h->anew[1]);
        h->n_transfers = min_u32(max_u32(st->cfg.n_tcbs / 8, 16), 256);
        h->n_adoptions = h->n_transfers;
        h->transfer = stack_alloc(st, h->n_transfers * sizeof *h->transfer, 64);
        h->adoption = stack_alloc(st, h->n_adoptions * sizeof *h->adoption, 64);
        if (!h->transfer || !h->adoption || !owned_init(h) || !flow_init(&h->flows, st, flows ? flows : st->cfg.n_tcbs * 16))
                return NULL;
        for (u32 i = h->n_transfers; i-- > 0;) {
                h->transfer[i].next = h->free_transfer;
                h->free_transfer = &h->transfer[i];
        }
        for (u32 i = h->n_adoptions; i-- > 0;) {
                h->adoption[i].next = h->free_adoption;
                h->free_adoption = &h->adoption[i];
        }
        timer_set(&st->wheel, &h->sweep_timer, stack_now_ms(st) + SWEEP_MS);
        st->tcp->handoff = h;
        ip_proto(st, IPPROTO_IPIP_, tunnel_rx);
        icmp_on_quote(st, handoff_quote, h);
        return h;
}

struct handoff *handoff_of(const struct stack *st) { return st->tcp->handoff; }

int handoff_secret(struct handoff *h, const u8 *secret, u32 n)
{
        struct cluster_keys k;
        if (n < HANDOFF_SECRET_MIN || n > HANDOFF_SECRET_MAX)
                return E_INVAL;
        cluster_keys_derive(secret, n, &k);
        if (h->n_keys && !memcmp(&k, &h->keys[0], sizeof k))
                return 0;
        for (u32 i = 0; i < HANDOFF_NODES; i++)
                h->node_key[i] = h->n_keys != 0; /* they have the new one when they use it */
        h->keys[1] = h->keys[0];
        h->keys[0] = k;
        tcp_cluster_keys(h->st, k.cookie, k.isn);
        h->n_keys = (u8)min_u32(h->n_keys + 1u, 2);
        return 0;
}

bool handoff_has_secret(const struct handoff *h) { return h->n_keys != 0; }

/* A packet of a client for a silent address and no connection. TIME_WAIT answers for itself, except that a new SYN goes to the
 * front. */
static bool silent_rx(struct handoff *h, const struct ip_hdr *ip, const struct tcp_hdr *th, struct tcp_seg *s, struct pkt *p)
{
        u32 raddr = be32_raw(ip->src.v4), laddr = be32_raw(ip->dst.v4), ports = *(const u32_any *)th;
        struct timewait *w = timewait_find(h->ts, raddr, laddr, ports);
        if (w && (s->flags & (TCP_SYN | TCP_RST | TCP_ACK)) != TCP_SYN)
                return false;
        if (w && timewait_may_reuse(w, s, true))
                timewait_free(h->ts, w);
        struct adoption *a = adoption_of(h, raddr, laddr, ports);
        if (a) {
                adoption_keep(a, p); /* 53 is late */
                return true;
        }
        if (owned_over(h, raddr, laddr, ports)) {
                pkt_drop(p, DROP_HANDOFF_OVER);
                return true;
        }
        handoff_unknown(h, ip, th, s, p);
        return true;
}

/* A packet of a client whose connection is not, or not yet, here. In doubt it is the client who repeats, and our question with
 * it. */
static void flow_rx(struct handoff *h, struct flow *f, const struct tcp_seg *s, struct pkt *p)
{
        switch (f->state) {
        case FLOW_PENDING:
                transfer_keep(transfer_of(h, f), p);
                break;
        case FLOW_COMING:
                adoption_keep(adoption_of(h, f->raddr, f->laddr, f->ports), p);
                break;
        case FLOW_DOUBT:
                notice_add(h, f->node, NOTICE_PROBE, f->raddr, f->laddr, f->ports, f->nonce);
                pkt_drop(p, DROP_HANDOFF_DOUBT);
                break;
        default:
                if ((s->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN)
                        anew_keep(h, p);
                handoff_forward(h, p, h->node[f->node]);
        }
}

/* Who is no node of ours hands nothing over. */
static bool stranger(struct handoff *h, const struct tcp_hdr *th, struct tcp_seg *s, struct pkt *p)
{
        struct ctl_in in;
        if (!(s->flags & TCP_SYN) || !ctl_read(h, th, s, p, &in) || !(in.opt.has & O144_HANDOFF))
                return false;
        h->count.strangers++;
        pkt_drop(p, DROP_HANDOFF_STRANGER);
        return true;
}

bool handoff_rx(struct handoff *h, const struct ip_hdr *ip, const struct tcp_hdr *th, struct tcp_seg *s, struct pkt *p)
{
        struct flow *f =
                h->flows.n_used ? flow_find(&h->flows, be32_raw(ip->src.v4), be32_raw(ip->dst.v4), *(const u32_any *)th) : NULL;
        if (f) {
                flow_rx(h, f, s, p);
                return true;
        }
        if (handoff_is_silent(h, ip->dst))
                return silent_rx(h, ip, th, s, p);
        int node = handoff_node_index(h, ip->src);
        if (node < 0)
                return stranger(h, th, s, p);
        if (adoption_rx(h, (u8)node, ip, th, s, p) || transfer_rx(h, ip, th, s, p))
                return true;
        if (be16_get(th->src) == HANDOFF_PORT && be16_get(th->dst) == HANDOFF_PORT) {
                notice_rx(h, (u8)node, ip, th, s, p);
                return true;
        }
        struct ctl_in in; /* of a handoff that is over, or not begun: it draws no RST, which its sender would take for forged */
        if (!ctl_read(h, th, s, p, &in))
                return false;
        h->count.stray++;
        pkt_drop(p, DROP_HANDOFF_STRAY);
        return true;
}
