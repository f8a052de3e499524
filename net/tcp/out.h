/* out.h - the end of the straight lines out: IP's and the link's header in front of a finished TCP header, and away.
 * SPDX-License-Identifier: MIT */
#ifndef TCP_OUT_H
#define TCP_OUT_H

#include "arp.h"
#include "cksum.h"
#include "engine.h"
#include "eth.h"

/* h is p's TCP header, `total` the bytes of the datagram, tos_ttl IP's TOS << 8 | TTL; hop is a number of st->hop or HOP_NO_LINK.
 * Datagrams that may not be fragmented need no number of their own (RFC 6864 4.1): it is taken from the sequence numbers, so that
 * it tells nobody how busy we are. */
static inline void tcp_out(struct netif *nif, struct pkt *p, const u32_any *h, u32 total, u32 tos_ttl, u32 laddr, u32 raddr,
                           u32 hop)
{
        struct stack *st = nif->st;
        u32_any *ip = pkt_push(p, sizeof(struct ip_hdr));
        u32 w0 = 0x45 | (tos_ttl & 0xff00) | __builtin_bswap32(total), w1 = (h[1] ^ h[2]) >> 16 | 0x400000,
            w2 = (tos_ttl & 0xff) | IPPROTO_TCP_ << 8, l2 = 0;
        u32 sum = cksum_plus(cksum_plus(w0, w1), cksum_plus(w2, cksum_plus(laddr, raddr)));
        ip[0] = w0;
        ip[1] = w1;
        ip[2] = w2 | (u32)(u16)~cksum_fold(sum) << 16;
        ip[3] = laddr;
        ip[4] = raddr;
        if (hop != HOP_NO_LINK) {
                struct hop *to = &st->hop[hop];
                __builtin_memcpy(pkt_push(p, ETH_HLEN), &to->dst, ETH_HLEN);
                to->used_ms = st->wheel.now_ms;
                to->used = true;
                l2 = ETH_HLEN;
        }
        if (unlikely(st->tap || !nif->link || (p->flags & PKT_CSUM_TODO) || (p->nfrag && !(nif->caps & NETIF_SG)))) {
                p->csum_start = (u16)(l2 + sizeof(struct ip_hdr));
                nif_xmit(nif, p);
                return;
        }
        nif->count.tx_packets++;
        nif->count.tx_bytes += total + l2;
        nif->xmit(nif, p);
}

#endif
