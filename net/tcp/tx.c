/* tx.c - what may be sent now: lost data again, new data as windows, Nagle and silly-window rules allow, FIN, acknowledgement.
 * Not here: how a segment is built (segment.c, tcp_respond.c), SYN (synsent.c), who decides what is lost.
 * SPDX-License-Identifier: MIT */
#include "cksum.h"
#include "engine.h"

enum { TSO_MAX = 64000 };

static u32 ack_flags(const struct tcb *t)
{
        return TCP_ACK | (t->flags & TF_ECE ? TCP_ECE : 0);
}

/* Our SYN is acknowledged, or the peer's cookie stands for that; and we are not done. */
static bool may_send(const struct tcb *t)
{
        if (unlikely((t->state & (SYN_RX | SYN_ACK_RX)) != (SYN_RX | SYN_ACK_RX)))
                return channel_may_send(t);
        return t->state != TCP_B_TIME_WAIT;
}

u32 tcp_unsent(const struct tcb *t)
{
        if (t->state & FIN_TX)
                return 0;
        u32 syn = !(t->state & SYN_ACK_RX) && (t->state & SYN_TX) && !(t->conv && t->flags & TF_SYN_PENDING);
        return t->snd_queued - (t->snd_nxt - t->snd_una - syn);
}

bool tcp_fin_due(const struct tcb *t)
{
        return (t->flags & TF_FIN_QUEUED) && !(t->state & FIN_TX) &&
               (tcp_both_open(t->state) || (t->conv && (t->state & SYN_TX)));
}

/* RFC 9293 3.8.6.2.1 and 3.7.4 (MUST-38, SHLD-7): may `len` bytes, less than a full segment, go? `last`: they are all there
 * is. */
static bool small_may_go(const struct tcb *t, u32 len, bool last)
{
        if (t->timer_kind == TT_SWS && (s32)(tcb_now_ms(t) - t->due_ms) >= 0)
                return true; /* override time-out */
        if (last && (tcp_fin_due(t) || (t->flags & TF_URG_TX)))
                return true;
        if (t->flags & TF_CORK)
                return false;
        /* Nagle after Minshall: only another small segment holds a small one back */
        if (last && ((t->flags & TF_NODELAY) || !t->flight || seq_le(t->flight->small_end, t->snd_una)))
                return true;
        return len >= t->max_snd_wnd / 2;
}

/* Payload of the next new segment, 0 when none may go. What a full ring would drop waits for an acknowledgement of
 * what lies in it: of two segments, since one alone may be acknowledged late (SHLD-18). */
static u32 new_len(struct tcb *t, u32 unsent)
{
        const struct netif *nif = tcb_stack(t)->nif[t->nif];
        u32 out = tcb_outstanding(t), wnd = t->snd_wnd > out ? t->snd_wnd - out : 0, max = t->mss;
        struct flight *f = t->flight;
        if (nif->busy && out > t->mss)
                return 0;
        if ((nif->caps & NETIF_TSO) && unsent > max && (!f || f->ca == CA_OPEN))
                max = TSO_MAX / max * max;
        u32 pipe = tcp_pipe(t), room = t->cwnd > pipe ? t->cwnd - pipe : 0, len = min_u32(min_u32(unsent, wnd), max);
        if (len > room && (pipe || room >= t->mss)) {
                if (f)
                        f->cwnd_limited = true;
                if (room < t->mss)
                        return 0;
                len = room;
        }
        u32 small = len % t->mss;
        if (small && !small_may_go(t, small, len == unsent))
                len -= small;
        return len;
}

static bool no_buffer(struct tcb *t)
{
        if (t->timer_kind == TT_NONE || t->timer_kind == TT_KEEPALIVE)
                tcp_timer(t, TT_TX_RETRY, TCP_TX_RETRY_MS);
        return false;
}

/* The next `len` bytes, and FIN behind them. */
static bool put_new(struct tcb *t, u32 len, bool fin)
{
        u32 out = tcb_outstanding(t);
        if (!flight_get(t) || !sent_room(t)) {
                if (!out)
                        flight_put(t);
                return no_buffer(t);
        }
        u32 flags = ack_flags(t) | (fin ? TCP_FIN : 0) | (len && len == tcp_unsent(t) ? TCP_PSH : 0) | (len &&
                        (t->flags & TF_CWR) ? TCP_CWR : 0);
        u32 seq = t->snd_nxt;
        t->snd_nxt += len + fin; /* before the header is made: urgent pointers and windows are relative to it */
        int n = tcp_send_range(t, seq, len, flags, true);
        if (n < 0) {
                t->snd_nxt = seq;
                if (!out)
                        flight_put(t);
                return no_buffer(t);
        }
        if ((u32)n < len)
                fin = false;
        t->snd_nxt = seq + (u32)n + fin;
        struct flight *f = t->flight;
        f->cur_off += (u32)n;
        sent_add(t, seq, t->snd_nxt);
        if (f->ca != CA_OPEN)
                f->prr_out += (u32)n;
        if (len && (u32)n == len && ((u32)n < t->mss || (u32)n % t->mss))
                f->small_end = t->snd_nxt;
        t->last_tx_ms = tcb_now_ms(t);
        if (flags & TCP_CWR)
                t->flags &= ~(u32)TF_CWR;
        if (fin)
                tcp_set_state(t, TCP_EV_SEND_FIN);
        return true;
}

