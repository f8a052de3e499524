/* synq.c - half-open connections: small entries whose SYN,ACK is repeated; cookies when there are no entries left (RFC 4987).
 * Not here: the usual SYN (syn.c), what arrives for an entry (synq_rx.c), the connection that comes of it (accept.c).
 * SPDX-License-Identifier: MIT */
#include "engine.h"
#include "mem.h"

enum {
        SYNACK_TRIES = 8,               /* 1, 3, 7 ... 63, 123 and 183 s after the first one: MUST-23 */
        SYNACK_TRIES_TIGHT = 3,         /* when more than half of the entries are taken, a silent peer is not worth nine SYN,ACKs */
};

static struct synq **chain(struct tcp_state *ts, u32 raddr, u32 laddr, u32 ports)
{
        return &tcp_others(ts, raddr, laddr, ports)->half;
}

struct synq *synq_find(struct tcp_state *ts, u32 raddr, u32 laddr, u32 ports)
{
        struct synq *q = *chain(ts, raddr, laddr, ports);
        while (q && (q->ports != ports || q->raddr != raddr || q->laddr != laddr))
                q = q->next;
        return q;
}

struct synq *synq_unhash(struct tcp_state *ts)
{
        struct synq *all = NULL;
        for (u32 b = 0; b < tcp_n_others(ts); b++) {
                while (ts->others[b].half) {
                        struct synq *q = ts->others[b].half;
                        ts->others[b].half = q->next;
                        q->next = all;
                        all = q;
                }
        }
        return all;
}

void synq_rehash(struct tcp_state *ts, struct synq *all)
{
        while (all) {
                struct synq *q = all, **b = chain(ts, q->raddr, q->laddr, q->ports);
                all = q->next;
                q->next = *b;
                *b = q;
        }
}

/* At the end of its list, which is in order of time since all of it wait equally long. */
void synq_wait(struct tcp_state *ts, struct synq *q)
{
        u32 i = min_u32(q->tries, SYNACK_LISTS - 1), now = stack_now_ms(ts->st);
        q->due_ms = now + min_u32(TCP_RTO_INIT_MS << i, TCP_RTO_MAX_MS);
        q->later = NULL;
        q->at = ts->half[i].end;
        *q->at = q;
        ts->half[i].end = &q->later;
        if (!timer_running(&ts->half_timer) || (s32)(ts->half_timer.due_ms - q->due_ms) > 0)
                timer_set(&ts->st->wheel, &ts->half_timer, q->due_ms);
}

static void wait_no_more(struct tcp_state *ts, struct synq *q)
{
        u32 i = min_u32(q->tries, SYNACK_LISTS - 1);
        *q->at = q->later;
        *(q->later ? &q->later->at : &ts->half[i].end) = q->at;
}

void synq_free(struct tcp_state *ts, struct synq *q)
{
        for (struct synq **b = chain(ts, q->raddr, q->laddr, q->ports); *b; b = &(*b)->next) {
                if (*b == q) {
                        *b = q->next;
                        break;
                }
        }
        wait_no_more(ts, q);
        q->live = false;
        ts->n_half--;
        q->next = ts->free_synq;
        ts->free_synq = q;
}

/* What the SYN offered and we accept of it. */
void synq_fill(struct tcp_state *ts, struct listener *l, const struct tcp_seg *s, const struct ip_hdr *ip,
               const struct tcp_hdr *h, struct synq *q)
{
        const struct tcp_opts *o = &l->opts;
        memset(q, 0, sizeof *q);
        q->raddr = be32_raw(ip->src.v4);
        q->laddr = be32_raw(ip->dst.v4);
        q->ports = *(const u32_any *)h;
        q->l = l;
        q->irs = s->seq;
        q->wnd = (u16)s->wnd;
        q->peer_mss = s->has_mss ? s->mss : TCP_MSS_DEFAULT;
        q->our_mss = tcp_announce_mss(ts, ip->src, o);
        if (unlikely(ts->handoff != NULL))
                q->our_mss = (u16)min_u32(q->our_mss, handoff_mss(ts->handoff, ip->dst));
        q->ts_ok = s->has_ts && !o->no_timestamps;
        q->ts_recent = s->tsval;
        q->sack_ok = s->has_sack_ok && !o->no_sack;
        q->has_wscale = s->has_wscale && !o->no_wscale;
        q->snd_scale = q->has_wscale ? s->wscale : 0;
        q->rcv_scale = q->has_wscale ? l->rcv_scale : 0;
        q->ecn_ok = o->ecn && (s->flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR);
        q->tfo_ask = o->fastopen && s->has_tfo;
        if (unlikely(ts->through != NULL))
                through_offers(ts->through, q);
        synq_number(ts, q);
}

