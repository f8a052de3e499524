/* rx.c - segments arrive: the door, who they are for, and RFC 9293 3.10.7.4 step by step for what tcp_receive did not take.
 * SYN_SENT (3.10.7.3) is in synsent.c, LISTEN (3.10.7.2) in listen.c, TIME_WAIT in timewait.c. Security labels are not supported.
 * SPDX-License-Identifier: MIT */
#include "cksum.h"
#include "engine.h"

typedef bool step(struct tcb *t, struct tcp_seg *s, struct pkt *p); /* false: p is consumed, nothing more to do */

/* RFC 9293 3.10.7.4, table of acceptability, and RFC 7323 5.3 R1 to R3 in front of it. */
static bool acceptable(const struct tcb *t, const struct tcp_seg *s)
{
        u32 wnd = tcb_rcv_wnd(t), n = seg_space(s);
        if (n == 0)
                return wnd ? seq_in(s->seq, t->rcv_nxt, wnd) : s->seq == t->rcv_nxt;
        return wnd && (seq_in(s->seq, t->rcv_nxt, wnd) || seq_in(s->seq + n - 1, t->rcv_nxt, wnd));
}

/* RFC 7323 3.2: what lacks the timestamp that both sides agreed on is of somebody else. RST is judged without it; so is SYN, whose
 * challenge tells a peer that restarted. */
static bool lacks_timestamp(const struct tcb *t, const struct tcp_seg *s)
{
        return (t->flags & TF_TS) && !s->has_ts && !(s->flags & (TCP_RST | TCP_SYN)) && !t->conv;
}

/* On a connection that was idle for 24 days TS.Recent says nothing any more (RFC 7323 5.5). */
static bool ts_recent_valid(const struct tcb *t) { return tcb_now_ms(t) - t->last_rx_ms < 24u * 24 * 3600 * 1000; }

/* A timestamp older than the last one. */
static bool paws_rejects(const struct tcb *t, const struct tcp_seg *s)
{
        return (t->flags & TF_TS) && s->has_ts && !(s->flags & TCP_RST) && (s32)(s->tsval - t->ts_recent) < 0 &&
               ts_recent_valid(t);
}

/* What a segment repeats of the bytes that came already (RFC 2883). */
static void duplicate(struct tcb *t, const struct tcp_seg *s)
{
        struct sack_block d = {s->seq, seq_lt(s->seq + s->len, t->rcv_nxt) ? s->seq + s->len : t->rcv_nxt};
        tcp_ack_now(t, (t->flags & TF_SACK) ? &d : NULL);
}

/* RFC 9293 figure 8, line 6: the SYN,ACK of a peer whose SYN met ours; the SYN was taken before. */
static void crossed_syn_ack(struct tcb *t, struct tcp_seg *s)
{
        if ((s->flags & (TCP_SYN | TCP_ACK | TCP_RST)) != (TCP_SYN | TCP_ACK) || s->seq != t->rcv_nxt - 1 ||
            !(t->flags & TF_ACTIVE_OPEN) || seq_le(s->ack, t->snd_una) || seq_gt(s->ack, t->snd_nxt))
                return;
        s->seq++;
        s->flags &= (u8)~TCP_SYN;
        s->wnd >>= t->snd_scale; /* a SYN's window is not scaled (RFC 7323 2.2) */
        t->flags |= TF_ACK_NOW;
}

/* Who has a window probe out numbers what it says in front of that byte (tcp_bare_seq), though it was taken meanwhile. When both ends
 * do so, neither would ever hear the other's acknowledgement, and each would answer it. So while we have one out, too, it counts if
 * it tells something new, or if the byte waits for the reader and was never acknowledged. */
static bool before_probe(struct tcb *t, struct tcp_seg *s)
{
        bool held = seq_ge(s->seq, tcp_rcv_ack(t));
        if (s->seq != t->rcv_nxt - 1 || s->len > 1 || (s->flags & TCP_SYN) || tcp_bare_seq(t) == t->snd_nxt ||
            !(held || seq_gt(s->ack, t->snd_una)))
                return false;
        if (!held || s->len)
                t->flags |= TF_ACK_NOW;
        s->seq++;
        s->len = 0;
        s->flags &= (u8)~TCP_FIN;
        return true;
}

