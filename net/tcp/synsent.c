/* synsent.c - active opens: our SYN, and what arrives in SYN_SENT (RFC 9293 3.10.7.3).
 * SPDX-License-Identifier: MIT */
#include "cksum.h"
#include "engine.h"
#include "mem.h"

/* Bytes that the SYN takes along: only with a cookie that the server gave us (RFC 7413 4.1.3), and only the first time. */
static u32 syn_data(struct tcb *t, u8 *dst, u32 room)
{
        struct flight *f = t->flight;
        if (!f->tfo_len || t->state != TCP_B_CLOSED || !t->snd_first || t->ts->cells.n_free < 2)
                return 0;
        u32 n = 0;
        u32 mss = min_u32(t->peer_mss, t->pmtu - 40u);
        room = min_u32(room, mss > TCP_OPTS_MAX ? mss - (u32)TCP_OPTS_MAX : 0);
        for (struct sndent *e = t->snd_first; e && n < room; e = e->next) {
                u32 m = min_u32(e->len, room - n);
                memcpy(dst + n, e->ptr, m);
                n += m;
        }
        return n;
}

static u32 syn_options(struct tcb *t, u8 *o)
{
        struct flight *f = t->flight;
        bool reply = (t->state & SYN_RX) != 0; /* simultaneous open: offer what the peer's SYN allowed */
        struct syn_options so = {.layout = f->syn_layout, .mss = f->our_mss, .wscale = t->rcv_scale, .ws = f->offer_ws,
                                 .ts = reply ? (t->flags & TF_TS) != 0 : f->offer_ts,
                                 .sack = reply ? (t->flags & TF_SACK) != 0 : f->offer_sack,
                                 .tsval = tcb_now_ms(t) + t->ts_off, .tsecr = reply ? t->ts_recent : 0,
                                 .uto = t->uto ? uto_field(ms_unpack(t->user_timeout)) : 0,
                                 .tfo_on = f->tfo_ask && !reply && t->retries < 2, .tfo = f->tfo_cookie, .tfo_len = f->tfo_len};
        return tcp_put_syn(o, &so);
}

/* RFC 3168 6.1.1: asked for until a SYN stays unanswered, which some old firewall may have dropped for it. */
static u8 syn_flags(const struct tcb *t)
{
        if (t->state & SYN_RX)
                return TCP_SYN | TCP_ACK | (t->flags & TF_ECN ? TCP_ECE : 0);
        return TCP_SYN | (t->flight->ecn_ask && !t->retries ? TCP_ECE | TCP_CWR : 0);
}

/* The SYN as a packet with *n bytes of data, or NULL without a buffer, as if it was lost. */
static struct pkt *make_syn(struct tcb *t, u32 *n)
{
        struct pkt *p = pkt_alloc(&tcb_stack(t)->pkts, PKT_HEADROOM);
        if (!p)
                return NULL;
        u8 *h = p->data, flags = syn_flags(t);
        u32 len = 20 + syn_options(t, h + 20), wnd = min_u32(t->rcv_space, 65535);
        *n = syn_data(t, h + len, pkt_tailroom(p) - len);
        u32_any *w = (u32_any *)h;
        w[0] = t->ports << 16 | t->ports >> 16;
        w[1] = be(t->iss);
        w[2] = flags & TCP_ACK ? be(t->rcv_nxt) : 0;
        w[3] = be(len / 4 << 28 | (u32)flags << 16 | wnd);
        w[4] = 0;
        p->len = (u16)(len + *n);
        u32 sum = cksum_add(ip_pseudo_sum(tcb_laddr(t), tcb_raddr(t), IPPROTO_TCP_, p->len), h, p->len);
        ((u16_any *)h)[8] = (u16)~cksum_fold(sum);
        if (flags & TCP_ACK) {
                t->rcv_acked = t->rcv_nxt;
                t->rcv_adv = t->rcv_nxt + wnd;
        }
        return p;
}

