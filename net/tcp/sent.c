/* sent.c - the scoreboard: what is outstanding, run by run, with the time it was sent (RFC 6675, RFC 8985 5.2).
 * Without a free cell runs grow coarser, never wrong. Not here: who decides what is lost (rack.c, recovery.c).
 * SPDX-License-Identifier: MIT */
#include "engine.h"
#include "mem.h"

bool flight_make(struct tcb *t)
{
        struct flight *f = pool_get(&t->ts->flights);
        if (!f)
                return false;
        f->first = f->last = NULL;
        f->cur = NULL;
        f->cur_off = 0;
        f->calm = true;
        f->cwnd_limited = false;
        f->reo_mult = 1;
        f->small_end = f->recover = f->fack = f->tlp_end = t->snd_una;
        t->flight = f;
        t->progress_ms = tcb_now_ms(t);
        return true;
}

void sent_put(struct tcb *t, struct sent *r)
{
        if (r != &t->flight->one)
                pool_put(&t->ts->cells, r);
}

void flight_put(struct tcb *t)
{
        struct flight *f = t->flight;
        if (tcb_calm(t)) {
                if (t->timer_kind == TT_REPLIED) /* which is what was outstanding */
                        sndq_free(t);
                t->ts->flights.n_free++;
                t->timer_kind = TT_NONE;
        }
        if (!f)
                return;
        while (f->first) {
                struct sent *r = f->first;
                f->first = r->next;
                sent_put(t, r);
        }
        if (!f->calm)
                memset(f->rest, 0, sizeof *f - offsetof(struct flight, rest));
        pool_put(&t->ts->flights, f);
        t->flight = NULL;
}

/* There is a record for one more run, or the newest one can grow. Ask before sending: what has no record is never sent again. */
bool sent_room(const struct tcb *t)
{
        const struct flight *f = t->flight;
        return t->ts->cells.n_free || (f && f->last && !f->last->flags);
}

/* Now, or t where that is at most a second ahead, which what went out at this tick of the clock may be. Older than half an hour looks
 * ahead, too, in 32 bits of microseconds, but by more: a window may have been shut for so long. */
static u32 not_before(u32 t, u32 now) { return t - now < 1000000 ? t : now; }

void sent_add(struct tcb *t, u32 seq, u32 end)
{
        struct flight *f = t->flight;
        struct sent *r = pool_get(&t->ts->cells);
        u32 tx_us = tcb_now_us(t);
        if (f->again_last)
                tx_us = not_before(f->again_last->tx_us, tx_us);
        if (!r) { /* coarser: the newest run grows, and counts as sent now */
                f->last->end = end;
                f->last->tx_us = tx_us;
                return;
        }
        *r = (struct sent){.seq = seq, .end = end, .tx_us = tx_us};
        if (f->last)
                f->last->next = r;
        else
                f->first = r;
        f->last = r;
}

/* r was sent again, perhaps not for the first time. */
static void again_take(struct flight *f, struct sent *r)
{
        struct sent **at = &f->again_first, *before = NULL; /* who was sent first mostly arrives first, too */
        while (*at != r) {
                before = *at;
                at = &before->again;
        }
        *at = r->again;
        if (f->again_last == r)
                f->again_last = before;
}

static void again_put(struct flight *f, struct sent *r)
{
        r->again = NULL;
        *(f->again_last ? &f->again_last->again : &f->again_first) = r;
        f->again_last = r;
}

/* RFC 8985 6.2 compares times and, where they are equal, numbers: what goes again at one tick of the clock is later than what went before
 * it with a higher number. */
void sent_again(struct tcb *t, struct sent *r)
{
        const struct flight *f = t->flight;
        const struct sent *a = f->again_last;
        u32 tx_us = not_before(f->last->tx_us + 1, tcb_now_us(t));
        if (a)
                tx_us = not_before(a->tx_us + seq_gt(a->end, r->end), tx_us);
        sent_mark(t, r, SENT_RTX);
        r->tx_us = tx_us;
}

u32 sent_since(const struct tcb *t, const struct sent *r)
{
        s32 us = (s32)(tcb_now_us(t) - r->tx_us);
        return us > 0 ? (u32)us : 1;
}

/* r keeps [seq, at), the new run behind it has the rest; false without a free cell, r unchanged. */
bool sent_split(struct tcb *t, struct sent *r, u32 at)
{
        struct flight *f = t->flight;
        struct sent *n = pool_get(&t->ts->cells);
        if (!n)
                return false;
        *n = *r;
        n->seq = r->end = at;
        r->next = n;
        if (f->last == r)
                f->last = n;
        if (r->flags & SENT_RTX) {
                r->again = n;
                if (f->again_last == r)
                        f->again_last = n;
        }
        if (r->flags & SENT_SACKED)
                f->n_sacked++;
        return true;
}

