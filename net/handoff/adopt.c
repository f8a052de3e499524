/* adopt.c - a control block becomes a connection of this stack, silent until it is started.
 * It goes on where the other machine stopped: same numbers, same scale, its clock one tick later, no right edge moved left.
 * SPDX-License-Identifier: MIT */
#include "handoff_impl.h"
#include "mem.h"

/* The first n bytes of the queue, as buffers; what they share with the rest is copied. NULL at its end or without a buffer. */
static struct pkt *split(struct tcb *t, struct pktq *queue, u32 n)
{
        struct pkt *p = queue->first;
        if (!p || p->len <= n)
                return p ? pktq_get(queue) : NULL;
        struct pkt *q = pkt_alloc(&tcb_stack(t)->pkts, PKT_HEADROOM);
        if (!q)
                return NULL;
        if (!pkt_append(q, p->data, n)) {
                pkt_free(q);
                return NULL;
        }
        pkt_pull(p, n);
        return q;
}

/* What was queued for sending is queued again. */
static bool fill_send(struct tcb *t, struct pktq *queue, u32 n)
{
        while (n) {
                struct pkt *p = split(t, queue, n);
                if (!p)
                        return false;
                n -= p->len;
                if (tcp_send_pkt(t, p) < 0)
                        return false;
        }
        return true;
}

static bool fill_received(struct tcb *t, struct pktq *queue, u32 n)
{
        struct pkt *p;
        while ((p = pktq_get(queue)) != NULL) {
                n -= p->len;
                tcp_append(t, p, p->len, true);
        }
        return n == 0;
}

/* What came ahead of its turn is put where it was; what finds no room the client sends again. */
static bool fill_ahead(struct tcb *t, struct pktq *queue, const struct control_block *b)
{
        struct sack_block dup = {0, 0};
        for (u32 i = 0; i < BLOCK_AHEAD; i++)
                for (u32 at = b->ahead[i].at, end = at + b->ahead[i].n; at != end;) {
                        struct pkt *p = split(t, queue, end - at);
                        if (!p)
                                return false;
                        u32 n = p->len;
                        reasm_insert(t, p, b->rcv_nxt + at, n, false, true, &dup);
                        at += n;
                }
        return true;
}

static bool walk_to(struct tcb *t, u8 state)
{
        tcp_set_state(t, TCP_EV_SYN);
        tcp_set_state(t, TCP_EV_ACK_OF_SYN);
        if (state & FIN_TX)
                tcp_set_state(t, TCP_EV_SEND_FIN);
        if (state & FIN_RX)
                tcp_set_state(t, state & FIN_ACK_TX ? TCP_EV_FIN : TCP_EV_FIN_HELD);
        if (state & FIN_ACK_RX)
                tcp_set_state(t, TCP_EV_ACK_OF_FIN);
        return t->state == state;
}

/* What was sent and not yet acknowledged counts as sent now, and as sent before: its acknowledgement measures nothing (Karn). */
static bool fill_flight(struct tcb *t)
{
        u32 out = tcb_outstanding(t);
        if (!out)
                return true;
        if (!flight_get(t) || !sent_room(t))
                return false;
        t->flight->cur = t->snd_first;
        t->flight->cur_off = min_u32(out, t->snd_queued);
        t->flight->small_end = t->snd_nxt;
        sent_add(t, t->snd_una, t->snd_nxt);
        t->flight->first->flags = SENT_EVER_RTX;
        return true;
}

static void fill_sender(struct tcb *t, const struct control_block *b)
{
        t->snd_scale = b->snd_scale;
        t->snd_una = b->snd_una;
        t->snd_nxt = b->snd_nxt;
        t->iss = b->snd_una - 1;
        t->snd_wnd = b->snd_wnd;
        t->snd_wl1 = b->snd_wl1;
        t->max_snd_wnd = b->max_snd_wnd;
        t->snd_up = b->snd_up;
        t->sndbuf = max_u32(t->sndbuf, b->snd_bytes);
        t->peer_mss = b->peer_mss;
        t->pmtu = b->pmtu < t->pmtu ? b->pmtu : t->pmtu;
        t->cc = b->cc & 1;
        t->uto = b->cc >> 2 & 3;
        t->ssthresh = b->ssthresh;
        t->w_max = b->w_max;
        t->srtt_us = b->srtt_us;
        t->rttvar_us = b->rttvar_us;
        t->rto_ms = max_u32(b->rto_ms, max_u32(t->ts->rto_min_ms, t->ts->rto_floor_ms));
        t->min_rtt_us = b->min_rtt_us;
        t->retries = b->retries;
        tcb_set_mss(t);
        t->cwnd = max_u32(b->cwnd, t->mss);
}

