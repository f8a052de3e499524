/* arp.h - address resolution (RFC 826, 5227, 1868 UNARP): table, retries, conflict detection.
 * SPDX-License-Identifier: MIT */
#ifndef ARP_H
#define ARP_H

#include "stack.h"

struct arp_hdr { be16 htype, ptype; u8 hlen, plen; be16 op; macaddr sha; ipaddr spa; macaddr tha; ipaddr tpa; };
_Static_assert(sizeof(struct arp_hdr) == 28, "RFC 826");

enum { ARP_REQUEST = 1, ARP_REPLY = 2 };
enum arp_how { ARP_DYNAMIC, ARP_STATIC };
enum {
        ARP_TRIES        = 3,     /* requests before a neighbour counts as silent, one a second */
        ARP_RETRY_MS     = 1000,
        ARP_REACHABLE_MS = 60000, /* after this an entry is asked again, or forgotten when nobody used it */
        ARP_IN_USE_MS    = 20000, /* an entry used this recently is never evicted */
};

/* The ready link header towards a neighbour whose MAC is known: what sends often remembers its number (st->hop[number]) beside
 * st->hop_gen, and copies it without asking again. */
struct hop {
        u16      pad;      /* so that IP's header behind the copied 16 bytes is aligned */
        macaddr  dst, src;
        be16     type;
        u32      used_ms;  /* last packet sent by it; 0: none */
};
enum { HOP_UNKNOWN = 0, HOP_NO_LINK = 0xffff /* an interface without link header */ };

struct arp_info { ipaddr addr; macaddr mac; struct netif *nif; bool complete; enum arp_how how; u32 age_ms; };

bool arp_init(struct stack *st);

/* Sends p (consumed), data at the IP header, to `hop` on nif: at once when known, else after resolution (one packet waits per entry). */
void arp_tx(struct netif *nif, struct pkt *p, ipaddr hop);
/* Number of the ready link header towards `hop` (IPv4, no VLAN tag), or HOP_UNKNOWN. Does not ask. */
u16 arp_hop(struct netif *nif, ipaddr hop);
/* The MAC of addr if it is known now; true and *out. Does not ask. */
bool arp_lookup(struct netif *nif, ipaddr addr, macaddr *out);
/* A static entry; 0, E_INVAL (group), E_NOMEM. */
int  arp_set(struct netif *nif, ipaddr addr, macaddr mac);
/* Removes the entries of addr on every interface; false when there is none. */
bool arp_del(struct stack *st, ipaddr addr);
/* Removes the dynamic entries of nif. */
void arp_flush(struct netif *nif);
void arp_walk(struct stack *st, bool (*fn)(void *ctx, const struct arp_info *), void *ctx);
/* Upper layers confirm that a neighbour is alive (forward progress), so that it is not asked again. */
void arp_confirm(struct netif *nif, ipaddr addr);
/* The carrier came (announce everything) or went (forget everything learnt). */
void arp_link(struct netif *nif);

/* Sends one ARP packet from nif; the sender hardware address is always nif's. */
void arp_send(struct netif *nif, u16 op, macaddr to, ipaddr spa, macaddr tha, ipaddr tpa);

/* --- claims on addresses (claim.c) --- */
bool claim_init(struct stack *st);
/* Announces an address that is ours already and probes for a conflict (RFC 5227) beside service. Nothing for a silent address. */
void arp_announce(struct netif *nif, ipaddr addr);
/* Takes leave of an address (RFC 1868). */
void arp_unarp(struct netif *nif, ipaddr addr);
/* Probes for an address that is not ours yet (RFC 5227 2.1.1, 5 to 9 s); then done(ctx, true = nobody has it). E_NOMEM. */
int  arp_probe(struct netif *nif, ipaddr addr, void (*done)(void *ctx, bool unused), void *ctx);
void arp_probe_stop(struct netif *nif, ipaddr addr);
/* A neighbour claims addr of ours: called with the claimer's MAC at most once in 10 s and address; people are told. */
void arp_on_conflict(struct stack *st, void (*fn)(struct netif *nif, ipaddr addr, macaddr by));
/* The probes beside service of addr are still out. */
bool claim_probing(struct netif *nif, ipaddr addr);
/* Looks at a valid ARP packet from a neighbour; true when it conflicts with an address of ours or one we probe for. */
bool claim_heard(struct netif *nif, const struct arp_hdr *a);

#endif
