/* export.c - a live connection as a control block, and out of the engine's hands: nobody speaks for it from then on.
 * Not here: connections that are more than plain TCP (decoupled directions, application mode, urgent data): those stay.
 * SPDX-License-Identifier: MIT */
#include "handoff_impl.h"
#include "mem.h"

const char *tcb_stays(const struct tcb *t)
{
        bool state = t->state == TCP_B_ESTABLISHED || t->state == TCP_B_CLOSE_WAIT || t->state == TCP_B_FIN_WAIT_1 ||
                     t->state == TCP_B_FIN_WAIT_2 || t->state == TCP_B_LAST_ACK;
        if (t->conv)
                return "its directions open and close by themselves";
        if (!state || (t->flags & (TF_TFO_ACCEPTED | TF_SYN_PENDING)))
                return "its handshake or its end is under way";
        if (t->flags & (TF_ABORT_ON_ACK | TF_DEAD | TF_USER_CLOSED))
                return "its service has let go of it";
        if (t->flags & (TF_APP_MODE | TF_ACK_ON_READ))
                return "it is in application mode";
        if (t->flags & (TF_URG_TX | TF_URG_RX))
                return "urgent data is under way";
        return t->snd_queued > ADOPT_BYTES_MAX || t->rcv_queued > ADOPT_BYTES_MAX ? "more than 1 MB is queued" : NULL;
}

bool tcb_place(struct tcb *t, u8 place[TCP_PLACE_MAX], u32 *n, const char **why)
{
        *why = tcb_stays(t);
        if (*why)
                return false;
        *why = "its service cannot be moved";
        int len = t->ev->place_put ? t->ev->place_put(t, place, TCP_PLACE_MAX, why) : -1;
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

/* What came out of order is forgotten: the client sends it again (RFC 2018 8). */
void tcb_freeze(struct tcb *t)
{
        timer_stop(&tcb_stack(t)->wheel, &t->timer);
        t->timer_kind = TT_NONE;
        tcp_unlink(t);
        t->flags &= ~(u32)(TF_ACK_NOW | TF_ACK_DELAYED | TF_WANT_TX);
        reasm_free(t);
        tcp_remove(t);
}

void tcb_thaw(struct tcb *t)
{
        tcp_insert(t);
        tcp_predict(t);
        if (t->rcv_acked != t->rcv_nxt)
                tcp_ack_later(t);
        if (tcp_unsent(t) || tcp_fin_due(t))
                tcp_want_tx(t);
        tcp_timer_rearm(t);
}

void tcb_export(const struct tcb *t, struct control_block *b)
{
        *b = (struct control_block){.flags = (u8)((t->flags & TF_TS ? BLOCK_TS : 0) | (t->flags & TF_SACK ? BLOCK_SACK : 0) |
                                                  (t->flags & TF_ECN ? BLOCK_ECN : 0) |
                                                  (t->flags & TF_FIN_QUEUED ? BLOCK_FIN_QUEUED : 0) |
                                                  (t->flags & TF_ACTIVE_CLOSE ? BLOCK_ACTIVE_CLOSE : 0)),
                                    .state = t->state,
                                    .snd_scale = t->snd_scale,
                                    .rcv_scale = t->rcv_scale,
                                    .service = tcb_laddr(t),
                                    .client = tcb_raddr(t),
                                    .service_port = tcb_lport(t),
                                    .client_port = tcb_rport(t),
                                    .snd_una = t->snd_una,
                                    .snd_nxt = t->snd_nxt,
                                    .snd_wnd = t->snd_wnd,
                                    .snd_wl1 = t->snd_wl1,
                                    .snd_wl2 = t->snd_wl2,
                                    .max_snd_wnd = t->max_snd_wnd,
                                    .rcv_nxt = t->rcv_nxt,
                                    .rcv_adv = t->rcv_adv,
                                    .rcv_acked = t->rcv_acked,
                                    .ts_recent = t->ts_recent,
                                    .tsval = tcb_now_ms(t) + t->ts_off,
                                    .cwnd = t->cwnd,
                                    .ssthresh = t->ssthresh,
                                    .srtt_us = t->srtt_us,
                                    .rttvar_us = t->rttvar_us,
                                    .rto_ms = min_u32(t->rto_ms, TCP_RTO_MAX_MS),
                                    .min_rtt_us = t->min_rtt_us,
                                    .snd_bytes = t->snd_queued,
                                    .rcv_bytes = t->rcv_queued,
                                    .peer_mss = t->peer_mss,
                                    .rcv_mss = t->rcv_mss};
}

void tcb_export_bytes(const struct tcb *t, u32 off, u8 *dst, u32 n)
{
        for (const struct sndent *e = t->snd_first; e && n; e = e->next) {
                if (off >= e->len) {
                        off -= e->len;
                        continue;
                }
                u32 m = min_u32(e->len - off, n);
                memcpy(dst, e->ptr + off, m);
                dst += m;
                n -= m;
                off = 0;
        }
        tcp_copy(t, off, dst, n);
}