/* first: sequence number */
static bool check_seq(struct tcb *t, struct tcp_seg *s, struct pkt *p)
{
        if (t->state == TCP_B_SYN_RECEIVED)
                crossed_syn_ack(t, s);
        if (lacks_timestamp(t, s)) {
                pkt_drop(p, DROP_TCP_NO_TS);
                return false;
        }
        if (paws_rejects(t, s)) {
                tcp_challenge(t, s, p, DROP_TCP_PAWS);
                return false;
        }
        if (acceptable(t, s))
                return true;
        if ((t->flags & TF_TFO_ACCEPTED) && s->flags & TCP_SYN && !(s->flags & (TCP_ACK | TCP_RST)) && s->seq == t->snd_wl1) {
                tcp_send_syn(t); /* our SYN,ACK was lost (R156) */
                pkt_drop(p, DROP_TCP_SYN_AGAIN);
                return false;
        }
        if (s->flags & TCP_RST) {
                if (s->seq == tcp_rcv_ack(t))
                        return true;
                pkt_drop(p, DROP_TCP_RST_WINDOW);
                return false;
        }
        if (t->state == TCP_B_TIME_WAIT && (s->flags & TCP_FIN))
                tcp_timer_rearm(t); /* 3.10.7.4 eighth: restart the 2 MSL time-out */
        if (!tcb_rcv_wnd(t) && s->seq == t->rcv_nxt && !(s->flags & TCP_SYN)) {
                /* MUST-66: a zero window still takes ACK and URG; the text is not taken, and says so */
                t->flags |= TF_ACK_NOW;
                s->len = 0;
                s->flags &= (u8)~TCP_FIN;
                return true;
        }
        if (before_probe(t, s))
                return true;
        if (s->len && seq_lt(s->seq, t->rcv_nxt) && seq_le(s->seq + s->len, t->rcv_nxt)) {
                duplicate(t, s);
                pkt_drop(p, DROP_TCP_DUP);
        } else {
                tcp_challenge(t, s, p, DROP_TCP_WINDOW);
        }
        return false;
}

/* second: RST, as RFC 5961 3.2 has it */
static bool check_rst(struct tcb *t, struct tcp_seg *s, struct pkt *p)
{
        if (!(s->flags & TCP_RST))
                return true;
        /* a peer that restarted answers what we said last, which is less than RCV.NXT while the reader is waited for */
        if (s->seq != t->rcv_nxt && s->seq != tcp_rcv_ack(t)) {
                tcp_challenge(t, s, p, DROP_TCP_RST_BAD);
                return false;
        }
        pkt_drop(p, DROP_TCP_RST);
        /* Everything came and was acknowledged: nothing that a reset could undo (RFC 1337); what is unread stays for the
         * reader */
        if (t->state == TCP_B_GONE)
                return false;
        /* CLOSING and LAST_ACK are over either way when but our FIN is unacknowledged; others lose what is queued (3.10.7.4
         * second) */
        bool done = (t->state & (FIN_TX | FIN_RX)) == (FIN_TX | FIN_RX) && tcb_outstanding(t) <= 1 && !t->rcv_queued;
        tcp_finish(t, done ? 0 : (t->state == TCP_B_SYN_RECEIVED && (t->flags & TF_ACTIVE_OPEN)) ? E_REFUSED : E_RESET);
        return false;
}

/* fourth: SYN inside a connection draws a challenge (RFC 5961 4.2), whatever its sequence number */
static bool check_syn(struct tcb *t, struct tcp_seg *s, struct pkt *p)
{
        if (!(s->flags & TCP_SYN))
                return true;
        tcp_challenge(t, s, p, DROP_TCP_SYN_BAD);
        return false;
}

/* RFC 3168 6.1.3: a mark is echoed until the peer says CWR, and again when that segment was marked, too. What lies outside the window
 * may be anybody's, and is not looked at (6.1.5). */
static bool note_ecn(struct tcb *t, struct tcp_seg *s, struct pkt *p)
{
        bool was = t->flags & TF_ECE, mark = (t->flags & TF_ECN) && s->ce;
        if (s->flags & TCP_CWR)
                t->flags &= ~(u32)TF_ECE;
        if (mark)
                t->flags |= TF_ECE;
        if (s->len && (was ? s->flags & TCP_CWR : mark) && !(t->flags & TF_ACK_ON_READ))
                t->flags |= TF_ACK_NOW; /* its sender may have reduced to a single segment: to delay would cost a time-out */
        return true;
}

