/* consume.c - the user has read all there is, and all of it lies in one buffer of its own, while the stack is inside the connection:
 * the usual. Twin of asm/consume.S; whatever is not so is left to recv.c. SPDX-License-Identifier: MIT */
#include "engine.h"

void tcp_consume(struct tcb *t, u32 n)
{
        struct pkt *p = t->rcv_first;
        if (unlikely(!n || n != t->rcv_queued || p != t->rcv_last || p->refs != 1 || p->nfrag ||
                     (t->flags & (TF_BUSY | TF_URG_RX | TF_ACK_ON_READ | TF_PSHED)) != TF_BUSY)) {
                tcp_consume_part(t, n);
                return;
        }
        struct pktpool *pool = p->pool;
        t->rcv_queued = 0;
        p->refs = 0;
        p->next = pool->free;
        pool->free = p;
        pool->n_free++;
        if (t->rcv_space < t->rcvbuf && pool->n_free >= pool->n_half) /* window_grow of recv.c */
                t->rcv_space = min_u32(t->rcv_space + n, t->rcvbuf);
        if (tcb_rcv_wnd(t) <= t->rcv_space / 2)
                tcp_window_read(t);
}
