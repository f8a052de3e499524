/* arp.c - the table of neighbours: resolve, age, answer (RFC 826, 1122 2.3.2).
 * Not here: who owns an address of ours (claim.c). Proxy ARP is not done.
 * SPDX-License-Identifier: MIT */
#include "arp.h"
#include "eth.h"
#include "icmp.h"
#include "ip.h"
#include "mem.h"
#include "route.h"
#include "tokens.h"

enum { ARP_WAIT = 12 }; /* packets that wait for one neighbour: what TCP begins with; one, the newest, when buffers are short */
enum { ARP_ASKS_PER_S = 100, ARP_ASKS_BURST = 50 }; /* requests in all: a scan of the LAN through us stays polite */

enum state { FREE, ASKING, REACHABLE, VERIFYING, FIXED }; /* mac is valid from REACHABLE on */

struct arp_entry {
        struct timer      timer;
        struct arp_entry *next;    /* hash chain, or free list */
        struct netif     *nif;
        ipaddr            addr;
        macaddr           mac;
        u8                state, tries;
        u32               seen_ms; /* last sign of life */
        struct pktq       wait;    /* what waits for resolution */
};

struct arp_state {
        u32                n, shift, mul;
        struct arp_entry  *entry, *free;
        struct arp_entry **bucket;
        struct tokens      asks;
};

static void rx(struct netif *nif, struct pkt *p, const struct eth_hdr *eth, void *user);

bool arp_init(struct stack *st)
{
        struct arp_state *as = stack_alloc(st, sizeof *as, 16);
        if (!as)
                return false;
        st->arp = as;
        as->n = min_u32(st->cfg.n_arp, HOP_NO_LINK - 2);
        as->shift = 31;
        while (as->shift > 20 && 1u << (32 - as->shift) < as->n)
                as->shift--;
        as->mul = stack_random(st) | 1;
        as->entry = stack_alloc(st, as->n * sizeof *as->entry, 16);
        as->bucket = stack_alloc(st, (sizeof *as->bucket) << (32 - as->shift), 16);
        st->hop = stack_alloc(st, (as->n + 1) * sizeof *st->hop, 16);
        if (!as->entry || !as->bucket || !st->hop)
                return false;
        for (u32 i = as->n; i-- > 0;) {
                as->entry[i].next = as->free;
                as->free = &as->entry[i];
        }
        return claim_init(st) && eth_handler(st, ETHERTYPE_ARP_, rx, NULL) == 0;
}

static struct hop *hop_of(const struct arp_entry *e)
{
        struct stack *st = e->nif->st;
        return &st->hop[e - st->arp->entry + 1];
}

static struct arp_entry **bucket_of(struct arp_state *as, const struct netif *nif, ipaddr addr)
{
        return &as->bucket[((be32_raw(addr.v4) + nif->index) * as->mul) >> as->shift];
}

static struct arp_entry *find(struct netif *nif, ipaddr addr)
{
        struct arp_entry *e = *bucket_of(nif->st->arp, nif, addr);
        while (e && !(ipaddr_eq(e->addr, addr) && e->nif == nif))
                e = e->next;
        return e;
}

static void remove(struct arp_entry *e, enum drop why)
{
        struct stack *st = e->nif->st;
        struct arp_entry **at = bucket_of(st->arp, e->nif, e->addr);
        while (*at != e)
                at = &(*at)->next;
        *at = e->next;
        timer_stop(&st->wheel, &e->timer);
        while (e->wait.n)
                pkt_drop(pktq_get(&e->wait), why);
        e->state = FREE;
        stack_hops_changed(st);
        e->next = st->arp->free;
        st->arp->free = e;
}

/* Frees the entry that was idle for longest, if one is idle: an entry in use is never evicted. */
static void evict(struct stack *st)
{
        struct arp_state *as = st->arp;
        struct arp_entry *oldest = NULL;
        u32 now = stack_now_ms(st), age = 0;
        for (u32 i = 0; i < as->n; i++) {
                struct arp_entry *e = &as->entry[i];
                if (e->state != REACHABLE && e->state != VERIFYING)
                        continue;
                u32 idle = hop_of(e)->used ? now - hop_of(e)->used_ms : UINT32_MAX;
                if (idle >= ARP_IN_USE_MS && idle > age) {
                        oldest = e;
                        age = idle;
                }
        }
        if (oldest)
                remove(oldest, DROP_ARP_FLUSHED);
}

