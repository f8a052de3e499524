/* consume.c - the user has read all there is, and it is what the straight line just brought, in a buffer of its own: the usual. The line
 * has the buffer again, for the reply, and looks at the window. Twin of asm/consume.S; whatever is not so is left to recv.c. SPDX-License-Identifier: MIT */
#include "engine.h"

void tcp_consume(struct tcb *t, u32 n)
{
        struct tcp_state *ts = t->ts;
        struct pkt *p = t->rcv_first;
        if (unlikely(n != t->rcv_queued || p != ts->line || p->refs != 1 || p->nfrag)) {
                tcp_consume_part(t, n);
                return;
        }
        const struct pktpool *pool = &ts->st->pkts;
        ts->line = ts;
        p->next = p; /* nothing else that becomes of it would look so */
        t->rcv_queued = 0;
        if (t->rcv_space < t->rcvbuf && pool->n_free >= pool->n_half) /* window_grow of recv.c */
                t->rcv_space = min_u32(t->rcv_space + n, t->rcvbuf);
}
