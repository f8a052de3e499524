/* arp_table.c - the table of neighbours itself: entries, their hops, and what people see and set (RFC 826).
 * Not here: when an entry is asked for and ages (arp.c), what is heard (arp_rx.c).
 * SPDX-License-Identifier: MIT */
#include "arp_state.h"
#include "mem.h"

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
        return claim_init(st) && eth_handler(st, ETHERTYPE_ARP_, arp_rx, NULL) == 0;
}

static struct arp_entry **bucket_of(struct arp_state *as, const struct netif *nif, ipaddr addr)
{
        return &as->bucket[((be32_raw(addr.v4) + nif->index) * as->mul) >> as->shift];
}

struct arp_entry *arp_find(struct netif *nif, ipaddr addr)
{
        struct arp_entry *e = *bucket_of(nif->st->arp, nif, addr);
        while (e && !(ipaddr_eq(e->addr, addr) && e->nif == nif))
                e = e->next;
        return e;
}

void arp_remove(struct arp_entry *e, enum drop why)
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
                u32 idle = arp_hop_of(e)->used_ms ? now - arp_hop_of(e)->used_ms : UINT32_MAX;
                if (idle >= ARP_IN_USE_MS && idle > age) {
                        oldest = e;
                        age = idle;
                }
        }
        if (oldest)
                arp_remove(oldest, DROP_ARP_FLUSHED);
}

struct arp_entry *arp_add(struct netif *nif, ipaddr addr)
{
        struct arp_state *as = nif->st->arp;
        if (!as->free)
                evict(nif->st);
        struct arp_entry *e = as->free;
        if (!e)
                return NULL;
        as->free = e->next;
        memset(e, 0, sizeof *e);
        e->timer.fire = arp_fire;
        e->nif = nif;
        e->addr = addr;
        pktq_init(&e->wait);
        arp_hop_of(e)->used_ms = 0;
        struct arp_entry **at = bucket_of(as, nif, addr);
        e->next = *at;
        *at = e;
        return e;
}

void arp_set_mac(struct arp_entry *e, macaddr mac)
{
        struct hop *h = arp_hop_of(e);
        if (e->state > ASKING && !mac_eq(e->mac, mac))
                stack_hops_changed(e->nif->st);
        e->mac = mac;
        h->dst = mac;
        h->src = e->nif->mac;
        h->type = be16_of(ETHERTYPE_IP_);
}

u16 arp_hop(struct netif *nif, ipaddr hop)
{
        const struct arp_entry *e = arp_find(nif, hop);
        return e && e->state != ASKING && !nif->vlan ? (u16)(e - nif->st->arp->entry + 1) : HOP_UNKNOWN;
}

bool arp_lookup(struct netif *nif, ipaddr addr, macaddr *out)
{
        const struct arp_entry *e = arp_find(nif, addr);
        if (!e || e->state == ASKING)
                return false;
        *out = e->mac;
        return true;
}

int arp_set(struct netif *nif, ipaddr addr, macaddr mac)
{
        if (mac_is_group(mac) || ipaddr_is_any(addr) || ipaddr_is_mcast(addr) || ipaddr_is_bcast(addr))
                return E_INVAL;
        struct arp_entry *e = arp_find(nif, addr);
        if (!e)
                e = arp_add(nif, addr);
        if (!e)
                return E_NOMEM;
        if (e->state != FIXED)
                arp_learn(e, mac);
        timer_stop(&nif->st->wheel, &e->timer);
        e->state = FIXED;
        arp_set_mac(e, mac);
        return 0;
}

bool arp_del(struct stack *st, ipaddr addr)
{
        bool any = false;
        for (u32 i = 0; i < st->n_nifs; i++) {
                struct arp_entry *e = arp_find(st->nif[i], addr);
                if (e) {
                        arp_remove(e, DROP_ARP_FLUSHED);
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
                        arp_remove(&as->entry[i], DROP_ARP_FLUSHED);
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
