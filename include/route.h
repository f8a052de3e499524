/* route.h - the routing table: longest prefix first.
 * SPDX-License-Identifier: MIT */
#ifndef ROUTE_H
#define ROUTE_H

#include "stack.h"

struct route { ipaddr net; u8 plen; ipaddr via; struct netif *nif; u8 origin; /* enum ifaddr_origin, or ROUTE_CONNECTED */ };
enum { ROUTE_CONNECTED = 16 };

/* via any() = directly connected. nif NULL = the interface whose network holds `via`. 0, E_EXIST, E_NOMEM, E_NOROUTE. */
int route_add(struct stack *st, ipaddr net, u8 plen, ipaddr via, struct netif *nif, u8 origin);
int route_del(struct stack *st, ipaddr net, u8 plen, ipaddr via);
/* Removes every route of this interface and origin. */
void route_flush(struct netif *nif, u8 origin);
const struct route *route_lookup(struct stack *st, ipaddr dst);
void route_walk(struct stack *st, bool (*fn)(void *ctx, const struct route *), void *ctx);

#endif
