/* arp.h - address resolution (RFC 826, 5227, 1868 UNARP): table, retries, conflict detection.
 * SPDX-License-Identifier: MIT */
#ifndef ARP_H
#define ARP_H

#include "stack.h"

enum arp_how { ARP_DYNAMIC, ARP_STATIC };

struct arp_info { ipaddr addr; macaddr mac; struct netif *nif; bool complete; enum arp_how how; u32 age_ms; };

/* Sends p (consumed), data at the IP header, to `hop` on nif: at once when known, else after resolution (one packet waits per entry). */
void arp_tx(struct netif *nif, struct pkt *p, ipaddr hop);
/* The MAC of addr if it is known now; true and *out. Does not ask. */
bool arp_lookup(struct netif *nif, ipaddr addr, macaddr *out);
/* A static entry; 0 or negative. */
int  arp_set(struct netif *nif, ipaddr addr, macaddr mac);
bool arp_del(struct stack *st, ipaddr addr);
void arp_flush(struct netif *nif);
/* Announces / takes leave of an address of ours; probes for a conflict (RFC 5227) beside service. */
void arp_announce(struct netif *nif, ipaddr addr);
void arp_unarp(struct netif *nif, ipaddr addr);
void arp_walk(struct stack *st, bool (*fn)(void *ctx, const struct arp_info *), void *ctx);
/* Upper layers confirm that a neighbour is alive (forward progress), so that it is not asked again. */
void arp_confirm(struct netif *nif, ipaddr addr);
/* A neighbour claims addr of ours: called with the claimer's MAC; the DHCP client declines, people are told. */
void arp_on_conflict(struct stack *st, void (*fn)(struct netif *nif, ipaddr addr, macaddr by));
void arp_rx(struct netif *nif, struct pkt *p);

#endif
