/* anew.c - a client's SYN with the names of a connection that its node may have in TIME_WAIT. The node judges it (RFC 6191), gives
 * the old one up and says GONE; a copy waits here for that, and opens the next connection at once instead of with the client's
 * second SYN. Not here: what the copy is worth, which TCP decides like of any SYN. SPDX-License-Identifier: MIT */
#include "handoff_impl.h"

void anew_keep(struct handoff *h, const struct pkt *p)
{
        const u8 *ip = p->head + p->l3;
        u32 hlen = (u32)(p->data - ip), n = pkt_total(p);
        if (h->anew[0].n >= ANEW_KEEP || hlen + n > PKT_BUF - PKT_HEADROOM || tcp_short_of_buffers(h->st))
                return;
        struct pkt *copy = pkt_alloc(&h->st->pkts, PKT_HEADROOM);
        if (!copy)
                return;
        __builtin_memcpy(copy->data, ip, hlen);
        copy->l3 = (u16)(copy->data - copy->head);
        copy->l4 = (u16)(copy->l3 + hlen);
        copy->data += hlen;
        copy->len = (u16)pkt_copy_out(p, 0, copy->data, n);
        copy->nif = p->nif;
        copy->flags = p->flags;
        pktq_put(&h->anew[0], copy);
}

/* Out of q: the last one with these names, for the client's last word counts; others with them are freed. */
static struct pkt *take(struct pktq *q, u32 raddr, u32 laddr, u32 ports)
{
        struct pkt *found = NULL, *p;
        for (u32 n = q->n; n; n--) {
                p = pktq_get(q);
                const struct ip_hdr *ip = (const struct ip_hdr *)(p->head + p->l3);
                if (be32_raw(ip->src.v4) != raddr || be32_raw(ip->dst.v4) != laddr || *(const u32_any *)p->data != ports) {
                        pktq_put(q, p);
                        continue;
                }
                pkt_free(found);
                found = p;
        }
        return found;
}

void anew_open(struct handoff *h, u32 raddr, u32 laddr, u32 ports)
{
        struct pkt *old = take(&h->anew[1], raddr, laddr, ports), *p = take(&h->anew[0], raddr, laddr, ports);
        if (p)
                pkt_free(old);
        else
                p = old;
        if (p)
                tcp_rx(h->st, p, (const struct ip_hdr *)(p->head + p->l3));
}

void anew_sweep(struct handoff *h)
{
        pktq_free(&h->anew[1]);
        if (h->anew[0].n) {
                h->anew[1] = h->anew[0];
                pktq_init(&h->anew[0]);
        }
}
