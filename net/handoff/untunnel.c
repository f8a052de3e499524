/* untunnel.c - the node's side of IP in IP: who may send it, and what may be inside (design 7). Everything else is a counted
 * drop; whether the connection is here, TCP's door for silent addresses judges (handoff.c). SPDX-License-Identifier: MIT */
#include "cksum.h"
#include "handoff_impl.h"
#include "icmp.h"
#include "../ip_state.h"

static bool refuse(struct pkt *p, enum drop why)
{
        pkt_drop(p, why);
        return false;
}

/* A whole datagram fills the outer one, its header is right, and it is no fragment: the front put those together. */
static bool whole(struct pkt *p, const struct ip_hdr *ip)
{
        if (p->len < IP_HLEN || ip->vhl >> 4 != 4 || ip_hlen(ip) < IP_HLEN || ip_hlen(ip) > p->len ||
            be16_get(ip->len) != pkt_total(p) || cksum_fold(cksum_add(0, ip, ip_hlen(ip))) != 0xffff)
                return refuse(p, DROP_IPIP_HEADER);
        return !(be16_get(ip->frag) & (IP_MF | IP_OFFSET)) || refuse(p, DROP_IPIP_FRAGMENT);
}

/* Of clients, for a service address that is kept silently. */
static bool addresses(struct handoff *h, struct pkt *p, const struct ip_hdr *ip)
{
        if (!handoff_is_silent(h, ip->dst))
                return refuse(p, DROP_IPIP_ADDRESS);
        if (ipaddr_is_any(ip->src) || ip->src.v4.b[0] >= 0xe0 || ipaddr_is_loopback(ip->src) || ip_is_ours(h->st, ip->src) ||
            ip_is_broadcast(p->nif, ip->src))
                return refuse(p, DROP_IPIP_SOURCE);
        return ip->ttl || refuse(p, DROP_IPIP_TTL); /* RFC 2003 3.1 */
}

/* TCP, and what routers say about our segments. */
static bool content(struct pkt *p, const struct ip_hdr *ip)
{
        if (ip->proto == IPPROTO_IPIP_)
                return refuse(p, DROP_IPIP_NESTED);
        u8 type = p->len > ip_hlen(ip) ? p->data[ip_hlen(ip)] : 0;
        bool error = ip->proto == IPPROTO_ICMP_ && icmp_is_error(type);
        return error || ip->proto == IPPROTO_TCP_ || refuse(p, DROP_IPIP_PROTO);
}

/* RFC 6040 4.2: what happened to the outer header's ECN field happened to the inner one. */
static bool congestion(struct pkt *p, struct ip_hdr *ip, u8 outer)
{
        enum { NOT_ECT, ECT_1, ECT_0, CE };
        u8 inner = ip->tos & 3;
        outer &= 3;
        if (outer == CE && inner == NOT_ECT)
                return refuse(p, DROP_IPIP_ECN);
        if ((outer == CE && inner != CE) || (outer == ECT_1 && inner == ECT_0)) {
                ip->tos = (u8)((ip->tos & ~3) | outer);
                ip_set_cksum(ip);
        }
        return true;
}

void tunnel_rx(struct stack *st, struct pkt *p, const struct ip_hdr *outer)
{
        struct handoff *h = handoff_of(st);
        struct ip_hdr *ip = (struct ip_hdr *)p->data;
        int node = handoff_node_index(h, outer->src);
        if (node < 0) {
                pkt_drop(p, DROP_IPIP_STRANGER);
                return;
        }
        if (handoff_is_service(h, outer->dst) || p->flags & PKT_BCAST || !ip_is_ours(st, outer->dst)) {
                pkt_drop(p, DROP_IPIP_OUTER);
                return;
        }
        if (!whole(p, ip) || !addresses(h, p, ip) || !content(p, ip) || !congestion(p, ip, outer->tos))
                return;
        if (!(p->flags & PKT_CSUM_PARTIAL))
                p->flags &= (u16)~PKT_CSUM_OK; /* a device does not look into tunnels */
        p->l3 = (u16)(p->data - p->head);
        p->l4 = (u16)(p->l3 + ip_hlen(ip));
        pkt_pull(p, ip_hlen(ip));
        h->count.untunnelled++;
        h->tunnel_from = (u8)(node + 1);
        ip_deliver(st, p, ip);
        h->tunnel_from = 0;
}