static void fire(struct timer *t);

/* A new entry without state, or NULL when all are in use. */
static struct arp_entry *add(struct netif *nif, ipaddr addr)
{
        struct arp_state *as = nif->st->arp;
        if (!as->free)
                evict(nif->st);
        struct arp_entry *e = as->free;
        if (!e)
                return NULL;
        as->free = e->next;
        memset(e, 0, sizeof *e);
        e->timer.fire = fire;
        e->nif = nif;
        e->addr = addr;
        pktq_init(&e->wait);
        hop_of(e)->used = false;
        struct arp_entry **at = bucket_of(as, nif, addr);
        e->next = *at;
        *at = e;
        return e;
}

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
        remove(e, DROP_ARP_TIMEOUT);
        if (!p)
                return;
        ip_local_error(st, p, ICMP_UNREACH, ICMP_HOST);
        pkt_drop(p, DROP_ARP_TIMEOUT);
}

static void fire(struct timer *t)
{
        struct arp_entry *e = container_of(t, struct arp_entry, timer);
        struct stack *st = e->nif->st;
        u32 now = stack_now_ms(st), age = now - e->seen_ms;
        if (e->state == REACHABLE) {
                if (age < ARP_REACHABLE_MS) {
                        timer_set(&st->wheel, t, e->seen_ms + ARP_REACHABLE_MS);
                        return;
                }
                if (!hop_of(e)->used || now - hop_of(e)->used_ms >= ARP_REACHABLE_MS) {
                        remove(e, DROP_ARP_FLUSHED);
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

static void set_mac(struct arp_entry *e, macaddr mac)
{
        struct hop *h = hop_of(e);
        if (e->state > ASKING && !mac_eq(e->mac, mac))
                stack_hops_changed(e->nif->st);
        e->mac = mac;
        h->dst = mac;
        h->src = e->nif->mac;
        h->type = be16_of(ETHERTYPE_IP_);
}

/* A sign of life, with the neighbour's MAC. */
static void learn(struct arp_entry *e, macaddr mac)
{
        struct stack *st = e->nif->st;
        struct pkt *p;
        if (e->state == FIXED)
                return;
        set_mac(e, mac);
        e->seen_ms = stack_now_ms(st);
        if (e->state != REACHABLE) {
                e->state = REACHABLE;
                timer_set(&st->wheel, &e->timer, e->seen_ms + ARP_REACHABLE_MS);
        }
        while ((p = pktq_get(&e->wait)) != NULL)
                eth_tx(e->nif, p, mac, ETHERTYPE_IP_);
}

void arp_tx(struct netif *nif, struct pkt *p, ipaddr hop)
{
        struct arp_entry *e = find(nif, hop);
        if (unlikely(!e)) {
                e = add(nif, hop);
                if (!e) {
                        pkt_drop(p, DROP_ARP_FULL);
                        return;
                }
                e->state = ASKING;
                ask(e);
        }
        struct hop *h = hop_of(e);
        h->used_ms = stack_now_ms(nif->st);
        h->used = true;
        if (likely(e->state != ASKING)) {
                eth_tx(nif, p, e->mac, ETHERTYPE_IP_);
                return;
        }
        const struct pktpool *pool = &nif->st->pkts;
        while (e->wait.n >= (pool->n_free > pool->n_total / 2 ? ARP_WAIT : 1))
                pkt_drop(pktq_get(&e->wait), DROP_ARP_QUEUE);
        pktq_put(&e->wait, p);
}

/* RFC 1868: a host says goodbye. Believed only from the MAC that the entry names. */
static void rx_unarp(struct netif *nif, struct pkt *p, const struct eth_hdr *eth)
{
        ipaddr gone;
        memcpy(&gone, p->data + 8, 4);
        struct arp_entry *e = find(nif, gone);
        if (e && (e->state == REACHABLE || e->state == VERIFYING) && mac_eq(e->mac, eth->src))
                remove(e, DROP_ARP_FLUSHED);
        pkt_drop(p, DROP_ARP_UNARP);
}

/* The request is for us: remember who asks, since we will talk soon (only a neighbour by the routes), and answer in place. */
static void answer(struct netif *nif, struct pkt *p, bool known)
{
        struct arp_hdr *a = (struct arp_hdr *)p->data;
        const struct route *r = route_lookup_on(nif, a->spa);
        if (!known && r && ipaddr_is_any(r->via) && !netif_addr_find(nif, a->spa)) {
                struct arp_entry *e = add(nif, a->spa);
                if (e)
                        learn(e, a->sha);
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
        struct arp_entry *e = ipaddr_is_any(a->spa) ? NULL : find(nif, a->spa);
        if (e)
                learn(e, a->sha);
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

static void rx(struct netif *nif, struct pkt *p, const struct eth_hdr *eth, void *user)
{
        const struct arp_hdr *a = (const struct arp_hdr *)p->data;
        if (p->len < 8 || p->len < 8 + 2 * (a->hlen + 4)) {
                pkt_drop(p, DROP_ARP_SHORT);
                return;
        }
        u16 op = be16_get(a->op);
        if (be16_get(a->htype) != 1 || be16_get(a->ptype) != ETHERTYPE_IP_ || a->plen != 4 ||
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

u16 arp_hop(struct netif *nif, ipaddr hop)
{
        const struct arp_entry *e = find(nif, hop);
        return e && e->state != ASKING && !nif->vlan ? (u16)(e - nif->st->arp->entry + 1) : HOP_UNKNOWN;
}

bool arp_lookup(struct netif *nif, ipaddr addr, macaddr *out)
{
        const struct arp_entry *e = find(nif, addr);
        if (!e || e->state == ASKING)
                return false;
        *out = e->mac;
        return true;
}

void arp_confirm(struct netif *nif, ipaddr addr)
{
        struct arp_entry *e = find(nif, addr);
        if (e && e->state != ASKING)
                learn(e, e->mac);
}

int arp_set(struct netif *nif, ipaddr addr, macaddr mac)
{
        if (mac_is_group(mac) || ipaddr_is_any(addr) || ipaddr_is_mcast(addr) || ipaddr_is_bcast(addr))
                return E_INVAL;
        struct arp_entry *e = find(nif, addr);
        if (!e)
                e = add(nif, addr);
        if (!e)
                return E_NOMEM;
        if (e->state != FIXED)
                learn(e, mac);
        timer_stop(&nif->st->wheel, &e->timer);
        e->state = FIXED;
        set_mac(e, mac);
        return 0;
}

bool arp_del(struct stack *st, ipaddr addr)
{
        bool any = false;
        for (u32 i = 0; i < st->n_nifs; i++) {
                struct arp_entry *e = find(st->nif[i], addr);
                if (e) {
                        remove(e, DROP_ARP_FLUSHED);
                        any = true;
                }
        }
        return any;
}

void arp_flush(struct netif *nif)
{
        struct arp_state *as = nif->st->arp;
        stack_hops_changed(nif->st); /* also when the VLAN tag changes, which static entries outlive */
        for (u32 i = 0; i < as->n; i++)
                if (as->entry[i].state != FREE && as->entry[i].state != FIXED && as->entry[i].nif == nif)
                        remove(&as->entry[i], DROP_ARP_FLUSHED);
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

void arp_walk(struct stack *st, bool (*fn)(void *ctx, const struct arp_info *), void *ctx)
{
        struct arp_state *as = st->arp;
        for (u32 i = 0; i < as->n; i++) {
                const struct arp_entry *e = &as->entry[i];
                struct arp_info info = {e->addr, e->mac, e->nif, e->state != ASKING, e->state == FIXED ? ARP_STATIC : ARP_DYNAMIC,
                                        e->state == ASKING ? 0 : stack_now_ms(st) - e->seen_ms};
                if (e->state != FREE && !fn(ctx, &info))
                        return;
        }
}
