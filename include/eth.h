/* eth.h - Ethernet II frames (RFC 894) and 802.1Q tags: the destination filter and the table of ethertype handlers.
 * SPDX-License-Identifier: MIT */
#ifndef ETH_H
#define ETH_H

#include "stack.h"

struct eth_hdr { macaddr dst, src; be16 type; };
_Static_assert(sizeof(struct eth_hdr) == 14, "RFC 894");

enum { ETH_HLEN = 14, ETH_TAG = 4, ETH_HANDLERS = 8 };
enum { ETHERTYPE_IP_ = 0x0800, ETHERTYPE_ARP_ = 0x0806, ETHERTYPE_VLAN_ = 0x8100 };

/* Takes a frame (consumed) that passed the destination filter: data behind the link header, an 802.1Q tag already
 * removed; `eth` lies right in front of data and is valid until p is freed. PKT_BCAST tells a group destination. */
typedef void eth_fn(struct netif *nif, struct pkt *p, const struct eth_hdr *eth, void *user);

bool eth_init(struct stack *st);

/* Registers the handler of an ethertype (host order), NULL removes it: the raw ethertype socket. IPv4 is not in the table.
 * 0, E_INVAL for IPv4, VLAN tags and length fields (below 0x600), E_INUSE, E_NOMEM, E_NOENT. */
int eth_handler(struct stack *st, u16 type, eth_fn *fn, void *user);

/* A frame from the wire (consumed), data at the link header. */
void eth_rx(struct netif *nif, struct pkt *p);

/* Puts the link header (and the interface's VLAN tag) in front of p and sends it (consumed); `type` in host order. */
void eth_tx(struct netif *nif, struct pkt *p, macaddr dst, u16 type);

#endif