void synq_send(struct tcp_state *ts, struct synq *q)
{
        if (q->qure) {
                conv_synq_send(ts, q);
                return;
        }
        u8 o[TCP_OPTS_MAX], cookie[8];
        struct syn_options so = {.layout = q->l->opts.syn_layout, .mss = q->our_mss, .wscale = q->rcv_scale, .ws = q->has_wscale,
                                 .sack = q->sack_ok,
                                 .ts = q->ts_ok, .tsval = q->tsval, .tsecr = q->ts_recent, .tfo_on = q->tfo_ask, .tfo = cookie,
                                 .tfo_len = 8, .uto = q->l->opts.uto ? uto_field(q->l->opts.user_timeout_ms) : 0};
        if (q->tfo_ask)
                tfo_cookie(ts, q->raddr, cookie);
        struct tcp_reply r = {.src = {be32_from_raw(q->laddr)}, .dst = {be32_from_raw(q->raddr)}, .ports = q->ports,
                              .seq = q->iss, .ack = q->irs + 1,
                              .wnd = q->l->wnd,
                              .flags = TCP_SYN | TCP_ACK | (q->ecn_ok ? TCP_ECE : 0),
                              .ttl = q->l->opts.ttl, .tos = q->l->opts.tos, .opts = o};
        r.n_opts = (u8)tcp_put_syn(o, &so);
        tcp_reply(ts, &r);
}

/* The SYN,ACK again, backing off from one second, for three minutes (MUST-23). */
static void again(struct tcp_state *ts, struct synq *q)
{
        u32 now = stack_now_ms(ts->st);
        bool tight = ts->n_half > ts->n_synq / 2;
        if (q->tries >= (tight ? SYNACK_TRIES_TIGHT : SYNACK_TRIES)) {
                synq_free(ts, q);
                return;
        }
        wait_no_more(ts, q);
        q->tries++;
        q->tsval = now + q->ts_off;
        ts->count.retrans_segs++;
        synq_send(ts, q);
        synq_wait(ts, q);
}

/* Runs late where those that it was set for are gone, and then goes on to the next. */
void synq_timer(struct timer *tm)
{
        struct tcp_state *ts = container_of(tm, struct tcp_state, half_timer);
        for (u32 i = SYNACK_LISTS; i-- > 0;) { /* who is sent again goes to a list that is done */
                struct synq *q;
                while ((q = ts->half[i].first) && (s32)(stack_now_ms(ts->st) - q->due_ms) >= 0)
                        again(ts, q);
                if (q && (!timer_running(tm) || (s32)(tm->due_ms - q->due_ms) > 0))
                        timer_set(&ts->st->wheel, tm, q->due_ms);
        }
}

void synq_open(struct tcp_state *ts, struct listener *l, struct tcp_seg *s, struct pkt *p, const struct ip_hdr *ip,
               const struct tcp_hdr *h, u32 iss)
{
        struct synq tmp, *q = ts->free_synq;
        synq_fill(ts, l, s, ip, h, &tmp);
        if (iss && !l->opts.fixed_isn)
                tmp.iss = seq_gt(tmp.iss, iss) ? tmp.iss : iss;
        if (l->n_waiting >= l->opts.backlog) {
                pkt_drop(p, DROP_TCP_BACKLOG); /* the peer tries again: perhaps the user has caught up by then */
                return;
        }
        if (l->opts.qure && !tmp.foreign && conv_listen(ts, l, &tmp, s, p, h))
                return;
        if (tmp.tfo_ask && s->tfo_len && tcp_fastopen(ts, &tmp, s, p))
                return;
        ts->count.passive_opens++;
        if (!q) {
                tmp.qure = tmp.late = false; /* a cookie has no room for it */
                tmp.iss = cookie_make(ts, &tmp);
                synq_send(ts, &tmp);
                pkt_drop(p, DROP_TCP_SYN_COOKIE);
                return;
        }
        ts->free_synq = q->next;
        *q = tmp;
        synq_enter(ts, q, chain(ts, q->raddr, q->laddr, q->ports));
        synq_send(ts, q);
        pkt_drop(p, DROP_TCP_SYN_TAKEN);
}
