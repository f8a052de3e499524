/* rack.c - RACK-TLP (RFC 8985): loss by time, a probe for the tail.
 * Not here: what a loss does to the rate (recovery.c). SPDX-License-Identifier: MIT */
#include "engine.h"

enum { DUP_THRESH = 3, REO_PERSIST = 16 };

static bool sent_after(u32 tx_a, u32 end_a, u32 tx_b, u32 end_b)
{
        return (s32)(tx_a - tx_b) > 0 || (tx_a == tx_b && seq_gt(end_a, end_b));
}

/* 6.2 steps 1 to 3, for a run that is newly acknowledged or sacked. */
void rack_update(struct tcb *t, const struct sent *r)
{
        struct flight *f = t->flight;
        u32 rtt = sent_since(t, r);
        if (r->flags & SENT_EVER_RTX) {
                if (rtt < t->min_rtt_us)
                        return; /* the acknowledgement is of the first copy */
        } else {
                if (!t->min_rtt_us || rtt < t->min_rtt_us)
                        t->min_rtt_us = rtt;
                if (seq_lt(r->end, f->fack))
                        f->reordering = true;
        }
        f->fack = seq_max(f->fack, r->end);
        if (!f->rack_on || sent_after(r->tx_us, r->end, f->rack_tx_us, f->rack_end)) {
                f->rack_on = true;
                f->rack_tx_us = r->tx_us;
                f->rack_end = r->end;
                f->rack_rtt_us = rtt;
        }
}

/* 6.2 step 4. */
u32 rack_reo_wnd(const struct tcb *t)
{
        const struct flight *f = t->flight;
        if (!f->reordering && (f->ca == CA_RECOVERY || f->ca == CA_LOSS || f->n_sacked >= DUP_THRESH ||
                               f->sacked >= DUP_THRESH * (u32)t->mss))
                return 0;
        return min_u32(f->reo_mult * (t->min_rtt_us / 4), t->srtt_us >> 3);
}

/* Was r sent before something that arrived? */
static bool overtaken(const struct flight *f, const struct sent *r)
{
        return sent_after(f->rack_tx_us, f->rack_end, r->tx_us, r->end);
}

/* An overtaken run is lost, if that is long enough ago; else it has to be looked at again. */
static bool judge(struct tcb *t, struct sent *r, u32 wnd)
{
        struct flight *f = t->flight;
        s32 left = (s32)(r->tx_us + f->rack_rtt_us + wnd - tcb_now_us(t));
        if (left > 0) {
                f->reo_wait_us = max_u32(f->reo_wait_us, (u32)left);
                return false;
        }
        sent_mark(t, r, SENT_LOST);
        return true;
}

/* 6.2 step 5: what was sent before something that arrived, and long enough ago, is lost. What was sent again is in order of time in a
 * list of its own; what was sent once is so by its numbers, and settled up to where it was looked at before. So the work is what is
 * newly overtaken, not what is outstanding. */
bool rack_detect(struct tcb *t)
{
        struct flight *f = t->flight;
        u32 wnd = rack_reo_wnd(t);
        bool found = false, all = true;
        f->reo_wait_us = 0;
        if (!f->rack_on)
                return false;
        for (struct sent *r = f->again_first, *next; r && overtaken(f, r); r = next) {
                next = r->again;
                found |= judge(t, r, wnd);
        }
        for (struct sent *r = f->settled ? f->settled : f->first; r; r = r->next) {
                if (!(r->flags & (SENT_SACKED | SENT_LOST | SENT_RTX))) {
                        bool over = overtaken(f, r);
                        if (!over && !(r->flags & SENT_EVER_RTX))
                                break; /* nor is anything behind it, which was sent later */
                        bool lost = over && judge(t, r, wnd);
                        found |= lost;
                        all &= lost;
                }
                if (all)
                        f->settled = r;
        }
        return found;
}

/* 6.3: the reordering window closed. */
void rack_reo_timeout(struct tcb *t)
{
        t->flight->delivered = 0;
        recovery_ack(t, t->snd_una, false);
        tcp_tx(t);
}

/* 6.2 step 4, adaptation: each round trip with a D-SACK widens the window by a quarter of min_RTT. */
void rack_dsack(struct tcb *t)
{
        struct flight *f = t->flight;
        if (f->dsack_seen && seq_lt(t->snd_una, f->dsack_round))
                return;
        f->dsack_seen = true;
        f->dsack_round = t->snd_nxt;
        if (f->reo_mult < 255)
                f->reo_mult++;
        f->reo_persist = REO_PERSIST;
}

void rack_recovered(struct tcb *t)
{
        struct flight *f = t->flight;
        if (f->reo_persist && !--f->reo_persist)
                f->reo_mult = 1;
}

/* 7.2. */
u32 tlp_pto(const struct tcb *t)
{
        const struct flight *f = t->flight;
        if (!(t->flags & TF_SACK) || !t->srtt_us || f->ca != CA_OPEN || f->n_sacked || f->lost || f->tlp_out || t->retries ||
            !(t->state & SYN_ACK_RX))
                return 0;
        u32 pto = (t->srtt_us >> 2) / 1000 + 1;
        if (tcb_outstanding(t) <= t->mss)
                pto += TCP_WORST_DELACK_MS;
        pto = max_u32(pto, TCP_TLP_MIN_MS);
        return pto < t->rto_ms ? pto : 0;
}

/* 7.3: new data when there is some and the window lets it, else the last segment again. */
void tlp_timeout(struct tcb *t)
{
        struct flight *f = t->flight;
        u32 was = t->snd_nxt;
        f->tlp_out = true;
        f->tlp_rtx = f->tlp_dsack = false;
        t->ts->count.tlp_probes++;
        if (tcp_unsent(t) && t->snd_wnd > tcb_outstanding(t)) {
                u32 cwnd = t->cwnd;
                t->cwnd = tcp_pipe(t) + t->mss;
                tcp_tx(t);
                t->cwnd = cwnd;
        }
        f = t->flight;
        if (t->snd_nxt == was) {
                struct sent *r = f->last;
                if (r && r->end - r->seq > t->mss && sent_split(t, r, r->end - t->mss))
                        r = f->last;
                if (r) {
                        f->tlp_rtx = true;
                        tcp_retransmit(t, r);
                }
        }
        f->tlp_end = t->snd_nxt;
        tcp_predict(t);
}

/* 7.4: was the probe the only copy that arrived? Then something was lost, and the rate answers. */
void tlp_ack(struct tcb *t, const struct tcp_seg *s, bool dup)
{
        struct flight *f = t->flight;
        if (!f->tlp_out || seq_lt(s->ack, f->tlp_end))
                return;
        if (f->tlp_rtx && seq_gt(s->ack, f->tlp_end) && !f->tlp_dsack)
                recovery_reduce(t);
        if (!f->tlp_rtx || f->tlp_dsack || seq_gt(s->ack, f->tlp_end) || (dup && !s->n_sack))
                f->tlp_out = false;
}
