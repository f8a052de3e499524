/* early.c - clients that ask with their SYN (Fast Open, QuRe), and connections whose directions open and close by themselves:
 * what their block has more, and how it becomes a connection again. The front withholds its SYN,ACK while it hands over, so
 * SND.UNA is the number that the node's SYN will take. SPDX-License-Identifier: MIT */
#include "handoff_impl.h"
#include "mem.h"

enum { CONV_TRAVELS = CV_MET | CV_TOLD | CV_PROVEN | CV_LATE | CV_OPEN_NOW | CV_HOLD_DATA | CV_GIVE_COOKIE };

bool early_state_ok(bool qure, u32 flags, u8 state)
{
        bool pending = (flags & TF_SYN_PENDING) != 0, open = (state & (SYN_RX | SYN_ACK_TX)) == (SYN_RX | SYN_ACK_TX);
        if (!qure)
                return state == TCP_B_SYN_RECEIVED && (flags & TF_TFO_ACCEPTED);
        /* what waits to open has not opened, or opens again; what does not wait has. ff: its service may open again */
        return tcp_byte_legal_qure(state) && open && (pending ? !(state & (SYN_ACK_RX | FIN_TX)) : (state & SYN_TX) != 0);
}

bool early_sensible(const struct control_block *b)
{
        bool qure = b->conv_flags != 0, pending = (b->flags & TF_SYN_PENDING) != 0, is_out = !pending && !(b->state & SYN_ACK_RX);
        u32 out = b->snd_nxt - b->snd_una;
        /* the data of a SYN that is out lies in what is outstanding */
        bool end = !qure || !is_out || (out && b->syn_end - b->snd_una - 1 <= min_u32(out - 1, b->snd_bytes));
        return early_state_ok(qure, b->flags, b->state) && (!pending || !out) && (!is_out || out) && end &&
               !(b->offers & ~OFFERS) && !(b->conv_flags & ~CONV_TRAVELS) && (!qure || b->conv_flags & CV_MET) && b->our_mss;
}

void early_export(const struct tcb *t, struct control_block *b)
{
        const struct flight *f = t->flight;
        if (t->conv) {
                const struct conv *c = conv_of(t);
                b->conv_flags = c->flags & CONV_TRAVELS;
                b->offers = (u8)((c->ws ? OFFER_WS : 0) | (c->ts ? OFFER_TS : 0) | (c->sack ? OFFER_SACK : 0));
                b->our_mss = c->our_mss;
                b->irs = c->irs;
                b->syn_end = c->syn_end;
                b->credit = c->credit;
        } else if (t->state == TCP_B_SYN_RECEIVED) {
                b->offers = f->offer_ws ? OFFER_WS : 0;
                b->our_mss = f->our_mss;
                if (t->flags & TF_SYN_PENDING)
                        b->snd_nxt = b->snd_una; /* it counts as sent here, but it was not */
        }
}

/* What is out of our SYN and behind it; Fast Open's SYN is on the scoreboard from the beginning. What was sent already measures
 * nothing (Karn). */
static bool fill_flight(struct tcb *t, const struct listener *l, const struct control_block *b)
{
        bool pending = (b->flags & TF_SYN_PENDING) != 0;
        u32 syn = !(b->state & SYN_ACK_RX), out = tcb_outstanding(t);
        if (!out)
                return true;
        if (t->ts->cells.n_free < 2 || !flight_get(t))
                return false;
        struct flight *f = t->flight;
        f->calm = false;
        f->our_mss = b->our_mss;
        f->offer_ws = (b->offers & OFFER_WS) != 0;
        memcpy(f->syn_layout, l->opts.syn_layout, sizeof f->syn_layout);
        f->cur = t->snd_first;
        f->cur_off = min_u32(out - syn, t->snd_queued);
        if (syn)
                sent_add(t, t->snd_una, t->snd_una + 1);
        f->syn_data = syn && b->conv_flags && out > 1 && (b->syn_end != b->snd_una + 1 || b->state & FIN_TX);
        if (out > syn) {
                f->small_end = t->snd_nxt;
                sent_add(t, t->snd_una + syn, t->snd_nxt);
        }
        f->first->flags = f->last->flags = pending ? 0 : SENT_EVER_RTX;
        return true;
}

static bool walk_to(struct tcb *t, u8 state)
{
        static const struct { u8 bit, event; } way[] = {
                {SYN_RX, TCP_EV_SYN}, {FIN_RX, TCP_EV_FIN_HELD}, {FIN_ACK_TX, TCP_EV_ACK_FIN}, {SYN_TX, TCP_EV_SEND_SYN},
                {SYN_ACK_RX, TCP_EV_ACK_OF_SYN}, {FIN_TX, TCP_EV_SEND_FIN}, {FIN_ACK_RX, TCP_EV_ACK_OF_FIN},
        };
        for (u32 i = 0; i < COUNT_OF(way); i++)
                if (state & way[i].bit)
                        tcp_set_state(t, way[i].event);
        return t->state == state;
}

bool early_adopt(struct tcb *t, const struct listener *l, const struct control_block *b)
{
        bool qure = b->conv_flags != 0;
        struct conv *c = qure ? conv_new(t) : NULL;
        if (qure && !c)
                return false;
        if (qure)
                *c = (struct conv){.flags = b->conv_flags, .ws = (b->offers & OFFER_WS) != 0, .ts = (b->offers & OFFER_TS) != 0,
                                   .sack = (b->offers & OFFER_SACK) != 0, .our_mss = b->our_mss, .irs = b->irs,
                                   .syn_end = b->syn_end, .credit = b->credit};
        bool there = walk_to(t, b->state);
        if (b->state & FIN_RX)
                channel_rx_closed(t);
        if (!(b->state & SYN_ACK_RX)) {
                t->iss = b->snd_una;
                t->snd_nxt += !qure && b->flags & TF_SYN_PENDING;
        }
        return there && fill_flight(t, l, b);
}
