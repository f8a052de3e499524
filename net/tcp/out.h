/* out.h - the end of the straight lines out: IP's and the link's header in front of a finished TCP header, and away.
 * SPDX-License-Identifier: MIT */
#ifndef TCP_OUT_H
#define TCP_OUT_H

#include "arp.h"
#include "cksum.h"
#include "engine.h"
#include "eth.h"

/* The words of a header of n bytes. */
static inline u32 tcp_sum_header(u32 sum, const u32_any *h, u32 n)
{
        switch (n >> 2) {
        case 15: sum = cksum_plus(sum, h[14]); /* fall through */
        case 14: sum = cksum_plus(sum, h[13]); /* fall through */
        case 13: sum = cksum_plus(sum, h[12]); /* fall through */
        case 12: sum = cksum_plus(sum, h[11]); /* fall through */
        case 11: sum = cksum_plus(sum, h[10]); /* fall through */
        case 10: sum = cksum_plus(sum, h[9]); /* fall through */
        case 9: sum = cksum_plus(sum, h[8]); /* fall through */
        case 8: sum = cksum_plus(sum, h[7]); /* fall through */
        case 7: sum = cksum_plus(sum, h[6]); /* fall through */
        case 6: sum = cksum_plus(sum, h[5]);
        }
        sum = cksum_plus(cksum_plus(sum, h[4]), cksum_plus(h[3], h[2]));
        return cksum_plus(sum, cksum_plus(h[1], h[0]));
}

/* p begins with TCP's header. `total` are the bytes of the datagram, tos_ttl IP's TOS << 8 | TTL, w1 its word of number and DF; hop is a
 * number of st->hop or HOP_NO_LINK. Datagrams that may not be fragmented need no number of their own (RFC 6864 4.1): it tells nobody how
 * busy we are. */
static inline void tcp_out(struct netif *nif, struct pkt *p, u32 w1, u32 total, u32 tos_ttl, u32 laddr, u32 raddr,
                           u32 hop)
{
        struct stack *st = nif->st;
        u32_any *ip = pkt_push(p, sizeof(struct ip_hdr));
        u32 w0 = 0x45 | (tos_ttl & 0xff00) | be(total), w2 = (tos_ttl & 0xff) | IPPROTO_TCP_ << 8, l2 = 0;
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
