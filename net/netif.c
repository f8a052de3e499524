/* netif.c - the seam between drivers and protocols: frames in (but for the straight line, net/tcp/tcp_receive.c), frames out,
 * carrier, groups, addresses.
 * What a device cannot do (checksum, gathering) is done here, once, for all drivers.
 * SPDX-License-Identifier: MIT */
#include "netif.h"
#include "arp.h"
#include "cksum.h"
#include "dhcp.h"
#include "eth.h"
#include "igmp.h"
#include "ip.h"
#include "mem.h"
#include "route.h"
#include "stack.h"
#include "tcp.h"

COLD void netif_look(struct netif *nif)
{
        nif->mac_rest = nif->caps & NETIF_L3 ? UINT32_MAX : (u32)nif->mac.b[4] | (u32)nif->mac.b[5] << 8;
        nif->straight = nif->vlan || !nif->up || !nif->link || nif->st->tap ? NETIF_UNUSUAL : nif->index;
        nif->way_out = (nif->caps & (NETIF_SG | NETIF_L3)) == NETIF_SG ? nif->hop_gen | (u32)nif->straight << 16 | (u32)nif->zero << 24 : UINT32_MAX;
}

COLD bool netif_add(struct stack *st, struct netif *nif, bool link)
{
        if (st->n_nifs == STACK_NIFS)
                return false;
        nif->st = st;
        nif->index = st->n_nifs;
        nif->hop_gen = st->hop_gen;
        nif->flow = &tcp_nobody;
        nif->up = true;
        nif->link = link;
        netif_look(nif);
        st->nif[st->n_nifs++] = nif;
        st->n_doorbells = (u8)(st->n_doorbells + (nif->flush != NULL));
        igmp_link(nif);
        return true;
}

void netif_rx_long(struct netif *nif, struct pkt *p)
{
        struct stack *st = nif->st;
        if (unlikely(p->chain != NULL))
                nif->count.rx_bytes += pkt_total(p) - p->len;
        if (unlikely(st->tap != NULL))
                st->tap(st->tap_ctx, nif, p, false);
        if (unlikely(!nif->up)) {
                nif->count.rx_dropped++;
                pkt_drop(p, DROP_NIF_DOWN);
                return;
        }
        if (nif->caps & NETIF_L3)
                ip_rx(nif, p);
        else
                eth_rx(nif, p);
}

void netif_link(struct netif *nif, bool link)
{
        if (nif->link == link)
                return;
        nif->link = link;
        netif_look(nif);
        nif->count.link_changes++;
        stack_log(nif->st, "%s: link %s", nif->name, link ? "up" : "down");
        arp_link(nif);
        dhcp_link(nif);
        igmp_link(nif);
}

enum { UDP_CKSUM_AT = 6 };

void nif_sum(struct pkt *p)
{
        u32 sum = cksum_add(0, p->data + p->csum_start, p->len - p->csum_start);
        u32 done = p->len - p->csum_start;
        for (const struct pkt *q = p; q; q = q->chain) {
                if (q != p) {
                        u32 s = cksum_add(0, q->data, q->len);
                        sum = cksum_plus(sum, done & 1 ? cksum_odd(s) : s);
                        done += q->len;
                }
                for (u32 i = 0; i < q->nfrag; i++) {
                        u32 s = cksum_add(0, q->frag[i].ptr, q->frag[i].len);
                        sum = cksum_plus(sum, done & 1 ? cksum_odd(s) : s);
                        done += q->frag[i].len;
                }
        }
        u16 field = (u16)~cksum_fold(sum);
        if (!field && p->csum_off == UDP_CKSUM_AT) /* RFC 768: a computed zero is sent as all ones; elsewhere zero is zero (RFC 1624 3) */
                field = 0xffff;
        memcpy(p->data + p->csum_start + p->csum_off, &field, 2);
        p->flags &= (u16)~PKT_CSUM_TODO;
}

/* One contiguous buffer for devices that cannot gather; NULL (p dropped) when that is impossible. */
static struct pkt *linearise(struct pkt *p)
{
        u32 total = pkt_total(p);
        if (total > PKT_BUF) {
                pkt_drop(p, DROP_NIF_TX_TOO_BIG);
                return NULL;
        }
        if (!p->chain && p->refs == 1 && pkt_tailroom(p) >= total - p->len) {
                for (u32 i = 0; i < p->nfrag; i++) {
                        memcpy(p->data + p->len, p->frag[i].ptr, p->frag[i].len);
                        p->len = (u16)(p->len + p->frag[i].len);
                        pkt_free(p->frag[i].hold);
                }
                p->nfrag = 0;
                return p;
        }
        struct pkt *q = pkt_alloc(p->pool, 0);
        if (!q) {
                pkt_free(p);
                return NULL;
        }
        q->len = (u16)pkt_copy_out(p, 0, q->data, total);
        q->nif = p->nif;
        pkt_free(p);
        return q;
}

