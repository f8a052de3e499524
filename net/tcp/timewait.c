/* timewait.c - connections in TIME_WAIT as 32-byte entries in a ring: the oldest goes first, when it is due or room is short.
 * What arrives for them is answered from the entry (RFC 9293 3.10.7.4); a new SYN may reuse it (RFC 6191, 1122 4.2.2.13).
 * SPDX-License-Identifier: MIT */
#include "engine.h"

enum { TW_INDEX = TCP_TIMEWAITS };

static u32 *chain(struct tcp_state *ts, u32 raddr, u32 laddr, u32 ports)
{
        return &tcp_others(ts, raddr, laddr, ports)->tw;
}

static void unhash(struct tcp_state *ts, struct timewait *w)
{
        u32 me = (u32)(w - ts->tw) + 1, *at = chain(ts, w->raddr, w->laddr, w->ports);
        if (*at == me) {
                *at = w->next;
                return;
        }
        for (u32 i = *at; i; i = ts->tw[i - 1].next) {
                if (ts->tw[i - 1].next == me) {
                        ts->tw[i - 1].next = w->next & TW_INDEX;
                        return;
                }
        }
}

void timewait_free(struct tcp_state *ts, struct timewait *w)
{
        unhash(ts, w);
        w->live = 0;
        while (ts->tw_count && !ts->tw[ts->tw_first].live) {
                ts->tw_first = ts->tw_first + 1 < ts->n_tw ? ts->tw_first + 1 : 0;
                ts->tw_count--;
        }
}

static bool expired(struct tcp_state *ts, const struct timewait *w)
{
        return (s32)(stack_now_ms(ts->st) - w->due_ms) >= 0;
}

struct timewait *timewait_find(struct tcp_state *ts, u32 raddr, u32 laddr, u32 ports)
{
        for (u32 i = *chain(ts, raddr, laddr, ports); i; i = ts->tw[i - 1].next) {
                struct timewait *w = &ts->tw[i - 1];
                if (w->ports == ports && w->raddr == raddr && w->laddr == laddr) {
                        if (!expired(ts, w))
                                return w;
                        timewait_free(ts, w);
                        return NULL;
                }
        }
        return NULL;
}

void timewait_rehash(struct tcp_state *ts)
{
        for (u32 b = 0; b < tcp_n_others(ts); b++)
                ts->others[b].tw = 0;
        for (u32 n = 0; n < ts->tw_count; n++) {
                u32 i = (ts->tw_first + n) % ts->n_tw;
                struct timewait *w = &ts->tw[i];
                if (!w->live)
                        continue;
                u32 *b = chain(ts, w->raddr, w->laddr, w->ports);
                w->next = *b & TW_INDEX;
                *b = i + 1;
        }
}

static void run_timer(struct tcp_state *ts)
{
        if (ts->tw_count)
                timer_set(&ts->st->wheel, &ts->tw_timer, ts->tw[ts->tw_first].due_ms);
}

/* The oldest are due first when all wait equally long; one that waits shorter is found out when it is looked up. */
void timewait_timer(struct timer *tm)
{
        struct tcp_state *ts = container_of(tm, struct tcp_state, tw_timer);
        while (ts->tw_count && expired(ts, &ts->tw[ts->tw_first]))
                timewait_free(ts, &ts->tw[ts->tw_first]);
        run_timer(ts);
}

void timewait_enter(struct tcb *t)
{
        struct tcp_state *ts = t->ts;
        if (ts->tw_count == ts->n_tw) {
                timewait_free(ts, &ts->tw[ts->tw_first]);
                ts->count.timewait_evicted++;
        }
        u32 i = ts->tw_first + ts->tw_count++, *b = chain(ts, t->raddr, t->laddr, t->ports);
        struct timewait *w = &ts->tw[i -= i < ts->n_tw ? 0 : ts->n_tw];
        w->raddr = t->raddr;
        w->laddr = t->laddr;
        w->ports = t->ports;
        w->rcv_nxt = t->rcv_nxt;
        w->snd_nxt = t->snd_nxt;
        w->ts_recent = t->ts_recent;
        w->due_ms = stack_now_ms(ts->st) + t->timewait_cs * 10u;
        w->next = *b & TW_INDEX;
        w->ts_ok = (t->flags & TF_TS) != 0;
        w->live = 1;
        w->active = (t->flags & TF_ACTIVE_OPEN) != 0;
        w->wait = min_u32((t->timewait_cs + 63u) / 64, 511);
        *b = i + 1;
        if (!timer_running(&ts->tw_timer))
                run_timer(ts);
}

