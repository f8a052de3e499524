/* calm.c - a calm run: one segment that tcp_send_whole sent while nothing else was outstanding, which nothing happened to since. It has
 * no flight and no record: it is all of SND.UNA to SND.NXT, and all that is queued, sent once, when calm_tx_us says. Its flight is promised
 * by the pool's count, and made when somebody wants to look at it (flight_wake). timer_kind is TT_CALM from the first such run on, until
 * calm_ms passed without one: the wheel's timer runs, and is never late; what is due is only found out when it fires. As long:
 *      what is queued are two pieces at most, whose sums are known
 *      nothing came out of order (reasm.c): segments then tell the holes, which a whole reply has no room for
 *      nothing lay idle for longer than the least RTO
 *      the congestion window holds more than two full segments, so that a calm run never uses it up, and does not widen it (RFC 7661 4.3)
 *      a round trip and the smallest one are known, and RTO follows from them whenever one was measured (rto_ms is 0 then)
 * One piece by reference, queued by tcp_send_ref inside the connection's own event while nothing else was, needs no cell either: the
 * connection describes it itself, until somebody else wants to look at the queue (calm_settle). Nothing is listed there meanwhile.
 *      TT_CALM      what is outstanding, if anything, is listed
 *      TT_READY     nothing is queued. The peer acknowledged what the connection kept together with its next text, which the user is being told
 *                   of: the flight and the cell of the last reply are promised still, to the next one, so that there is less to ask when
 *                   he answers. Whoever else looks, and the end of his event, gives them back (calm_settle)
 *      TT_REPLY     `reply`, reply_sum and snd_queued are all that is queued, and it was not sent yet. A flight and a cell are promised
 *      TT_REPLIED   the same, and it is all that is outstanding
 * SPDX-License-Identifier: MIT */
#include "engine.h"

/* Everything is in at most two pieces whose sums are known: they are referred to, and nothing is read. */
static bool pieces_known(const struct sndent *e)
{
        _Static_assert(PKT_FRAGS == 2, "as many are asked about here");
        return e->has_sum && (!e->next || (e->next->has_sum && !e->next->next));
}

bool calm_begin(struct tcb *t) { return pieces_known(t->snd_first) && calm_enter(t); }

bool calm_enter(struct tcb *t)
{
        u32 now = tcb_now_ms(t), due = now + t->ts->calm_ms;
        if (t->conv || t->flight || t->reasm || !t->srtt_us || (t->state != TCP_B_ESTABLISHED && t->state != TCP_B_CLOSE_WAIT))
                return false;
        if (t->cwnd > min_u32(10u * t->mss, TCP_CWND_FIRST) && now - t->last_tx_ms > t->rto_ms)
                cc_idle(t); /* to no less than that */
        if (t->cwnd / 2 <= t->mss)
                return false;
        if (!t->min_rtt_us)
                t->min_rtt_us = max_u32(t->srtt_us >> 3, 1); /* the handshake's */
        t->timer_kind = TT_CALM;
        t->calm_tx_us = tcb_now_us(t);
        if (!timer_running(&t->timer) || (s32)(due - t->timer.due_ms) < 0)
                timer_set(&tcb_stack(t)->wheel, &t->timer, due);
        return true;
}

void calm_acked(struct tcb *t)
{
        u32 rtt = max_u32(tcb_now_us(t) - t->calm_tx_us, 1);
        t->min_rtt_us = min_u32(t->min_rtt_us, rtt);
        rtt_smooth(t, rtt);
        t->rto_ms = 0;
        t->snd_una = t->snd_nxt;
        t->ts->flights.n_free++;
        sndq_free(t);
}

void calm_ready(struct tcb *t)
{
        t->ts->cells.n_free--;
        t->ts->flights.n_free--;
        t->timer_kind = TT_READY;
}

void calm_settle(struct tcb *t)
{
        t->ts->cells.n_free++;
        if (t->timer_kind != TT_REPLIED)
                t->ts->flights.n_free++;
        bool nothing = t->timer_kind == TT_READY;
        t->timer_kind = TT_CALM;
        if (nothing)
                return;
        struct sndent *e = pool_get(&t->ts->cells);
        *e = (struct sndent){.ptr = t->reply, .len = t->snd_queued, .sum = t->reply_sum, .has_sum = true};
        t->snd_first = t->snd_last = e;
}

void calm_end(struct tcb *t)
{
        sndq_list(t);
        u32 tx_us = t->calm_tx_us, fin = t->state & FIN_TX ? 1 : 0;
        t->timer_kind = TT_NONE;
        t->rto_ms = tcb_rto(t);
        if (t->min_rtt_us == CALM_NO_RTT)
                t->min_rtt_us = tcb_outstanding(t) ? max_u32(t->srtt_us >> 3, 1) : 0;
        t->last_tx_ms = tcb_now_ms(t) - (tcb_now_us(t) - tx_us) / 1000;
        u32 least = t->timer.due_ms - t->ts->calm_ms; /* while the wheel turns its clock is behind the other one */
        if ((s32)(t->last_tx_ms - least) < 0)
                t->last_tx_ms = least;
        if (!tcb_outstanding(t))
                return;
        t->ts->flights.n_free++;
        flight_make(t);
        struct flight *f = t->flight;
        f->one = (struct sent){.seq = t->snd_una, .end = t->snd_nxt, .tx_us = tx_us};
        f->first = f->last = &f->one;
        f->cur = t->snd_first;
        f->cur_off = tcb_outstanding(t) - fin;
        if (f->cur_off < t->mss)
                f->small_end = t->snd_nxt;
        t->progress_ms = t->last_tx_ms;
        u32 pto = tlp_pto(t);
        t->timer_kind = pto ? TT_TLP : TT_RTX;
        t->due_ms = t->last_tx_ms + (pto ? pto : t->rto_ms);
}
