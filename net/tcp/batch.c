/* batch.c - what waits for the end of a batch of frames, and acknowledgements that wait for company (MUST-40, 58, 59).
 * Both are lists through the same link: a connection is on one of them or on none. All delays are equal, so the list of
 * delayed acknowledgements is in order of time and one timer serves it.
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

void tcp_unlink(struct tcb *t)
{
        if (t->flags & TF_QUEUED)
                unlink_from(&t->ts->batch, t);
        else if (t->flags & TF_IN_DELACK)
                unlink_from(&t->ts->delack, t);
        t->flags &= ~(u32)(TF_QUEUED | TF_IN_DELACK);
}

void tcp_queue_batch(struct tcb *t)
{
        struct tcp_state *ts = t->ts;
        if (t->flags & TF_QUEUED)
                return;
        tcp_unlink(t);
        link_behind(&ts->batch, t, ts->batch.last);
        ts->st->waiting = true;
        t->flags |= TF_QUEUED;
}

void tcp_queue_soon(struct tcb *t)
{
        struct tcp_state *ts = t->ts;
        tcp_queue_batch(t);
        if (!ts->depth && !timer_running(&ts->batch_timer))
                timer_set(&ts->st->wheel, &ts->batch_timer, stack_now_ms(ts->st));
}

void tcp_into_delack(struct tcb *t)
{
        struct tcp_state *ts = t->ts;
        struct tcb *before = ts->delack.last;
        while (before && (s32)(before->ack_due_ms - t->ack_due_ms) > 0)
                before = before->link_prev;
        link_behind(&ts->delack, t, before);
        t->flags |= TF_IN_DELACK;
        if (!timer_running(&ts->delack_timer))
                timer_set(&ts->st->wheel, &ts->delack_timer, t->ack_due_ms);
}

void tcp_ack_later(struct tcb *t)
{
        if (!(t->flags & TF_ACK_DELAYED)) {
                t->flags |= TF_ACK_DELAYED;
                t->ack_due_ms = tcb_now_ms(t) + TCP_DELACK_MS;
        }
        if (!(t->flags & (TF_QUEUED | TF_IN_DELACK | TF_BUSY))) /* tcp_leave does it, if it is still owed then */
                tcp_into_delack(t);
}

void tcp_delack_fired(struct timer *tm)
{
        struct tcp_state *ts = container_of(tm, struct tcp_state, delack_timer);
        u32 now = stack_now_ms(ts->st);
        while (ts->delack.first && (s32)(now - ts->delack.first->ack_due_ms) >= 0) {
                struct tcb *t = ts->delack.first;
                tcp_unlink(t);
                t->flags &= ~(u32)TF_ACK_DELAYED;
                tcp_ack_now(t, NULL);
        }
        if (ts->delack.first)
                timer_set(&ts->st->wheel, tm, ts->delack.first->ack_due_ms);
}

void tcp_batch_end(struct stack *st)
{
        struct tcp_state *ts = st->tcp;
        while (ts->batch.first) {
                struct tcb *t = ts->batch.first;
                tcp_unlink(t);
                if (t->flags & TF_WANT_TX)
                        tcp_tx(t);
                else if (t->flags & TF_ACK_NOW)
                        tcp_ack_now(t, NULL);
                if ((t->flags & TF_ACK_DELAYED) && !(t->flags & TF_IN_DELACK))
                        tcp_into_delack(t);
        }
}

void tcp_batch_fired(struct timer *tm)
{
        tcp_batch_end(container_of(tm, struct tcp_state, batch_timer)->st);
}
