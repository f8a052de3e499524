/* recv.c - how the user reads: bytes stay in the buffers in which they came until they are consumed (consume.c: all of one).
 * SPDX-License-Identifier: MIT */
#include "engine.h"
#include "mem.h"

u32 tcp_readable(const struct tcb *t) { return t->rcv_queued; }

bool tcp_window_full(const struct tcb *t) { return tcb_rcv_wnd(t) < t->rcv_mss; }

bool tcp_eof(const struct tcb *t) { return (t->flags & TF_EOF) != 0; }

u32 tcp_peek(const struct tcb *t, u32 off, const u8 **ptr)
{
        const struct pkt *p = t->rcv_first;
        if (off >= t->rcv_queued)
                return 0;
        for (; off >= p->len; p = p->next)
                off -= p->len;
        *ptr = p->data + off;
        return p->len - off;
}

u32 tcp_copy(const struct tcb *t, u32 off, void *dst, u32 n)
{
        u32 done = 0;
        const struct pkt *p = t->rcv_first;
        if (off >= t->rcv_queued)
                return 0;
        n = min_u32(n, t->rcv_queued - off);
        for (; off >= p->len; p = p->next)
                off -= p->len;
        for (; done < n; p = p->next, off = 0) {
                u32 m = min_u32(p->len - off, n - done);
                memcpy((u8 *)dst + done, p->data + off, m);
                done += m;
        }
        return done;
}

/* The user keeps up: what it consumes between two looks fills the window, so a larger one would be used. */
static inline void window_grow(struct tcb *t, u32 consumed)
{
        const struct pktpool *pool = &tcb_stack(t)->pkts;
        if (t->rcv_space >= t->rcvbuf || t->rcv_queued > consumed || pool->n_free < pool->n_half)
                return;
        t->rcv_space = min_u32(t->rcv_space + consumed, t->rcvbuf);
}

void tcp_window_read(struct tcb *t)
{
        if (!(t->state & FIN_RX) && tcb_rcv_wnd(t) <= t->rcv_space / 2 && tcp_edge(t) != t->rcv_adv)
                t->flags |= TF_ACK_NOW; /* a window update: the peer may be waiting for it */
}

/* After n bytes were read: the window may open, an acknowledgement or the end may be due. */
static inline void was_read(struct tcb *t, u32 n)
{
        t->rcv_queued -= n;
        if (!t->rcv_queued)
                t->flags &= ~(u32)TF_PSHED;
        if ((t->flags & TF_URG_RX) && seq_ge(t->rcv_nxt - t->rcv_queued, t->rcv_up)) {
                t->flags &= ~(u32)TF_URG_RX;
                tcp_predict(t);
        }
        window_grow(t, n);
        if ((t->flags & TF_ACK_ON_READ) && (t->state & SYN_ACK_RX)) {
                if (!t->rcv_queued && (t->state & (FIN_RX | FIN_ACK_TX)) == FIN_RX)
                        tcp_set_state(t, TCP_EV_ACK_FIN);
                t->flags |= TF_ACK_NOW;
        } else {
                tcp_window_read(t);
        }
        if (t->flags & TF_BUSY)
                return;
        if (t->state == TCP_B_TIME_WAIT)
                tcp_try_finish(t);
        else if (t->flags & TF_ACK_NOW)
                tcp_queue_soon(t);
}

void tcp_consume_part(struct tcb *t, u32 n)
{
        u32 left = n = min_u32(n, t->rcv_queued);
        if (!n)
                return;
        do {
                struct pkt *p = t->rcv_first;
                if (left < p->len) {
                        pkt_pull(p, left);
                        break;
                }
                left -= p->len;
                t->rcv_first = p->next;
                pkt_free(p);
        } while (left);
        was_read(t, n);
}

struct pkt *tcp_take(struct tcb *t)
{
        struct pkt *p = t->rcv_first;
        if (!t->rcv_queued)
                return NULL;
        t->rcv_first = p->next;
        p->next = NULL;
        was_read(t, p->len);
        return p;
}

int tcp_refuse(struct tcb *t)
{
        if (!(t->flags & TF_ACK_ON_READ) || (t->state & FIN_RX))
                return E_INVAL;
        t->rcv_nxt -= t->rcv_queued;
        t->flags &= ~(u32)TF_PSHED;
        rcvq_free(t);
        return 0;
}

u32 tcp_urgent_left(const struct tcb *t)
{
        return t->flags & TF_URG_RX ? t->rcv_up - (t->rcv_nxt - t->rcv_queued) : 0;
}
