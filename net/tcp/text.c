/* text.c - seventh and eighth step of RFC 9293 3.10.7.4: segment text into the receive queue, and FIN.
 * Not here: what arrives out of order (reasm.c), how the user reads it (recv.c).
 * SPDX-License-Identifier: MIT */
#include "engine.h"
#include "mem.h"

enum { COALESCE_BELOW = 600 }; /* shorter text is copied behind the last buffer: a buffer a byte would empty the pool */

void tcp_append(struct tcb *t, struct pkt *p, u32 len, bool psh)
{
        struct pkt *last = t->rcv_queued ? rcvq_last(t) : NULL;
        t->ts->line = t->ts; /* what it lent has company now, if it was this one's */
        t->rcv_queued += len;
        if (psh && (t->flags & TF_PSH_MESSAGE))
                t->flags |= TF_PSHED;
        bool copy = len < COALESCE_BELOW || tcp_short_of_buffers(tcb_stack(t));
        if (last && copy && last->refs == 1 && pkt_append(last, p->data, len)) {
                pkt_free(p);
                return;
        }
        p->next = NULL;
        if (last)
                last->next = t->rcv_last = p;
        else
                t->rcv_first = p;
}

/* SHLD-18, 19: delayed, but every second full segment is acknowledged at the end of the batch. */
void tcp_ack_policy(struct tcb *t, u32 len)
{
        tcb_saw_mss(t, len);
        if (t->flags & TF_ACK_ON_READ)
                return;
        if (t->rcv_nxt - t->rcv_acked >= 2u * t->rcv_mss)
                t->flags |= TF_ACK_NOW;
        else
                tcp_ack_later(t);
}

void tcp_tell_readable(struct tcb *t)
{
        if (!t->ev->readable || (t->flags & (TF_USER_CLOSED | TF_DEAD)))
                return;
        bool full = t->rcv_queued >= t->rcv_space / 2; /* the peer cannot go on before this is read */
        if ((t->flags & TF_PSH_MESSAGE) && !(t->flags & (TF_PSHED | TF_EOF)) && !full)
                return;
        t->ev->readable(t);
}

/* The peer's FIN is next: it counts as one octet (R35). */
void tcp_got_fin(struct tcb *t)
{
        bool held = (t->flags & TF_ACK_ON_READ) && t->rcv_queued;
        if (t->rcv_nxt++ == t->rcv_adv)
                t->rcv_adv++; /* behind text that filled the window: none is left, not less than none */
        t->flags |= TF_EOF | TF_PSHED;
        if (!held)
                t->flags |= TF_ACK_NOW;
        reasm_free(t);
        tcp_set_state(t, held ? TCP_EV_FIN_HELD : TCP_EV_FIN);
        if (t->conv)
                channel_rx_closed(t);
        tcp_timer_rearm(t);
}

struct text { u32 seq, len; bool fin, psh; };

/* Cuts x to what is new and in the window. An old front is a duplicate to be told (RFC 2883 4.2). */
static void cut(struct tcb *t, struct pkt *p, struct text *x, struct sack_block *dup)
{
        if (seq_lt(x->seq, t->rcv_nxt)) {
                u32 n = min_u32(t->rcv_nxt - x->seq, x->len);
                *dup = (struct sack_block){x->seq, x->seq + n};
                t->flags |= TF_ACK_NOW;
                pkt_pull(p, n);
                x->seq += n;
                x->len -= n;
        }
        if (seq_gt(x->seq + x->len, t->rcv_adv)) {
                u32 n = min_u32(x->seq + x->len - t->rcv_adv, x->len);
                p->len = (u16)(p->len - n);
                x->len -= n;
                x->fin = false;
                t->flags |= TF_ACK_NOW;
        }
}

/* Room for text that is next although buffers are short: in the last one that is queued, or that of text which is further ahead. And whose
 * user has read all gets one more, down to half of what is left: else one connection that stands still would stop all others. */
