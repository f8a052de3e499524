/* urgent.c - the sending side of urgent data (RFC 9293 3.8.5, RFC 6093): a pointer behind the last urgent octet (MUST-62).
 * SPDX-License-Identifier: MIT */
#include "cksum.h"
#include "engine.h"

void tcp_send_urgent(struct tcb *t)
{
        u32 end = t->snd_una + (t->state & SYN_ACK_RX ? 0 : 1) + t->snd_queued;
        if (!t->snd_queued)
                return;
        t->snd_up = end;
        t->flags |= TF_URG_TX;
        tcb_more(t);
        tcp_want_tx(t);
}

/* h is complete: URG and the pointer go in, and into its checksum unless that is still to be computed. */
void tcp_mark_urgent(struct tcb *t, struct tcp_hdr *h, u32 seq, bool no_sum)
{
        if (seq_ge(seq, t->snd_up))
                return;
        u32 up = min_u32(t->snd_up - seq, 0xffff);
        u16_any *w = (u16_any *)h;
        u16 old = w[6];
        h->flags |= TCP_URG;
        h->urg = be16_of((u16)up);
        if (no_sum)
                return;
        /* RFC 1624: new sum = ~(~old sum + ~old word + new word) */
        u32 sum = (u16)~w[8];
        sum = cksum_plus(sum, (u16)~old);
        sum = cksum_plus(sum, w[6]);
        sum = cksum_plus(sum, w[9]);
        w[8] = (u16)~cksum_fold(sum);
}
