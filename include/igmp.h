/* igmp.h - membership in IPv4 multicast groups (RFC 1112, 2236, 3376), host side.
 * SPDX-License-Identifier: MIT */
#ifndef IGMP_H
#define IGMP_H

#include "stack.h"

enum { IGMP_GROUPS = 32 }; /* (interface, group) pairs in all */

bool igmp_init(struct stack *st);

/* Joins or leaves a group on nif; joins are counted. 0, E_INVAL (no multicast address), E_NOMEM, E_NOENT. */
int igmp_join(struct netif *nif, ipaddr group);
int igmp_leave(struct netif *nif, ipaddr group);

/* Datagrams to this group are received on nif (224.0.0.1 always). */
bool igmp_member(struct netif *nif, ipaddr group);

/* The Ethernet group of an IPv4 group (RFC 1112 6.4): 01:00:5e and its lower 23 bits. */
macaddr igmp_mac(ipaddr group);

/* The interface is new, or its carrier came or went: memberships are reported again. */
void igmp_link(struct netif *nif);

#endif
