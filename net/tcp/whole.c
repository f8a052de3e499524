/* whole.c - the usual reply: nothing is outstanding, and all that is queued, the FIN behind it too, goes out as one segment whose
 * sums are known. Twin of asm/whole.S. It does what tx.c and segment.c do, in one go; whatever is not so is left to them.
 * SPDX-License-Identifier: MIT */
#include "cksum.h"
#include "engine.h"

/* Everything is in at most two pieces whose sums are known: they are referred to, and nothing is read. */
static inline bool pieces_known(const struct sndent *e)
{
        _Static_assert(PKT_FRAGS == 2, "as many are asked about here");
        return e->has_sum && (!e->next || (e->next->has_sum && !e->next->next));
}

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

bool tcp_send_whole(struct tcb *t)
{
        struct tcp_state *ts = t->ts;
        u32 n = t->snd_queued, fin = t->flags & TF_FIN_QUEUED ? 1 : 0, now = tcb_now_ms(t), seq = t->snd_nxt;
        if (t->flight || !n || n > t->mss || n + fin > t->snd_wnd || seq != t->snd_una ||
            (t->state != TCP_B_ESTABLISHED && t->state != TCP_B_CLOSE_WAIT) ||
            (t->flags & (TF_CORK | TF_ECN | TF_URG_TX | TF_ACK_ON_READ | TF_NO_DF | TF_NO_PMTUD)) || !pieces_known(t->snd_first))
                return false;
        if (now - t->last_tx_ms > t->rto_ms)
                cc_idle(t);
        if (n > t->cwnd || !ts->flights.free)
                return false;
        struct pkt *p = pkt_alloc(&ts->st->pkts, PKT_HEADROOM);
        if (!p)
                return false;
        flight_make(t);
        struct flight *f = t->flight;
        struct sent *r = &f->one;
        u32 sum = refer(p, t->snd_first);
        t->snd_nxt = seq + n + fin;
        r->next = NULL;
        r->seq = seq;
        r->end = t->snd_nxt;
        r->tx_us = tcb_now_us(t);
        r->flags = r->n_rtx = 0;
        f->first = f->last = r;
        f->cur = t->snd_first;
        f->cur_off = n;
        if (n < t->mss)
                f->small_end = t->snd_nxt;
        t->last_tx_ms = now;
        if (fin)
                tcp_set_state(t, TCP_EV_SEND_FIN);
        u32 pto = tlp_pto(t);
        tcp_timer(t, pto ? TT_TLP : TT_RTX, pto ? pto : t->rto_ms);
        tcp_respond(t, p, seq, TCP_ACK | TCP_PSH | (fin ? TCP_FIN : 0), n, sum);
        return true;
}
