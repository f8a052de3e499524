/* udp.h - UDP sockets (RFC 768), event face.
 * SPDX-License-Identifier: MIT */
#ifndef UDP_H
#define UDP_H

#include "stack.h"

struct udp_hdr { be16 sport, dport, len, cksum; };

struct udp_sock;

struct udp_from {
        ipaddr        src, dst; /* dst may be broadcast or a group */
        u16           sport;    /* host order */
        struct netif *nif;
};

bool udp_init(struct stack *st);

/* Receives one datagram (consumed by the callee): p->data is the payload, chain holds the rest. */
typedef void udp_recv_fn(struct udp_sock *us, struct pkt *p, const struct udp_from *from);

/* Opens `port` (host order; 0 = a random free one, RFC 6056) on `addr` (any() = all of ours).
 * Returns NULL when the port is taken or no socket is free. `user` is kept for the callback. */
struct udp_sock *udp_open(struct stack *st, ipaddr addr, u16 port, udp_recv_fn *recv, void *user);
void udp_close(struct udp_sock *us);
void *udp_user(const struct udp_sock *us);
u16 udp_port(const struct udp_sock *us);
struct stack *udp_stack(const struct udp_sock *us);

/* An ICMP error came for a datagram of this socket to dst:dport: E_REFUSED (port unreachable), E_MSGSIZE, else E_UNREACH. */
typedef void udp_error_fn(struct udp_sock *us, int err, ipaddr dst, u16 dport);
void udp_on_error(struct udp_sock *us, udp_error_fn *fn);

/* A packet with room for all headers in front: append the payload and udp_send it. NULL when the pool is empty. */
struct pkt *udp_alloc(struct stack *st);

/* Sends p (consumed), data = payload, to dst:dport. `src` any() = the socket's address, or chosen by route. `nif` NULL = by
 * route; given for broadcast and for an interface without address (DHCP). 0 or a negative stack_err. */
int udp_send(struct udp_sock *us, struct pkt *p, ipaddr src, ipaddr dst, u16 dport, struct netif *nif);
/* As udp_send, with a time to live (0 = default): traceroute's probes, link-local protocols. */
int udp_send_ttl(struct udp_sock *us, struct pkt *p, ipaddr src, ipaddr dst, u16 dport, struct netif *nif, u8 ttl);

/* As udp_send to a broadcast address on nif, from 0.0.0.0: a DHCP client that has no address yet. */
int udp_send_nameless(struct udp_sock *us, struct pkt *p, ipaddr dst, u16 dport, struct netif *nif);

/* Walks the open sockets for netstat: fn returns false to stop. */
void udp_walk(struct stack *st, bool (*fn)(void *ctx, ipaddr addr, u16 port), void *ctx);

#endif
