/* tcp_respond.c - a segment's headers, TCP's to the link's, from what the connection keeps ready; sums adjusted, not recomputed.
 * Twin of asm/tcp_respond.S. Not here: what is rare (hop.c), SYN and everything without a connection (synsent.c, reply.c).
 * SPDX-License-Identifier: MIT */
#include "out.h"

/* What the peer has been told counts from here on. */
static inline void told(struct tcb *t, u32 wnd)
{
        t->rcv_acked = t->rcv_nxt;
        if (seq_gt(t->rcv_nxt + wnd, t->rcv_adv))
                t->rcv_adv = t->rcv_nxt + wnd;
        t->flags &= ~(u32)(TF_ACK_DELAYED | TF_ACK_NOW);
}

void tcp_ack_bare(struct tcb *t)
{
        struct pkt *p = pkt_alloc(&tcb_stack(t)->pkts, PKT_HEADROOM);
        if (p)
                tcp_ack_in(t, p);
        else
                tcp_ack_later(t);
}

void tcp_respond(struct tcb *t, struct pkt *p, u32 seq, u32 flags, u32 len, u32 sum)
{
        struct stack *st = tcb_stack(t);
        struct netif *nif = st->nif[t->nif];
        u32 ts_len = t->flags & TF_TS ? TCP_TS_LEN : 0, tcp_len = sizeof(struct tcp_hdr) + ts_len + len,
                total = tcp_len + sizeof(struct ip_hdr);
        if (unlikely((t->flags & (TF_ACK_ON_READ | TF_URG_TX | TF_NO_DF | TF_NO_PMTUD)) ||
                     t->hop_gen != st->hop_gen || !nif->up || !nif->link || nif->vlan ||
                     (total > nif->mtu && !p->gso))) {
                tcp_respond_by_ip(t, p, seq, flags, len, sum);
                return;
        }
        u32 field = min_u32((tcp_edge(t) - t->rcv_nxt) >> t->rcv_scale, 0xffff), words = flags >> TCP_R_OPT_SHIFT & 15;
        told(t, field << t->rcv_scale);
        t->ts->count.out_segs++;
        if (ts_len) {
                u32_any *o = pkt_push(p, TCP_TS_LEN);
                o[0] = TCP_TS_WORD;
                o[1] = be(st->wheel.now_ms + t->ts_off);
                o[2] = be(t->ts_recent);
                sum = cksum_plus(cksum_plus(sum, o[0]), cksum_plus(o[1], o[2]));
        }
        u32_any *h = pkt_push(p, sizeof(struct tcp_hdr));
        h[0] = t->ports << 16 | t->ports >> 16;
        h[1] = be(seq);
        h[2] = be(t->rcv_nxt);
        h[3] = be((words + (sizeof(struct tcp_hdr) + ts_len) / 4) << 28 | (flags & 0xff) << 16 | field);
        u32 base = cksum_plus(t->hdr_sum, be(total));
        if (flags & TCP_R_NO_SUM) {
                /* the field holds the pseudo header's sum, which is the template's without the ports */
                h[4] = cksum_fold(cksum_plus(base, ~t->ports));
                p->flags |= PKT_CSUM_TODO;
                p->csum_off = offsetof(struct tcp_hdr, cksum);
        } else {
                h[4] = (u16)~cksum_fold(cksum_plus(cksum_plus(sum, base), cksum_plus(h[1], cksum_plus(h[2], h[3]))));
        }
        tcp_out(nif, p, t->ip_id, total, (t->tos | (flags & TCP_R_ECT ? 2u : 0)) << 8 | t->ttl, t->laddr, t->raddr, t->hop);
}
