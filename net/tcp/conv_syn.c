/* conv_syn.c - our SYN toward a peer that speaks QuRe, first, again, or in answer: with option 144, data and FIN; and the ACK of
 * a late server, which has our options too. Not here: who may send it when (channel.c, conv_client.c, conv_listen.c).
 * SPDX-License-Identifier: MIT */
#include "channel.h"
#include "cksum.h"
#include "engine.h"
#include "mem.h"

/* The option goes behind the n bytes that tcp_put_syn wrote, whose padding to a multiple of four makes room first. */
u32 conv_append_option(struct tcp_state *ts, u8 *o, u32 n, const struct option144 *x)
{
        u8 own[OPTION144_MAX];
        u32 at = 0, len = option144_put(own, ts->conv->kind, x);
        while (at < n && o[at] != TCP_OPT_EOL)
                at += o[at] == TCP_OPT_NOP ? 1 : o[at + 1];
        if (at + len > TCP_OPTS_MAX)
                return n;
        memcpy(o + at, own, len);
        for (at += len; at % 4; at++)
                o[at] = TCP_OPT_EOL;
        return at;
}

static u32 put_options(struct tcb *t, u8 *o)
{
        struct conv *c = conv_of(t);
        struct option144 x = {.has = O144_HELLO};
        if (c->flags & CV_TOLD)
                return t->flags & TF_TS ? tcp_put_ts(o, tcb_now_ms(t) + t->ts_off, t->ts_recent) : 0;
        struct syn_options so = {.mss = c->our_mss, .wscale = t->rcv_scale, .ws = c->ws, .sack = c->sack, .ts = c->ts,
                                 .tsval = tcb_now_ms(t) + t->ts_off, .tsecr = t->ts_recent, .tfo = c->cookie};
        u32 n = tcp_put_syn(o, &so);
        if (c->flags & CV_GIVE_COOKIE) {
                x.has |= O144_PROOF;
                proof_make(t->ts, t->raddr, x.proof);
        } else if (c->has_cookie && !(c->flags & CV_MET)) {
                x.has |= O144_PROOF;
                memcpy(x.proof, c->cookie, sizeof x.proof);
        }
        return conv_append_option(t->ts, o, n, &x);
}

/* Copies n bytes from the front of the send queue. */
static void copy_front(const struct tcb *t, u8 *dst, u32 n)
{
        for (const struct sndent *e = t->snd_first; n; e = e->next) {
                u32 m = min_u32(e->len, n);
                memcpy(dst, e->ptr, m);
                dst += m;
                n -= m;
        }
}

/* RFC 3168 6.1.1 beside our options: a client's first SYN asks, the server's first segment says yes. */
static u8 ecn_flags(const struct tcb *t, u8 flags)
{
        if (conv_of(t)->flags & CV_TOLD)
                return 0;
        if (flags & TCP_ACK)
                return t->flags & TF_ECN ? TCP_ECE : 0;
        return t->flight->ecn_ask && !t->retries ? TCP_ECE | TCP_CWR : 0;
}

/* As tcp_respond for what it cannot build: our options or our SYN, n bytes from the front of the queue behind them. */
static void put_segment(struct tcb *t, u32 seq, u8 flags, const u8 *opts, u32 n_opts, u32 n)
{
        struct pkt *p = pkt_alloc(&tcb_stack(t)->pkts, PKT_HEADROOM);
        bool unscaled = !(conv_of(t)->flags & CV_TOLD); /* the window beside our options is as it is (RFC 7323 2.2) */
        u32 scale = unscaled ? 0 : t->rcv_scale, len = 20 + n_opts,
                wnd = conv_of(t)->flags & CV_MET ? tcp_edge(t) - t->rcv_nxt : t->rcv_space;
        if (!p)
                return; /* as if it was lost */
        u32 field = min_u32(wnd >> scale, 65535);
        u8 *h = p->data;
        flags |= ecn_flags(t, flags);
        u32_any *w = (u32_any *)h;
        w[0] = t->ports << 16 | t->ports >> 16;
        w[1] = be(seq);
        w[2] = flags & TCP_ACK ? be(t->rcv_nxt) : 0;
        w[3] = be(len / 4 << 28 | (u32)flags << 16 | field);
        w[4] = 0;
        memcpy(h + 20, opts, n_opts);
        copy_front(t, h + len, n);
        p->len = (u16)(len + n);
        ((u16_any *)h)[8] = (u16)~cksum_fold(cksum_add(ip_pseudo_sum(tcb_laddr(t), tcb_raddr(t), IPPROTO_TCP_, p->len), h,
                                                       p->len));
        if (flags & TCP_ACK) {
                t->rcv_acked = t->rcv_nxt;
                if (seq_gt(t->rcv_nxt + (field << scale), t->rcv_adv))
                        t->rcv_adv = t->rcv_nxt + (field << scale);
                t->flags &= ~(u32)(TF_ACK_DELAYED | TF_ACK_NOW);
        }
        tcp_out_syn(t, p);
}