/* Undoes a split of the first run, as far as it is all of one kind and one segment. */
void sent_join(struct tcb *t)
{
        struct flight *f = t->flight;
        struct sent *r = f->first, *n = r ? r->next : NULL;
        if (!n || (r->flags | n->flags) & (SENT_SACKED | SENT_RTX) || (r->flags ^ n->flags) & SENT_LOST || n->end - r->seq > t->mss)
                return;
        r->end = n->end;
        r->flags |= n->flags;
        r->next = n->next;
        if (f->last == n)
                f->last = r;
        if (f->settled == n)
                f->settled = r;
        sent_put(t, n);
}

void sent_mark(struct tcb *t, struct sent *r, u8 flag)
{
        struct flight *f = t->flight;
        u32 n = r->end - r->seq;
        if (r->flags & SENT_RTX)
                again_take(f, r);
        if (flag == SENT_RTX)
                again_put(f, r);
        if (flag == SENT_SACKED) {
                if (r->flags & SENT_LOST)
                        f->lost -= n;
                if (r->flags & SENT_RTX)
                        f->retrans -= n;
                r->flags &= (u8)~(SENT_LOST | SENT_RTX);
                f->sacked += n;
                f->n_sacked++;
        } else if (flag == SENT_LOST) {
                if (r->flags & SENT_RTX)
                        f->retrans -= n; /* the copy is lost too */
                if (!(r->flags & SENT_LOST))
                        f->lost += n;
                r->flags &= (u8)~SENT_RTX;
        } else if (flag == SENT_RTX) {
                f->retrans += r->flags & SENT_RTX ? 0 : n;
                flag |= SENT_EVER_RTX;
        }
        r->flags |= flag;
}

/* Takes r's bytes [r->seq, to) out of the sums. */
static void forget(struct flight *f, const struct sent *r, u32 to)
{
        u32 n = to - r->seq;
        if (r->flags & SENT_SACKED)
                f->sacked -= n;
        else
                f->delivered += n;
        if (r->flags & SENT_LOST)
                f->lost -= n;
        if (r->flags & SENT_RTX)
                f->retrans -= n;
}

/* RFC 8985 6.2 step 2: the echo is older than r's last copy, so it is the first one that arrived. */
static bool first_copy(const struct tcb *t, const struct sent *r, const u32 *tsecr)
{
        return (r->flags & SENT_EVER_RTX) && tsecr && *tsecr && tcb_now_ms(t) + t->ts_off - *tsecr > sent_since(t, r) / 1000 + 1;
}

/* Drops what lies below ack. *rtt_us: of the oldest run, unchanged when any was sent twice (Karn, MUST-18): what lay behind a
 * hole was acknowledged late, however short its way. tsecr NULL: there is none. */
void sent_ack(struct tcb *t, u32 ack, u32 *rtt_us, const u32 *tsecr)
{
        struct flight *f = t->flight;
        bool sampled = false, again = false;
        u32 before = *rtt_us;
        f->calm = false;
        while (f->first && seq_lt(f->first->seq, ack)) {
                struct sent *r = f->first;
                again |= (r->flags & SENT_EVER_RTX) != 0;
                if (!(r->flags & SENT_SACKED) && !sampled) {
                        *rtt_us = sent_since(t, r);
                        sampled = true;
                }
                if (again)
                        *rtt_us = before;
                if (!(r->flags & SENT_SACKED) && !first_copy(t, r, tsecr))
                        rack_update(t, r);
                if (seq_gt(r->end, ack)) {
                        forget(f, r, ack);
                        r->seq = ack;
                        return;
                }
                forget(f, r, r->end);
                if (r->flags & SENT_SACKED)
                        f->n_sacked--;
                if (r->flags & SENT_RTX)
                        again_take(f, r);
                if (f->settled == r)
                        f->settled = NULL;
                f->first = r->next;
                if (!f->first)
                        f->last = NULL;
                sent_put(t, r);
        }
}

/* The first run that is lost and not sent again since. */
struct sent *sent_next_lost(struct tcb *t)
{
        struct flight *f = t->flight;
        if (f->lost == 0)
                return NULL;
        for (struct sent *r = f->first; r; r = r->next)
                if ((r->flags & (SENT_LOST | SENT_RTX)) == SENT_LOST)
                        return r;
        return NULL;
}

/* RFC 6675 4: what is believed to be in the network. Without SACK each duplicate stands for a segment that left it (RFC 6582). */
u32 tcp_pipe(const struct tcb *t)
{
        const struct flight *f = t->flight;
        if (!f)
                return 0;
        u32 out = tcb_outstanding(t) + f->retrans, gone = f->sacked + f->lost + (u32)f->dupacks * t->mss;
        return out > gone ? out - gone : 0;
}