/* The first SYN, and n bytes behind it, are outstanding. */
static void syn_is_out(struct tcb *t, u32 n)
{
        struct flight *f = t->flight;
        tcp_set_state(t, TCP_EV_SEND_SYN);
        t->snd_nxt = t->iss + 1;
        sent_add(t, t->iss, t->snd_nxt);
        t->progress_ms = tcb_now_ms(t);
        if (!n)
                return;
        f->syn_data = true;
        sent_add(t, t->snd_nxt, t->snd_nxt + n);
        t->snd_nxt += n;
        f->cur = t->snd_first;
        for (f->cur_off = n; f->cur_off > f->cur->len; f->cur = f->cur->next)
                f->cur_off -= f->cur->len;
}

void tcp_out_syn(struct tcb *t, struct pkt *p)
{
        /* 40 bytes of options do not fit the least MTU */
        struct ip_opts o = {.ttl = t->ttl, .tos = t->tos, .df = !(t->flags & TF_NO_PMTUD) && p->len + 20u <= t->pmtu};
        t->ts->count.out_segs++;
        ip_tx(tcb_stack(t), p, tcb_laddr(t), tcb_raddr(t), IPPROTO_TCP_, &o);
}

void tcp_send_syn(struct tcb *t)
{
        if (t->conv) {
                conv_send_syn(t);
                return;
        }
        u32 n = 0;
        struct pkt *p = make_syn(t, &n);
        t->flags &= ~(u32)TF_SYN_PENDING;
        if (t->state == TCP_B_CLOSED)
                syn_is_out(t, n);
        tcp_timer(t, TT_RTX, tcp_rtx_wait(t));
        if (p)
                tcp_out_syn(t, p);
}

/* The peer had a connection of these names still and its answer drew our RST: what that ended stands no more in the way of our SYN, which
 * goes out again, once, soon behind the RST (RFC 9293 3.5.1, figure 9). */
static void refused(struct tcb *t)
{
        struct sent *r = t->flight->first;
        if (t->conv || !r || r->seq != t->iss || r->flags || t->retries)
                return;
        sent_mark(t, r, SENT_LOST);
        tcp_timer(t, TT_TX_RETRY, TCP_TX_RETRY_MS);
}

void tcp_syn_again(struct tcb *t)
{
        tcp_send_syn(t);
        sent_again(t, t->flight->first);
        t->ts->count.retrans_segs++;
}

static void bad_ack(struct tcb *t, const struct tcp_seg *s, struct pkt *p)
{
        if (!(s->flags & TCP_RST)) {
                struct tcp_reply r = {.src = tcb_laddr(t), .dst = tcb_raddr(t), .ports = t->ports, .seq = s->ack,
                                      .flags = TCP_RST};
                tcp_reply(t->ts, &r);
                refused(t);
        }
        pkt_drop(p, DROP_TCP_SYN_SENT_ACK);
}

/* What both sides offered counts. */
void tcp_take_syn(struct tcb *t, const struct tcp_seg *s)
{
        struct flight *f = t->flight;
        t->rcv_nxt = t->rcv_acked = s->seq + 1;
        t->rcv_adv = t->rcv_nxt + min_u32(t->rcv_space, 65535);
        t->peer_mss = s->has_mss ? s->mss : TCP_MSS_DEFAULT;
        if (f->offer_ts && s->has_ts) {
                t->flags |= TF_TS;
                t->ts_recent = s->tsval;
        }
        if (f->offer_sack && s->has_sack_ok)
                t->flags |= TF_SACK;
        if (f->offer_ws && s->has_wscale)
                t->snd_scale = s->wscale;
        else
                t->rcv_scale = 0, f->offer_ws = false;
        t->snd_wnd = t->max_snd_wnd = s->wnd; /* of a SYN: never scaled (RFC 7323 2.2) */
        t->snd_wl1 = s->seq;
        t->last_rx_ms = tcb_now_ms(t);
        tcb_set_mss(t);
}

