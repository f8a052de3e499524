/* batch_end.c - the end of a batch that left one connection waiting, for nothing but a bare acknowledgement: the usual. Twin of
 * asm/batch_end.S; whatever is not so is left to stack.c and batch.c.
 * SPDX-License-Identifier: MIT */
#include "engine.h"

/* In the buffer that was read, if the straight line kept it. */
static void acknowledge(struct tcb *t)
{
        struct pkt *p = t->ts->answer;
        if (!p) {
                tcp_ack_bare(t);
                return;
        }
        t->ts->answer = NULL;
        p->next = NULL;
        pkt_again(p, PKT_HEADROOM);
        tcp_ack_in(t, p);
}

void tcp_batch_end(struct stack *st)
{
        struct tcp_state *ts = st->tcp;
        struct tcb *t = ts->due[0];
        if (st->n_due != 1 || (t->flags & (TF_WANT_TX | TF_ACK_NOW)) != TF_ACK_NOW || t->reasm || t->uto_tell || tcb_frozen(t)) {
                tcp_batch_rest(st);
                return;
        }
        st->n_due = 0;
        t->flags &= ~(u32)TF_QUEUED;
        acknowledge(t);
}

void stack_batch_end(struct stack *st)
{
        if (st->at_batch_end == 1)
                tcp_batch_end(st);
        else if (st->at_batch_end)
                stack_batch_rest(st);
}
