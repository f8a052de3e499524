/* addr.h - network and link addresses. `ipaddr` is the one address type of the whole stack, so that
 * IPv6 can come by widening it here; nothing outside looks inside except net/ip and its wire headers.
 * SPDX-License-Identifier: MIT */
#ifndef ADDR_H
#define ADDR_H

#include "be.h"

typedef struct { be32 v4; } ipaddr;
typedef struct { u8 b[6]; } macaddr;

#define IPADDR(a, b, c, d) (__extension__ (ipaddr){{{(a), (b), (c), (d)}}})
#define IPADDR_ANY  IPADDR(0, 0, 0, 0)
#define IPADDR_BCAST IPADDR(255, 255, 255, 255)

static inline bool ipaddr_eq(ipaddr a, ipaddr b) { return be32_eq(a.v4, b.v4); }
static inline bool ipaddr_is_any(ipaddr a) { return be32_raw(a.v4) == 0; }
/* 224.0.0.0/4 (RFC 1112) */
static inline bool ipaddr_is_mcast(ipaddr a) { return (a.v4.b[0] & 0xf0) == 0xe0; }
static inline bool ipaddr_is_bcast(ipaddr a) { return be32_raw(a.v4) == 0xffffffffu; }
static inline bool ipaddr_is_loopback(ipaddr a) { return a.v4.b[0] == 127; }

/* The netmask of a prefix length 0..32. */
static inline ipaddr ipaddr_mask(unsigned plen)
{
        ipaddr mask = {be32_of(plen ? 0xffffffffu << (32 - plen) : 0)};
        return mask;
}

/* a and b are in the same network of `plen` bits. */
static inline bool ipaddr_same_net(ipaddr a, ipaddr b, unsigned plen)
{
        return ((be32_raw(a.v4) ^ be32_raw(b.v4)) & be32_raw(ipaddr_mask(plen).v4)) == 0;
}

static inline bool mac_eq(macaddr a, macaddr b) { return __builtin_memcmp(a.b, b.b, 6) == 0; }
static inline bool mac_is_group(macaddr a) { return a.b[0] & 1; }
#define MAC_BCAST (__extension__ (macaddr){{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}})

#endif