/* fifth: ACK */
static bool check_ack(struct tcb *t, struct tcp_seg *s, struct pkt *p)
{
        if (!(s->flags & TCP_ACK)) {
                pkt_drop(p, DROP_TCP_NO_ACK);
                return false;
        }
        if (t->state == TCP_B_SYN_RECEIVED && !t->conv) {
                if (seq_le(s->ack, t->snd_una) || seq_gt(s->ack, t->snd_nxt)) {
                        tcp_reset_at(t, s->ack, TCP_RST);
                        pkt_drop(p, DROP_TCP_ACK_SYN);
                        return false;
                }
                t->snd_wnd = s->wnd << t->snd_scale;
                t->snd_wl1 = s->seq;
        } else if (seq_gt(s->ack, t->snd_nxt) || seq_lt(s->ack, t->snd_una - t->max_snd_wnd)) {
                tcp_challenge(t, s, p, DROP_TCP_ACK_BAD); /* RFC 5961 5.2 */
                return false;
        }
        bool newer = seq_le(s->seq, t->rcv_acked) && (s32)(s->tsval - t->ts_recent) >= 0; /* RFC 7323 4.3 (2) */
        if ((t->flags & TF_TS) && s->has_ts && (newer || !ts_recent_valid(t)))
                t->ts_recent = s->tsval;
        t->last_rx_ms = tcb_now_ms(t);
        if (unlikely(s->has_uto))
                uto_arrives(t, s->uto);
        if (tcp_ack_arrives(t, s))
                return true;
        pkt_drop(p, DROP_TCP_OVER);
        return false;
}

/* sixth: URG. Urgent data stays in line; the user is told where it ends (RFC 6093, MUST-31 to 33) */
static bool check_urg(struct tcb *t, struct tcp_seg *s, struct pkt *p)
{
        u32 up = s->seq + s->urg;
        if (!(s->flags & TCP_URG) || !s->urg || (t->state & FIN_RX))
                return true;
        if (seq_gt(up, t->rcv_nxt - t->rcv_queued) && (!(t->flags & TF_URG_RX) || seq_gt(up, t->rcv_up))) {
                t->rcv_up = up;
                t->flags |= TF_URG_RX;
                tcp_predict(t);
                if (t->ev->urgent && !(t->flags & TF_USER_CLOSED))
                        t->ev->urgent(t);
        }
        if (!(t->flags & TF_DEAD))
                return true;
        pkt_drop(p, DROP_TCP_OVER_URG);
        return false;
}

/* seventh and eighth: text and FIN */
static bool take_text(struct tcb *t, struct tcp_seg *s, struct pkt *p)
{
        pkt_pull(p, s->hlen);
        tcp_take_data(t, s, p);
        return false;
}

/* In the standard's order; the third, security, is not supported. */
static step *const arrives[] = {check_seq, check_rst, check_syn, note_ecn, check_ack, check_urg, take_text};

void tcp_arrives(struct tcb *t, struct tcp_seg *s, struct pkt *p)
{
        tcp_enter(t);
        if (unlikely(t->conv) && channel_arrives(t, s, p)) {
                /* it is dealt with */
        } else if (t->state == TCP_B_SYN_SENT && !t->conv) {
                tcp_syn_sent_rx(t, s, p);
        } else {
                for (u32 i = 0; i < COUNT_OF(arrives); i++)
                        if (!arrives[i](t, s, p))
                                break;
        }
        tcp_leave(t);
}

void tcp_enter(struct tcb *t)
{
        t->flags |= TF_BUSY;
        t->ts->depth++;
}

void tcp_leave(struct tcb *t)
{
        t->ts->depth--;
        t->flags &= ~(u32)TF_BUSY;
        if (unlikely(t->flags & TF_DEAD)) {
                tcb_free(t);
                return;
        }
        if (t->flags & TF_WANT_TX)
                tcp_tx_data(t);
        tcp_owing(t);
}

void tcp_owing(struct tcb *t)
{
        if (t->flags & TF_ACK_NOW)
                tcp_queue_batch(t);
        else if ((t->flags & (TF_ACK_DELAYED | TF_QUEUED | TF_IN_DELACK)) == TF_ACK_DELAYED)
                tcp_into_delack(t);
}
