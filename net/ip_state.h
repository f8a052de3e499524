/* ip_state.h - what the files of IP share, and nobody else sees.
 * SPDX-License-Identifier: MIT */
#ifndef IP_STATE_H
#define IP_STATE_H

#include "cksum.h"
#include "ip.h"
#include "mem.h"
#include "tcp/hdr.h"

enum { IP_HLEN = 20, IP_RA_LEN = 4 };
enum { IP_DSTS = 16, IP_IDS = 256, IP_ERRORS = 8 };

/* How a destination is reached. */
enum ip_kind { IP_UNICAST, IP_BROADCAST, IP_MULTICAST, IP_OURS };
struct ip_dst {
        ipaddr dst;
        bool valid;
        u8 kind;
        u16 hop, hop_gen; /* of ip_way_back: what it says to everybody behind path.nif, good while hop_gen is the stack's; 0: it was not asked */
        struct ip_path path;
};

struct reass;

struct ip_state {
        ip_proto_fn   *rx[256];
        struct { u8 proto; ip_error_fn *fn; } err[IP_ERRORS];
        /* the last interface, source and destination that passed every address check of unicast */
        struct netif  *ok_nif;
        ipaddr         ok_src, ok_dst;
        /* sending */
        u32            mul;            /* secret odd multiplier of dst's hash */
        u16            id[IP_IDS];     /* counters by keyed hash: not predictable from another destination (RFC 7739 5.3) */
        struct ip_dst  dsts[IP_DSTS];  /* recent answers of the routing table */
        /* to ourselves */
        struct pktq    loop;
        struct timer   loop_timer;
        struct stack  *st;
        /* between interfaces */
        bool           forward;
        u32            n_forwarded;
        struct { struct netif *nif; ipaddr src, dst; } passed[IP_DSTS]; /* who passed every check of addresses recently */
        ip_passing_fn *passing;
        void          *passing_ctx;
        /* reassembly */
        struct reass  *reass;
        u32            n_held, max_held; /* buffers in reassembly */
};

/* Word i at `at`, four bytes as they lie. */
static inline u32 ip_word(const void *at, u32 i)
{
        u32 w;
        __builtin_memcpy(&w, (const u8 *)at + 4 * i, 4);
        return w;
}

static inline void ip_put_word(void *at, u32 i, u32 w) { __builtin_memcpy((u8 *)at + 4 * i, &w, 4); }

/* One's complement sum of a header without options. */
static inline u16 ip_sum20(const struct ip_hdr *ip)
{
        u32 s = cksum_plus(ip_word(ip, 0), ip_word(ip, 1));
        s = cksum_plus(s, ip_word(ip, 2));
        s = cksum_plus(s, ip_word(ip, 3));
        return cksum_fold(cksum_plus(s, ip_word(ip, 4)));
}

static inline u32 ip_hlen(const struct ip_hdr *ip) { return (ip->vhl & 15u) * 4; }

static inline void ip_set_cksum(struct ip_hdr *ip)
{
        ip->cksum = be16_from_raw(0);
        ip->cksum = be16_from_raw((u16)~cksum_fold(cksum_add(0, ip, ip_hlen(ip))));
}

/* RFC 1624: the sum of a header whose TTL goes down by one. */
static inline void ip_one_hop_less(struct ip_hdr *ip)
{
        u16 sum;
        __builtin_memcpy(&sum, &ip->cksum, 2);
        ip->ttl--;
        sum = cksum_fold(cksum_plus(sum, 1));
        __builtin_memcpy(&ip->cksum, &sum, 2);
}

/* p (data at the IP header) came from a neighbour and goes on: what never was on a wire has no sum of TCP or UDP yet. */
static inline void ip_sum_due(struct pkt *p, const struct ip_hdr *ip)
{
        if (p->flags & PKT_CSUM_PARTIAL) {
                p->flags |= PKT_CSUM_TODO;
                p->csum_start = (u16)ip_hlen(ip);
                p->csum_off = ip->proto == IPPROTO_TCP_ ? offsetof(struct tcp_hdr, cksum) : 6 /* RFC 768 */;
        }
        p->flags &= PKT_CSUM_TODO;
}