void nif_xmit(struct netif *nif, struct pkt *p)
{
        struct stack *st = nif->st;
        if (unlikely(!nif->up || !nif->link)) {
                nif->count.tx_dropped++;
                pkt_drop(p, DROP_NIF_DOWN);
                return;
        }
        if ((p->flags & PKT_CSUM_TODO) && !(nif->caps & NETIF_CSUM_TX))
                nif_sum(p);
        if ((p->nfrag || p->chain) && !(nif->caps & NETIF_SG)) {
                p = linearise(p);
                if (!p)
                        return;
        }
        nif->count.tx_packets++;
        nif->count.tx_bytes += pkt_total(p);
        if (unlikely(st->tap != NULL))
                st->tap(st->tap_ctx, nif, p, true);
        nif->xmit(nif, p);
}

COLD bool netif_join(struct netif *nif, macaddr group)
{
        for (u32 i = 0; i < nif->n_groups; i++)
                if (mac_eq(nif->groups[i], group))
                        return true;
        if (nif->n_groups == NETIF_GROUPS)
                return false;
        nif->groups[nif->n_groups++] = group;
        if (nif->set_filter)
                nif->set_filter(nif);
        return true;
}

COLD void netif_leave(struct netif *nif, macaddr group)
{
        for (u32 i = 0; i < nif->n_groups; i++) {
                if (!mac_eq(nif->groups[i], group))
                        continue;
                nif->groups[i] = nif->groups[--nif->n_groups];
                if (nif->set_filter)
                        nif->set_filter(nif);
                return;
        }
}

struct ifaddr *netif_addr_find(struct netif *nif, ipaddr addr)
{
        for (u32 i = 0; i < NETIF_ADDRS; i++)
                if (ipaddr_eq(nif->addr[i].addr, addr))
                        return &nif->addr[i];
        return NULL;
}

ipaddr netif_addr_first(const struct netif *nif)
{
        for (u32 i = 0; i < NETIF_ADDRS; i++)
                if (!ipaddr_is_any(nif->addr[i].addr) && !nif->addr[i].silent)
                        return nif->addr[i].addr;
        return IPADDR_ANY;
}

COLD int netif_addr_add(struct netif *nif, ipaddr addr, u8 plen, enum ifaddr_origin origin, bool silent)
{
        if (ipaddr_is_any(addr) || ipaddr_is_mcast(addr) || ipaddr_is_bcast(addr) || plen > 32)
                return E_INVAL;
        if (netif_addr_find(nif, addr))
                return E_EXIST;
        struct ifaddr *slot = netif_addr_find(nif, IPADDR_ANY);
        if (!slot)
                return E_NOMEM;
        ipaddr net = {be32_from_raw(be32_raw(addr.v4) & be32_raw(ipaddr_mask(plen).v4))};
        int err = plen < 32 ? route_add(nif->st, net, plen, IPADDR_ANY, nif, ROUTE_CONNECTED) : 0;
        if (err < 0 && err != E_EXIST)
                return err;
        *slot = (struct ifaddr){addr, plen, silent, (u8)origin};
        ip_forget(nif->st);
        if (!silent && !(nif->caps & NETIF_L3))
                arp_announce(nif, addr);
        return 0;
}

/* Another address of this interface still needs the connected route. */
static bool net_in_use(const struct netif *nif, const struct ifaddr *gone)
{
        for (u32 i = 0; i < NETIF_ADDRS; i++) {
                const struct ifaddr *a = &nif->addr[i];
                if (a != gone && !ipaddr_is_any(a->addr) && a->plen == gone->plen && ipaddr_same_net(a->addr, gone->addr, a->plen))
                        return true;
        }
        return false;
}

COLD int netif_addr_del(struct netif *nif, ipaddr addr)
{
        struct ifaddr *slot = netif_addr_find(nif, addr);
        if (!slot || ipaddr_is_any(addr))
                return E_NOENT;
        if (!slot->silent && !(nif->caps & NETIF_L3))
                arp_unarp(nif, addr);
        if (slot->plen < 32 && !net_in_use(nif, slot)) {
                ipaddr net = {be32_from_raw(be32_raw(addr.v4) & be32_raw(ipaddr_mask(slot->plen).v4))};
                route_del_on(nif, net, slot->plen, IPADDR_ANY);
        }
        memset(slot, 0, sizeof *slot);
        ip_forget(nif->st);
        return 0;
}
