/* ack_of_syn.c - the straight line of the acknowledgement that completes a handshake: a half-open entry becomes a connection (RFC 9293
 * 3.10.7.4 fifth, SYN_RECEIVED). Not here: cookies, option 144, congestion marks, text that comes along; synq_rx.c does those.
 * Twin of asm/ack_of_syn.S. SPDX-License-Identifier: MIT */
#include "engine.h"

bool tcp_ack_of_syn(struct netif *nif, struct pkt *p, const u32_any *ip, u32 n)
{
        struct tcp_state *ts = nif->st->tcp;
        const u32_any *h = ip + 5;
        u32 raddr = ip[3], laddr = ip[4], ports = h[0];
        struct synq *q = synq_find(ts, raddr, laddr, ports);
        struct tcp_seg s;
        if (!q || q->qure || q->ecn_ok || q->tfo_ask || q->foreign || q->again || q->l->n_waiting >= q->l->opts.backlog || !ts->free_tcb)
                return false;
        s.seq = be(h[1]);
        s.ack = be(h[2]);
        s.wnd = be(h[3]) & 0xffff;
        s.tsval = 0;
        s.has_ts = n != sizeof(struct tcp_hdr);
        if (s.seq != q->irs + 1 || s.ack != q->iss + 1 || !s.wnd || s.has_ts != q->ts_ok)
                return false;
        if (s.has_ts) {
                if (n != sizeof(struct tcp_hdr) + TCP_TS_LEN || h[5] != TCP_TS_WORD)
                        return false;
                s.tsval = be(h[6]);
                if ((s32)(s.tsval - q->ts_recent) < 0)
                        return false;
        }
        struct tcp_way way = {nif, q->hop}; /* what its SYN,ACK left by is still good, or it is looked up again */
        if (q->hop_gen != nif->hop_gen || q->nif != nif->straight || q->zero != nif->zero)
                way.hop = ip_way_back(nif, (ipaddr){be32_from_raw(laddr)}, (ipaddr){be32_from_raw(raddr)});
        if (!way.hop || !tcp_header_sum_right(p, ip, n))
                return false;
        s.len = 0;
        s.flags = TCP_ACK;
        s.ce = false;
        ts->count.in_segs++;
        synq_accept(ts, q, &s, p, &way);
        return true;
}
