/* ack.c - fifth step of RFC 9293 3.10.7.4: what an acceptable acknowledgement does.
 * Not here: which bytes it says are lost (sack.c, rack.c), and what follows for the rate (recovery.c, cc.c).
 * SPDX-License-Identifier: MIT */
#include "engine.h"

/* The byte of a probe was not taken: it is unsent again and goes with the rest. What is stuck beyond the old edge goes out at
 * once. */
static void window_opened(struct tcb *t)
{
        struct sent *r = t->flight->first;
        t->retries = 0;
        t->rto_ms = rtt_base_rto(t);
        if (tcb_outstanding(t) == 1 && r && (r->flags & SENT_PROBE) && !(t->state & FIN_TX)) {
                t->snd_nxt = t->snd_una;
                flight_put(t);
                return;
        }
        if (t->timer_kind != TT_PERSIST)
                return;
        for (; r; r = r->next)
                if (!(r->flags & SENT_SACKED) && (r->flags & (SENT_LOST | SENT_RTX)) != SENT_LOST)
                        sent_mark(t, r, SENT_LOST);
        sent_join(t); /* the probe cut a byte off the front */
        tcp_predict(t);
}

/* RFC 9293 3.10.7.4: only newer segments move the window, so that an old one does not take it back. The clause tells them by
 * SEG.SEQ first; but a repeated segment that acknowledges more than any before is new, whatever its number: were its window
 * left out, the old one would stand at the new SND.UNA, and reach past what the peer has room for. So SEG.ACK tells first. */
static void window_update(struct tcb *t, const struct tcp_seg *s, u32 old_una)
{
        if (seq_lt(s->ack, t->snd_una) || (s->ack == old_una && seq_lt(s->seq, t->snd_wl1)))
                return;
        u32 was = t->snd_wnd;
        t->snd_wnd = s->wnd << t->snd_scale;
        t->snd_wl1 = s->seq;
        t->max_snd_wnd = max_u32(t->max_snd_wnd, t->snd_wnd);
        if (!was && t->snd_wnd && t->flight)
                window_opened(t);
}

static void sample_rtt(struct tcb *t, u32 rtt_us, const u32 *tsecr)
{
        if (rtt_us == UINT32_MAX && tsecr && *tsecr) {
                /* RFC 7323 4: the echo tells which copy is acknowledged */
                u32 ms = tcb_now_ms(t) + t->ts_off - *tsecr;
                if (ms < TCP_RTO_MAX_MS)
                        rtt_us = ms * 1000;
        }
        bool measured = rtt_us != UINT32_MAX;
        if (t->flight)
                t->flight->hs_rtt = measured ? max_u32(rtt_us, 1) : 0;
        if (measured)
                rtt_sample(t, rtt_us);
}

void tcp_ack_advance(struct tcb *t, u32 ack, const u32 *tsecr)
{
        u32 acked = ack - t->snd_una, rtt_us = UINT32_MAX;
        bool fin = ack == t->snd_nxt && (t->state & (FIN_TX | FIN_ACK_RX)) == FIN_TX;
        u32 data = acked - (t->state & SYN_ACK_RX ? 0 : 1) - fin;
        if (t->flight && unlikely(t->flight->probe_end))
                pmtu_acked(t, ack);
        if (t->flight)
                sent_ack(t, ack, &rtt_us, tsecr);
        sample_rtt(t, rtt_us, tsecr);
        sndq_trim(t, data);
        t->snd_una = ack;
        t->retries = 0;
        t->progress_ms = tcb_now_ms(t);
        if ((t->flags & TF_URG_TX) && seq_le(t->snd_up, ack))
                t->flags &= ~(u32)TF_URG_TX;
}

/* Several runs, or a part of one. */
static void acked_part(struct tcb *t, u32 ack, const u32 *tsecr)
{
        u32 n = ack - t->snd_una;
        tcp_ack_advance(t, ack, tsecr);
        cc_acked(t, n);
        if (ack == t->snd_nxt)
                flight_put(t);
        tcp_timer_rearm(t);
}

/* The usual: one run, sent once, is acknowledged whole, and nothing stays outstanding. */
void tcp_acked(struct tcb *t, u32 ack, const u32 *tsecr)
{
        if (tcb_calm(t) && ack == t->snd_nxt) {
                calm_acked(t);
                return;
        }
        flight_wake(t);
        struct flight *f = t->flight;
        struct sent *r = f ? f->first : NULL;
        if (!r || r->next || r->flags || ack != t->snd_nxt || !f->calm || (t->flags & TF_URG_TX)) {
                acked_part(t, ack, tsecr);
                return;
        }
        u32 n = ack - t->snd_una, rtt = max_u32(tcb_now_us(t) - r->tx_us, 1);
        if (!t->min_rtt_us || rtt < t->min_rtt_us)
                t->min_rtt_us = rtt;
        rtt_sample(t, rtt);
        t->snd_una = ack;
        t->retries = 0;
        if (f->cwnd_limited || n >= t->cwnd / 2)
                cc_acked(t, n);
        if (f->calm) {
                sent_put(t, r);
                pool_put(&t->ts->flights, f);
                t->flight = NULL;
        } else {
                flight_put(t);
        }
        if (n == t->snd_queued)
                sndq_free(t);
        else
                sndq_trim(t, n);
        if (t->snd_queued || !t->keepalive_ms)
                t->timer_kind = TT_NONE; /* if there is more to send, sending it starts the timer */
        else
                tcp_timer(t, TT_KEEPALIVE, t->keepalive_ms);
}

