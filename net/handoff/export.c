/* export.c - a live connection as a control block, and out of the engine's hands: nobody speaks for it from then on.
 * Not here: what there is more to say of early and QuRe clients (early.c), and half-open entries: those stay.
 * SPDX-License-Identifier: MIT */
#include "handoff_impl.h"
#include "mem.h"

const char *tcb_stays(const struct tcb *t)
{
        bool early = t->conv || !(t->state & SYN_ACK_RX);
        bool goes_on = early ? early_state_ok(t->conv, t->flags, t->state) : tcp_both_open(t->state) && t->state != TCP_B_GONE;
        if (!goes_on || t->flags & (early ? TF_DEAD : TF_DEAD | TF_SYN_PENDING | TF_TFO_ACCEPTED))
                return "its handshake or its end is under way";
        if (!t->listener)
                return "it was opened from here";
        return t->snd_queued > ADOPT_BYTES_MAX || t->rcv_queued > ADOPT_BYTES_MAX ? "more than 1 MB is queued" : NULL;
}

bool tcb_place(struct tcb *t, u8 place[TCP_PLACE_MAX], u32 *n, const char **why)
{
        int len = -1;
        *why = tcb_stays(t);
        if (*why)
                return false;
        *why = "its service cannot be moved";
        if (t->flags & TF_USER_CLOSED)
                len = 0; /* nobody waits for it */
        else if (t->ev->place_put)
                len = t->ev->place_put(t, place, TCP_PLACE_MAX, why);
        *n = len > 0 ? (u32)len : 0;
        return len >= 0;
}

void tcb_resume(struct tcb *t)
{
        tcp_enter(t);
        if (t->rcv_queued || (t->flags & TF_EOF))
                tcp_tell_readable(t);
        tcp_tell_writable(t, 1);
        tcp_leave(t);
}

void tcb_freeze(struct tcb *t)
{
        flight_wake(t);
        timer_stop(&tcb_stack(t)->wheel, &t->timer);
        t->timer_kind = TT_NONE;
        tcp_unlink(t);
        t->flags &= ~(u32)(TF_ACK_NOW | TF_ACK_DELAYED | TF_WANT_TX);
        tcp_remove(t);
        t->next = t;
        t->pred = 0; /* the end of the batch looks twice (asm/batch_end.S) */
        tcp_forget_flow(t);
}

void tcb_thaw(struct tcb *t)
{
        tcp_insert(t);
        tcp_predict(t);
        if (t->flags & TF_SYN_PENDING)
                t->flags |= t->conv ? TF_ACK_NOW : 0; /* our SYN is the acknowledgement, except of a late QuRe server */
        else if (t->rcv_acked != tcp_rcv_ack(t))
                tcp_ack_later(t);
        if (t->flags & TF_SYN_PENDING || tcp_unsent(t) || tcp_fin_due(t))
                tcp_want_tx(t);
        tcp_timer_rearm(t);
}

/* The runs that came ahead of their turn, the nearest four; what is further ahead the client sends again (RFC 2018 8). */
static void export_ahead(const struct tcb *t, struct control_block *b)
{
        s32 k = -1;
        u32 end = 0;
        for (struct pkt *p = t->reasm ? t->reasm->first : NULL; p; p = p->next) {
                u32 at = ooo_of(p)->seq - t->rcv_nxt;
                if ((k < 0 || at != end) && ++k == BLOCK_AHEAD)
                        return;
                if (!b->ahead[k].n)
                        b->ahead[k].at = at;
                b->ahead[k].n += p->len;
                end = at + p->len;
        }
}

/* In recovery the window is what it will be behind it: what is lost is found again there. */
static u32 cwnd(const struct tcb *t)
{
        return t->flight && t->flight->ca == CA_RECOVERY ? max_u32(t->ssthresh, t->mss) : t->cwnd;
}

void tcb_export(const struct tcb *t, struct control_block *b)
{
        u32 now = tcb_now_ms(t);
        *b = (struct control_block){.flags = t->flags & BLOCK_FLAGS, .state = t->state,
                                    .service = tcb_laddr(t), .client = tcb_raddr(t),
                                    .service_port = tcb_lport(t), .client_port = tcb_rport(t),
                                    .snd_scale = t->snd_scale, .rcv_scale = t->rcv_scale, .retries = t->retries,
                                    .cc = (u8)(t->cc | t->uto << 2), .ttl = t->ttl, .tos = t->tos,
                                    .snd_una = t->snd_una, .snd_nxt = t->snd_nxt, .snd_wnd = t->snd_wnd, .snd_wl1 = t->snd_wl1,
                                    .snd_wl2 = t->snd_una, .max_snd_wnd = t->max_snd_wnd, .snd_up = t->snd_up,
                                    .rcv_nxt = t->rcv_nxt, .rcv_adv = t->rcv_adv, .rcv_acked = t->rcv_acked, .rcv_up = t->rcv_up,
                                    .rcv_space = t->rcv_space, .ts_recent = t->ts_recent, .tsval = now + t->ts_off,
                                    .cwnd = cwnd(t), .ssthresh = t->ssthresh, .w_max = t->w_max,
                                    .srtt_us = t->srtt_us, .rttvar_us = t->rttvar_us,
                                    .rto_ms = min_u32(t->rto_ms, TCP_RTO_MAX_MS),
                                    .min_rtt_us = t->min_rtt_us, .keepalive_ms = t->keepalive_ms,
                                    .rx_age_ms = now - t->last_rx_ms,
                                    .tx_age_ms = now - t->last_tx_ms, .progress_age_ms = now - t->progress_ms,
                                    .snd_bytes = t->snd_queued, .rcv_bytes = t->rcv_queued, .peer_mss = t->peer_mss,
                                    .rcv_mss = t->rcv_mss, .pmtu = t->pmtu, .user_timeout = t->user_timeout,
                                    .timewait_cs = t->timewait_cs};
        export_ahead(t, b);
        early_export(t, b);
}

/* What of [*off, *off + *n) lies in a run of `len` bytes at ptr, to *dst; all three move on. */
static void copy_run(const u8 *ptr, u32 len, u32 *off, u8 **dst, u32 *n)
{
        if (*off >= len) {
                *off -= len;
                return;
        }
        u32 m = min_u32(len - *off, *n);
        memcpy(*dst, ptr + *off, m);
        *dst += m;
        *n -= m;
        *off = 0;
}

void tcb_export_bytes(const struct tcb *t, u32 off, u8 *dst, u32 n)
{
        struct control_block b = {0};
        export_ahead(t, &b);
        u32 ahead = block_ahead(&b);
        for (struct pkt *p = t->reasm ? t->reasm->first : NULL; p && ahead && n; p = p->next) {
                copy_run(p->data, p->len, &off, &dst, &n);
                ahead -= p->len;
        }
        for (const struct sndent *e = t->snd_first; e && n; e = e->next)
                copy_run(e->ptr, e->len, &off, &dst, &n);
        tcp_copy(t, off, dst, n);
}
