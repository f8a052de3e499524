/* last.c - the straight line of the segment that ends a connection whose user let go: the peer's FIN when ours is acknowledged with it
 * or was before, or the acknowledgement of our FIN behind the peer's (RFC 9293 3.10.7.4 fifth and eighth). Not here: ends in another
 * order, with text, or while somebody still reads; rx.c, ack.c and text.c do those.
 * Twin of asm/last.S. SPDX-License-Identifier: MIT */
#include "engine.h"

/* The timestamp that belongs there, and not an old one (RFC 7323 5.3). */
static inline bool stamp_right(const struct tcb *t, const u32_any *h, u32 n)
{
        if (!(t->flags & TF_TS))
                return n == sizeof(struct tcp_hdr);
        return n == sizeof(struct tcp_hdr) + TCP_TS_LEN && h[5] == TCP_TS_WORD && (s32)(be(h[6]) - t->ts_recent) >= 0;
}

/* It is acknowledged at once, in the buffer that it came in. */
static inline void take_fin(struct tcb *t, struct pkt *p)
{
        t->rcv_nxt++;
        t->flags |= TF_EOF;
        tcp_set_state(t, TCP_EV_FIN);
        pkt_again(p, PKT_HEADROOM);
        tcp_respond(t, p, t->snd_nxt, TCP_ACK, 0, 0);
}

bool tcp_last_arrives(struct pkt *p, struct tcb *t, const u32_any *ip, u32 n)
{
        /* TF_ACK_NOW: their FIN, of this batch, is still to be answered */
        enum { UNUSUAL = TF_APP_MODE | TF_ACK_ON_READ | TF_URG_RX | TF_URG_TX | TF_ECN | TF_ABORT_ON_ACK | TF_BUSY | TF_DEAD |
                         TF_ACK_NOW };
        const u32_any *h = ip + 5;
        struct tcp_state *ts = t->ts;
        bool fin = h[3] & TCP_FIN << 8;
        u8 state = t->state;
        if (fin ? state != TCP_B_FIN_WAIT_1 && state != TCP_B_FIN_WAIT_2 : state != TCP_B_LAST_ACK)
                return false;
        if ((t->flags & (TF_USER_CLOSED | UNUSUAL)) != TF_USER_CLOSED || t->conv || t->reasm || t->rcv_queued)
                return false;
        if (be(h[1]) != t->rcv_nxt || be(h[2]) != t->snd_nxt || t->rcv_adv == t->rcv_nxt || !stamp_right(t, h, n) ||
            !tcp_header_sum_right(p, ip, n))
                return false;
        ts->count.in_segs++;
        ts->depth++;
        if (n != sizeof(struct tcp_hdr) && seq_le(t->rcv_nxt, t->rcv_acked))
                t->ts_recent = be(h[6]); /* RFC 7323 4.3 (2) */
        flight_put(t);
        sndq_free(t);
        t->snd_una = t->snd_nxt;
        if (state != TCP_B_FIN_WAIT_2)
                tcp_set_state(t, TCP_EV_ACK_OF_FIN);
        if (fin)
                take_fin(t, p);
        else
                pkt_drop(p, DROP_TCP_OVER);
        if (t->flags & TF_ACTIVE_CLOSE)
                timewait_enter(t);
        tcp_finish(t, 0);
        ts->depth--;
        return true;
}
