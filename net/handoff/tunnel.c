/* tunnel.c - IP in IP (RFC 2003) between front and nodes behind a router: into it, and what is known of the way's MTU.
 * Not here: out of it (untunnel.c), what ICMP says of it (quote.c). SPDX-License-Identifier: MIT */
#include "handoff_impl.h"
#include "mem.h"
#include "../ip_state.h"

enum {
        TUNNEL_TTL = 64,
        TUNNEL_HEADROOM = 20 + 18 + 12, /* outer header, link header with a tag, driver */
        NODE_MTU_MIN = 572,             /* RFC 5927 7.2: nobody needs less for us to believe him; 552 remain inside */
        NODE_MTU_MS = 600000,           /* RFC 1191 6.3: then the way may have become wider */
};

void tunnel_tx(struct handoff *h, struct pkt *p, const struct way *w)
{
        const struct ip_hdr *ip = (const struct ip_hdr *)p->data;
        struct ip_opts o = {.ttl = TUNNEL_TTL, .tos = ip->tos, .df = (be16_get(ip->frag) & IP_DF) != 0};
        if (!(p = ip_with_room(h->st, p, TUNNEL_HEADROOM)))
                return;
        h->count.tunnelled++;
        ip_tx(h->st, p, w->own, w->node, IPPROTO_IPIP_, &o);
}

u32 node_mtu(struct handoff *h, ipaddr node, u32 link)
{
        if (!h->n_narrow)
                return link;
        int i = handoff_node_index(h, node);
        return i >= 0 && h->narrow[i].mtu ? min_u32(link, h->narrow[i].mtu) : link;
}

void node_mtu_learn(struct handoff *h, u32 node, u32 mtu)
{
        mtu = max_u32(mtu, NODE_MTU_MIN);
        if (h->narrow[node].mtu && mtu >= h->narrow[node].mtu)
                return;
        h->n_narrow += !h->narrow[node].mtu;
        h->narrow[node].mtu = (u16)mtu;
        h->narrow[node].until_ms = stack_now_ms(h->st) + NODE_MTU_MS;
        h->clamp = 0;
}

void node_mtu_sweep(struct handoff *h)
{
        for (u32 i = 0; h->n_narrow && i < h->n_nodes; i++) {
                if (!h->narrow[i].mtu || (s32)(stack_now_ms(h->st) - h->narrow[i].until_ms) < 0)
                        continue;
                h->narrow[i].mtu = 0;
                h->n_narrow--;
                h->clamp = 0;
        }
}

const char *handoff_way_text(struct handoff *h, ipaddr node)
{
        struct way w;
        return !handoff_way(h, node, &w) ? "no route" : w.tunnel ? "IP in IP" : "same LAN";
}

/* Looked up again whenever routes or neighbours change. */
u32 handoff_mss(struct handoff *h, ipaddr v)
{
        struct way w;
        if (!handoff_is_service(h, v))
                return HANDOFF_ROOM_MAX;
        if (h->clamp && h->clamp_gen == h->st->hop_gen)
                return h->clamp;
        h->clamp = HANDOFF_ROOM_MAX;
        h->clamp_gen = h->st->hop_gen;
        for (u32 i = 0; i < h->n_nodes; i++)
                if (!ipaddr_is_any(h->node[i]) && handoff_way(h, h->node[i], &w) && w.tunnel)
                        h->clamp = min_u32(h->clamp, w.room - (u32)(sizeof(struct ip_hdr) + sizeof(struct tcp_hdr)));
        return h->clamp;
}
