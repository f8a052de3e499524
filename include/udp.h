/* udp.h - UDP sockets (RFC 768), event face.
 * SPDX-License-Identifier: MIT */
#ifndef UDP_H
#define UDP_H

#include "stack.h"

struct udp_sock;

struct udp_from {
        ipaddr        src, dst; /* dst may be broadcast or a group */
        u16           sport;    /* host order */
        struct netif *nif;
};

/* Receives one datagram (consumed by the callee): p->data is the payload, chain holds the rest. */
typedef void udp_recv_fn(struct udp_sock *us, struct pkt *p, const struct udp_from *from);

/* Opens `port` (host order; 0 = a random free one, RFC 6056) on `addr` (any() = all of ours).
 * Returns NULL when the port is taken or no socket is free. `user` is kept for the callback. */
struct udp_sock *udp_open(struct stack *st, ipaddr addr, u16 port, udp_recv_fn *recv, void *user);
void udp_close(struct udp_sock *us);
void *udp_user(const struct udp_sock *us);
u16 udp_port(const struct udp_sock *us);
struct stack *udp_stack(const struct udp_sock *us);

/* A packet with room for all headers in front: append the payload and udp_send it. NULL when the pool is empty. */
struct pkt *udp_alloc(struct stack *st);

/* Sends p (consumed), data = payload, to dst:dport. `src` any() = chosen by route. `nif` NULL = by route; given for
 * broadcast and for an interface without address (DHCP). 0 or a negative stack_err. */
int udp_send(struct udp_sock *us, struct pkt *p, ipaddr src, ipaddr dst, u16 dport, struct netif *nif);

#endif
