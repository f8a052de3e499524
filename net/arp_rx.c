/* arp_rx.c - ARP packets that arrive (RFC 826 "Packet Reception", 1868).
 * SPDX-License-Identifier: MIT */
#include "arp_state.h"
#include "mem.h"
#include "route.h"

/* RFC 1868: a host says goodbye. Believed only from the MAC that the entry names. */
static void rx_unarp(struct netif *nif, struct pkt *p, const struct eth_hdr *eth)
{
        ipaddr gone;
        memcpy(&gone, p->data + 8, 4);
        struct arp_entry *e = arp_find(nif, gone);
        if (e && (e->state == REACHABLE || e->state == VERIFYING) && mac_eq(e->mac, eth->src))
                arp_remove(e, DROP_ARP_FLUSHED);
        pkt_drop(p, DROP_ARP_UNARP);
}

/* The request is for us: remember who asks, since we will talk soon (only a neighbour by the routes), and answer in place. */
static void answer(struct netif *nif, struct pkt *p, bool known)
{
        struct arp_hdr *a = (struct arp_hdr *)p->data;
        const struct route *r = route_lookup_on(nif, a->spa);
        if (!known && r && ipaddr_is_any(r->via) && !netif_addr_find(nif, a->spa)) {
                struct arp_entry *e = arp_add(nif, a->spa);
                if (e)
                        arp_learn(e, a->sha);
        }
        ipaddr ours = a->tpa;
        a->op = be16_of(ARP_REPLY);
        a->tha = a->sha;
        a->tpa = a->spa;
        a->sha = nif->mac;
        a->spa = ours;
        p->len = sizeof *a;
        p->flags = 0;
        eth_tx(nif, p, a->tha, ETHERTYPE_ARP_);
}

/* RFC 826 "Packet Reception", after claim_heard: update what we know, answer what is for us. */
static void rx_merge(struct netif *nif, struct pkt *p)
{
        const struct arp_hdr *a = (const struct arp_hdr *)p->data;
        struct arp_entry *e = ipaddr_is_any(a->spa) ? NULL : arp_find(nif, a->spa);
        if (e)
                arp_learn(e, a->sha);
        const struct ifaddr *ours = ipaddr_is_any(a->tpa) ? NULL : netif_addr_find(nif, a->tpa);
        if (!ours)
                pkt_drop(p, e ? DROP_ARP_DONE : DROP_ARP_NOT_OURS);
        else if (ours->silent)
                pkt_drop(p, DROP_ARP_SILENT);
        else if (be16_get(a->op) == ARP_REQUEST)
                answer(nif, p, e != NULL);
        else
                pkt_drop(p, e ? DROP_ARP_SOLICITED : DROP_ARP_UNASKED);
}

void arp_rx(struct netif *nif, struct pkt *p, const struct eth_hdr *eth, void *user)
{
        const struct arp_hdr *a = (const struct arp_hdr *)p->data;
        if (p->len < 8 || p->len < 8 + 2 * (a->hlen + 4)) {
                pkt_drop(p, DROP_ARP_SHORT);
                return;
        }
        u16 op = be16_get(a->op);
        if (be16_get(a->htype) != 1 || be16_get(a->ptype) != ETHERTYPE_IP_ || a->plen != 4 || p->chain ||
            (op != ARP_REQUEST && op != ARP_REPLY) || (a->hlen != 6 && !(a->hlen == 0 && op == ARP_REPLY))) {
                pkt_drop(p, DROP_ARP_FORMAT);
                return;
        }
        if (a->hlen == 0)
                rx_unarp(nif, p, eth);
        else if (mac_is_group(a->sha) || ipaddr_is_mcast(a->spa) || ipaddr_is_bcast(a->spa) || ipaddr_is_loopback(a->spa))
                pkt_drop(p, DROP_ARP_SENDER);
        else if (mac_eq(a->sha, nif->mac))
                pkt_drop(p, DROP_ARP_OWN);
        else if (claim_heard(nif, a))
                pkt_drop(p, DROP_ARP_CONFLICT);
        else
                rx_merge(nif, p);
}
