/* pmtu.c - path MTU discovery (RFC 1191), and the black hole where its messages are lost (RFC 2923, 8899's reason). Upward again by
 * one larger segment of data that is to be sent anyway (RFC 4821 7): what it costs when it is lost is a repetition, never the rate.
 * SPDX-License-Identifier: MIT */
#include "engine.h"

enum { PMTU_MIN = 552 }; /* RFC 5927 7.2: nobody needs less for us to believe him; below this routers fragment */

/* RFC 1191 7: for routers that do not say how much they can take. */
static u16 plateau_below(u16 mtu)
{
        static const u16 table[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006};
        for (u32 i = 0; i < COUNT_OF(table); i++)
                if (table[i] < mtu)
                        return table[i];
        return PMTU_MIN;
}

/* Ten minutes are counted in steps of 2^19 ms, which makes 8.7 to 17.5 (RFC 1191 6.3: not before 5, better 10). */
static u32 epoch(const struct tcb *t) { return tcb_now_ms(t) >> 19 & 7; }

/* Segments that were too large are lost for certain, and not by congestion: again at once, cut smaller. */
static void cut_and_resend(struct tcb *t)
{
        struct flight *f = t->flight;
        for (struct sent *r = f ? f->first : NULL; r; r = r->next)
                if (r->end - r->seq > t->mss && !(r->flags & SENT_SACKED))
                        sent_mark(t, r, SENT_LOST);
        if (f)
                f->tlp_out = f->calm = false;
        tcp_predict(t);
        t->flags |= TF_WANT_TX;
}

static void set(struct tcb *t, u16 mtu)
{
        u32 segs = t->cwnd / (t->mss ? t->mss : 1);
        t->pmtu = mtu;
        t->pmtu_epoch = epoch(t) & 7;
        tcb_set_mss(t);
        t->cwnd = min_u32(t->cwnd, max_u32(segs * t->mss, 2u * t->mss));
        cut_and_resend(t);
}

void pmtu_learn(struct tcb *t, u16 mtu)
{
        struct flight *f = t->flight;
        if (t->flags & TF_NO_PMTUD)
                return;
        if (f && f->probe_end && (mtu < 68 || mtu >= t->pmtu)) {
                f->probe_end = 0;
                set(t, mtu > t->pmtu && mtu < tcb_stack(t)->nif[t->nif]->mtu ? mtu : t->pmtu);
                return;
        }
        if (mtu < 68)
                mtu = plateau_below(t->pmtu);
        if (mtu >= t->pmtu)
                return;
        if (mtu < PMTU_MIN) {
                mtu = PMTU_MIN;
                t->flags |= TF_NO_DF;
        }
        set(t, mtu);
}

/* Several time-outs of full segments while smaller ones got through: somebody drops them and does not say so. */
void pmtu_blackhole(struct tcb *t)
{
        struct sent *r = t->flight ? t->flight->first : NULL;
        if (t->pmtu <= PMTU_MIN + 24 || !r || (t->flags & TF_NO_PMTUD) || !(t->state & SYN_ACK_RX) ||
            r->end - r->seq <= TCP_MSS_DEFAULT)
                return;
        t->ts->count.blackholes++;
        t->flags |= TF_NO_DF;
        set(t, t->pmtu > 1280 ? 1280 : 576);
}

/* Payload of a segment that finds out whether the path takes more now, 0: none is due. Behind it there is enough to send that its loss
 * shows at once. */
u32 pmtu_probe(const struct tcb *t, u32 unsent)
{
        const struct flight *f = t->flight;
        u32 mtu = tcb_stack(t)->nif[t->nif]->mtu, len = min_u32(max_u32(t->peer_mss, TCP_MSS_MIN), mtu - 40), out = tcb_outstanding(t);
        len -= t->flags & TF_TS ? TCP_TS_LEN : 0;
        u32 need = len + 4u * t->mss;
        if (len <= t->mss || (t->flags & (TF_NO_DF | TF_NO_PMTUD)) || ((epoch(t) - t->pmtu_epoch) & 7) < 2)
                return 0;
        if (unsent < need || t->snd_wnd < out + need || t->cwnd < tcp_pipe(t) + need)
                return 0;
        return f && (f->ca != CA_OPEN || f->probe_end || f->lost) ? 0 : len;
}

static const struct sent *probe(const struct flight *f)
{
        const struct sent *r = f->first;
        while (r && r->end != f->probe_end)
                r = r->next;
        return r;
}

/* It arrived, and not as pieces that were sent again: the path takes as much. */
void pmtu_acked(struct tcb *t, u32 ack)
{
        const struct sent *r = probe(t->flight);
        if (seq_lt(ack, t->flight->probe_end))
                return;
        t->flight->probe_end = 0;
        t->pmtu_epoch = epoch(t) & 7;
        if (!r || (r->flags & SENT_EVER_RTX) || r->end - r->seq <= t->mss)
                return;
        t->pmtu = tcb_stack(t)->nif[t->nif]->mtu;
        tcb_set_mss(t);
}

/* Something was found lost. true: nothing but the probe, which says nothing about congestion (RFC 4821 7.3). */
bool pmtu_probe_lost(struct tcb *t)
{
        struct flight *f = t->flight;
        const struct sent *r = probe(f);
        if (r && !(r->flags & SENT_LOST))
                return false;
        f->probe_end = 0;
        t->pmtu_epoch = epoch(t) & 7;
        return r && f->lost == r->end - r->seq;
}
