/* arp_state.h - the table of neighbours, shared by the files of ARP: arp_table.c keeps it, arp.c resolves and ages, arp_rx.c hears.
 * SPDX-License-Identifier: MIT */
#ifndef ARP_STATE_H
#define ARP_STATE_H

#include "arp.h"
#include "eth.h"
#include "tokens.h"

enum arp_entry_state { FREE, ASKING, REACHABLE, VERIFYING, FIXED }; /* mac is valid from REACHABLE on */

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

static inline struct hop *arp_hop_of(const struct arp_entry *e)
{
        struct stack *st = e->nif->st;
        return &st->hop[e - st->arp->entry + 1];
}

/* arp_table.c */
struct arp_entry *arp_find(struct netif *nif, ipaddr addr);     /* or NULL */
struct arp_entry *arp_add(struct netif *nif, ipaddr addr);      /* a new entry without state, or NULL when all are in use */
void arp_remove(struct arp_entry *e, enum drop why);            /* what waits for it is dropped */
void arp_set_mac(struct arp_entry *e, macaddr mac);

/* arp.c */
void arp_learn(struct arp_entry *e, macaddr mac);               /* a sign of life, with the neighbour's MAC */
void arp_fire(struct timer *t);

/* arp_rx.c */
void arp_rx(struct netif *nif, struct pkt *p, const struct eth_hdr *eth, void *user);

#endif
