/* ip.c - accept IPv4 datagrams (RFC 791, 1122 3.2.1): header, addresses, options, in the order of the seed's filter.
 * Not here: sending (ip_tx.c), reassembly (ip_frag.c), what is for others (ip_forward.c).
 * SPDX-License-Identifier: MIT */
#include "icmp.h"
#include "igmp.h"
#include "ip_state.h"
#include "route.h"

void ip_proto(struct stack *st, u8 proto, ip_proto_fn *fn) { st->ip->rx[proto] = fn; }

void ip_proto_error(struct stack *st, u8 proto, ip_error_fn *fn)
{
        for (u32 i = 0; i < IP_ERRORS; i++) {
                if (st->ip->err[i].fn && st->ip->err[i].proto != proto)
                        continue;
                st->ip->err[i].proto = proto;
                st->ip->err[i].fn = fn;
                return;
        }
}

COLD bool ip_error(struct stack *st, u8 type, u8 code, u16 mtu, const struct ip_hdr *quoted, const u8 *l4)
{
        for (u32 i = 0; i < IP_ERRORS; i++) {
                if (!st->ip->err[i].fn || st->ip->err[i].proto != quoted->proto)
                        continue;
                st->ip->err[i].fn(st, type, code, mtu, quoted, l4);
                return true;
        }
        return false;
}

COLD void ip_local_error(struct stack *st, const struct pkt *p, u8 type, u8 code)
{
        const struct ip_hdr *ip = (const struct ip_hdr *)p->data;
        if (st->ip->forward && p->nif && !ip_is_ours(st, ip->src)) { /* it passes through: RFC 1812 5.2.7.1 */
                icmp_error(st, p, type, code, 0);
                return;
        }
        if (p->len >= ip_hlen(ip) + 8 && !(be16_get(ip->frag) & IP_OFFSET))
                ip_error(st, type, code, 0, ip, p->data + ip_hlen(ip));
}

bool ip_is_ours(struct stack *st, ipaddr a)
{
        if (ipaddr_is_any(a))
                return false;
        for (u32 i = 0; i < st->n_nifs; i++)
                if (netif_addr_find(st->nif[i], a))
                        return true;
        return false;
}

bool ip_is_broadcast(struct netif *nif, ipaddr a)
{
        if (ipaddr_is_bcast(a))
                return true;
        /* a host part of two bits and more, all ones: seen at once in the last byte of most addresses */
        if ((a.v4.b[3] & 3) != 3)
                return false;
        for (u32 i = 0; i < NETIF_ADDRS; i++) {
                const struct ifaddr *own = &nif->addr[i];
                /* RFC 3021: a network of two hosts has no broadcast address */
                if (!ipaddr_is_any(own->addr) && own->plen < 31 && ipaddr_same_net(own->addr, a, own->plen) &&
                    (be32_raw(a.v4) | be32_raw(ipaddr_mask(own->plen).v4)) == 0xffffffffu)
                        return true;
        }
        return false;
}

u32 ip_pseudo_sum(ipaddr src, ipaddr dst, u8 proto, u16 len)
{
        u32 sum = cksum_plus(be32_raw(src.v4), be32_raw(dst.v4));
        return cksum_plus(sum, ((u32)proto << 8) + be16_raw(be16_of(len)));
}

static bool refuse(struct pkt *p, enum drop why)
{
        pkt_drop(p, why);
        return false;
}

/* RFC 1122 3.2.1.3: what can never be a sender; 240.0.0.0/4 is reserved (RFC 1112 4). */
static bool impossible_source(struct netif *nif, ipaddr src)
{
        return src.v4.b[0] >= 0xe0 || ipaddr_is_loopback(src) || ip_is_broadcast(nif, src);
}

/* Destination of this interface, then a source that may be (R87); false: dropped. *through: it is for somebody else, and this
 * machine forwards. Who forwards takes what is for any of its addresses by any interface (RFC 1812 5.2.3). */
static bool check_addresses(struct netif *nif, struct pkt *p, const struct ip_hdr *ip, bool *through)
{
        struct stack *st = nif->st;
        bool group = false;
        if (!ipaddr_is_any(ip->dst) && netif_addr_find(nif, ip->dst)) {
                if (p->flags & PKT_BCAST)
                        return refuse(p, DROP_IP_LINK_BCAST);
        } else if (ipaddr_is_mcast(ip->dst)) {
                if (!igmp_member(nif, ip->dst))
                        return refuse(p, DROP_IP_GROUP);
                group = true;
        } else if (ip_is_broadcast(nif, ip->dst)) {
                group = true;
        } else if (st->ip->forward) {
                *through = !ip_is_ours(st, ip->dst);
        } else {
                return refuse(p, ip_is_ours(st, ip->dst) ? DROP_IP_OTHER_NIF : DROP_IP_NOT_OURS);
        }
        if (ipaddr_is_any(ip->src)) {
                /* "this host on this network": only towards groups (BOOTP, IGMP queries of switches) */
                bool nameless = group && (ip->proto == IPPROTO_UDP_ || ip->proto == IPPROTO_IGMP_);
                return nameless || refuse(p, DROP_IP_SOURCE_ANY);
        }
        if (impossible_source(nif, ip->src))
                return refuse(p, DROP_IP_SOURCE);
        if (ip_is_ours(st, ip->src))
                return refuse(p, DROP_IP_LAND);
        if (group)
                return true;
        if (!route_lookup(st, ip->src))
                return refuse(p, DROP_IP_UNROUTED);
        if (*through)
                return true;
        st->ip->ok_nif = nif;
        st->ip->ok_src = ip->src;
        st->ip->ok_dst = ip->dst;
        return true;
}