void tcp_tell_writable(struct tcb *t, u32 data)
{
        if (data && t->ev->writable && !(t->flags & (TF_USER_CLOSED | TF_DEAD)) && !tcb_frozen(t))
                t->ev->writable(t);
}

/* RFC 5681 2: a duplicate acknowledgement. With SACK the blocks tell, not the count. */
static bool is_duplicate(const struct tcb *t, const struct tcp_seg *s)
{
        return t->flight && s->ack == t->snd_una && s->len == 0 && !(s->flags & (TCP_SYN | TCP_FIN)) && tcb_outstanding(t) &&
               s->wnd << t->snd_scale == t->snd_wnd;
}

/* The byte moves when our FIN, and before that our SYN, is acknowledged. false: the connection is over. */
static bool move_state(struct tcb *t)
{
        if (t->state & FIN_TX && !(t->state & FIN_ACK_RX) && t->snd_una == t->snd_nxt) {
                tcp_set_state(t, TCP_EV_ACK_OF_FIN);
                if (t->state == TCP_B_TIME_WAIT || (t->conv && channel_over(t))) {
                        tcp_try_finish(t);
                        return !(t->flags & TF_DEAD);
                }
        }
        if ((t->flags & TF_ABORT_ON_ACK) && !t->snd_queued && (t->state & FIN_ACK_RX)) {
                tcp_reset(t); /* R160: everything was acknowledged */
                tcp_finish(t, 0);
                return false;
        }
        return true;
}

/* RFC 5681 3.2 for who agreed to SACK and does not say it behind its own FIN, as gVisor's netstack does: its duplicates are counted from now on.
 * Nothing is lost for the other direction, in which nothing comes any more. */
static bool sacks_no_more(const struct tcb *t, const struct tcp_seg *s)
{
        const struct flight *f = t->flight;
        return t->state & FIN_RX && !s->n_sack && t->snd_wnd && f->ca == CA_OPEN && !f->n_sacked && !f->lost && !f->tlp_out;
}

/* What the acknowledgement says of the segments that are out: marks, losses, the rate. */
static void judge(struct tcb *t, const struct tcp_seg *s, u32 old_una, bool dup)
{
        if (s->flags & TCP_ECE && (t->flags & TF_ECN))
                recovery_ecn(t);
        if (dup && t->flags & TF_SACK && sacks_no_more(t, s)) {
                t->flags &= ~TF_SACK;
                t->flight->reo_wait_us = 0; /* RACK looks no more */
        }
        if (t->flags & TF_SACK)
                tcp_sack_arrives(t, s);
        else if (dup && t->flight->dupacks < 255 && (u32)t->flight->dupacks * t->mss < tcb_outstanding(t))
                t->flight->dupacks++;
        if (t->snd_una != old_una && s->has_ts && (t->flags & TF_TS) && s->tsecr)
                recovery_echo(t, s->tsecr);
        tlp_ack(t, s, dup);
        recovery_ack(t, old_una, dup);
}

bool tcp_ack_arrives(struct tcb *t, const struct tcp_seg *s)
{
        flight_wake(t);
        u32 old_una = t->snd_una, data = t->snd_queued;
        bool dup = is_duplicate(t, s), was_syn_received = t->state == TCP_B_SYN_RECEIVED && !t->conv;
        if (t->flight) {
                t->flight->calm = false;
                t->flight->delivered = 0;
        }
        if (seq_gt(s->ack, t->snd_una))
                tcp_ack_advance(t, s->ack, s->has_ts && (t->flags & TF_TS) ? &s->tsecr : NULL);
        if (unlikely(t->conv))
                channel_acked(t, t->snd_una);
        if (was_syn_received) {
                tcp_set_state(t, TCP_EV_ACK_OF_SYN);
                tcp_fastopen_over(t);
        }
        window_update(t, s, old_una);
        if (t->timer_kind == TT_PERSIST)
                t->flags |= TF_PERSIST_ACKD;
        if (t->flight) {
                judge(t, s, old_una, dup);
                if (t->snd_una == t->snd_nxt)
                        flight_put(t);
        }
        tcp_predict(t);
        if (was_syn_received)
                tcp_opened(t);
        if (t->flags & TF_DEAD || !move_state(t))
                return false;
        if (t->snd_una != old_una)
                tcp_timer_rearm(t);
        else
                tcp_timer_keep(t);
        tcp_tell_writable(t, data - t->snd_queued);
        t->flags |= TF_WANT_TX;
        return !(t->flags & TF_DEAD);
}
