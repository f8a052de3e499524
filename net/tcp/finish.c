/* finish.c - the end of a connection: the user is told once, what it holds is freed.
 * SPDX-License-Identifier: MIT */
#include "engine.h"

const struct tcp_events tcp_no_events;

/* MUST-12: closed normally (0) or why not. */
void tcp_finish(struct tcb *t, int err)
{
        const struct tcp_events *ev = t->ev;
        if (t->flags & TF_DEAD)
                return;
        if (t->state != TCP_B_GONE)
                tcp_set_state(t, TCP_EV_ABORT);
        t->flags |= TF_DEAD;
        t->ev = &tcp_no_events;
        if (ev->closed)
                ev->closed(t, err);
        tcb_free(t);
}

/* Both directions are closed and acknowledged. It is over when nothing is left to read; who closed first leaves a TIME_WAIT
 * entry behind (MUST-13), except in application mode (R159). */
void tcp_try_finish(struct tcb *t)
{
        bool waits = (t->flags & (TF_ACTIVE_CLOSE | TF_APP_MODE)) == TF_ACTIVE_CLOSE;
        if (t->flags & TF_ACK_NOW)
                t->conv ? conv_ack(t) : tcp_ack_now(t, NULL);
        if (t->rcv_queued && !(t->flags & TF_USER_CLOSED))
                return;
        if (t->conv && t->state != TCP_B_TIME_WAIT)
                waits = !(t->state & SYN_TX); /* one way: who listened answers when the FIN comes again (R39) */
        if (waits)
                timewait_enter(t);
        tcp_finish(t, 0);
}
