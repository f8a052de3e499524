/* dhcp_state.h - what dhcp.c, dhcp_lease.c, dhcp_rx.c, dhcp_msg.c and linklocal.c share.
 * SPDX-License-Identifier: MIT */
#ifndef DHCP_STATE_H
#define DHCP_STATE_H

#include "dhcp.h"
#include "udp.h"

enum { DHCP_SERVER_PORT = 67, DHCP_CLIENT_PORT = 68 };
enum dhcp_type { DHCPDISCOVER = 1, DHCPOFFER, DHCPREQUEST, DHCPDECLINE, DHCPACK, DHCPNAK, DHCPRELEASE };

/* What a message tells us; zero = not told. */
struct dhcp_opts {
        u8     type, plen;
        ipaddr server, router, dns[DHCP_DNS];
        u8     n_dns;
        u32    lease_s, t1_s, t2_s;
        char   domain[64];
};

enum linklocal_phase { LL_OFF, LL_WAITING, LL_PROBING, LL_BOUND };
struct linklocal {
        struct timer  timer;
        struct netif *nif;
        ipaddr        addr;
        u8            phase;     /* enum linklocal_phase */
        u8            conflicts;
        bool          asked;     /* by linklocal_start, not as DHCP's fallback: a lease does not end it */
        u32           tried;     /* addresses tried, the seed of the next */
};

/* One client per interface. addr any() = no lease. */
struct dhcp {
        struct timer     timer;
        struct netif    *nif;
        const char      *hostname;
        enum dhcp_phase  phase;
        bool             rebooting;  /* REQUESTING what we still hold (RFC 2131 3.2) */
        u8               tries;
        u32              xid;
        u32              start_s;    /* when this attempt began */
        u32              bound_s;    /* when the lease began: at the request that was acknowledged */
        u32              asked_s;
        ipaddr           offered, server;
        ipaddr           addr;       /* the lease, in the interface */
        u8               plen;
        struct dhcp_opts got;        /* of the last acknowledgement */
        struct linklocal ll;
};

struct dhcp_state {
        struct udp_sock *sock;
        struct dhcp     *client[STACK_NIFS];
};

/* Seconds of the stack's clock; never wraps in practice. */
static inline u32 dhcp_now_s(const struct stack *st) { return (u32)(st->now_us / 1000000); }

/* The client of an interface, made when it is first asked for (phase DHCP_OFF); NULL when there is no memory. */
struct dhcp *dhcp_of(struct netif *nif);

/* dhcp_lease.c */
enum { DHCP_DECLINE_WAIT_MS = 10000 };                                  /* RFC 2131 3.1 5. */
#define DHCP_FOREVER 0xffffffffu                                        /* a lease_s without end */
void dhcp_select(struct dhcp *d, u32 delay_ms);                         /* begins with DISCOVER */
bool dhcp_bind(struct dhcp *d, const struct dhcp_opts *o);              /* uses or prolongs the acknowledged lease; false: the interface cannot */
void dhcp_unbind(struct dhcp *d);                                       /* takes the address back */
void dhcp_lost(struct dhcp *d, const char *why, u32 delay_ms);          /* says so, and begins again */
void dhcp_fire(struct timer *t);

/* dhcp_rx.c: any message to the client's port. */
void dhcp_rx(struct udp_sock *us, struct pkt *p, const struct udp_from *from);

/* Builds and sends a message of this type for the client's phase. */
void dhcp_send(struct dhcp *d, enum dhcp_type type);
/* Reads a message (payload at p->data); false: dropped. *yiaddr is the address given. */
bool dhcp_parse(const struct dhcp *d, struct pkt *p, struct dhcp_opts *o, ipaddr *yiaddr);

/* Takes an address from 169.254/16 after `delay_ms`, unless stopped before; stop gives it up. */
void ll_start(struct linklocal *ll, struct netif *nif, u32 delay_ms);
void ll_stop(struct linklocal *ll);
void ll_conflict(struct linklocal *ll);

#endif
