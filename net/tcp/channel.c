/* channel.c - the two directions of a connection toward a QuRe peer: each opens, closes and opens again by itself (R37 to R46).
 * A SYN that opens the peer's direction takes exactly RCV.NXT; ours takes SND.NXT, which was our ISN from the first segment on.
 * Not here: how our SYN is built (conversation.c), what it does to the byte (state.c).
 * SPDX-License-Identifier: MIT */
#include "channel.h"
#include "engine.h"

int tcp_reopen(struct tcb *t)
{
        struct conv *c = conv_of(t);
        if ((t->flags & (TF_DEAD | TF_USER_CLOSED)) || !t->conv || !(c->flags & CV_MET))
                return E_CLOSED;
        if (t->state & SYN_TX) {
                if (!(t->flags & TF_FIN_QUEUED))
                        return 0; /* it is open */
                if (!(t->state & FIN_ACK_RX))
                        return E_AGAIN; /* its last FIN is on its way: one number must not mean two things */
                t->flags &= ~(u32)(TF_FIN_QUEUED | TF_ACTIVE_CLOSE);
                tcp_set_state(t, TCP_EV_SEND_SYN);
                t->iss = t->snd_nxt;
        }
        t->flags |= TF_SYN_PENDING;
        c->flags |= CV_OPEN_NOW;
        tcp_want_tx(t);
        return 0;
}

bool channel_may_send(const struct tcb *t)
{
        const struct conv *c = conv_of(t);
        if (!t->conv)
                return (t->state & SYN_RX) && (t->flags & TF_TFO_ACCEPTED);
        if ((c->flags & (CV_MET | CV_PROVEN)) != (CV_MET | CV_PROVEN))
                return false;
        return (t->state & (SYN_TX | SYN_ACK_RX)) != 0;
}

/* A server that is not late opens as soon as its peer does; a late one when it has something to say. A close with nothing said
 * is no reason: the conversation was one-way (R39). */
static bool must_open(const struct tcb *t)
{
        const struct conv *c = conv_of(t);
        return !(c->flags & CV_LATE) || (c->flags & CV_OPEN_NOW) || t->snd_queued;
}

void channel_tx(struct tcb *t)
{
        if (!must_open(t)) {
                if (t->flags & TF_ACK_NOW)
                        conv_ack(t);
                return;
        }
        conv_send_syn(t);
        if (!(t->flags & (TF_SYN_PENDING | TF_DEAD)))
                tcp_tx(t); /* what did not fit into the SYN, where that may go already */
}

bool channel_over(const struct tcb *t)
{
        bool sent = t->state & SYN_TX ? (t->state & FIN_ACK_RX) != 0 : !must_open(t), received = !(t->state & SYN_RX) || (t->state & FIN_ACK_TX);
        if (t->state == TCP_B_TIME_WAIT)
                return true;
        return sent && received && (t->flags & TF_USER_CLOSED) && !t->snd_queued && t->state;
}

/* R40: what is closed needs no window and no buffers; the limit is put aside, so that reading does not open the window either. */
void channel_rx_closed(struct tcb *t)
{
        conv_of(t)->rcvbuf = t->rcvbuf;
        t->rcvbuf = t->rcv_space = 0;
        t->rcv_adv = t->rcv_nxt;
}

/* Opens the peer's direction: a new window, a new incarnation of its four bits (R41). */
static void open_rx(struct tcb *t, struct tcp_seg *s)
{
        struct conv *c = conv_of(t);
        bool again = (t->state & SYN_RX) != 0;
        tcp_set_state(t, TCP_EV_SYN);
        if (again) {
                t->rcvbuf = c->rcvbuf;
                t->rcv_space = min_u32(t->rcvbuf, TCP_WINDOW_INIT);
                t->ts->conv->count.reopened++;
        }
        c->irs = s->seq;
        t->rcv_nxt = s->seq + 1;
        t->rcv_adv = t->rcv_nxt + min_u32(t->rcv_space, 65535);
        t->flags = (t->flags & ~(u32)(TF_EOF | TF_PSHED)) | TF_ACK_NOW;
        if (again && (c->flags & CV_HOLD_DATA)) { /* R42: the SYN, but not yet the data */
                s->len = 0;
                s->flags &= (u8)~TCP_FIN;
        }
}

