/* tcp_receive.c - header prediction: the segment that is most likely next, in ESTABLISHED, in one go.
 * Twin of asm/tcp_receive.S. Not here: everything else, which rx.c does step by step.
 * SPDX-License-Identifier: MIT */
#include "engine.h"

static inline u32 be(u32 v) { return __builtin_bswap32(v); }

/* What may follow a segment as predicted: 20 bytes, or 32 with the timestamp laid out as everybody does. */
void tcp_predict(struct tcb *t)
{
        const struct flight *f = t->flight;
        bool plain = t->state == TCP_B_ESTABLISHED && !t->reasm && t->snd_wnd && !(t->flags & (TF_ACK_ON_READ | TF_URG_RX | TF_USER_CLOSED)) &&
                     (!f || (f->ca == CA_OPEN && !f->n_sacked && !f->dupacks && !f->tlp_out && !f->lost));
        u16 off = t->flags & TF_TS ? 0x80 : 0x50;
        t->pred = plain ? (u16)(off | TCP_ACK << 8) : 0;
}

bool tcp_receive(struct tcb *t, const struct tcp_hdr *h, struct pkt *p, u8 tos)
{
        const u32_any *w = (const u32_any *)h;
        u32 seq = be(w[1]), ack = be(w[2]), hlen = 20, tsecr = 0;
        /* w[3] in memory: off, flags, window; PSH may be there or not */
        if (!t->pred || (w[3] & 0xffffu & ~(u32)(TCP_PSH << 8)) != t->pred)
                return false;
        if (seq != t->rcv_nxt || ack - t->snd_una > t->snd_nxt - t->snd_una || (t->flags & TF_ECN && (tos & 3) == 3))
                return false;
        if (t->flags & TF_TS) {
                if (w[5] != be(0x0101080au) || (s32)(be(w[6]) - t->ts_recent) < 0)
                        return false;
                tsecr = be(w[7]);
                hlen = 32;
        }
        u32 len = p->len - hlen, wnd = (u32)(u16)__builtin_bswap16((u16)(w[3] >> 16)) << t->snd_scale;
        if (len > t->rcv_adv - t->rcv_nxt || !wnd || (!len && ack == t->snd_una))
                return false; /* beyond the window; a duplicate or a window update is for ack.c to judge, as is a window that closes */
        if (hlen == 32 && seq_le(seq, t->rcv_acked))
                t->ts_recent = be(w[6]);
        t->last_rx_ms = tcb_now_ms(t);
        tcp_enter(t);
        if (ack != t->snd_una || wnd != t->snd_wnd)
                t->flags |= TF_WANT_TX; /* the window moved: more may fit */
        t->snd_wnd = wnd;
        t->snd_wl1 = seq;
        t->snd_wl2 = ack;
        if (wnd > t->max_snd_wnd)
                t->max_snd_wnd = wnd;
        if (ack != t->snd_una)
                tcp_ack_advance(t, ack, hlen == 32 ? &tsecr : NULL, true);
        if (len) {
                pkt_pull(p, hlen);
                t->rcv_nxt += len;
                tcp_append(t, p, len, (h->flags & TCP_PSH) != 0);
                tcp_ack_policy(t, len);
                tcp_tell_readable(t);
        } else {
                pkt_free(p);
        }
        tcp_leave(t);
        return true;
}