/* One that asks whether the path takes more (pmtu.c). */
static bool put_larger(struct tcb *t, u32 len)
{
        u32 seq = t->snd_nxt;
        u16 mss = t->mss;
        t->mss = (u16)len;
        bool sent = put_new(t, len, false);
        t->mss = mss;
        if (sent && t->snd_nxt - seq > mss) {
                t->flight->calm = false;
                t->flight->probe_end = t->snd_nxt;
                tcp_predict(t);
        }
        return sent;
}

/* One segment of new data, FIN with the last one. */
static bool send_new(struct tcb *t)
{
        u32 unsent = tcp_unsent(t), out = tcb_outstanding(t);
        bool fin_due = tcp_fin_due(t);
        if (!unsent && !fin_due)
                return false;
        if (!out && unsent && tcb_now_ms(t) - t->last_tx_ms > t->rto_ms)
                cc_idle(t);
        u32 len = unsent ? new_len(t, unsent) : 0;
        bool fin = fin_due && len == unsent && out + len < t->snd_wnd;
        if (!len && !fin)
                return false;
        u32 larger = len >= t->mss && pmtu_is_low(t) ? pmtu_probe(t, unsent) : 0;
        return unlikely(larger != 0) ? put_larger(t, larger) : put_new(t, len, fin);
}
/* Sends the front of run r again, one segment of it. */
static bool resend(struct tcb *t, struct sent *r)
{
        struct flight *f = t->flight;
        if (r->seq == t->iss && !(t->state & SYN_ACK_RX)) {
                tcp_send_syn(t);
                sent_again(t, r);
                return true;
        }
        bool fin = r->end == t->snd_nxt && (t->state & FIN_TX);
        u32 len = r->end - r->seq - fin;
        if (len > t->mss) {
                if (sent_split(t, r, r->seq + t->mss))
                        f = t->flight;
                len = t->mss;
                fin = false;
        }
        u32 queue_end = t->snd_nxt - ((t->state & FIN_TX) ? 1 : 0);
        u32 flags = ack_flags(t) | (fin ? TCP_FIN : 0) | (len && r->seq + len == queue_end && !tcp_unsent(t) ? TCP_PSH : 0);
        int n = tcp_send_range(t, r->seq, len, flags, false);
        if (n < 0)
                return no_buffer(t);
        if ((u32)n < len)
                sent_split(t, r, r->seq + (u32)n);
        sent_again(t, r);
        r->n_rtx++;
        f->prr_out += (u32)n;
        f->undo_rtx++;
        t->ts->count.retrans_segs++;
        t->last_tx_ms = tcb_now_ms(t);
        return true;
}

/* The next lost run, when the congestion window has room, as far as the peer's window still covers it (SHLD-16, 17). */
static bool send_lost(struct tcb *t)
{
        struct sent *r = t->flight ? sent_next_lost(t) : NULL;
        u32 wnd = max_u32(t->snd_wnd, 1);
        if (!r || r->seq - t->snd_una >= wnd)
                return false;
        if (r->end - t->snd_una > wnd && (t->state & SYN_ACK_RX))
                sent_split(t, r, t->snd_una + wnd); /* where there is no cell for that, the peer cuts it */
        u32 pipe = tcp_pipe(t);
        if (pipe && pipe + min_u32(r->end - r->seq, t->mss) > t->cwnd)
                return false;
        return resend(t, r);
}

void tcp_retransmit(struct tcb *t, struct sent *r)
{
        resend(t, r);
}

void tcp_tx_data(struct tcb *t)
{
        t->flags &= ~(u32)TF_WANT_TX;
        if (t->flags & TF_SYN_PENDING) {
                if (t->conv)
                        channel_tx(t);
                else
                        tcp_send_syn(t);
                if (!(t->flags & TF_TFO_ACCEPTED) || t->conv)
                        return; /* behind the SYN,ACK of Fast Open data may go */
        }
        if (!tcp_send_whole(t))
                tcp_tx_rest(t);
}

void tcp_tx_rest(struct tcb *t)
{
        flight_wake(t);
        if (may_send(t)) {
                u32 was_nxt = t->snd_nxt;
                /* RFC 6298 5.1: what runs for older data is not put off */
                bool again = false, runs = tcb_outstanding(t) && (t->timer_kind == TT_RTX || t->timer_kind == TT_REO);
                while (t->flight && t->flight->lost && send_lost(t))
                        again = true;
                while (send_new(t))
                        ;
                if (again || (t->snd_nxt != was_nxt && !runs) || t->timer_kind == TT_NONE || t->timer_kind == TT_KEEPALIVE ||
                    t->timer_kind == TT_SWS)
                        tcp_timer_rearm(t);
                if (again)
                        tcp_predict(t);
        }
}

