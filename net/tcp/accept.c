/* accept.c - a half-open entry, or a Fast Open SYN, becomes a connection, and the listener's user is asked.
 * SPDX-License-Identifier: MIT */
#include "engine.h"
#include "mem.h"

/* The listener's like (listen.c) in a new slot, whose queues are empty and whose timer is stopped: everything from `rcvbuf` on at
 * once. The rest is set by who comes next, or nobody asks for it before it was. */
static inline struct tcb *new_like(struct tcp_state *ts, const struct tcb *like)
{
        enum { TAIL = offsetof(struct tcb, rcvbuf) };
        struct tcb *t = tcb_take(ts);
        if (!t)
                return NULL;
        memcpy((u8 *)t + TAIL, (const u8 *)like + TAIL, sizeof *t - TAIL);
        t->ev = like->ev;
        t->user = like->user;
        t->flags = like->flags;
        t->cwnd = 0;
        rtt_init(t);
        t->pred = t->hop_gen = 0;
        t->state = t->timer_kind = t->retries = t->nif = 0;
        return t;
}

/* In SYN_RECEIVED, with all that the handshake agreed on. */
struct tcb *tcp_accept_make(struct tcp_state *ts, const struct synq *q, const struct tcp_way *way)
{
        const struct listener *l = q->l;
        struct tcb *t = new_like(ts, &l->like);
        if (!t)
                return NULL;
        tcb_expect_mss(t, q->our_mss);
        tcb_set_names(t, q->raddr, q->laddr, q->ports, way);
        if (way)
                way->nif->flow = t; /* whose first request is the most likely next frame */
        t->flags |= (q->ts_ok ? TF_TS : 0) | (q->sack_ok ? TF_SACK : 0) | (q->ecn_ok ? TF_ECN : 0) | TF_CONNECTED;
        t->snd_scale = q->snd_scale;
        t->rcv_scale = q->rcv_scale;
        t->ts_recent = q->ts_recent;
        t->ts_off = q->ts_off;
        t->iss = q->iss;
        t->snd_una = q->iss;
        t->snd_nxt = q->iss + 1;
        t->rcv_nxt = t->rcv_acked = q->irs + 1;
        t->rcv_adv = t->rcv_nxt + min_u32(t->rcv_space, 65535);
        t->peer_mss = q->peer_mss;
        t->snd_wnd = t->max_snd_wnd = q->wnd;
        t->snd_wl1 = q->irs;
        t->last_rx_ms = t->last_tx_ms = tcb_now_ms(t); /* the first window is no window that lay idle */
        tcb_set_mss(t);
        if (unlikely(q->tries && q->live)) {
                t->cwnd = t->mss; /* RFC 5681 3.1: the SYN,ACK was lost */
                t->rto_ms = TCP_RTO_SYN_LOST_MS;
        }
        if (likely(!q->qure) || !conv_accepted(t, q)) {
                if (q->late) {
                        tcb_free(t); /* there is no plain way on from here */
                        return NULL;
                }
                tcp_set_state(t, TCP_EV_SYN);
        }
        tcp_insert(t);
        return t;
}

/* R93, R170: the user decides. A refused peer sees RST (R176). */
bool tcp_ask_user(struct tcb *t)
{
        if (!t->ev->accept || t->ev->accept(t) || (t->flags & TF_DEAD))
                return !(t->flags & TF_DEAD);
        tcp_abort(t);
        return false;
}

/* The handshake's last acknowledgement alone: all that tcp_arrives would make of it, before and after the user is asked. */
static void take_bare(struct tcb *t, const struct tcp_seg *s)
{
        t->snd_wl1 = s->seq;
        if ((t->flags & TF_TS) && s->has_ts)
                t->ts_recent = s->tsval; /* synq_rx saw that it is not older */
}

static void free_bare(struct tcb *t, struct pkt *p)
{
        pkt_free(p);
        if (t->keepalive_ms)
                tcp_timer(t, TT_KEEPALIVE, t->keepalive_ms);
        else if (!(t->flags & (TF_WANT_TX | TF_ACK_NOW | TF_ACK_DELAYED)) && calm_enter(t))
                t->min_rtt_us = CALM_NO_RTT; /* its first reply mostly follows soon */
        tcp_leave(t);
}

