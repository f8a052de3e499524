/* window.c - the receive window: what to advertise, and how it grows (RFC 9293 3.8.6; MUST-39, SHLD-14).
 * The right edge never moves left. Under memory pressure it stops moving right: windows shrink by not growing.
 * SPDX-License-Identifier: MIT */
#include "engine.h"

/* With acknowledgement on reading, bytes are acknowledged when they are read (R158), and so is the FIN behind them. */
u32 tcp_rcv_ack(const struct tcb *t)
{
        if (likely(!(t->flags & TF_ACK_ON_READ)))
                return t->rcv_nxt;
        bool fin_held = (t->state & (FIN_RX | FIN_ACK_TX)) == FIN_RX;
        return t->rcv_nxt - t->rcv_queued - (fin_held ? 1 : 0);
}

u32 tcp_edge(struct tcb *t)
{
        u32 space = t->rcv_space > t->rcv_queued ? t->rcv_space - t->rcv_queued : 0;
        const struct pktpool *pool = &tcb_stack(t)->pkts;
        if (unlikely(pool->n_free < pool->n_quarter)) {
                /* a quarter of the buffers is left: promise no more than a share of it, so that established data always fits */
                u32 share = pool->n_free > pool->n_short ? pool->n_free * (PKT_BUF / 16) : 0;
                space = min_u32(space, share);
        }
        u32 edge = t->rcv_nxt + space;
        s32 gain = (s32)(edge - t->rcv_adv);
        /* MUST-39: move it by a full segment or half of the buffer, else not at all */
        if (gain <= 0 || (u32)gain < min_u32(t->rcv_space / 2, t->rcv_mss))
                return t->rcv_adv;
        return edge;
}
