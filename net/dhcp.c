/* dhcp.c - the life of a lease (RFC 2131).
 * SPDX-License-Identifier: MIT */
#include "dhcp.h"

void dhcp_link(struct netif *nif) { (void)nif; }
void dhcp_conflict(struct netif *nif, ipaddr addr, bool again) { (void)nif, (void)addr, (void)again; }