/* The handshake's last acknowledgement came; its segment is then processed as any other. */
void synq_accept(struct tcp_state *ts, struct synq *q, struct tcp_seg *s, struct pkt *p, const struct tcp_way *way)
{
        struct listener *l = q->l;
        bool entry = q->live;
        if (l->n_waiting >= l->opts.backlog) {
                pkt_drop(p, DROP_TCP_BACKLOG_ACK); /* the SYN,ACK's timer gives it another chance */
                return;
        }
        struct tcb *t = tcp_accept_make(ts, q, way);
        if (!t) {
                pkt_drop(p, DROP_TCP_NO_TCB);
                return;
        }
        if (!q->tries && !q->again)
                rtt_sample(t, (u32)ts->st->now_us - q->sent_us);
        if (entry)
                synq_free(ts, q);
        t->snd_una = t->snd_nxt;
        t->snd_wnd = s->wnd << t->snd_scale;
        t->max_snd_wnd = max_u32(t->max_snd_wnd, t->snd_wnd);
        tcp_set_state(t, TCP_EV_ACK_OF_SYN);
        bool bare = s->flags == TCP_ACK && !s->len && s->seq == t->rcv_nxt && s->wnd && !t->conv && !s->ce;
        if (bare)
                take_bare(t, s);
        tcb_know_window(t, s->wnd);
        tcp_enter(t);
        if (!tcp_ask_user(t)) {
                pkt_drop(p, DROP_TCP_NOT_ACCEPTED);
                tcp_leave(t);
                return;
        }
        if (bare && t->state == TCP_B_ESTABLISHED) {
                free_bare(t, p);
                return;
        }
        ts->depth--;
        t->flags &= ~(u32)TF_BUSY;
        tcp_arrives(t, s, p);
}

/* RFC 7413 4.2.2: a SYN with a valid cookie is accepted at once, its data with it, once (6.1). Our SYN,ACK waits until the user
 * was asked, who may have the connection answered elsewhere. false: it is an ordinary SYN. */
bool tcp_fastopen(struct tcp_state *ts, struct synq *q, struct tcp_seg *s, struct pkt *p)
{
        if (!tfo_cookie_ok(ts, q->raddr, s->tfo, s->tfo_len) || ts->n_fastopen >= ts->n_pool / 4 ||
            (s->len && !replay_may_use(ts, q, s, p)))
                return false;
        q->tfo_ask = false;
        struct tcb *t = tcp_accept_make(ts, q, NULL);
        if (!t)
                return false;
        if (!flight_get(t) || !sent_room(t)) {
                tcb_free(t);
                return false;
        }
        struct flight *f = t->flight;
        f->calm = false;
        f->our_mss = q->our_mss;
        f->offer_ws = q->has_wscale;
        __builtin_memcpy(f->syn_layout, q->l->opts.syn_layout, sizeof f->syn_layout);
        sent_add(t, t->iss, t->snd_nxt);
        t->flags |= TF_TFO_ACCEPTED | TF_SYN_PENDING | TF_WANT_TX;
        ts->count.tfo_accepted++;
        ts->count.passive_opens++;
        ts->n_fastopen++;
        tcp_enter(t);
        u32 len = min_u32(s->len, tcb_rcv_wnd(t));
        pkt_pull(p, s->hlen);
        if (len && !p->chain) {
                p->len = (u16)len;
                t->rcv_nxt += len;
                tcp_append(t, p, len, true);
        } else {
                pkt_drop(p, DROP_TCP_TFO_EMPTY);
        }
        if (tcp_ask_user(t) && t->rcv_queued)
                tcp_tell_readable(t);
        tcp_leave(t);
        return true;
}

/* The handshake of a Fast Open connection is complete, or will never be. */
void tcp_fastopen_over(struct tcb *t)
{
        if (t->flags & TF_TFO_ACCEPTED)
                t->ts->n_fastopen--;
        t->flags &= ~(u32)TF_TFO_ACCEPTED;
}