/* RFC 7413 4.1.3: what the SYN,ACK says about Fast Open; data that it left out is sent again at once. */
static void take_tfo(struct tcb *t, const struct tcp_seg *s)
{
        struct flight *f = t->flight;
        if (f->tfo_ask && s->has_tfo && s->tfo_len)
                tfo_learn(t->ts, t->raddr, s->tfo, s->tfo_len, t->peer_mss);
        if (!f->syn_data || s->ack == t->snd_nxt)
                return;
        t->ts->count.tfo_fallback++;
        for (struct sent *r = f->first; r; r = r->next)
                if (r->seq != t->iss && !(r->flags & SENT_LOST))
                        sent_mark(t, r, SENT_LOST);
}

void tcp_got_syn_ack(struct tcb *t, struct tcp_seg *s, struct pkt *p, bool late)
{
        struct flight *f = t->flight;
        if (f->ecn_ask && (s->flags & (TCP_ECE | TCP_CWR)) == TCP_ECE) {
                t->flags |= TF_ECN;
                t->no_ect = t->retries != 0; /* RFC 3168 6.1.1: a SYN without the question is out, too; marks of the peer's data count */
        }
        if (t->retries) {
                t->cwnd = t->mss; /* RFC 5681 3.1: our SYN was lost */
                t->rto_ms = TCP_RTO_SYN_LOST_MS;
        }
        take_tfo(t, s);
        if (s->has_uto)
                uto_arrives(t, s->uto);
        u32 rto = t->rto_ms;
        /* it used our data: it asks for nothing */
        bool lost_syn = t->retries != 0, all_said = late && f->syn_data && s->ack == t->snd_nxt;
        tcp_ack_advance(t, s->ack, s->has_ts && (t->flags & TF_TS) ? &s->tsecr : NULL);
        if (lost_syn && !t->srtt_us)
                t->rto_ms = rto; /* RFC 6298 5.7 */
        tcp_set_state(t, late ? TCP_EV_ACK_OF_SYN : TCP_EV_SYN_ACK);
        if (t->conv && t->snd_una == t->snd_nxt)
                tcp_set_state(t, TCP_EV_ACK_OF_FIN); /* where it went with our SYN */
        if (t->snd_una == t->snd_nxt)
                flight_put(t);
        t->flags |= (all_said ? 0 : TF_ACK_NOW) | TF_WANT_TX;
        tcp_timer_rearm(t);
        tcp_opened(t);
        if (t->flags & TF_DEAD) {
                pkt_drop(p, DROP_TCP_OVER_OPEN);
                return;
        }
        /* text and FIN that came along (sixth step on) */
        pkt_pull(p, s->hlen);
        s->seq++;
        tcp_take_data(t, s, p);
        if (t->conv && !(t->flags & TF_DEAD) && channel_over(t))
                tcp_try_finish(t);
}

void tcp_syn_sent_rx(struct tcb *t, struct tcp_seg *s, struct pkt *p)
{
        bool ack = (s->flags & TCP_ACK) != 0;
        if (ack && (seq_le(s->ack, t->iss) || seq_gt(s->ack, t->snd_nxt))) {
                bad_ack(t, s, p); /* first */
                return;
        }
        if (s->flags & TCP_RST) { /* second */
                if (!ack) {
                        pkt_drop(p, DROP_TCP_RST_NO_ACK);
                        return;
                }
                pkt_drop(p, DROP_TCP_REFUSED);
                tcp_finish(t, E_REFUSED);
                return;
        }
        if (!(s->flags & TCP_SYN)) { /* fifth */
                pkt_drop(p, DROP_TCP_NO_SYN);
                return;
        }
        tcp_take_syn(t, s); /* fourth */
        if (ack) {
                tcp_got_syn_ack(t, s, p, false);
                return;
        }
        /* simultaneous open: SYN,ACK (RFC 9293 figure 8, MUST-10); text that came along is sent again by the peer */
        tcp_set_state(t, TCP_EV_SYN);
        tcp_send_syn(t);
        pkt_drop(p, DROP_TCP_SIMULTANEOUS);
}

/* A handshake that the user waits for is complete. */
void tcp_opened(struct tcb *t)
{
        tcp_predict(t);
        if (t->flags & TF_CONNECTED)
                return;
        t->flags |= TF_CONNECTED;
        if (t->ev->connected && !(t->flags & TF_USER_CLOSED))
                t->ev->connected(t);
}