void conv_ack(struct tcb *t)
{
        u8 o[TCP_OPTS_MAX];
        if (conv_of(t)->flags & CV_TOLD)
                tcp_ack_now(t, NULL);
        else
                put_segment(t, t->snd_nxt, TCP_ACK, o, put_options(t, o), 0);
}

/* How much data may go with a SYN of n_opts bytes of options. What the peer's window is is not known to a client, and closed when
 * a direction opens again; one segment is what it risks (R41). To an unproven address: within what is left of three times. */
static u32 syn_room(const struct tcb *t, u32 n_opts)
{
        const struct conv *c = conv_of(t);
        u32 room = min_u32(max_u32(t->peer_mss, TCP_MSS_MIN), t->pmtu - 40u);
        room = room > n_opts ? room - n_opts : 0;
        if (!(c->flags & CV_MET))
                return c->flags & CV_KNOWN ? room : 0;
        if (!(c->flags & CV_PROVEN))
                room = min_u32(room, c->credit > 40 + n_opts ? c->credit - 40 - n_opts : 0);
        return t->snd_wnd ? min_u32(room, t->snd_wnd) : room;
}

/* Puts our SYN and what goes along at SND.NXT onto the scoreboard. */
static void record(struct tcb *t, u32 n)
{
        struct flight *f = t->flight;
        bool fin = (t->flags & TF_FIN_QUEUED) && n == t->snd_queued && (conv_of(t)->flags & (CV_MET | CV_KNOWN));
        t->iss = t->snd_nxt;
        conv_of(t)->syn_end = t->iss + 1 + n;
        t->snd_nxt = conv_of(t)->syn_end + fin;
        sent_add(t, t->iss, t->iss + 1);
        if (n || fin) {
                f->calm = false;
                f->syn_data = true;
                sent_add(t, t->iss + 1, t->snd_nxt);
        }
        f->cur = t->snd_first;
        for (f->cur_off = n; f->cur && f->cur_off > f->cur->len; f->cur = f->cur->next)
                f->cur_off -= f->cur->len;
        if (!(t->state & SYN_TX))
                tcp_set_state(t, TCP_EV_SEND_SYN);
        if (fin)
                tcp_set_state(t, TCP_EV_SEND_FIN);
        t->progress_ms = t->last_tx_ms = tcb_now_ms(t);
}

/* The SYN segment itself; again: the same bytes, or without them where they would be too many for an unproven address. */
static void put_syn(struct tcb *t)
{
        struct conv *c = conv_of(t);
        u8 o[TCP_OPTS_MAX];
        u32 n_opts = put_options(t, o), n = c->syn_end - t->iss - 1, bytes = 40 + n_opts + n;
        bool fin = (t->state & FIN_TX) && t->snd_nxt == c->syn_end + 1;
        if ((c->flags & (CV_MET | CV_PROVEN)) == CV_MET) {
                if (bytes > c->credit) {
                        n = 0;
                        fin = false;
                }
                c->credit -= min_u32(c->credit, bytes);
        }
        put_segment(t, t->iss, TCP_SYN | (c->flags & CV_MET ? TCP_ACK : 0) | (n || fin ? TCP_PSH : 0) | (fin ? TCP_FIN : 0), o,
                    n_opts, n);
}

static void first(struct tcb *t)
{
        u8 o[TCP_OPTS_MAX];
        if (!flight_get(t)) {
                tcp_timer(t, TT_TX_RETRY, TCP_TX_RETRY_MS);
                return;
        }
        t->flags &= ~(u32)TF_SYN_PENDING;
        conv_of(t)->flags &= (u8)~CV_OPEN_NOW;
        record(t, min_u32(t->snd_queued, syn_room(t, put_options(t, o))));
        put_syn(t);
        tcp_timer(t, TT_RTX, t->rto_ms);
}

void conv_send_syn(struct tcb *t)
{
        struct conv *c = conv_of(t);
        if ((t->flags & TF_SYN_PENDING) || !(t->state & SYN_TX)) {
                first(t);
        } else if (!(c->flags & CV_MET)) {
                conv_go_plain(t);
        } else if (!(c->flags & CV_PROVEN) && t->retries > CONV_SYNACK_TRIES) {
                tcp_finish(t, E_TIMEDOUT); /* a source that is not there is not worth more */
        } else {
                put_syn(t);
                tcp_timer(t, TT_RTX, t->rto_ms);
        }
}