static void without_syn(struct tcp_seg *s)
{
        s->seq++;
        s->flags &= (u8)~(TCP_SYN | TCP_ECE); /* beside SYN, ECE is an answer, not an echo */
}

/* The peer's first SYN once more, as it was: our answer was lost. Bare or with data, as it was. */
static bool first_again(struct tcb *t, struct pkt *p)
{
        if ((t->state & SYN_TX) && !(t->state & SYN_ACK_RX) && !(t->flags & TF_SYN_PENDING))
                conv_send_syn(t);
        else
                conv_ack(t);
        pkt_drop(p, DROP_TCP_CONV_SYN_AGAIN);
        return true;
}

/* A SYN inside the conversation. true: p is consumed. What stays SYN is for the steps of rx.c to challenge. */
static bool syn_arrives(struct tcb *t, struct tcp_seg *s, struct pkt *p)
{
        struct conv *c = conv_of(t);
        bool open = (t->state & (SYN_RX | FIN_ACK_TX)) == SYN_RX;
        if ((t->state & SYN_RX) && s->seq == c->irs) {
                if (!(s->flags & TCP_ACK))
                        return !(t->flags & TF_ACTIVE_OPEN) && first_again(t, p);
                without_syn(s);
                t->flags |= TF_ACK_NOW;
                return false;
        }
        bool ack_fits = (s->flags & TCP_ACK) && seq_le(s->ack, t->snd_nxt) && seq_ge(s->ack, t->snd_una - t->max_snd_wnd);
        bool old = (t->flags & TF_TS) && s->has_ts && (s32)(s->tsval - t->ts_recent) < 0;
        if (open || s->seq != t->rcv_nxt || !ack_fits || old || (s->flags & TCP_RST))
                return false;
        if (t->rcv_queued) {
                pkt_drop(p, DROP_TCP_REOPEN_EARLY); /* the user has not read the last message: the peer will ask again */
                return true;
        }
        open_rx(t, s);
        without_syn(s);
        return false;
}

/* An acknowledgement of exactly our ISN, or of our SYN, can come only from who receives at that address. */
static void proof_arrives(struct tcb *t, const struct tcp_seg *s)
{
        struct conv *c = conv_of(t);
        if (!(c->flags & CV_PROVEN))
                c->credit += CONV_AMPLIFY * (20 + s->hlen + s->len);
        if (!(s->flags & TCP_ACK) || (s->flags & TCP_RST) || seq_lt(s->ack, t->iss) || seq_gt(s->ack, t->snd_nxt))
                return;
        c->flags |= CV_TOLD | CV_PROVEN;
}

bool channel_arrives(struct tcb *t, struct tcp_seg *s, struct pkt *p)
{
        if (!(conv_of(t)->flags & CV_MET))
                return conv_first_answer(t, s, p);
        if ((conv_of(t)->flags & (CV_TOLD | CV_PROVEN)) != (CV_TOLD | CV_PROVEN))
                proof_arrives(t, s);
        return (s->flags & TCP_SYN) && syn_arrives(t, s, p);
}

/* Data that came with our SYN and was not taken goes out again at once, without it (R42). */
void channel_acked(struct tcb *t, u32 ack)
{
        struct flight *f = t->flight;
        if ((t->state & (SYN_TX | SYN_ACK_RX)) != SYN_TX || (t->flags & TF_SYN_PENDING) || seq_le(ack, t->iss))
                return;
        tcp_set_state(t, TCP_EV_ACK_OF_SYN);
        tcp_fastopen_over(t);
        if (ack != t->iss + 1 || !f || !f->syn_data)
                return;
        u32 end = conv_of(t)->syn_end == ack ? ack + 1 : conv_of(t)->syn_end; /* FIN alone; what followed the SYN is not meant */
        for (struct sent *r = f->first; r && seq_lt(r->seq, end); r = r->next)
                if (!(r->flags & (SENT_LOST | SENT_SACKED)))
                        sent_mark(t, r, SENT_LOST);
}

u32 tcp_withdraw(struct tcb *t)
{
        u32 n = t->snd_queued;
        if (!n || (tcb_outstanding(t) && (tcb_outstanding(t) != 1 || (t->state & SYN_ACK_RX))))
                return 0; /* something of it was sent */
        sndq_free(t);
        if (t->flight)
                t->flight->cur = NULL;
        return n;
}
