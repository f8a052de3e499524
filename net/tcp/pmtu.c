/* pmtu.c - path MTU discovery (RFC 1191), and the black hole where its messages are lost (RFC 2923, 8899's reason).
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

/* Segments that were too large are lost for certain, and not by congestion: again at once, cut smaller. */
static void cut_and_resend(struct tcb *t)
{
        struct flight *f = t->flight;
        for (struct sent *r = f ? f->first : NULL; r; r = r->next)
                if (r->end - r->seq > t->mss && !(r->flags & SENT_SACKED))
                        sent_mark(t, r, SENT_LOST);
        if (f)
                f->tlp_out = false;
        tcp_predict(t);
        t->flags |= TF_WANT_TX;
}

static void set(struct tcb *t, u16 mtu)
{
        u32 segs = t->cwnd / (t->mss ? t->mss : 1);
        t->pmtu = mtu;
        tcb_set_mss(t);
        t->cwnd = min_u32(t->cwnd, max_u32(segs * t->mss, 2u * t->mss));
        cut_and_resend(t);
}

void pmtu_learn(struct tcb *t, u16 mtu)
{
        if (t->flags & TF_NO_PMTUD)
                return;
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
