/* reply.c - segments that no connection sends: RST for what belongs to nobody, answers of half-open and TIME_WAIT entries.
 * SPDX-License-Identifier: MIT */
#include "cksum.h"
#include "engine.h"
#include "mem.h"

void tcp_reply(struct tcp_state *ts, const struct tcp_reply *r)
{
        struct pkt *p = pkt_alloc(&ts->st->pkts, PKT_HEADROOM);
        if (!p)
                return; /* as if it was lost */
        u32 len = sizeof(struct tcp_hdr) + r->n_opts;
        u32_any *h = (u32_any *)p->data;
        p->len = (u16)len;
        h[0] = r->ports << 16 | r->ports >> 16;
        h[1] = be(r->seq);
        h[2] = be(r->ack);
        h[3] = be(len / 4 << 28 | (u32)r->flags << 16 | r->wnd);
        h[4] = 0;
        if (r->n_opts)
                memcpy(h + 5, r->opts, r->n_opts);
        u32 sum = cksum_add(ip_pseudo_sum(r->src, r->dst, IPPROTO_TCP_, (u16)len), p->data, len);
        ((u16_any *)h)[8] = (u16)~cksum_fold(sum);
        ts->count.out_segs++;
        if (r->flags & TCP_RST)
                ts->count.out_rsts++;
        struct ip_path path; /* 40 bytes of options do not fit the least MTU */
        bool fits = r->n_opts <= 28 || !ip_route(ts->st, r->dst, &path) || len + 20 <= path.nif->mtu;
        struct ip_opts o = {.ttl = r->ttl, .tos = r->tos, .df = fits};
        ip_tx(ts->st, p, r->src, r->dst, IPPROTO_TCP_, &o);
}

/* RFC 9293 3.10.7.1: CLOSED answers everything but RST by RST (R175). */
void tcp_reset_for(struct tcp_state *ts, const struct ip_hdr *ip, const struct tcp_hdr *h, const struct tcp_seg *s)
{
        if (s->flags & TCP_RST)
                return;
        struct tcp_reply r = {.src = ip->dst, .dst = ip->src, .ports = *(const u32_any *)h, .flags = TCP_RST};
        if (s->flags & TCP_ACK) {
                r.seq = s->ack;
        } else {
                r.ack = s->seq + seg_space(s);
                r.flags |= TCP_ACK;
        }
        tcp_reply(ts, &r);
}

/* With the timestamp, as RFC 7323 3.2 would have it: who checks it takes the RST all the same. */
void tcp_reset_at(struct tcb *t, u32 seq, u8 flags)
{
        u8 o[TCP_TS_LEN];
        struct tcp_reply r = {.src = tcb_laddr(t), .dst = tcb_raddr(t), .ports = t->ports, .seq = seq,
                              .ack = flags & TCP_ACK ? tcp_rcv_ack(t) : 0, .flags = flags, .ttl = t->ttl, .tos = t->tos, .opts = o};
        if (t->flags & TF_TS)
                r.n_opts = (u8)tcp_put_ts(o, tcb_now_ms(t) + t->ts_off, t->ts_recent);
        tcp_reply(t->ts, &r);
}

void tcp_reset(struct tcb *t) { tcp_reset_at(t, tcp_bare_seq(t), TCP_RST | TCP_ACK); }
