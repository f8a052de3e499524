/* ip_path.c - which way a destination is reached: by the routing table and a cache of its answers, or on a given interface.
 * Not here: the table itself (route.c), the neighbour's link address (arp.c).
 * SPDX-License-Identifier: MIT */
#include "arp.h"
#include "ip_state.h"
#include "route.h"

void ip_forget(struct stack *st)
{
        st->ip->ok_nif = NULL;
        memset(st->ip->passed, 0, sizeof st->ip->passed);
        for (u32 i = 0; i < IP_DSTS; i++)
                st->ip->dsts[i].valid = false;
        stack_hops_changed(st);
}

/* Our address towards a neighbour: in its network if possible, never a silent one. */
static ipaddr source_for(struct netif *nif, ipaddr hop)
{
        for (u32 i = 0; i < NETIF_ADDRS; i++) {
                const struct ifaddr *a = &nif->addr[i];
                if (!ipaddr_is_any(a->addr) && !a->silent && ipaddr_same_net(a->addr, hop, a->plen))
                        return a->addr;
        }
        return netif_addr_first(nif);
}

static struct netif *owner(struct stack *st, ipaddr a)
{
        for (u32 i = 0; i < st->n_nifs; i++)
                if (netif_addr_find(st->nif[i], a))
                        return st->nif[i];
        return ipaddr_is_loopback(a) && st->n_nifs ? st->nif[0] : NULL;
}

static struct netif *first_up(struct stack *st)
{
        for (u32 i = 0; i < st->n_nifs; i++)
                if (st->nif[i]->up)
                        return st->nif[i];
        return NULL;
}

COLD bool ip_resolve_on(struct stack *st, ipaddr dst, struct netif *nif, struct ip_dst *d)
{
        struct netif *own = ipaddr_is_any(dst) ? NULL : owner(st, dst);
        *d = (struct ip_dst){.dst = dst, .valid = true, .kind = IP_UNICAST, .path = {nif, dst, dst}};
        if (own) {
                d->kind = IP_OURS;
                d->path.nif = own;
                return true;
        }
        const struct route *r = nif ? route_lookup_on(nif, dst) : route_lookup(st, dst);
        bool group = ipaddr_is_mcast(dst) || ipaddr_is_bcast(dst);
        if (ipaddr_is_any(dst) || ipaddr_is_loopback(dst))
                return false;
        if (!nif)
                nif = r ? r->nif : group ? first_up(st) : NULL;
        if (!nif)
                return false;
        d->path.nif = nif;
        if (ipaddr_is_mcast(dst))
                d->kind = IP_MULTICAST;
        else if (ip_is_broadcast(nif, dst))
                d->kind = IP_BROADCAST;
        else if (r && !ipaddr_is_any(r->via))
                d->path.hop = r->via;
        d->path.src = source_for(nif, d->path.hop);
        return true;
}

__attribute__((cold)) const struct ip_dst *ip_dst_refill(struct stack *st, ipaddr dst, struct ip_dst *d)
{
        d->valid = ip_resolve_on(st, dst, NULL, d);
        return d->valid ? d : NULL;
}

bool ip_route(struct stack *st, ipaddr dst, struct ip_path *out)
{
        const struct ip_dst *d = ip_dst_of(st, dst);
        if (d)
                *out = d->path;
        return d != NULL;
}

bool ip_resolve(struct stack *st, ipaddr dst, struct ip_dst *out)
{
        const struct ip_dst *d = ip_dst_of(st, dst);
        if (d)
                *out = *d;
        return d != NULL;
}

u16 ip_hop(struct stack *st, ipaddr src, ipaddr dst, const struct netif *nif)
{
        const struct ip_dst *d = ip_dst_of(st, dst);
        if (!d || d->kind != IP_UNICAST || d->path.nif != nif || !netif_addr_find(d->path.nif, src))
                return HOP_UNKNOWN;
        return nif->caps & NETIF_L3 ? HOP_NO_LINK : arp_hop(d->path.nif, d->path.hop);
}

u16 ip_way_back(struct netif *nif, ipaddr src, ipaddr dst)
{
        struct stack *st = nif->st;
        struct ip_dst *d = &st->ip->dsts[ip_dst_hash(st->ip, dst) >> 28];
        if (unlikely(!d->valid || !ipaddr_eq(d->dst, dst)) && !ip_dst_refill(st, dst, d))
                return HOP_UNKNOWN;
        if (d->kind != IP_UNICAST || d->path.nif != nif || dst.v4.b[0] >= 0xe0 || !netif_addr_find(nif, src))
                return HOP_UNKNOWN;
        if (unlikely(d->hop_gen != st->hop_gen)) {
                d->hop = nif->caps & NETIF_L3 ? HOP_NO_LINK : arp_hop(nif, d->path.hop);
                d->hop_gen = d->hop ? st->hop_gen : 0;
        }
        return d->hop;
}

void ip_forget_hops(struct stack *st)
{
        for (u32 i = 0; i < IP_DSTS; i++)
                st->ip->dsts[i].hop_gen = 0;
}
