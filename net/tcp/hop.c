/* hop.c - how a connection's segments leave while their way is not known, or when something about them is unusual: by IP's own
 * search, which then tells the short way for those that follow (tcp_respond.c).
 * SPDX-License-Identifier: MIT */
#include "arp.h"
#include "cksum.h"
#include "engine.h"

/* What the peer has been told counts from here on. */
static void told(struct tcb *t, u32 ack, u32 wnd)
{
        t->rcv_acked = ack;
        if (seq_gt(ack + wnd, t->rcv_adv))
                t->rcv_adv = ack + wnd;
        t->flags &= ~(u32)(TF_ACK_DELAYED | TF_ACK_NOW);
}

void tcb_set_hop(struct tcb *t)
{
        struct stack *st = tcb_stack(t);
        t->hop = ip_hop(st, tcb_laddr(t), tcb_raddr(t), st->nif[t->nif]);
        t->hop_gen = t->hop ? st->hop_gen : 0;
}

void tcp_respond_by_ip(struct tcb *t, struct pkt *p, u32 seq, u32 flags, u32 len, u32 sum)
{
        u32 ack = tcp_rcv_ack(t), field = min_u32((tcp_edge(t) - ack) >> t->rcv_scale, 0xffff),
                words = 5 + (flags >> TCP_R_OPT_SHIFT & 15);
        if (t->flags & TF_TS) {
                u32_any *o = pkt_push(p, TCP_TS_LEN);
                o[0] = TCP_TS_WORD;
                o[1] = be(tcb_now_ms(t) + t->ts_off);
                o[2] = be(t->ts_recent);
                sum = cksum_plus(cksum_plus(sum, o[0]), cksum_plus(o[1], o[2]));
                words += 3;
                len += TCP_TS_LEN;
        }
        u32_any *h = pkt_push(p, sizeof(struct tcp_hdr));
        len += sizeof(struct tcp_hdr);
        h[0] = t->ports << 16 | t->ports >> 16;
        h[1] = be(seq);
        h[2] = be(ack);
        h[3] = be(words << 28 | (flags & 0xff) << 16 | field);
        u32 base = cksum_plus(t->hdr_sum, be(len + sizeof(struct ip_hdr)));
        if (flags & TCP_R_NO_SUM) {
                h[4] = cksum_fold(cksum_plus(base, ~t->ports));
                p->flags |= PKT_CSUM_TODO;
                p->csum_start = 0;
                p->csum_off = offsetof(struct tcp_hdr, cksum);
        } else {
                h[4] = (u16)~cksum_fold(cksum_plus(cksum_plus(sum, base), cksum_plus(h[1], cksum_plus(h[2], h[3]))));
        }
        if (t->flags & TF_URG_TX)
                tcp_mark_urgent(t, (struct tcp_hdr *)h, seq, (flags & TCP_R_NO_SUM) != 0);
        told(t, ack, field << t->rcv_scale);
        t->ts->count.out_segs++;
        struct stack *st = tcb_stack(t);
        struct ip_opts o = {.ttl = t->ttl, .tos = (u8)(t->tos | (flags & TCP_R_ECT ? 2 : 0)),
                            .df = !(t->flags & (TF_NO_DF | TF_NO_PMTUD))};
        ip_tx(st, p, tcb_laddr(t), tcb_raddr(t), IPPROTO_TCP_, &o);
        if (t->hop_gen != st->hop_gen)
                tcb_set_hop(t);
}

void tcp_forget_hops(struct stack *st)
{
        struct tcp_state *ts = st->tcp;
        for (u32 i = 0; ts && i < ts->n_pool; i++)
                ts->pool[i].hop_gen = 0;
}
