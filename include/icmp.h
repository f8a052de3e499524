/* icmp.h - ICMP (RFC 792, 1122 3.2.2, 1191): echo, errors sent with a rate limit, errors obeyed.
 * SPDX-License-Identifier: MIT */
#ifndef ICMP_H
#define ICMP_H

#include "ip.h"

struct icmp_hdr { u8 type, code; be16 cksum; be16 id, seq; /* echo; else unused and, in "fragmentation needed", MTU */ };
_Static_assert(sizeof(struct icmp_hdr) == 8, "RFC 792");

enum { ICMP_ECHO_REPLY = 0, ICMP_UNREACH = 3, ICMP_QUENCH = 4, ICMP_REDIRECT = 5, ICMP_ECHO = 8, ICMP_TIME_EXCEEDED = 11, ICMP_PARAM = 12 };
enum { ICMP_NET = 0, ICMP_HOST = 1, ICMP_PROTO = 2, ICMP_PORT = 3, ICMP_FRAG_NEEDED = 4, ICMP_ADMIN = 13 };
/* Those that quote a datagram and are obeyed. */
static inline bool icmp_is_error(u8 type) { return type == ICMP_UNREACH || type == ICMP_TIME_EXCEEDED || type == ICMP_PARAM; }

enum { ICMP_ERRORS_PER_S = 100, ICMP_ERRORS_BURST = 50 }; /* sent, in all (RFC 1812 4.3.2.8) */

bool icmp_init(struct stack *st);

/* Sends an error that quotes `orig` (not consumed; l3 set) unless RFC 1122 3.2.2 forbids it or the rate limit does. */
void icmp_error(struct stack *st, const struct pkt *orig, u8 type, u8 code, u16 mtu);

/* Sends one echo request with n (at most ICMP_PING_MAX) bytes of data; ttl 0 = 64. 0 or negative stack_err. */
enum { ICMP_PING_MAX = 1472 };
int icmp_ping(struct stack *st, ipaddr dst, u16 id, u16 seq, const void *data, u16 n, u8 ttl);

/* Replies to our echo requests, and errors that quote them or our UDP probes (traceroute): `from` sent it. type as above.
 * Of a reply: dst is our address, n the bytes of data, ttl as it arrived. Of an error: dst is where the quoted datagram went;
 * id and seq are the quoted echo's, or the quoted UDP source and destination port; n = 0. One listener; fn NULL ends it. */
struct icmp_event { ipaddr from, dst; u8 type, code, ttl; u16 id, seq, n; };
void icmp_on_event(struct stack *st, void (*fn)(void *ctx, const struct icmp_event *), void *ctx);

/* Errors that quote a datagram from an address of ours are shown to fn first, which may take them (true: p is consumed): of
 * connections that live elsewhere. p's data is at the ICMP header, n (at least 8) bytes are behind the quoted one. NULL ends it. */
typedef bool icmp_quote_fn(void *ctx, struct pkt *p, const struct ip_hdr *ip, const struct ip_hdr *quoted, u32 n);
void icmp_on_quote(struct stack *st, icmp_quote_fn *fn, void *ctx);

#endif