static inline u32 ip_total(const struct pkt *p) { return unlikely(p->chain || p->nfrag) ? pkt_total(p) : p->len; }

/* A device made one of several segments: no single one could have come by this interface. */
static inline bool ip_is_joined(const struct pkt *p, u32 total)
{
        return total > p->nif->mtu && ((const struct ip_hdr *)p->data)->proto == IPPROTO_TCP_;
}

/* --- ip_forward.c --- */
/* The short way of a plain datagram between addresses that passed lately; false: nothing was changed. */
bool ip_forward_again(struct netif *nif, struct pkt *p);
void ip_forward(struct netif *nif, struct pkt *p);      /* valid, for somebody else; consumed, data at the IP header */
/* Forwarding in two steps, for who changes the packet between them: *d is its way, and it fits (at most `most` bytes; false: it
 * was dropped, its sender told); then it goes. */
bool ip_pass_way(struct stack *st, struct pkt *p, u32 most, struct ip_dst *d);
void ip_pass_on(struct stack *st, struct pkt *p, u32 most, struct ip_dst *d);

/* p (data at the IP header), with at least `need` bytes in front of it: where a driver left less, its headers move to another
 * buffer. NULL: there is none, p was freed. ip_link_room: what the link header takes. */
struct pkt *ip_with_room(struct stack *st, struct pkt *p, u32 need);
static inline u32 ip_link_room(const struct netif *nif) { return nif->caps & NETIF_L3 ? 0 : nif->vlan ? 18 : 14; }

/* --- ip_joined.c --- */
/* Cuts p (consumed, data at the IP header), TCP, into datagrams of at most room bytes, each handed to out. */
void ip_cut_joined(struct stack *st, struct pkt *p, u32 room, void (*out)(void *ctx, struct pkt *p), void *ctx);
u16  ip_joined_size(const struct pkt *p, u32 room);     /* text of each, for a device that cuts (pkt->gso) */

/* --- ip_path.c --- */
bool ip_resolve(struct stack *st, ipaddr dst, struct ip_dst *d); /* by the routing table; false: there is no way */
/* The same without the cache; on a given interface unless nif is NULL. */
bool ip_resolve_on(struct stack *st, ipaddr dst, struct netif *nif, struct ip_dst *d);
/* Fills *d, its place in the cache; NULL: there is no way. */
const struct ip_dst *ip_dst_refill(struct stack *st, ipaddr dst, struct ip_dst *d);

static inline u32 ip_dst_hash(const struct ip_state *is, ipaddr dst) { return be32_raw(dst.v4) * is->mul; }

/* The way to dst out of the cache, which learns it; NULL: there is none. */
static inline const struct ip_dst *ip_dst_of(struct stack *st, ipaddr dst)
{
        struct ip_dst *d = &st->ip->dsts[ip_dst_hash(st->ip, dst) >> 28];
        return likely(d->valid && ipaddr_eq(d->dst, dst) && d->path.nif->up) ? d : ip_dst_refill(st, dst, d);
}

/* --- ip_loop.c --- */
void ip_loop_init(struct ip_state *is);
/* p (consumed, data at the IP header) comes in again at the end of the batch, by nif. 0, E_NOMEM. */
int ip_loop_put(struct stack *st, struct pkt *p, struct netif *nif);

/* --- ip_frag.c --- */
bool reass_init(struct stack *st);
/* Takes a valid fragment (consumed), data behind its header. The whole datagram, when this was the last piece, with its header
 * (len and frag as if it had come whole) at head + l3, else NULL. */
struct pkt *ip_reass(struct stack *st, struct pkt *p, const struct ip_hdr *ip);

/* --- ip_tx.c --- */
/* Cuts a datagram (consumed, header at data) that does not fit and sends the pieces. 0, E_MSGSIZE, E_NOMEM. */
int ip_cut(struct stack *st, struct pkt *p, const struct ip_dst *d);
void ip_link_tx(struct pkt *p, const struct ip_dst *d);

#endif