void tcp_tx(struct tcb *t)
{
        tcp_tx_data(t);
        if (t->flags & TF_ACK_NOW)
                tcp_ack_now(t, NULL);
}

/* MUST-36: nothing else is in the network, so one byte of new data asks for the window (RFC 9293 3.8.6.1). */
COLD void tcp_probe(struct tcb *t)
{
        u32 unsent = tcp_unsent(t);
        if (tcb_outstanding(t)) {
                struct sent *r = t->flight->first;
                bool fin = r->end - r->seq == 1 && r->end == t->snd_nxt && (t->state & FIN_TX);
                if (r->end - r->seq > 1)
                        sent_split(t, r, r->seq + 1);
                r->flags |= SENT_EVER_RTX;
                if (r->flags & SENT_RTX)
                        sent_again(t, r); /* the last one now */
                else
                        r->tx_us = tcb_now_us(t);
                tcp_send_range(t, r->seq, fin ? 0 : 1, ack_flags(t) | (fin ? TCP_FIN : TCP_PSH), false);
                return;
        }
        bool fin = !unsent && tcp_fin_due(t);
        if ((!unsent && !fin) || !flight_get(t) || !sent_room(t))
                return;
        u32 seq = t->snd_nxt;
        t->snd_nxt++;
        if (tcp_send_range(t, seq, fin ? 0 : 1, ack_flags(t) | (fin ? TCP_FIN : TCP_PSH), true) < 0) {
                t->snd_nxt--;
                flight_put(t);
                return;
        }
        t->flight->cur_off += fin ? 0 : 1;
        sent_add(t, seq, seq + 1);
        if (t->flight->last)
                t->flight->last->flags |= SENT_PROBE | SENT_EVER_RTX;
        if (fin)
                tcp_set_state(t, TCP_EV_SEND_FIN);
}

/* With blocks of what came out of order, or a duplicate; with our user timeout. */
static void ack_with_options(struct tcb *t, struct pkt *p, const struct sack_block *dsack)
{
        u32 room = min_u32(TCP_OPTS_MAX, t->pmtu - 40u) - (t->flags & TF_TS ? TCP_TS_LEN : 0), n = t->uto_tell ? uto_put(t, p->data) : 0;
        if (t->flags & TF_SACK)
                n += tcp_put_sack(t, p->data + n, room - n, dsack);
        p->len = (u16)n;
        tcp_respond(t, p, tcp_bare_seq(t), ack_flags(t) | n / 4 << TCP_R_OPT_SHIFT, n, n ? cksum_add(0, p->data, n) : 0);
}

void tcp_ack_now(struct tcb *t, const struct sack_block *dsack)
{
        if (likely((!(t->flags & TF_SACK) || (!t->reasm && !dsack)) && !t->uto_tell)) {
                tcp_ack_bare(t);
                return;
        }
        struct pkt *p = pkt_alloc(&tcb_stack(t)->pkts, PKT_HEADROOM);
        if (p)
                ack_with_options(t, p, dsack);
        else
                tcp_ack_later(t);
}

/* RFC 5961 7: `most` at once, then two a second. t->challenge is when all of them will be allowed again. */
static bool may_challenge(struct tcb *t, u32 most)
{
        enum { UNIT = 4, EACH = TCP_CHALLENGE_MS / UNIT };
        u16 now = (u16)(tcb_now_ms(t) / UNIT), ahead = (u16)(t->challenge - now);
        if (!t->challenge || ahead > TCP_CHALLENGES * EACH)
                ahead = 0; /* long past */
        if (ahead > (most - 1) * EACH)
                return false;
        now = (u16)(now + ahead + EACH);
        t->challenge = now ? now : 1;
        return true;
}

/* RFC 5961: the answer to what looks like an attack, and to what is merely outside the window. Segments without data
 * do not always draw it, so that two hosts that disagree do not talk for ever (RFC 9293 3.8.4's ACK war). */
COLD void tcp_challenge(struct tcb *t, const struct tcp_seg *s, struct pkt *p, enum drop why)
{
        bool probe = s->seq == t->rcv_nxt - 1 && !(s->flags & (TCP_SYN | TCP_RST)); /* keep-alive and window probes */
        /* what was overtaken on its way draws two at most: three would look like a loss to its sender */
        bool late = !(s->flags & (TCP_SYN | TCP_RST)) && (why == DROP_TCP_PAWS || seq_lt(s->seq, t->rcv_nxt));
        if (((s->len || s->flags & TCP_FIN) && !(s->flags & (TCP_SYN | TCP_RST))) || probe || may_challenge(t, late ? 2 : TCP_CHALLENGES)) {
                t->ts->count.challenges++;
                tcp_ack_now(t, NULL);
        }
        pkt_drop(p, why);
}

void tcp_want_tx(struct tcb *t)
{
        t->flags |= TF_WANT_TX;
        if (!(t->flags & TF_BUSY)) {
                flight_wake(t); /* more is queued than is outstanding */
                tcp_queue_soon(t);
        }
}

void tcp_flush(struct tcb *t)
{
        if (t->flags & TF_BUSY)
                t->flags |= TF_WANT_TX;
        else
                tcp_tx(t);
}
