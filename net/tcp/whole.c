/* whole.c - the usual reply: nothing is outstanding, and all that is queued, the FIN behind it too, goes out as one segment whose
 * sums are known. Twin of asm/whole.S. It does what tx.c and segment.c do, in one go; whatever is not so is left to them.
 * SPDX-License-Identifier: MIT */
#include "cksum.h"
#include "engine.h"

static inline u32 refer(struct pkt *p, const struct sndent *e)
{
        u32 sum = e->sum;
        p->frag[0] = (struct frag){e->ptr, e->len, e->hold};
        p->nfrag = 1;
        if (e->hold)
                pkt_hold(e->hold);
        if (!e->next)
                return sum;
        bool odd = e->len & 1;
        e = e->next;
        p->frag[1] = (struct frag){e->ptr, e->len, e->hold};
        p->nfrag = 2;
        if (e->hold)
                pkt_hold(e->hold);
        return cksum_plus(sum, odd ? cksum_odd(e->sum) : e->sum);
}

/* What tcp_send_ref found to fit and the connection describes itself (calm.c). */
static inline bool send_reply(struct tcb *t, u32 fin)
{
        u32 n = t->snd_queued, seq = t->snd_nxt;
        struct pkt *p = pkt_alloc(&t->ts->st->pkts, PKT_HEADROOM);
        if (!p)
                return false;
        p->frag[0] = (struct frag){t->reply, n, NULL};
        p->nfrag = 1;
        t->snd_nxt = seq + n + fin;
        t->calm_tx_us = tcb_now_us(t);
        t->timer_kind = TT_REPLIED;
        if (fin)
                tcp_set_state(t, TCP_EV_SEND_FIN);
        tcp_respond(t, p, seq, TCP_ACK | TCP_PSH | (fin ? TCP_FIN : 0), n, t->reply_sum);
        return true;
}

bool tcp_send_whole(struct tcb *t)
{
        struct tcp_state *ts = t->ts;
        u32 n = t->snd_queued, fin = t->flags & TF_FIN_QUEUED ? 1 : 0, seq = t->snd_nxt;
        if (t->timer_kind == TT_REPLY) {
                if (tcp_usual_reply(t))
                        return send_reply(t, fin);
                calm_settle(t);
        }
        if (!n || n + fin > t->mss || n + fin > t->snd_wnd || seq != t->snd_una ||
            (t->flags & TCP_UNUSUAL_TX))
                return false;
        if ((t->timer_kind != TT_CALM && !calm_begin(t)) || !ts->flights.n_free)
                return false;
        struct pkt *p = pkt_alloc(&ts->st->pkts, PKT_HEADROOM);
        if (!p)
                return false;
        ts->flights.n_free--;
        u32 sum = refer(p, t->snd_first);
        t->snd_nxt = seq + n + fin;
        t->calm_tx_us = tcb_now_us(t);
        if (fin)
                tcp_set_state(t, TCP_EV_SEND_FIN);
        tcp_respond(t, p, seq, TCP_ACK | TCP_PSH | (fin ? TCP_FIN : 0), n, sum);
        return true;
}
