/* batch.c - what waits for the end of a batch of frames, and acknowledgements that wait for company (MUST-40, 58, 59).
 * The connections of a batch are noted in ts->due; a batch of more than fit goes on as a list. All delays are equal, so the list
 * of delayed acknowledgements is in order of time and one timer serves it. It is left alone when an acknowledgement goes out or
 * is owed anew: the list looks at a connection when that was due (ack_look) and files it again if it still owes one.
 * SPDX-License-Identifier: MIT */
#include "engine.h"

static void unlink_from(struct tcblist *l, struct tcb *t)
{
        if (t->link_prev)
                t->link_prev->link_next = t->link_next;
        else
                l->first = t->link_next;
        if (t->link_next)
                t->link_next->link_prev = t->link_prev;
        else
                l->last = t->link_prev;
        t->link_next = t->link_prev = NULL;
}

static void link_behind(struct tcblist *l, struct tcb *t, struct tcb *before)
{
        t->link_prev = before;
        t->link_next = before ? before->link_next : l->first;
        if (t->link_next)
                t->link_next->link_prev = t;
        else
                l->last = t;
        if (before)
                before->link_next = t;
        else
                l->first = t;
}

static void no_answer(struct tcp_state *ts)
{
        pkt_free(ts->answer);
        ts->answer = NULL;
}

static void unqueue(struct tcp_state *ts, struct tcb *t)
{
        for (u32 i = ts->st->n_due; i-- > 0;) { /* its last place: before that it was served, if the batch is ending */
                if (ts->due[i] == t) {
                        ts->due[i] = NULL;
                        if (ts->st->n_due == 1) {
                                ts->st->n_due = 0;
                                no_answer(ts);
                        }
                        return;
                }
        }
        unlink_from(&ts->batch, t);
}

void tcp_unlink(struct tcb *t)
{
        if (t->flags & TF_QUEUED)
                unqueue(t->ts, t);
        if (t->flags & TF_IN_DELACK)
                unlink_from(&t->ts->delack, t);
        t->flags &= ~(u32)(TF_QUEUED | TF_IN_DELACK);
}

void tcp_queue_batch(struct tcb *t)
{
        struct tcp_state *ts = t->ts;
        if (t->flags & TF_QUEUED)
                return;
        if (likely(ts->st->n_due < TCP_DUE)) {
                ts->due[ts->st->n_due++] = t;
        } else { /* the link is needed; tcp_batch_end puts a delayed acknowledgement back */
                tcp_unlink(t);
                link_behind(&ts->batch, t, ts->batch.last);
        }
        t->flags |= TF_QUEUED;
}

void tcp_queue_soon(struct tcb *t)
{
        struct tcp_state *ts = t->ts;
        tcp_queue_batch(t);
        if (!ts->depth && !timer_running(&ts->batch_timer))
                timer_set(&ts->st->wheel, &ts->batch_timer, stack_now_ms(ts->st));
}

/* Milliseconds until `when`, 0 = now; what is out of reach is long past. */
static u32 ahead(const struct tcp_state *ts, u16 when)
{
        u16 ms = (u16)(when - stack_now_ms(ts->st));
        return ms <= TCP_DELACK_MS ? ms : 0;
}

void tcp_into_delack(struct tcb *t)
{
        struct tcp_state *ts = t->ts;
        struct tcb *before = ts->delack.last;
        while (before && ahead(ts, before->ack_look) > ahead(ts, t->ack_due))
                before = before->link_prev;
        t->ack_look = t->ack_due;
        link_behind(&ts->delack, t, before);
        t->flags |= TF_IN_DELACK;
        if (!timer_running(&ts->delack_timer))
                timer_set(&ts->st->wheel, &ts->delack_timer, stack_now_ms(ts->st) + ahead(ts, t->ack_look));
}

void tcp_ack_later(struct tcb *t)
{
        if (!(t->flags & TF_ACK_DELAYED)) {
                t->flags |= TF_ACK_DELAYED;
                t->ack_due = (u16)(tcb_now_ms(t) + TCP_DELACK_MS);
        }
        if (!(t->flags & (TF_QUEUED | TF_IN_DELACK | TF_BUSY))) /* tcp_leave does it, if it is still owed then */
                tcp_into_delack(t);
}

void tcp_delack_fired(struct timer *tm)
{
        struct tcp_state *ts = container_of(tm, struct tcp_state, delack_timer);
        struct tcb *t;
        while ((t = ts->delack.first) && !ahead(ts, t->ack_look)) {
                unlink_from(&ts->delack, t);
                t->flags &= ~(u32)TF_IN_DELACK;
                if (!(t->flags & TF_ACK_DELAYED) || tcb_frozen(t))
                        continue;
                if (ahead(ts, t->ack_due)) {
                        tcp_into_delack(t);
                        continue;
                }
                t->flags &= ~(u32)TF_ACK_DELAYED;
                tcp_ack_now(t, NULL);
        }
        if (t)
                timer_set(&ts->st->wheel, tm, stack_now_ms(ts->st) + ahead(ts, t->ack_look));
}

static void serve(struct tcb *t)
{
        t->flags &= ~(u32)TF_QUEUED;
        if (unlikely(tcb_frozen(t)))
                return; /* tcb_thaw sees what it owes */
        if (t->flags & TF_WANT_TX)
                tcp_tx(t);
        else if (t->flags & TF_ACK_NOW) {
                if (likely(!t->reasm && !t->uto_tell))
                        tcp_ack_bare(t);
                else
                        tcp_ack_now(t, NULL);
        }
        if ((t->flags & (TF_ACK_DELAYED | TF_IN_DELACK | TF_QUEUED)) == TF_ACK_DELAYED)
                tcp_into_delack(t);
}

void tcp_batch_rest(struct stack *st)
{
        struct tcp_state *ts = st->tcp;
        no_answer(ts);
        for (u32 i = 0; i < st->n_due; i++)
                if (likely(ts->due[i] != NULL))
                        serve(ts->due[i]);
        st->n_due = 0;
        struct tcb *t;
        while (unlikely((t = ts->batch.first) != NULL)) {
                unlink_from(&ts->batch, t);
                serve(t);
        }
}

void tcp_batch_fired(struct timer *tm)
{
        tcp_batch_end(container_of(tm, struct tcp_state, batch_timer)->st);
}