static bool place(struct tcb *t, u32 len)
{
        const struct pktpool *pool = &tcb_stack(t)->pkts;
        return (t->rcv_queued && rcvq_last(t)->refs == 1 && pkt_tailroom(rcvq_last(t)) >= len) || reasm_evict(t) ||
               (!t->rcv_queued && pool->n_free >= pool->n_short / 2);
}

/* One buffer of text. */
static void take(struct tcb *t, struct pkt *p, struct text x, struct sack_block *dup)
{
        cut(t, p, &x, dup);
        if (!x.len && !x.fin) {
                t->flags |= TF_ACK_NOW;
                pkt_drop(p, DROP_TCP_NOTHING_NEW);
                return;
        }
        if (x.seq != t->rcv_nxt) {
                reasm_insert(t, p, x.seq, x.len, x.fin, x.psh, dup);
                return;
        }
        if (x.len && tcp_short_of_buffers(tcb_stack(t)) && !place(t, x.len)) {
                pkt_drop(p, DROP_TCP_RCV_POOL);
                return;
        }
        if (t->reasm)
                reasm_repeated(t->reasm, x.seq + x.len, dup);
        t->rcv_nxt += x.len;
        if (x.len)
                tcp_append(t, p, x.len, x.psh);
        else
                pkt_free(p);
        if (t->reasm) {
                x.fin |= reasm_collect(t);
                t->flags |= TF_ACK_NOW; /* RFC 5681 4.2: at once when a hole is filled, in part or whole */
        }
        if (x.fin)
                tcp_got_fin(t);
        else
                tcp_ack_policy(t, x.len);
}

/* Text for a user who let go is lost, and the peer is told (RFC 9293 3.6.1, SHLD-3). */
static bool refused(struct tcb *t, const struct tcp_seg *s, struct pkt *p)
{
        bool lost = (t->flags & TF_USER_CLOSED) && s->len && seq_gt(s->seq + s->len, t->rcv_nxt);
        bool all_read = (t->flags & TF_USER_CLOSED) || (!s->len && s->seq == t->rcv_nxt && !t->rcv_queued);
        /* R161 */
        bool no_time_wait = (t->flags & TF_APP_MODE) && (s->flags & TCP_FIN) && t->state == TCP_B_FIN_WAIT_2 && all_read;
        if (!lost && !no_time_wait)
                return false;
        pkt_drop(p, DROP_TCP_CLOSED);
        tcp_reset(t);
        tcp_finish(t, lost ? E_RESET : 0);
        return true;
}

void tcp_take_data(struct tcb *t, struct tcp_seg *s, struct pkt *p)
{
        bool fin = (s->flags & TCP_FIN) != 0;
        if (!s->len && !fin) {
                pkt_free(p);
                return;
        }
        if ((t->state & FIN_RX) || !(tcp_both_open(t->state) || (t->conv && (t->state & SYN_RX)))) {
                pkt_drop(p, DROP_TCP_AFTER_FIN);
                return;
        }
        if (refused(t, s, p))
                return;
        u32 nxt = t->rcv_nxt, seq = s->seq;
        struct sack_block dup = {0, 0};
        while (p) {
                struct pkt *rest = p->chain;
                p->chain = NULL;
                struct text x = {seq, p->len, fin && !rest, (s->flags & TCP_PSH) && !rest};
                seq += p->len;
                struct sack_block d = {0, 0};
                take(t, p, x, &d);
                if (d.start != d.end) /* RFC 2883 4: what follows on in the next buffer is told as one */
                        dup = (struct sack_block){dup.end == d.start && dup.start != dup.end ? dup.start : d.start, d.end};
                p = rest;
        }
        bool told = dup.start != dup.end;
        if (t->rcv_nxt == nxt || told)
                tcp_ack_now(t, told ? &dup : NULL); /* RFC 5681 4.2, MAY-13: out of order is acknowledged at once */
        if (t->rcv_nxt == nxt)
                return;
        tcp_tell_readable(t);
        if ((t->state == TCP_B_TIME_WAIT || (t->conv && channel_over(t))) && !(t->flags & TF_DEAD))
                tcp_try_finish(t);
}
