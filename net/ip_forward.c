/* ip_forward.c - IPv4 between interfaces (RFC 1812 5), off at first: what may pass, one hop less, errors to the sender.
 * No redirects are sent, no options are acted on, groups are not routed. Whoever registers sees it before it passes.
 * SPDX-License-Identifier: MIT */
#include "icmp.h"
#include "ip_state.h"
#include "route.h"

void ip_forwarding(struct stack *st, bool on)
{
        st->ip->forward = on;
        ip_forget(st);
}

bool ip_forwards(const struct stack *st) { return st->ip->forward; }
u32 ip_forwarded(const struct stack *st) { return st->ip->n_forwarded; }

void ip_on_passing(struct stack *st, ip_passing_fn *fn, void *ctx)
{
        st->ip->passing = fn;
        st->ip->passing_ctx = ctx;
}

static bool refuse(struct pkt *p, enum drop why)
{
        pkt_drop(p, why);
        return false;
}

/* RFC 1812 5.3.7, RFC 3927 7: 0/8, 127/8, 240/4 and groups, and what never leaves a link. */
static bool martian(ipaddr a)
{
        return !a.v4.b[0] || ipaddr_is_loopback(a) || a.v4.b[0] >= 0xe0 || (a.v4.b[0] == 169 && a.v4.b[1] == 254);
}

bool ip_pass_way(struct stack *st, struct pkt *p, u32 most, struct ip_dst *d)
{
        const struct ip_hdr *ip = (const struct ip_hdr *)p->data;
        if (ip->ttl <= 1) {
                icmp_error(st, p, ICMP_TIME_EXCEEDED, 0, 0);
                return refuse(p, DROP_FWD_TTL);
        }
        if (!ip_resolve(st, ip->dst, d)) {
                icmp_error(st, p, ICMP_UNREACH, ICMP_NET, 0);
                return refuse(p, DROP_FWD_NO_ROUTE);
        }
        if (d->kind != IP_UNICAST) /* RFC 2644: not even a directed broadcast */
                return refuse(p, DROP_FWD_BROADCAST);
        u32 total = ip_total(p), room = min_u32(d->path.nif->mtu, most);
        if (total <= room || ip_is_joined(p, total) || !(be16_get(ip->frag) & IP_DF))
                return true;
        icmp_error(st, p, ICMP_UNREACH, ICMP_FRAG_NEEDED, (u16)room);
        return refuse(p, DROP_FWD_TOO_BIG);
}

enum { HEADS = 128 }; /* IP and TCP headers: at most 60 bytes each */

struct pkt *ip_with_room(struct stack *st, struct pkt *p, u32 need)
{
        struct pkt *q;
        if (likely(pkt_headroom(p) >= need))
                return p;
        if (!(q = pkt_alloc(&st->pkts, PKT_HEADROOM))) {
                pkt_free(p);
                return NULL;
        }
        u32 n = min_u32(p->len, HEADS);
        pkt_append(q, p->data, n);
        q->flags = p->flags;
        q->csum_start = p->csum_start;
        q->csum_off = p->csum_off;
        q->nif = p->nif;
        q->l3 = (u16)(q->data - q->head);
        pkt_pull(p, n);
        if (p->len || p->chain || p->nfrag)
                q->chain = p;
        else
                pkt_free(p);
        return q;
}

static void link_tx(void *ctx, struct pkt *p) { ip_link_tx(p, ctx); }

void ip_pass_on(struct stack *st, struct pkt *p, u32 most, struct ip_dst *d)
{
        struct ip_hdr *ip = (struct ip_hdr *)p->data;
        u32 total = ip_total(p), room = min_u32(d->path.nif->mtu, most);
        ip_one_hop_less(ip);
        st->ip->n_forwarded++;
        ip_sum_due(p, ip);
        if (!(p = ip_with_room(st, p, ip_link_room(d->path.nif))))
                return;
        if (likely(total <= room)) {
                ip_link_tx(p, d);
        } else if (!ip_is_joined(p, total)) {
                ip_cut(st, p, d);
        } else if (d->path.nif->caps & NETIF_TSO && p->flags & PKT_CSUM_TODO) {
                p->gso = ip_joined_size(p, room);
                ip_link_tx(p, d);
        } else {
                ip_cut_joined(st, p, room, link_tx, d);
        }
}

/* Whoever looks at what passes sees datagrams whole: only the first fragment has ports. NULL: not all is there. */
static struct pkt *whole(struct stack *st, struct pkt *p)
{
        const struct ip_hdr *ip = (const struct ip_hdr *)p->data;
        if (!st->ip->passing || ip->proto != IPPROTO_TCP_ || !(be16_get(ip->frag) & (IP_MF | IP_OFFSET)))
                return p;
        pkt_pull(p, ip_hlen(ip));
        p = ip_reass(st, p, ip);
        if (p)
                pkt_push(p, ip_hlen((const struct ip_hdr *)(p->head + p->l3)));
        return p;
}

static void pass(struct stack *st, struct pkt *p)
{
        struct ip_dst d;
        if (st->ip->passing && st->ip->passing(st->ip->passing_ctx, p, (struct ip_hdr *)p->data))
                return;
        if (ip_pass_way(st, p, 0xffff, &d))
                ip_pass_on(st, p, 0xffff, &d);
}

static u32 slot(ipaddr src, ipaddr dst) { return ((be32_raw(src.v4) ^ be32_raw(dst.v4)) * 0x9e3779b1u) >> 28; }

bool ip_forward_again(struct netif *nif, struct pkt *p)
{
        struct stack *st = nif->st;
        const struct ip_hdr *ip = (const struct ip_hdr *)p->data;
        u32 len = p->len >= IP_HLEN ? be16_get(ip->len) : 0, i = len ? slot(ip->src, ip->dst) : 0;
        if (len < IP_HLEN || len > p->len || ip->vhl != 0x45 || p->chain || p->flags & PKT_BCAST ||
            st->ip->passed[i].nif != nif || !ipaddr_eq(st->ip->passed[i].src, ip->src) || !ipaddr_eq(st->ip->passed[i].dst, ip->dst) ||
            be16_raw(ip->frag) & be16_raw(be16_of(IP_MF | IP_OFFSET)) || ip_sum20(ip) != 0xffff)
                return false;
        p->len = (u16)len;
        p->l3 = (u16)(p->data - p->head);
        p->l4 = (u16)(p->l3 + IP_HLEN);
        pass(st, p);
        return true;
}

void ip_forward(struct netif *nif, struct pkt *p)
{
        struct stack *st = nif->st;
        const struct ip_hdr *ip = (const struct ip_hdr *)p->data;
        u32 i = slot(ip->src, ip->dst);
        p->l3 = (u16)(p->data - p->head);
        p->l4 = (u16)(p->l3 + ip_hlen(ip));
        if (p->flags & PKT_BCAST) { /* RFC 1812 5.3.4 */
                pkt_drop(p, DROP_FWD_LINK_BCAST);
                return;
        }
        if (martian(ip->dst) || martian(ip->src)) {
                pkt_drop(p, DROP_FWD_MARTIAN);
                return;
        }
        st->ip->passed[i].nif = nif;
        st->ip->passed[i].src = ip->src;
        st->ip->passed[i].dst = ip->dst;
        p = whole(st, p);
        if (p)
                pass(st, p);
}