static void fill(struct tcb *t, struct listener *l, const struct control_block *b)
{
        t->ev = b->flags & TF_USER_CLOSED ? &tcp_no_events : l->like.ev;
        t->user = l->like.user;
        t->listener = (u16)(l->index + 1);
        t->flags = (b->flags & (TF_TS | TF_SACK)) | TF_CONNECTED;
        t->ttl = b->ttl;
        t->tos = b->tos;
        tcb_set_ip_id(t);
        t->keepalive_ms = b->keepalive_ms;
        t->user_timeout = b->user_timeout;
        t->timewait_cs = b->timewait_cs;
        t->rcv_scale = b->rcv_scale;
        t->rcv_nxt = b->rcv_nxt;
        t->rcv_adv = b->rcv_adv;
        t->rcv_acked = b->rcv_acked;
        t->rcv_up = b->rcv_up;
        t->rcv_mss = b->rcv_mss;
        t->rcv_space = max_u32(max_u32(t->rcv_space, b->rcv_space), b->rcv_adv - b->rcv_nxt + b->rcv_bytes);
        t->rcvbuf = max_u32(t->rcvbuf, t->rcv_space);
        t->ts_recent = b->ts_recent;
        t->ts_off = b->tsval + 1 - tcb_now_ms(t);
        fill_sender(t, b);
}

enum handoff_reason tcb_adopt(struct tcp_state *ts, struct listener *l, const struct control_block *b, struct pktq *queue,
                              struct tcb **out)
{
        struct tcb *t = tcb_new(ts);
        if (!t) {
                pktq_free(queue);
                return HANDOFF_BUSY;
        }
        struct tuple n = block_names(b);
        tcp_forget_flow(t); /* the slot's last connection; this one has names, but hears nothing before it starts */
        tcb_set_names(t, n.raddr, n.laddr, n.ports, NULL);
        tcb_set_opts(t, &l->opts);
        fill(t, l, b);
        t->flags |= TF_BUSY; /* what queues does not send */
        bool ok = fill_ahead(t, queue, b) && fill_send(t, queue, b->snd_bytes) && fill_received(t, queue, b->rcv_bytes) &&
                  (block_is_early(b) ? early_adopt(t, l, b) : walk_to(t, b->state) && fill_flight(t));
        t->flags = (t->flags & ~(u32)BLOCK_FLAGS) | b->flags | (b->state & FIN_TX ? TF_FIN_QUEUED : 0);
        ts->n_fastopen += (b->flags & TF_TFO_ACCEPTED) != 0;
        u32 now = tcb_now_ms(t);
        t->last_rx_ms = now - b->rx_age_ms;
        t->last_tx_ms = now - b->tx_age_ms;
        t->progress_ms = now - b->progress_age_ms;
        t->flags &= ~(u32)(TF_BUSY | TF_WANT_TX);
        pktq_free(queue);
        if (!ok) {
                tcb_free(t);
                return HANDOFF_BUSY;
        }
        *out = t;
        return HANDOFF_OK;
}

enum handoff_reason tcb_take_place(struct tcb *t, const struct control_block *b)
{
        if (!b->n_place || (t->ev->place_take && t->ev->place_take(t, b->place, b->n_place)))
                return HANDOFF_OK;
        return HANDOFF_PLACE;
}

void tcb_discard(struct tcb *t, const struct control_block *b, bool taken)
{
        const struct tcp_events *ev = t->ev;
        t->ev = &tcp_no_events;
        if (taken && b->n_place)
                ev->closed(t, E_TIMEDOUT);
        tcb_free(t);
}

void tcb_start(struct tcb *t)
{
        tcp_insert(t);
        tcb_reroute(t);
        tcp_predict(t);
        tcp_enter(t);
        t->ts->count.passive_opens++;
        if (t->ev->accept && !t->ev->accept(t)) {
                if (!(t->flags & TF_DEAD))
                        tcp_abort(t);
                tcp_leave(t);
                return;
        }
        if (!(t->flags & TF_DEAD)) {
                if (t->flags & TF_SYN_PENDING)
                        t->flags |= t->conv ? TF_ACK_NOW | TF_WANT_TX : TF_WANT_TX;
                else if (t->rcv_acked != tcp_rcv_ack(t))
                        tcp_ack_later(t);
                if (tcp_unsent(t) || tcp_fin_due(t))
                        t->flags |= TF_WANT_TX;
                tcp_timer_rearm(t);
                if (t->rcv_queued || (t->flags & TF_EOF))
                        tcp_tell_readable(t);
                tcp_tell_writable(t, 1); /* what its place says may go on */
        }
        tcp_leave(t);
}