/* Steps over the options (RFC 791 3.1); a source route is refused, since nothing good needs one. */
static bool check_options(struct pkt *p, const struct ip_hdr *ip)
{
        const u8 *o = (const u8 *)(ip + 1), *end = (const u8 *)ip + ip_hlen(ip);
        enum { END = 0, NOP = 1, LSRR = 131, SSRR = 137 };
        while (o < end && *o != END) {
                if (*o == NOP) {
                        o++;
                        continue;
                }
                if (end - o < 2 || o[1] < 2 || o[1] > end - o)
                        return refuse(p, DROP_IP_OPTIONS);
                if (*o == LSRR || *o == SSRR)
                        return refuse(p, DROP_IP_SOURCE_ROUTE);
                o += o[1];
        }
        return true;
}

/* Cuts p and its chain to n bytes. */
static void trim(struct pkt *p, u32 n)
{
        while (n > p->len) {
                n -= p->len;
                p = p->chain;
        }
        p->len = (u16)n;
        pkt_free(p->chain);
        p->chain = NULL;
}

static inline void deliver(struct stack *st, struct pkt *p, const struct ip_hdr *ip)
{
        ip_proto_fn *fn = st->ip->rx[ip->proto];
        if (likely(fn != NULL)) {
                fn(st, p, ip);
                return;
        }
        icmp_error(st, p, ICMP_UNREACH, ICMP_PROTO, 0);
        pkt_drop(p, DROP_IP_PROTO);
}

void ip_deliver(struct stack *st, struct pkt *p, const struct ip_hdr *ip) { deliver(st, p, ip); }

/* Every check, in order; false: dropped with its reason. */
static bool check(struct netif *nif, struct pkt *p, bool *through)
{
        const struct ip_hdr *ip = (const struct ip_hdr *)p->data;
        if (p->len < IP_HLEN)
                return refuse(p, DROP_IP_SHORT);
        if (ip->vhl >> 4 != 4)
                return refuse(p, DROP_IP_VERSION);
        u32 hlen = ip_hlen(ip), len = be16_get(ip->len), have = pkt_total(p);
        if (hlen < IP_HLEN || hlen > p->len)
                return refuse(p, DROP_IP_HLEN);
        if (len < hlen)
                return refuse(p, DROP_IP_LENGTH);
        if (len > have)
                return refuse(p, DROP_IP_TRUNCATED);
        if (cksum_fold(cksum_add(0, ip, hlen)) != 0xffff)
                return refuse(p, DROP_IP_CKSUM);
        if (len < have)
                trim(p, len);
        return check_addresses(nif, p, ip, through) && (hlen == IP_HLEN || check_options(p, ip));
}

static COLD void rx_unusual(struct netif *nif, struct pkt *p)
{
        bool through = false;
        if (nif->st->ip->forward && ip_forward_again(nif, p))
                return;
        if (!check(nif, p, &through))
                return;
        if (through) {
                ip_forward(nif, p);
                return;
        }
        const struct ip_hdr *ip = (const struct ip_hdr *)p->data;
        p->l3 = (u16)(p->data - p->head);
        p->l4 = (u16)(p->l3 + ip_hlen(ip));
        pkt_pull(p, ip_hlen(ip));
        if (be16_get(ip->frag) & (IP_MF | IP_OFFSET)) {
                p = ip_reass(nif->st, p, ip);
                if (!p)
                        return;
                ip = (const struct ip_hdr *)(p->head + p->l3);
        }
        ip_deliver(nif->st, p, ip);
}

/* The straight line: a plain unicast datagram between the addresses that passed last. Anything else takes the long way, which
 * finds the reason. */
void ip_rx(struct netif *nif, struct pkt *p)
{
        const struct ip_state *is = nif->st->ip;
        const struct ip_hdr *ip = (const struct ip_hdr *)p->data;
        if (unlikely(p->len < IP_HLEN || ip->vhl != 0x45 || p->chain || p->flags & PKT_BCAST || nif != is->ok_nif ||
                     !ipaddr_eq(ip->src, is->ok_src) || !ipaddr_eq(ip->dst, is->ok_dst) ||
                     be16_raw(ip->frag) & be16_raw(be16_of(IP_MF | IP_OFFSET)))) {
                rx_unusual(nif, p);
                return;
        }
        u32 len = be16_get(ip->len);
        if (unlikely(len - IP_HLEN > (u32)p->len - IP_HLEN || ip_sum20(ip) != 0xffff)) {
                rx_unusual(nif, p);
                return;
        }
        p->len = (u16)(len - IP_HLEN);
        p->l3 = (u16)(p->data - p->head);
        p->l4 = (u16)(p->l3 + IP_HLEN);
        p->data += IP_HLEN;
        deliver(nif->st, p, ip);
}
