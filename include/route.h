/* route.h - the routing table: longest prefix first.
 * SPDX-License-Identifier: MIT */
#ifndef ROUTE_H
#define ROUTE_H

#include "stack.h"

struct route { ipaddr net; u8 plen; ipaddr via; struct netif *nif; u8 origin; /* enum ifaddr_origin, or ROUTE_CONNECTED */ };
enum { ROUTE_CONNECTED = 16 };

bool route_init(struct stack *st);

/* via any() = directly connected. nif NULL = the interface whose network holds `via`. 0, E_EXIST (same network, next hop and
 * interface), E_NOMEM, E_NOROUTE, E_INVAL (bits beyond plen, plen > 32, neither via nor nif). Of equal prefixes the order is
 * connected, static, DHCP, link-local; then the older one. */
int route_add(struct stack *st, ipaddr net, u8 plen, ipaddr via, struct netif *nif, u8 origin);
/* Removes the first such route: 0 or E_NOENT. */
int route_del(struct stack *st, ipaddr net, u8 plen, ipaddr via);
/* The same on one interface: two may be in one network. */
int route_del_on(struct netif *nif, ipaddr net, u8 plen, ipaddr via);
/* Removes every route of this interface and origin. */
void route_flush(struct netif *nif, u8 origin);
/* The best route whose interface is administratively up, or NULL; valid until the table changes. */
const struct route *route_lookup(struct stack *st, ipaddr dst);
/* The best route to dst that leaves by nif, or NULL. */
const struct route *route_lookup_on(struct netif *nif, ipaddr dst);
void route_walk(struct stack *st, bool (*fn)(void *ctx, const struct route *), void *ctx);

#endif