static void answer(struct tcp_state *ts, const struct timewait *w, const struct listener *l, const struct ip_hdr *ip)
{
        u8 o[TCP_TS_LEN];
        u32 off = 0;
        struct tcp_reply r = {.src = ip->dst, .dst = ip->src, .ports = w->ports, .seq = w->snd_nxt, .ack = w->rcv_nxt,
                              .wnd = 65535, /* nothing will come any more; but no window shrinks (SHLD-14) */
                              .flags = TCP_ACK, .opts = o};
        if (!l || !l->opts.fixed_isn)
                tcp_isn(ts, w->raddr, w->laddr, w->ports, &off);
        if (w->ts_ok)
                r.n_opts = (u8)tcp_put_ts(o, stack_now_ms(ts->st) + off, w->ts_recent);
        tcp_reply(ts, &r);
}

/* An empty segment ahead of us: two ends that disagree would answer each other for ever, so two a second for all entries. */
static bool may_disagree(struct tcp_state *ts)
{
        u32 now = stack_now_ms(ts->st);
        if (now - ts->tw_ahead_ms < TCP_CHALLENGE_MS)
                return false;
        ts->tw_ahead_ms = now;
        return true;
}

/* RFC 6191 2: a SYN that can only be a new connection - a later timestamp, the first one at all, or without timestamps a later
 * sequence number than any that was used. */
bool timewait_may_reuse(const struct timewait *w, const struct tcp_seg *s, bool timestamps)
{
        if (!(s->flags & TCP_SYN) || (s->flags & (TCP_RST | TCP_ACK)))
                return false;
        if (timestamps && s->has_ts && (!w->ts_ok || s->tsval != w->ts_recent))
                return !w->ts_ok || (s32)(s->tsval - w->ts_recent) > 0;
        return seq_ge(s->seq, w->rcv_nxt);
}

/* true: p is consumed. false: a SYN that opens anew; *iss is where our sequence numbers must start to lie beyond the old ones. Where
 * nobody listens any more it is refused as anywhere: an acknowledgement would draw a RST, which leaves us here, and then the same SYN.
 * Where nobody ever did, for we opened, it draws the challenge of 3.10.7.4 fourth. */
bool timewait_rx(struct tcp_state *ts, struct timewait *w, struct tcp_seg *s, struct pkt *p, const struct ip_hdr *ip, u32 *iss)
{
        const struct listener *l = listener_find(ts, ip->dst, (u16)__builtin_bswap16((u16)(w->ports >> 16)));
        if ((l || !w->active) && timewait_may_reuse(w, s, !l || !l->opts.no_timestamps)) {
                *iss = w->snd_nxt + 65536;
                if (l)
                        timewait_free(ts, w);
                return false;
        }
        if (s->flags & TCP_RST) {
                pkt_drop(p, DROP_TCP_TIMEWAIT_RST); /* RFC 1337: it is not shortened by a RST */
                return true;
        }
        bool past = seq_lt(s->seq, w->rcv_nxt);
        if ((s->flags & TCP_FIN) && seq_le(s->seq + s->len + 1, w->rcv_nxt))
                w->due_ms = stack_now_ms(ts->st) + w->wait * 640; /* the peer did not get our acknowledgement: 2 MSL anew */
        /* what repeats the past is acknowledged, keep-alives included; 3.10.7.4 fifth: what is acceptable, but has no ACK, is dropped */
        if (past || (s->flags & (TCP_ACK | TCP_SYN) && (seg_space(s) || (s->seq != w->rcv_nxt && may_disagree(ts)))))
                answer(ts, w, l, ip);
        pkt_drop(p, DROP_TCP_TIMEWAIT);
        return true;
}
