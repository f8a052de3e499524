/* synq_rx.c - what arrives for a half-open connection: SYN_RECEIVED of a passive open (RFC 9293 3.10.7.4), and its listener's end.
 * Not here: the usual acknowledgement (ack_of_syn.c). SPDX-License-Identifier: MIT */
#include "engine.h"

/* A segment without SYN, and without a connection to hold it. */
static void say(struct tcp_state *ts, const struct synq *q, u32 seq, u8 flags)
{
        u8 o[TCP_TS_LEN];
        struct tcp_reply r = {.src = {be32_from_raw(q->laddr)}, .dst = {be32_from_raw(q->raddr)}, .ports = q->ports, .seq = seq,
                              .flags = flags, .opts = o};
        if (flags & TCP_ACK)
                r.ack = q->irs + 1;
        if (!(flags & TCP_RST))
                r.wnd = q->l->wnd >> q->rcv_scale;
        if (q->ts_ok)
                r.n_opts = (u8)tcp_put_ts(o, stack_now_ms(ts->st) + q->ts_off, q->ts_recent);
        tcp_reply(ts, &r);
}

/* What is behind our SYN, if it was sent. */
static u32 next_seq(const struct synq *q) { return q->iss + !q->late; }

/* An acknowledgement of what we have so far. */
static void challenge(struct tcp_state *ts, struct synq *q, struct pkt *p, enum drop why)
{
        say(ts, q, next_seq(q), TCP_ACK);
        pkt_drop(p, why);
}

static bool acceptable(struct tcp_state *ts, const struct synq *q, const struct tcp_seg *s)
{
        u32 wnd = q->l->wnd, n = seg_space(s);
        return seq_in(s->seq, q->irs + 1, wnd) || (n && seq_in(s->seq + n - 1, q->irs + 1, wnd));
}

/* The peer asks once more. What it leaves out now it gave up for good, as many do when options may be why nobody answered; to hold it
 * to them would drop all that it sends (RFC 7323 2.2, 3.2; RFC 2018 2). */
static void asked_again(struct tcp_state *ts, struct synq *q, const struct tcp_seg *s)
{
        if (s->has_ts && (s32)(s->tsval - q->ts_recent) > 0)
                q->ts_recent = s->tsval; /* the echo measures the SYN that is answered */
        q->ts_ok &= s->has_ts;
        q->sack_ok &= s->has_sack_ok;
        q->has_wscale &= s->has_wscale;
        if (!s->has_wscale)
                q->snd_scale = q->rcv_scale = 0;
        q->ecn_ok &= (s->flags & (TCP_ECE | TCP_CWR)) == (TCP_ECE | TCP_CWR); /* RFC 3168 6.1.1: one that does not ask counts */
        q->tsval = stack_now_ms(ts->st) + q->ts_off;
        q->again = true;
        synq_send(ts, q);
}

/* SYN_RECEIVED of a passive open, RFC 9293 3.10.7.4. */
void synq_rx(struct tcp_state *ts, struct synq *q, struct tcp_seg *s, struct pkt *p, const struct ip_hdr *ip)
{
        bool syn_again = (s->flags & (TCP_SYN | TCP_RST | TCP_ACK)) == TCP_SYN && s->seq == q->irs;
        if (syn_again) { /* our SYN,ACK was lost (R156) */
                asked_again(ts, q, s);
                pkt_drop(p, DROP_TCP_SYN_AGAIN);
        } else if (q->ts_ok && !s->has_ts && !q->qure && !(s->flags & (TCP_RST | TCP_SYN))) {
                pkt_drop(p, DROP_TCP_NO_TS); /* RFC 7323 3.2 */
        } else if (q->ts_ok && s->has_ts && !(s->flags & TCP_RST) && (s32)(s->tsval - q->ts_recent) < 0) {
                challenge(ts, q, p, DROP_TCP_HALF_PAWS);
        } else if (!acceptable(ts, q, s)) {
                if (s->flags & TCP_RST)
                        pkt_drop(p, DROP_TCP_HALF_RST_WINDOW);
                else
                        challenge(ts, q, p, DROP_TCP_HALF_WINDOW);
        } else if (s->flags & TCP_RST) {
                if (s->seq == q->irs + 1) { /* back to LISTEN */
                        synq_free(ts, q);
                        pkt_drop(p, DROP_TCP_HALF_RST);
                } else {
                        challenge(ts, q, p, DROP_TCP_HALF_RST_BAD);
                }
        } else if (s->flags & TCP_SYN) {
                challenge(ts, q, p, DROP_TCP_HALF_SYN);
        } else if (!(s->flags & TCP_ACK)) {
                pkt_drop(p, DROP_TCP_HALF_NO_ACK);
        } else if (s->ack != next_seq(q)) {
                say(ts, q, s->ack, TCP_RST);
                pkt_drop(p, DROP_TCP_HALF_ACK);
        } else {
                synq_accept(ts, q, s, p, NULL);
        }
}

void synq_flush(struct listener *l)
{
        struct tcp_state *ts = l->ts;
        for (u32 i = 0; i < ts->n_synq; i++) {
                struct synq *q = &ts->synq_pool[i];
                if (q->l != l || !q->live)
                        continue;
                say(ts, q, next_seq(q), TCP_RST | TCP_ACK); /* R161 */
                synq_free(ts, q);
        }
}
