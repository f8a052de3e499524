/* timer.c - the connection's one timer. What it is for at the moment is timer_kind:
 *
 *      RTX          oldest outstanding segment unacknowledged for an RTO: again, back off (RFC 6298 5)
 *      TLP, REO     tail loss probe, reordering window (RFC 8985)
 *      PERSIST      zero window: probe (RFC 9293 3.8.6.1)
 *      SWS          a small segment was held back long enough (3.8.6.2.1)
 *      KEEPALIVE    idle: is the peer still there (3.8.4, off by default)
 *      FIN_WAIT_2   nobody reads any more and the peer does not close
 *      TX_RETRY     there was no buffer; or our SYN met a connection that our RST has ended since
 *
 * Moving it later costs nothing: the wheel's timer stays and runs on when it fires early. Idle connections have none.
 * SPDX-License-Identifier: MIT */
#include "engine.h"

void tcp_timer(struct tcb *t, enum tcp_timer_kind kind, u32 in_ms)
{
        struct wheel *w = &tcb_stack(t)->wheel;
        flight_wake(t);
        t->timer_kind = (u8)kind;
        if (kind == TT_NONE)
                return;
        t->due_ms = w->now_ms + in_ms;
        if (!timer_running(&t->timer) || (s32)(t->due_ms - t->timer.due_ms) < 0)
                timer_set(w, &t->timer, t->due_ms);
}

static u32 keepalive_wait(const struct tcb *t)
{
        /* since the last probe, or since the peer was heard: what the user does meanwhile delays neither */
        u32 since = tcb_now_ms(t) - (t->retries ? t->progress_ms : t->last_rx_ms);
        u32 wait = t->retries ? max_u32(min_u32(TCP_KEEPALIVE_INTERVAL_MS, t->keepalive_ms), tcb_rto(t)) : t->keepalive_ms;
        return since < wait ? wait - since : 0;
}

static u32 r2(const struct tcb *t)
{
        if (t->user_timeout)
                return ms_unpack(t->user_timeout);
        return t->state & SYN_ACK_RX ? TCP_USER_TIMEOUT_MS : TCP_SYN_TIMEOUT_MS; /* MUST-23 */
}

u32 tcp_rtx_wait(const struct tcb *t)
{
        u32 past = tcb_now_ms(t) - t->progress_ms;
        if (likely(!t->user_timeout))
                return t->rto_ms;
        return min_u32(t->rto_ms, r2(t) > past ? r2(t) - past : 1);
}

/* What outstanding data waits for, and how long from now. */
static enum tcp_timer_kind outstanding(const struct tcb *t, u32 *ms)
{
        struct flight *f = t->flight;
        if (f->reo_wait_us) {
                *ms = (f->reo_wait_us + 999) / 1000;
                return TT_REO;
        }
        *ms = tlp_pto(t);
        if (*ms && t->snd_wnd) {
                /* RFC 8985 7.2: not later than the time-out would be */
                u32 past = tcb_now_ms(t) - t->progress_ms;
                *ms = min_u32(*ms, t->rto_ms > past ? t->rto_ms - past : 1);
                return TT_TLP;
        }
        *ms = tcp_rtx_wait(t);
        return !t->snd_wnd && (t->state & SYN_ACK_RX) ? TT_PERSIST : TT_RTX;
}

void tcp_timer_keep(struct tcb *t)
{
        u32 ms;
        flight_wake(t);
        if (t->flight && tcb_outstanding(t) && t->timer_kind != TT_REO && outstanding(t, &ms) == t->timer_kind)
                return;
        tcp_timer_rearm(t);
}

void tcp_timer_rearm(struct tcb *t)
{
        u32 ms;
        flight_wake(t);
        if (t->flags & TF_DEAD || (t->flags & TF_SYN_PENDING && t->timer_kind == TT_TX_RETRY))
                return;
        if (t->flight && tcb_outstanding(t)) {
                enum tcp_timer_kind kind = outstanding(t, &ms);
                tcp_timer(t, kind, ms);
        } else if ((t->state & SYN_ACK_RX) && (tcp_unsent(t) || tcp_fin_due(t))) {
                bool runs = t->timer_kind == (t->snd_wnd ? TT_SWS : TT_PERSIST) || t->timer_kind == TT_TX_RETRY;
                if (!runs) {
                        t->progress_ms = tcb_now_ms(t);
                        tcp_timer(t, t->snd_wnd ? TT_SWS : TT_PERSIST, t->snd_wnd ? TCP_SWS_MS : t->rto_ms);
                }
        } else if (t->state == TCP_B_FIN_WAIT_2 && (t->flags & TF_USER_CLOSED))
                tcp_timer(t, TT_FIN_WAIT_2, TCP_FIN_WAIT_2_MS);
        else if (t->keepalive_ms && (tcp_both_open(t->state) || t->conv) && t->state != TCP_B_TIME_WAIT)
                tcp_timer(t, TT_KEEPALIVE, keepalive_wait(t));
        else
                tcp_timer(t, TT_NONE, 0);
}

/* R2 (MUST-20): nothing was acknowledged for so long. */
static bool given_up(struct tcb *t)
{
        if (tcb_now_ms(t) - t->progress_ms < r2(t))
                return false;
        if (t->state & SYN_RX)
                tcp_reset(t);
        tcp_finish(t, t->soft_error ? t->soft_error : E_TIMEDOUT);
        return true;
}

