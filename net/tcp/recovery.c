/* recovery.c - what loss does to the rate: fast recovery with proportional rate reduction (RFC 6937), NewReno without SACK
 * (RFC 6582), time-outs (RFC 5681 3.1), undoing them when they proved needless (RFC 3522, 3708), ECN (RFC 3168 6.1.2).
 * SPDX-License-Identifier: MIT */
#include "engine.h"

enum { DUP_THRESH = 3 };

static void remember(struct tcb *t)
{
        struct flight *f = t->flight;
        f->prior_cwnd = t->cwnd;
        f->prior_ssthresh = t->ssthresh;
        f->prior_w_max = t->w_max;
        f->prior_epoch = f->epoch_on;
        f->undo_rtx = 0;
        f->undo_on = true;
        f->rtx_stamp = tcb_now_ms(t) + t->ts_off;
        f->recover = t->snd_nxt;
}

/* RFC 3168 6.1.2: CWR on the first new data after a reduction for any reason. */
static void say_reduced(struct tcb *t)
{
        if (t->flags & TF_ECN)
                t->flags |= TF_CWR;
}

static void enter_recovery(struct tcb *t)
{
        struct flight *f = t->flight;
        if (f->ca != CA_CWR) {
                remember(t);
                t->ssthresh = cc_ssthresh(t);
                say_reduced(t);
        }
        f->recover = t->snd_nxt;
        f->ca = CA_RECOVERY;
        f->prr_delivered = f->prr_out = 0;
        f->recover_fs = max_u32(tcb_outstanding(t), 1);
        t->ts->count.fast_recoveries++;
}

/* RFC 6937 3.1, PRR-SSRB. `safe`: the front moved and nothing more was found lost; `named`: one segment goes in any case. */
static void prr(struct tcb *t, bool safe, bool named)
{
        struct flight *f = t->flight;
        u32 pipe = tcp_pipe(t), delivered = f->delivered;
        s32 snd;
        f->prr_delivered += delivered;
        if (pipe > t->ssthresh) {
                u64 goal = ((u64)f->prr_delivered * t->ssthresh + f->recover_fs - 1) / f->recover_fs;
                snd = (s32)((u32)goal - f->prr_out);
        } else {
                s32 limit = (s32)(f->prr_delivered - f->prr_out);
                if (limit < (s32)delivered)
                        limit = (s32)delivered;
                if (safe)
                        limit += t->mss;
                snd = (s32)(t->ssthresh - pipe);
                if (snd > limit)
                        snd = limit;
        }
        if ((!f->prr_out || named) && snd < t->mss)
                snd = t->mss; /* the fast retransmit itself; RFC 6582 3.2 (5): what a partial acknowledgement names */
        t->cwnd = pipe + (snd > 0 ? (u32)snd : 0);
}

static void leave(struct tcb *t)
{
        struct flight *f = t->flight;
        if (f->ca == CA_RECOVERY) {
                t->cwnd = max_u32(t->ssthresh, t->mss);
                rack_recovered(t);
        }
        f->ca = CA_OPEN;
        f->dupacks = 0;
        f->undo_on = false;
}

/* It was not loss: everything as before. */
static void undo(struct tcb *t)
{
        struct flight *f = t->flight;
        t->cwnd = max_u32(t->cwnd, f->prior_cwnd);
        t->ssthresh = max_u32(t->ssthresh, f->prior_ssthresh);
        t->w_max = f->prior_w_max; /* RFC 9438 4.9.2; the epoch's other numbers are as they were */
        f->epoch_on = f->prior_epoch;
        for (struct sent *r = f->first; r; r = r->next) {
                if ((r->flags & (SENT_LOST | SENT_RTX)) == SENT_LOST) {
                        f->lost -= r->end - r->seq;
                        r->flags &= (u8)~SENT_LOST;
                }
        }
        f->ca = CA_OPEN;
        f->undo_on = false;
        f->dupacks = 0;
        f->settled = NULL;
        t->ts->count.undos++;
}

/* RFC 2883: our retransmissions arrived twice. When all of them did, none was needed. */
void recovery_dsack(struct tcb *t, u32 segments, u32 end)
{
        struct flight *f = t->flight;
        if (f->tlp_out && f->tlp_rtx && f->tlp_end - end < t->mss) { /* FIN is not told, and blocks may have cut the probe */
                f->tlp_dsack = true;
                return;
        }
        rack_dsack(t);
        f->undo_rtx -= min_u32(segments, f->undo_rtx);
        if (f->undo_on && !f->undo_rtx && (f->ca == CA_RECOVERY || f->ca == CA_LOSS))
                undo(t);
}

/* RFC 6582 4.1: behind a time-out, too, three duplicates name a hole - the repeated segment was lost again - unless the front leapt
 * just before: then what was repeated beyond it had arrived, and only its copies are answered. */
static bool lost_again(struct tcb *t, u32 acked, bool dup)
{
        struct flight *f = t->flight;
        if (acked) {
                f->una_step = acked;
                f->dups = 0;
        } else if (dup && f->dups < 255) {
                f->dups++;
        }
        return f->ca == CA_LOSS && dup && f->dups == DUP_THRESH && f->una_step && f->una_step <= 4u * t->mss;
}

