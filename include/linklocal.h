/* linklocal.h - an address out of 169.254/16, claimed by ourselves (RFC 3927).
 * SPDX-License-Identifier: MIT */
#ifndef LINKLOCAL_H
#define LINKLOCAL_H

#include "stack.h"

/* Claims a link-local address on nif and defends it; the DHCP client does so by itself when nobody answers. 0 or negative. */
int  linklocal_start(struct netif *nif);
void linklocal_stop(struct netif *nif);
/* linklocal_start was asked for (not: by DHCP as a fallback). */
bool linklocal_on(const struct netif *nif);

#endif
