/* syn.c - the straight line of a SYN: a stranger's usual SYN for a usual listener takes a half-open entry and goes back as SYN,ACK in
 * the buffer that it came in (RFC 9293 3.10.7.2 third). Not here: cookies, Fast Open, option 144, TIME_WAIT, ECN, SYNs with text or with
 * options laid out strangely, neighbours still unknown; listen.c and synq.c do those.
 * Twin of asm/syn.S. SPDX-License-Identifier: MIT */
#include "out.h"

/* Nobody has this four-tuple; its bucket of half-open entries. */
static inline struct synq **vacant(struct tcp_state *ts, u32 raddr, u32 laddr, u32 ports)
{
        struct tcp_others *o = tcp_others(ts, raddr, laddr, ports);
        for (const struct synq *q = o->half; q; q = q->next)
                if (q->ports == ports && q->raddr == raddr && q->laddr == laddr)
                        return NULL;
        return !o->tw || !timewait_find(ts, raddr, laddr, ports) ? &o->half : NULL;
}

/* Whose connections begin with this address of ours: mostly the first one of its bucket, as last time. */
static inline struct listener *listens(struct tcp_state *ts, ipaddr us, u16 port)
{
        struct listener *l = listener_find(ts, us, port);
        if (l && l->n_waiting >= l->room)
                return NULL;
        if (l && !l->opts.fixed_isn && l->isn_laddr != be32_raw(us.v4))
                isn_begin(l, be32_raw(us.v4));
        return l;
}

static inline void fill(struct tcp_state *ts, struct listener *l, struct synq *q, const struct tcp_seg *s)
{
        q->l = l;
        q->ts_recent = s->has_ts ? s->tsval : 0;
        q->ts_ok = s->has_ts;
        synq_number(ts, q);
        q->peer_mss = s->has_mss ? s->mss : TCP_MSS_DEFAULT;
        q->snd_scale = s->wscale;
        q->rcv_scale = s->has_wscale ? l->rcv_scale : 0;
        q->has_wscale = q->sack_ok = s->has_wscale;
        q->tries = 0;
        q->ecn_ok = q->tfo_ask = q->qure = q->late = q->foreign = q->again = false;
}

/* SYN,ACK in front of the end of the headroom, its options written first. */
static inline void answer(struct netif *nif, struct pkt *p, const struct synq *q, u32 hop)
{
        const struct tcb *like = &q->l->like;
        struct syn_options so; /* of which the usual layout reads these */
        so.mss = q->our_mss;
        so.wscale = q->rcv_scale;
        so.sack = q->sack_ok;
        so.ts = q->ts_ok;
        so.tsval = q->tsval;
        so.tsecr = q->ts_recent;
        pkt_again(p, PKT_HEADROOM);
        u32_any *h = (u32_any *)p->data;
        u32 n = tcp_put_usual_syn(h + 5, &so) + sizeof(struct tcp_hdr);
        u32 pseudo = cksum_plus(cksum_plus(q->laddr, q->raddr), be(n) + (IPPROTO_TCP_ << 8));
        p->len = (u16)n;
        h[0] = q->ports << 16 | q->ports >> 16;
        h[1] = be(q->iss);
        h[2] = be(q->irs + 1);
        h[3] = be(n << 26 | (TCP_SYN | TCP_ACK) << 16 | q->l->wnd);
        h[4] = 0;
        h[4] = (u16)~cksum_fold(tcp_sum_header(pseudo, h, n));
        tcp_out(nif, p, q->ip_id, n + sizeof(struct ip_hdr), (u32)like->tos << 8 | like->ttl, q->laddr, q->raddr, hop);
}

bool tcp_syn_arrives(struct netif *nif, struct pkt *p, const u32_any *ip, u32 n)
{
        struct tcp_state *ts = nif->st->tcp;
        const u32_any *h = ip + 5;
        u32 raddr = ip[3], laddr = ip[4], ports = h[0];
        ipaddr us = {be32_from_raw(laddr)}, them = {be32_from_raw(raddr)};
        struct tcp_seg s;
        struct synq *q = ts->free_synq, **bucket = vacant(ts, raddr, laddr, ports);
        struct listener *l = q && bucket ? listens(ts, us, (u16)__builtin_bswap16((u16)(ports >> 16))) : NULL;
        if (!l)
                return false;
        s.has_mss = s.has_wscale = s.has_sack_ok = s.has_ts = false;
        s.wscale = 0;
        if (!tcp_usual_syn(h + 5, h + n / 4, &s) || s.has_sack_ok != s.has_wscale || (s.has_ts && !s.has_wscale))
                return false;
        u32 hop = ip_way_back(nif, us, them);
        if (!hop || !tcp_header_sum_right(p, ip, n))
                return false;
        ts->count.in_segs++;
        ts->count.passive_opens++;
        ts->count.out_segs++;
        p->pool->drops[DROP_TCP_SYN_TAKEN]++;
        ts->free_synq = q->next;
        q->raddr = raddr;
        q->laddr = laddr;
        q->ports = ports;
        q->irs = be(h[1]);
        q->wnd = (u16)(be(h[3]) & 0xffff);
        q->our_mss = (u16)min_u32(l->mss, nif->mtu - 40u);
        q->hop = (u16)hop;
        q->hop_gen = nif->hop_gen;
        q->nif = nif->straight;
        q->zero = nif->zero;
        fill(ts, l, q, &s);
        synq_enter(ts, q, bucket);
        answer(nif, p, q, hop);
        return true;
}
