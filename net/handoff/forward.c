/* forward.c - packets of clients whose connection lives elsewhere go on there: on the same LAN with another MAC, behind a router
 * in IP in IP (tunnel.c); one hop less, nothing else changed. SPDX-License-Identifier: MIT */
#include "arp.h"
#include "cksum.h"
#include "handoff_impl.h"
#include "icmp.h"
#include "../ip_state.h"

bool handoff_way(struct handoff *h, ipaddr node, struct way *w)
{
        *w = (struct way){.d = {.dst = node, .valid = true, .kind = IP_UNICAST}, .node = node};
        if (!ip_route(h->st, node, &w->d.path))
                return false;
        w->room = w->d.path.nif->mtu;
        w->tunnel = !ipaddr_eq(w->d.path.hop, node);
        if (!w->tunnel)
                return true;
        w->room = node_mtu(h, node, w->room) - (u32)sizeof(struct ip_hdr);
        return handoff_own(h, node, &w->own);
}

void handoff_send(struct handoff *h, struct pkt *p, const struct way *w)
{
        if (w->tunnel)
                tunnel_tx(h, p, w);
        else if ((p = ip_with_room(h->st, p, ip_link_room(w->d.path.nif))) != NULL)
                ip_link_tx(p, &w->d);
}

struct onward { struct handoff *h; const struct way *w; };

static void send_piece(void *ctx, struct pkt *p)
{
        const struct onward *o = ctx;
        handoff_send(o->h, p, o->w);
}

/* What the device joined is cut again; of the rest its sender hears, or it goes in fragments (RFC 2003 5.1, RFC 1191 4). */
static void too_big(struct handoff *h, struct pkt *p, const struct way *w)
{
        const struct ip_hdr *ip = (const struct ip_hdr *)p->data;
        if (ip_is_joined(p, pkt_total(p))) {
                if (w->tunnel || !(w->d.path.nif->caps & NETIF_TSO)) {
                        struct onward o = {h, w};
                        ip_cut_joined(h->st, p, w->room, send_piece, &o);
                        return;
                }
                p->gso = ip_joined_size(p, w->room);
                ip_link_tx(p, &w->d);
        } else if (be16_get(ip->frag) & IP_DF) {
                icmp_error(h->st, p, ICMP_UNREACH, ICMP_FRAG_NEEDED, (u16)w->room);
                pkt_drop(p, DROP_HANDOFF_TOO_BIG);
        } else if (w->tunnel) {
                tunnel_tx(h, p, w);
        } else {
                ip_cut(h->st, p, &w->d);
        }
}

void handoff_forward(struct handoff *h, struct pkt *p, ipaddr node)
{
        struct way w;
        struct ip_hdr *ip = (struct ip_hdr *)(p->head + p->l3);
        if (ip->ttl <= 1) {
                icmp_error(h->st, p, ICMP_TIME_EXCEEDED, 0, 0);
                pkt_drop(p, DROP_HANDOFF_TTL);
                return;
        }
        if (!handoff_way(h, node, &w)) {
                pkt_drop(p, DROP_HANDOFF_ROUTE);
                return;
        }
        p->len = (u16)(p->len + (p->data - (p->head + p->l3)));
        p->data = p->head + p->l3;
        ip_one_hop_less(ip);
        h->count.forwarded++;
        ip_sum_due(p, ip);
        if (likely(pkt_total(p) <= w.room))
                handoff_send(h, p, &w);
        else
                too_big(h, p, &w);
}

/* Which node sent p here: by the tunnel that it came out of, or by its MAC. -1: none that is known. */
static int sender(struct handoff *h, const struct pkt *p)
{
        macaddr from, mac;
        if (h->tunnel_from)
                return h->tunnel_from - 1;
        if (p->l3 < sizeof from * 2 + 2 || p->nif->caps & NETIF_L3)
                return -1;
        __builtin_memcpy(&from, p->head + p->l3 - 8, sizeof from);
        for (u32 i = 0; i < HANDOFF_NODES; i++)
                if (!ipaddr_is_any(h->node[i]) && arp_lookup(p->nif, h->node[i], &mac) && mac_eq(mac, from))
                        return (int)i;
        return -1;
}

/* The service address is held silently: what belongs to no connection here draws no RST (design 7). The front is told, and sends
 * PROBE when it believes that the connection is ours. */
void handoff_unknown(struct handoff *h, const struct ip_hdr *ip, const struct tcp_hdr *th, struct tcp_seg *s, struct pkt *p)
{
        static const u8 none[HANDOFF_NONCE];
        int node = sender(h, p);
        if (node >= 0)
                notice_add(h, (u8)node, NOTICE_UNKNOWN, be32_raw(ip->src.v4), be32_raw(ip->dst.v4), *(const u32_any *)th, none);
        h->count.unknown++;
        pkt_drop(p, DROP_HANDOFF_UNKNOWN);
}