/* Without SACK: the third duplicate, and each partial acknowledgement, name the segment at the front (RFC 6582 3.2). */
static bool newreno_detect(struct tcb *t, u32 old_una, bool dup)
{
        struct flight *f = t->flight;
        u32 acked = t->snd_una - old_una;
        bool in = f->ca == CA_RECOVERY || f->ca == CA_LOSS, again = lost_again(t, acked, dup);
        if (dup)
                f->delivered += t->mss;
        if (acked && f->dupacks) {
                u32 segs = (acked + t->mss - 1) / t->mss - 1;
                f->delivered -= min_u32(f->delivered, min_u32(segs, f->dupacks) * t->mss);
                f->dupacks = in ? (u8)(f->dupacks - min_u32(segs, f->dupacks)) : 0;
        }
        bool now = in ? acked && seq_lt(t->snd_una, f->recover) && f->ca == CA_RECOVERY : dup && f->dupacks == DUP_THRESH;
        struct sent *r = f->first;
        if (!(now || again) || !r || (r->flags & SENT_LOST && !(r->flags & SENT_RTX)))
                return false;
        if (r->end - r->seq > t->mss)
                sent_split(t, r, r->seq + t->mss);
        sent_mark(t, r, SENT_LOST);
        return true;
}

/* RFC 3522: the first acknowledgement after the retransmission echoes a time before it, so it is of the first copy. */
void recovery_echo(struct tcb *t, u32 tsecr)
{
        struct flight *f = t->flight;
        if (!f->undo_on || (f->ca != CA_RECOVERY && f->ca != CA_LOSS) || !f->undo_rtx)
                return;
        if ((s32)(tsecr - f->rtx_stamp) < 0)
                undo(t);
        f->undo_on = false;
}

void recovery_ack(struct tcb *t, u32 old_una, bool dup)
{
        struct flight *f = t->flight;
        bool advanced = t->snd_una != old_una;
        bool lost_more = t->flags & TF_SACK ? rack_detect(t) : newreno_detect(t, old_una, dup);
        if (f->ca == CA_LOSS && advanced && t->cwnd < t->ssthresh)
                t->cwnd += min_u32(f->delivered, t->mss); /* RFC 5681 3.1 (2): not for duplicates */
        if (f->ca != CA_OPEN && seq_ge(t->snd_una, f->recover)) {
                /* the window grew, or is ssthresh (RFC 6582 3.2), or was marked (RFC 3168 6.1.2), and grows with what comes */
                advanced = false;
                leave(t);
        }
        bool open = f->ca == CA_OPEN || f->ca == CA_CWR || (f->ca == CA_LOSS && !(t->flags & TF_SACK));
        if (f->lost && open && lost_more && !(f->probe_end && pmtu_probe_lost(t)))
                enter_recovery(t);
        switch (f->ca) {
        case CA_RECOVERY:
                prr(t, advanced && !lost_more, lost_more && !(t->flags & TF_SACK));
                break;
        case CA_OPEN:
                if (advanced)
                        cc_acked(t, f->delivered);
                break;
        }
        if (lost_more)
                tcp_predict(t);
}

/* RFC 8985 6.3: sent so late that it may still be on its way. */
static bool too_young(const struct tcb *t, const struct sent *r)
{
        const struct flight *f = t->flight;
        u32 rtt = f->rack_on ? f->rack_rtt_us : t->srtt_us >> 3, age = tcb_now_us(t) - r->tx_us;
        return (t->flags & TF_SACK) && r != f->first && (age < rtt + rack_reo_wnd(t) || age > UINT32_MAX - 1000000);
}

/* The retransmission time-out (RFC 5681 3.1 (4), RFC 6298 5.4 to 5.6). */
void recovery_timeout(struct tcb *t)
{
        struct flight *f = t->flight;
        if (f->ca != CA_LOSS) {
                remember(t);
                t->ssthresh = cc_ssthresh(t);
                say_reduced(t);
        }
        f->ca = CA_LOSS;
        f->recover = t->snd_nxt;
        f->dupacks = 0;
        f->una_step = 0;
        f->tlp_out = false;
        /* RFC 2018 8: the front was sacked, and yet not acknowledged */
        bool reneged = f->first && (f->first->flags & SENT_SACKED);
        for (struct sent *r = f->first; r; r = r->next) {
                if ((r->flags & SENT_SACKED) && reneged) {
                        f->sacked -= r->end - r->seq;
                        f->n_sacked--;
                        r->flags &= (u8)~SENT_SACKED;
                }
                if (!(r->flags & SENT_SACKED) && (reneged || !too_young(t, r)))
                        sent_mark(t, r, SENT_LOST);
        }
        t->cwnd = t->mss;
        t->ts->count.timeouts++;
}

/* One reduction a window, without retransmission. */
void recovery_reduce(struct tcb *t)
{
        struct flight *f = t->flight;
        if (f->ca != CA_OPEN)
                return;
        t->ssthresh = cc_ssthresh(t);
        t->cwnd = min_u32(t->cwnd, t->ssthresh); /* which is two segments at least */
        f->ca = CA_CWR;
        f->recover = t->snd_nxt;
        say_reduced(t);
}

void recovery_ecn(struct tcb *t)
{
        recovery_reduce(t);
}
