/* forward.c - packets of clients whose connection lives elsewhere go on there: another MAC, one hop less, nothing else changed.
 * Not here: nodes behind a router. SPDX-License-Identifier: MIT */
#include "arp.h"
#include "cksum.h"
#include "handoff_impl.h"
#include "../ip_state.h"

/* RFC 1624: the sum of a header whose TTL goes down by one. */
static void one_hop_less(struct ip_hdr *ip)
{
        u16 sum;
        __builtin_memcpy(&sum, &ip->cksum, 2);
        ip->ttl--;
        sum = cksum_fold(cksum_plus(sum, 1));
        __builtin_memcpy(&ip->cksum, &sum, 2);
}

void handoff_forward(struct handoff *h, struct pkt *p, const struct ip_hdr *at, ipaddr node)
{
        struct ip_dst d = {.dst = node, .valid = true, .kind = IP_UNICAST};
        struct ip_hdr *ip = (struct ip_hdr *)(p->head + p->l3);
        u32 hlen = ip_hlen(at);
        if (ip->ttl <= 1) {
                pkt_drop(p, DROP_HANDOFF_TTL);
                return;
        }
        if (!ip_route(h->st, node, &d.path) || !ipaddr_eq(d.path.hop, node)) {
                pkt_drop(p, DROP_HANDOFF_ROUTE);
                return;
        }
        u32 l4 = p->len;
        p->len = (u16)(p->len + (p->data - (p->head + p->l3)));
        p->data = p->head + p->l3;
        one_hop_less(ip);
        h->count.forwarded++;
        if (p->flags & PKT_CSUM_PARTIAL) { /* it never was on a wire, now it will be */
                p->flags |= PKT_CSUM_TODO;
                p->csum_start = (u16)hlen;
                p->csum_off = offsetof(struct tcp_hdr, cksum);
        }
        p->flags &= PKT_CSUM_TODO;
        if (pkt_total(p) > d.path.nif->mtu) {
                const struct tcp_hdr *th = (const struct tcp_hdr *)(p->data + hlen);
                if (d.path.nif->caps & NETIF_TSO && l4) { /* the device joined it, the device cuts it */
                        p->gso = (u16)(d.path.nif->mtu - hlen - (u32)(th->off >> 4 << 2));
                } else {
                        ip_cut(h->st, p, &d);
                        return;
                }
        }
        ip_link_tx(p, &d);
}

/* The service address is held silently: what belongs to no connection here draws no RST (design 7). The front is told, and sends
 * PROBE when it believes that the connection is ours. */
void handoff_unknown(struct handoff *h, const struct ip_hdr *ip, const struct tcp_hdr *th, struct tcp_seg *s, struct pkt *p)
{
        static const u8 none[HANDOFF_NONCE];
        macaddr from, mac;
        bool link = p->l3 >= sizeof(macaddr) * 2 + 2 && !(p->nif->caps & NETIF_L3);
        if (link)
                __builtin_memcpy(&from, p->head + p->l3 - 8, sizeof from);
        for (u32 i = 0; i < HANDOFF_NODES && link; i++) {
                if (!ipaddr_is_any(h->node[i]) && arp_lookup(p->nif, h->node[i], &mac) && mac_eq(mac, from)) {
                        notice_add(h, (u8)i, NOTICE_UNKNOWN, be32_raw(ip->src.v4), be32_raw(ip->dst.v4), *(const u32_any *)th,
                                   none);
                        break;
                }
        }
        h->count.unknown++;
        pkt_drop(p, DROP_HANDOFF_UNKNOWN);
}
