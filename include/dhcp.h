/* dhcp.h - DHCP client (RFC 2131, 2132): the whole lease life; link-local fallback (RFC 3927).
 * SPDX-License-Identifier: MIT */
#ifndef DHCP_H
#define DHCP_H

#include "stack.h"

enum { DHCP_DNS = 3 };
enum dhcp_phase { DHCP_OFF, DHCP_SELECTING, DHCP_REQUESTING, DHCP_CHECKING, DHCP_BOUND, DHCP_RENEWING, DHCP_REBINDING, DHCP_LINK_LOCAL };

struct dhcp_info {
        enum dhcp_phase phase;
        ipaddr addr, server, router, dns[DHCP_DNS];
        u8     plen;
        u32    lease_s, left_s;
        char   domain[64];
};

struct dhcp;

/* Starts the client on nif; `hostname` (may be NULL) is sent and must outlive it. Memory comes from stack_alloc the first time. 0 or negative. */
int  dhcp_start(struct netif *nif, const char *hostname);
/* Releases the lease (DHCPRELEASE) and removes address and routes. */
void dhcp_stop(struct netif *nif);
/* Asks at once for a renewal. */
void dhcp_renew(struct netif *nif);
bool dhcp_status(const struct netif *nif, struct dhcp_info *out);
const char *dhcp_phase_name(enum dhcp_phase);

/* The carrier came (the old lease is verified, RFC 2131 3.2) or went. */
void dhcp_link(struct netif *nif);
/* A neighbour uses a dynamic address of nif; `again`: the second time within 10 s. The lease is declined while it is being
 * checked or when defending did not help; a link-local address is replaced. */
void dhcp_conflict(struct netif *nif, ipaddr addr, bool again);

#endif
