/* ip.h - IPv4 (RFC 791): wire header, protocol handlers, sending.
 * SPDX-License-Identifier: MIT */
#ifndef IP_H
#define IP_H

#include "stack.h"

struct ip_hdr {
        u8     vhl;   /* version << 4 | header words */
        u8     tos;
        be16   len;   /* header and payload */
        be16   id;
        be16   frag;  /* flags and offset / 8 */
        u8     ttl;
        u8     proto;
        be16   cksum;
        ipaddr src, dst;
};
_Static_assert(sizeof(struct ip_hdr) == 20, "RFC 791 3.1");

enum { IP_DF = 0x4000, IP_MF = 0x2000, IP_OFFSET = 0x1fff };
enum { IPPROTO_ICMP_ = 1, IPPROTO_IGMP_ = 2, IPPROTO_IPIP_ = 4, IPPROTO_TCP_ = 6, IPPROTO_UDP_ = 17 };

/* Takes a datagram (consumed) for one of our addresses: p->data at the transport header, trimmed to the IP length,
 * p->l3 and p->l4 set, header valid; `ip` stays readable until p is freed. */
typedef void ip_proto_fn(struct stack *st, struct pkt *p, const struct ip_hdr *ip);

bool ip_init(struct stack *st);

/* Registers the handler for an IP protocol number; NULL removes it. */
void ip_proto(struct stack *st, u8 proto, ip_proto_fn *fn);

/* An ICMP error that quotes a datagram of ours: type, code, next-hop MTU (type 3 code 4, else 0), and the quoted header
 * with at least 8 bytes of transport header behind it. Registered per protocol. */
typedef void ip_error_fn(struct stack *st, u8 type, u8 code, u16 mtu, const struct ip_hdr *quoted, const u8 *l4);
void ip_proto_error(struct stack *st, u8 proto, ip_error_fn *fn);

struct ip_opts {
        u8            ttl;   /* 0 = 64, to a group 1 */
        u8            tos;   /* DSCP << 2 | ECN */
        bool          df;
        struct netif *nif;   /* NULL = by route */
        bool          router_alert; /* RFC 2113, for IGMP */
        bool          nameless;     /* the source stays 0.0.0.0 (DHCP, RFC 1122 3.2.1.3) */
};

/* Sends p (consumed), data at the transport header, with headroom for IP and link headers. `src` any() = chosen by route.
 * PKT_CSUM_TODO offsets are relative to data on entry. Fragments when too large and !df. 0 or negative stack_err. */
int ip_tx(struct stack *st, struct pkt *p, ipaddr src, ipaddr dst, u8 proto, const struct ip_opts *opts);

/* Where a datagram to dst leaves: interface, next hop, our source address; false when there is no route. */
struct ip_path { struct netif *nif; ipaddr hop, src; };
bool ip_route(struct stack *st, ipaddr dst, struct ip_path *out);

/* For who sends often: the number of the ready link header (arp.h) from src, an address of nif, to dst by nif; HOP_UNKNOWN
 * while there is none. */
u16 ip_hop(struct stack *st, ipaddr src, ipaddr dst, const struct netif *nif);

/* The same for the answer to a unicast datagram that came in by nif from dst to src. HOP_UNKNOWN, too, where dst can be no sender,
 * src is no address of nif, or the way back is another one. Remembered beside the route: a few compares. */
u16 ip_way_back(struct netif *nif, ipaddr src, ipaddr dst);
void ip_forget_hops(struct stack *st); /* called by stack_hops_changed when hop_gen begins anew */

/* The address is one of ours on any interface / may be a source of unicast traffic / is a broadcast on nif. */
bool ip_is_ours(struct stack *st, ipaddr a);
bool ip_is_broadcast(struct netif *nif, ipaddr a);

/* Sum of the pseudo header (RFC 9293 3.1, RFC 768), len in host order, as a partial sum of cksum.h. */
u32 ip_pseudo_sum(ipaddr src, ipaddr dst, u8 proto, u16 len);

/* A datagram from the wire (consumed), data at the IP header. */
void ip_rx(struct netif *nif, struct pkt *p);

/* Hands p (data at the transport header, l3 set) to the handler of its protocol. */
void ip_deliver(struct stack *st, struct pkt *p, const struct ip_hdr *ip);

/* Forwards what is for others (off at first), and takes what is for any address of ours by any interface (RFC 1812). */
void ip_forwarding(struct stack *st, bool on);
bool ip_forwards(const struct stack *st);
u32  ip_forwarded(const struct stack *st);      /* packets, modulo 2^32 */
/* Datagrams that pass through, TCP whole, p's data at the IP header, l3 and l4 set: true = p is consumed. One; NULL ends it. */
typedef bool ip_passing_fn(void *ctx, struct pkt *p, struct ip_hdr *ip);
void ip_on_passing(struct stack *st, ip_passing_fn *fn, void *ctx);

/* Tells the sender of p (not consumed, data at the IP header) of an error found here: as if by ICMP, or by it if p passes through. */
void ip_local_error(struct stack *st, const struct pkt *p, u8 type, u8 code);

/* Tells the handler of a protocol of an ICMP error; false when there is none. */
bool ip_error(struct stack *st, u8 type, u8 code, u16 mtu, const struct ip_hdr *quoted, const u8 *l4);

/* Addresses or routes changed: forget what was derived from them. */
void ip_forget(struct stack *st);

/* Delivers what was sent to our own addresses; true when there was something. stack_batch_end calls it. */
bool ip_batch_end(struct stack *st);

#endif
