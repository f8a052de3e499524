/* arp.c - resolving and ageing neighbours (RFC 826, 1122 2.3.2).
 * Not here: the table (arp_table.c), receiving (arp_rx.c), who owns an address of ours (claim.c). Proxy ARP is not done.
 * SPDX-License-Identifier: MIT */
#include "arp_state.h"
#include "icmp.h"
#include "ip.h"

enum { ARP_WAIT = 12 }; /* packets that wait for one neighbour: what TCP begins with; one, the newest, when buffers are short */
enum { ARP_ASKS_PER_S = 100, ARP_ASKS_BURST = 50 }; /* requests in all: a scan of the LAN through us stays polite */

void arp_send(struct netif *nif, u16 op, macaddr to, ipaddr spa, macaddr tha, ipaddr tpa)
{
        struct pkt *p = pkt_alloc(&nif->st->pkts, PKT_HEADROOM);
        if (!p)
                return;
        struct arp_hdr a = {be16_of(1), be16_of(ETHERTYPE_IP_), 6, 4, be16_of(op), nif->mac, spa, tha, tpa};
        pkt_append(p, &a, sizeof a);
        eth_tx(nif, p, to, ETHERTYPE_ARP_);
}

/* The address to ask from: in the target's network if possible, never a silent one; any() makes it a probe. */
static ipaddr asker(struct netif *nif, ipaddr target)
{
        for (u32 i = 0; i < NETIF_ADDRS; i++) {
                const struct ifaddr *a = &nif->addr[i];
                if (!ipaddr_is_any(a->addr) && !a->silent && ipaddr_same_net(a->addr, target, a->plen))
                        return a->addr;
        }
        return netif_addr_first(nif);
}

static void ask(struct arp_entry *e)
{
        struct stack *st = e->nif->st;
        e->tries++;
        timer_set(&st->wheel, &e->timer, stack_now_ms(st) + ARP_RETRY_MS);
        if (!tokens_take(&st->arp->asks, stack_now_ms(st), ARP_ASKS_PER_S, ARP_ASKS_BURST))
                return;
        macaddr to = e->state == VERIFYING ? e->mac : MAC_BCAST;
        arp_send(e->nif, ARP_REQUEST, to, asker(e->nif, e->addr), (macaddr){{0}}, e->addr);
}

/* The neighbour is silent: the sender of the waiting packet learns it as a soft error. */
static void give_up(struct arp_entry *e)
{
        struct stack *st = e->nif->st;
        struct pkt *p = pktq_get(&e->wait);
        arp_remove(e, DROP_ARP_TIMEOUT);
        if (!p)
                return;
        ip_local_error(st, p, ICMP_UNREACH, ICMP_HOST);
        pkt_drop(p, DROP_ARP_TIMEOUT);
}

void arp_fire(struct timer *t)
{
        struct arp_entry *e = container_of(t, struct arp_entry, timer);
        struct stack *st = e->nif->st;
        u32 now = stack_now_ms(st), age = now - e->seen_ms;
        if (e->state == REACHABLE) {
                if (age < ARP_REACHABLE_MS) {
                        timer_set(&st->wheel, t, e->seen_ms + ARP_REACHABLE_MS);
                        return;
                }
                if (!arp_hop_of(e)->used_ms || now - arp_hop_of(e)->used_ms >= ARP_REACHABLE_MS) {
                        arp_remove(e, DROP_ARP_FLUSHED);
                        return;
                }
                e->state = VERIFYING;
                e->tries = 0;
        }
        if (e->tries < ARP_TRIES)
                ask(e);
        else
                give_up(e);
}

void arp_learn(struct arp_entry *e, macaddr mac)
{
        struct stack *st = e->nif->st;
        struct pkt *p;
        if (e->state == FIXED)
                return;
        arp_set_mac(e, mac);
        e->seen_ms = stack_now_ms(st);
        if (e->state != REACHABLE) {
                e->state = REACHABLE;
                timer_set(&st->wheel, &e->timer, e->seen_ms + ARP_REACHABLE_MS);
        }
        while ((p = pktq_get(&e->wait)) != NULL)
                eth_tx(e->nif, p, mac, ETHERTYPE_IP_);
}

void arp_confirm(struct netif *nif, ipaddr addr)
{
        struct arp_entry *e = arp_find(nif, addr);
        if (e && e->state != ASKING)
                arp_learn(e, e->mac);
}

void arp_tx(struct netif *nif, struct pkt *p, ipaddr hop)
{
        struct arp_entry *e = arp_find(nif, hop);
        if (unlikely(!e)) {
                e = arp_add(nif, hop);
                if (!e) {
                        pkt_drop(p, DROP_ARP_FULL);
                        return;
                }
                e->state = ASKING;
                ask(e);
        }
        struct hop *h = arp_hop_of(e);
        h->used_ms = stack_now_ms(nif->st);
        if (likely(e->state != ASKING)) {
                eth_tx(nif, p, e->mac, ETHERTYPE_IP_);
                return;
        }
        const struct pktpool *pool = &nif->st->pkts;
        while (e->wait.n >= (pool->n_free > pool->n_half ? ARP_WAIT : 1))
                pkt_drop(pktq_get(&e->wait), DROP_ARP_QUEUE);
        pktq_put(&e->wait, p);
}

void arp_link(struct netif *nif)
{
        if (!nif->link) {
                arp_flush(nif);
                return;
        }
        for (u32 i = 0; i < NETIF_ADDRS; i++)
                if (!ipaddr_is_any(nif->addr[i].addr))
                        arp_announce(nif, nif->addr[i].addr);
}
