/* quote.c - ICMP errors that quote what is not this machine's connection: a flow's, whose node judges them (RFC 5927), or a
 * tunnel's, from which the front learns and which the client hears of (RFC 2003 4, 5). SPDX-License-Identifier: MIT */
#include "handoff_impl.h"
#include "icmp.h"
#include "../ip_state.h"

enum { QUOTED_L4 = 8 }; /* RFC 792: so much is behind a quoted header at least */

/* The sender of the inner datagram is told as if his packet had met the error outside (RFC 2003 4.1 to 4.4). */
static void relay(struct handoff *h, const struct icmp_hdr *e, const struct ip_hdr *inner, u32 n, u16 mtu)
{
        bool narrow = e->type == ICMP_UNREACH && e->code == ICMP_FRAG_NEEDED;
        struct pkt *q = pkt_alloc(&h->st->pkts, PKT_HEADROOM);
        if (!q)
                return;
        pkt_append(q, inner, min_u32(n, PKT_BUF - PKT_HEADROOM));
        q->l3 = (u16)(q->data - q->head);
        icmp_error(h->st, q, ICMP_UNREACH, narrow ? ICMP_FRAG_NEEDED : ICMP_HOST, mtu);
        pkt_free(q);
}

/* About a datagram from us to a node; at: behind its header, n bytes. When enough of the inner one is there, it must be of a flow
 * that is that node's. */
static bool tunnel_error(struct handoff *h, const struct icmp_hdr *e, const struct ip_hdr *outer, const u8 *at, u32 n)
{
        const struct ip_hdr *in = (const struct ip_hdr *)at;
        int node = handoff_node_index(h, outer->dst);
        bool narrow = e->type == ICMP_UNREACH && e->code == ICMP_FRAG_NEEDED;
        struct flow *f = NULL;
        if (node < 0)
                return false;
        if (n >= IP_HLEN && n >= ip_hlen(in) + QUOTED_L4 && ip_hlen(in) >= IP_HLEN) {
                f = in->proto == IPPROTO_TCP_ ? flow_find(&h->flows, be32_raw(in->src.v4), be32_raw(in->dst.v4),
                                                          *(const u32_any *)(at + ip_hlen(in)))
                                              : NULL;
                if (!f || f->node != node)
                        return false;
        }
        if (narrow)
                node_mtu_learn(h, (u32)node, be16_get(e->seq));
        if (f && e->type != ICMP_PARAM)
                relay(h, e, in, n, (u16)(node_mtu(h, outer->dst, 0xffff) - IP_HLEN));
        h->count.tunnel_errors++;
        return true;
}

/* Control segments tell of the way, too. */
static bool control_error(struct handoff *h, const struct icmp_hdr *e, const struct ip_hdr *q, u32 ports)
{
        int node = handoff_node_index(h, q->dst);
        if (node < 0 || e->type != ICMP_UNREACH || e->code != ICMP_FRAG_NEEDED)
                return false;
        for (u32 i = 0; i < h->n_transfers; i++) {
                const struct transfer *x = &h->transfer[i];
                if (x->state != TRANSFER_SENDING || x->ports != ports || !ipaddr_eq(x->node, q->dst))
                        continue;
                node_mtu_learn(h, (u32)node, be16_get(e->seq));
                h->count.tunnel_errors++;
                return true;
        }
        return false;
}

bool handoff_quote(void *ctx, struct pkt *p, const struct ip_hdr *ip, const struct ip_hdr *q, u32 n)
{
        struct handoff *h = ctx;
        const struct icmp_hdr *e = (const struct icmp_hdr *)p->data;
        const u8 *l4 = (const u8 *)q + ip_hlen(q);
        if (q->proto == IPPROTO_IPIP_) {
                pkt_drop(p, tunnel_error(h, e, q, l4, n) ? DROP_IPIP_ERROR : DROP_IPIP_ERROR_STRAY);
                return true;
        }
        if (q->proto != IPPROTO_TCP_)
                return false;
        u32 ports = *(const u32_any *)l4; /* ours first: what the client sends has them the other way */
        if (control_error(h, e, q, ports)) {
                pkt_drop(p, DROP_HANDOFF_NARROW);
                return true;
        }
        struct flow *f = flow_find(&h->flows, be32_raw(q->dst.v4), be32_raw(q->src.v4), ports << 16 | ports >> 16);
        if (!f)
                return false;
        if (f->state != FLOW_ACTIVE) { /* from 51 to 52 nobody could judge it */
                pkt_drop(p, DROP_HANDOFF_QUOTE);
                return true;
        }
        h->count.quoted++;
        handoff_forward(h, p, h->node[f->node]);
        return true;
}