static void retransmit(struct tcb *t)
{
        if (given_up(t))
                return;
        if (++t->retries >= TCP_R1) {
                tcb_reroute(t); /* MUST-20: R1 */
                if (!t->soft_error)
                        t->soft_error = E_TIMEDOUT; /* SHLD-9 */
                pmtu_blackhole(t);
        }
        rtt_backoff(t);
        if (!(t->state & SYN_ACK_RX)) {
                t->cwnd = t->mss; /* RFC 5681 3.1: a lost SYN,ACK of a simultaneous open, too, leaves one segment */
                tcp_send_syn(t);
                if (t->flight->first)
                        t->flight->first->flags |= SENT_EVER_RTX;
                t->ts->count.retrans_segs++;
                return;
        }
        recovery_timeout(t);
        u32 cwnd = t->cwnd;
        t->cwnd += tcp_pipe(t); /* RFC 6298 5.4: the oldest segment goes, whatever else is still on its way */
        tcp_tx(t);
        t->cwnd = cwnd;
        tcp_predict(t);
        tcp_timer_rearm(t);
}

/* SHLD-29, 30: first after one RTO, then backing off; as long as the peer answers, for ever (MUST-37). */
static void persist(struct tcb *t)
{
        if (t->flags & TF_PERSIST_ACKD)
                t->progress_ms = tcb_now_ms(t);
        else if (given_up(t))
                return;
        t->flags &= ~(u32)TF_PERSIST_ACKD;
        tcp_probe(t);
        rtt_backoff(t);
        tcp_timer(t, TT_PERSIST, tcp_rtx_wait(t));
}

/* MUST-24 to 29, SHLD-12: a segment without data that the peer must answer. */
static void keepalive(struct tcb *t)
{
        if (t->retries && (s32)(t->last_rx_ms - t->progress_ms) >= 0)
                t->retries = 0; /* the probe was answered */
        u32 wait = keepalive_wait(t);
        if (wait && !t->retries) {
                tcp_timer(t, TT_KEEPALIVE, wait);
                return;
        }
        if (t->ev->idle && !(t->flags & TF_USER_CLOSED)) {
                t->ev->idle(t);
                if (!(t->flags & TF_DEAD))
                        tcp_timer(t, TT_KEEPALIVE, t->keepalive_ms);
                return;
        }
        u32 silent = tcb_now_ms(t) - t->last_rx_ms;
        if (t->retries >= TCP_KEEPALIVE_PROBES || (t->user_timeout && t->retries && silent >= ms_unpack(t->user_timeout))) {
                tcp_reset(t);
                tcp_finish(t, t->soft_error ? t->soft_error : E_TIMEDOUT);
                return;
        }
        t->retries++;
        t->progress_ms = tcb_now_ms(t);
        struct pkt *p = pkt_alloc(&tcb_stack(t)->pkts, PKT_HEADROOM);
        if (p)
                tcp_respond(t, p, t->snd_nxt - 1, TCP_ACK, 0, 0);
        tcp_timer(t, TT_KEEPALIVE, keepalive_wait(t));
}

static void fire(struct tcb *t, enum tcp_timer_kind kind)
{
        switch (kind) {
        case TT_RTX: retransmit(t); break;
        case TT_TLP:
                tlp_timeout(t);
                tcp_timer(t, TT_RTX, t->rto_ms);
                break;
        case TT_REO:
                rack_reo_timeout(t);
                tcp_timer_rearm(t);
                break;
        case TT_PERSIST: persist(t); break;
        case TT_KEEPALIVE: keepalive(t); break;
        case TT_FIN_WAIT_2: tcp_finish(t, 0); break;
        case TT_TX_RETRY:
                if (t->state == TCP_B_SYN_SENT && !t->conv && t->flight->lost)
                        tcp_syn_again(t);
                else
                        tcp_tx(t);
                break;
        case TT_SWS:
                tcp_tx(t);
                if (t->timer_kind == TT_SWS) {
                        t->timer_kind = TT_NONE;
                        tcp_timer_rearm(t);
                }
                break;
        case TT_CALM: case TT_READY: case TT_REPLY: case TT_REPLIED: case TT_NONE: break;
        }
}

/* A calm run may have been sent since the wheel's timer was set. true: that is how it is. */
static bool still_calm(struct tcb *t)
{
        u32 age = (tcb_now_us(t) - t->calm_tx_us) / 1000;
        if (age >= t->ts->calm_ms)
                return false;
        timer_set(&tcb_stack(t)->wheel, &t->timer, tcb_now_ms(t) + t->ts->calm_ms - age);
        return true;
}

void tcp_timer_fired(struct timer *tm)
{
        struct tcb *t = container_of(tm, struct tcb, timer);
        if (unlikely(tcb_frozen(t)))
                return; /* tcb_thaw picks anew */
        if (t->timer_kind >= TT_CALM) {
                if (still_calm(t))
                        return;
                flight_wake(t);
                if (!tcb_outstanding(t))
                        tcp_timer_rearm(t);
        }
        enum tcp_timer_kind kind = t->timer_kind;
        if (kind == TT_NONE)
                return;
        if ((s32)(tcb_now_ms(t) - t->due_ms) < 0) {
                timer_set(&tcb_stack(t)->wheel, tm, t->due_ms);
                return;
        }
        tcp_enter(t);
        if (kind != TT_SWS && kind != TT_PERSIST)
                t->timer_kind = TT_NONE;
        if (t->flight)
                t->flight->calm = false;
        fire(t, kind);
        tcp_leave(t);
}
