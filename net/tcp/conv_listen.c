/* conv_listen.c - a SYN with option 144 on a listener: a half-open entry that shows the option in turn, or, where the SYN brought
 * a request that may be used, a connection at once. Not here: what the connection then says (conversation.c).
 * SPDX-License-Identifier: MIT */
#include "channel.h"
#include "engine.h"
#include "mem.h"

void tcp_speaks_first(struct listener *l, bool on) { l->opts.speaks_first = on; }
bool tcp_unopened(const struct tcb *t) { return t->conv && !(t->state & SYN_TX); }

void conv_synq_send(struct tcp_state *ts, struct synq *q)
{
        u8 o[TCP_OPTS_MAX];
        struct option144 x = {.has = O144_HELLO | O144_PROOF};
        struct syn_options so = {.mss = q->our_mss, .wscale = q->rcv_scale, .ws = q->has_wscale, .sack = q->sack_ok,
                                 .ts = q->ts_ok,
                                 .tsval = q->tsval, .tsecr = q->ts_recent, .tfo = x.proof};
        struct tcp_reply r = {.src = {be32_from_raw(q->laddr)}, .dst = {be32_from_raw(q->raddr)}, .ports = q->ports,
                              .seq = q->iss, .ack = q->irs + 1,
                              .wnd = q->l->wnd,
                                      .flags = (u8)((q->late ? TCP_ACK : TCP_SYN | TCP_ACK) | (q->ecn_ok ? TCP_ECE : 0)),
                              .ttl = q->l->opts.ttl, .tos = q->l->opts.tos, .opts = o};
        proof_make(ts, q->raddr, x.proof);
        r.n_opts = (u8)conv_append_option(ts, o, tcp_put_syn(o, &so), &x);
        tcp_reply(ts, &r);
}

bool conv_accepted(struct tcb *t, const struct synq *q)
{
        struct conv *c = conv_new(t);
        if (!c)
                return false;
        *c = (struct conv){.our_mss = q->our_mss, .ws = q->has_wscale, .sack = q->sack_ok, .ts = q->ts_ok, .irs = q->irs,
                           .rcvbuf = t->rcvbuf,
                           .flags = CV_MET | (q->l->opts.optional_syn ? CV_LATE : 0) |
                                     (q->l->opts.hold_reopened ? CV_HOLD_DATA : 0)};
        tcp_set_state(t, TCP_EV_SYN);
        if (q->late) {
                t->snd_nxt = q->iss;
                t->flags |= TF_SYN_PENDING;
        } else {
                tcp_set_state(t, TCP_EV_SEND_SYN);
        }
        return true;
}

/* The request that came with the SYN, and the FIN behind it, as if the handshake were complete. */
static void take_early(struct tcb *t, struct tcp_seg *s, struct pkt *p)
{
        u32 len = min_u32(s->len, tcb_rcv_wnd(t));
        bool whole = len == s->len && !p->chain;
        pkt_pull(p, s->hlen);
        if (len && !p->chain) {
                p->len = (u16)len;
                t->rcv_nxt += len;
                tcp_append(t, p, len, whole && (s->flags & TCP_PSH));
        } else {
                pkt_drop(p, DROP_TCP_CONV_EMPTY);
        }
        if (whole && (s->flags & TCP_FIN))
                tcp_got_fin(t);
}

/* A connection at once. Its user may answer; what goes out before the address is proven is counted against what came. */
static bool open_early(struct tcp_state *ts, struct synq *q, struct tcp_seg *s, struct pkt *p, bool proven, bool cookie)
{
        q->qure = q->late = true; /* whatever the listener says, our SYN waits until its user was asked */
        struct tcb *t = tcp_accept_make(ts, q, NULL);
        if (!t)
                return false;
        struct conv *c = conv_of(t);
        c->flags |= (proven ? CV_PROVEN : 0) | (cookie ? 0 : CV_GIVE_COOKIE);
        c->credit = CONV_AMPLIFY * (20 + s->hlen + s->len);
        t->flags |= TF_TFO_ACCEPTED | TF_ACK_NOW | TF_WANT_TX;
        ts->conv->count.early++;
        ts->conv->count.unproven += !proven;
        ts->count.passive_opens++;
        ts->n_fastopen++;
        tcp_enter(t);
        if (s->len)
                take_early(t, s, p);
        else
                pkt_drop(p, DROP_TCP_CONV_SPEAKS_FIRST);
        if (tcp_ask_user(t) && s->len)
                tcp_tell_readable(t);
        bool nothing_yet = t->flags & TF_WANT_TX && !(c->flags & (CV_LATE | CV_OPEN_NOW)) && !t->snd_queued;
        /* who asks somebody else may soon have; a client that has more to say does not wait for that */
        if (nothing_yet && t->state & FIN_RX && !(t->flags & (TF_FIN_QUEUED | TF_DEAD))) {
                t->flags &= ~(u32)(TF_WANT_TX | TF_ACK_NOW);
                tcp_timer(t, TT_TX_RETRY, TCP_DELACK_MS);
        }
        tcp_leave(t);
        return true;
}

/* true: p is consumed. Else q goes its usual way, with the option in its answer when q->qure is set. */
bool conv_listen(struct tcp_state *ts, struct listener *l, struct synq *q, struct tcp_seg *s, struct pkt *p,
                 const struct tcp_hdr *h)
{
        struct option144 x;
        if (!option144_find((const u8 *)(h + 1), s->hlen - 20u, ts->conv->kind, &x) || !(x.has & O144_HELLO) || !ts->conv->free)
                return false;
        bool proven = (x.has & O144_PROOF) && proof_good(ts, q->raddr, x.proof);
        ts->conv->count.hellos++;
        q->tfo_ask = false;
        if (!proven && !synack_rate_ok(ts, q->raddr)) {
                pkt_drop(p, DROP_TCP_CONV_RATE);
                return true;
        }
        /* a one-way channel delivers nothing before the proof (design 5) */
        bool early = (proven || !l->opts.optional_syn) && ts->n_fastopen < ts->n_pool / 4 &&
                     ((l->opts.speaks_first && !s->len) || (s->len && l->opts.idempotent && replay_may_use(ts, q, s, p)));
        if (early && open_early(ts, q, s, p, proven, proven))
                return true;
        ts->conv->count.held += s->len != 0;
        q->qure = true;
        q->late = l->opts.optional_syn;
        return false;
}
