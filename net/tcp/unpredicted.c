/* unpredicted.c - the straight line of what no prediction covers but every connection has: a SYN, the
 * acknowledgement of ours, the last segment. Each is nothing but a header. Not here: what is unusual about any of them, which eth_rx, ip_rx and tcp_rx
 * find out one by one. SPDX-License-Identifier: MIT */
#include "out.h"

/* MUST-3 */
bool tcp_header_sum_right(const struct pkt *p, const u32_any *ip, u32 n)
{
        u32 pseudo = cksum_plus(cksum_plus(ip[3], ip[4]), be(n) + (IPPROTO_TCP_ << 8));
        return (p->flags & PKT_CSUM_OK) || cksum_fold(tcp_sum_header(pseudo, ip + 5, n)) == 0xffff;
}

bool tcp_unpredicted(struct netif *nif, struct pkt *p, struct tcb *t)
{
        const u32_any *ip = (const u32_any *)(p->data + (nif->caps & NETIF_L3 ? 0 : ETH_HLEN)), *h = ip + 5;
        u32 n = (be(ip[0]) & 0xffff) - sizeof(struct ip_hdr), off_flags = h[3] & 0xffff;
        if ((off_flags & 0xff) != n << 2)
                return false; /* there is text */
        if (t)
                return (off_flags >> 8 & ~(u32)TCP_FIN) == TCP_ACK && tcp_last_arrives(p, t, ip, n);
        if (nif->st->tcp->handoff)
                return false; /* it may belong to somebody else */
        if (off_flags >> 8 == TCP_ACK)
                return tcp_ack_of_syn(nif, p, ip, n);
        return off_flags >> 8 == TCP_SYN && tcp_syn_arrives(nif, p, ip, n);
}
