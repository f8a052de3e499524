/* unpredicted.c - the straight line of what no prediction covers but every connection has: its SYN. One segment that is nothing but
 * a header, for whoever it is; its sum is looked at here. Not here: what is unusual about any of them, which eth_rx, ip_rx and
 * tcp_rx find out one by one. SPDX-License-Identifier: MIT */
#include "cksum.h"
#include "engine.h"
#include "eth.h"

/* MUST-3 for n bytes of header, n a multiple of 4. */
static inline bool sum_right(const u32_any *ip, const u32_any *h, u32 n)
{
        u32 sum = cksum_plus(cksum_plus(ip[3], ip[4]), __builtin_bswap32(n) + (IPPROTO_TCP_ << 8));
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
        return cksum_fold(cksum_plus(sum, cksum_plus(h[1], h[0]))) == 0xffff;
}

bool tcp_unpredicted(struct netif *nif, struct pkt *p, struct tcb *t)
{
        const u32_any *ip = (const u32_any *)(p->data + (nif->caps & NETIF_L3 ? 0 : ETH_HLEN)), *h = ip + 5;
        u32 n = (__builtin_bswap32(ip[0]) & 0xffff) - sizeof(struct ip_hdr), off_flags = h[3] & 0xffff;
        if ((off_flags & 0xff) != n << 2 || nif->st->tcp->handoff)
                return false; /* there is text, or it may belong to somebody else */
        if (off_flags >> 8 != TCP_SYN || !((p->flags & PKT_CSUM_OK) || sum_right(ip, h, n)))
                return false;
        return tcp_syn_arrives(nif, p, ip, n);
}
