/* predict.c - what the straight line of tcp_receive may expect next on a connection.
 * SPDX-License-Identifier: MIT */
#include "engine.h"

/* A header of 20 bytes, or 32 with the timestamp laid out as everybody does; nothing while anything is unusual. What is next is the newest
 * there is, and brings its window, unless an empty segment ahead of it brought one already (SND.WL1, RFC 9293 3.10.7.4). */
void tcp_predict(struct tcb *t)
{
        struct flight *f = t->flight;
        bool quiet = !f || (f->ca == CA_OPEN && !f->n_sacked && !f->dupacks && !f->tlp_out && !f->lost && !f->probe_end),
             plain = quiet && t->state == TCP_B_ESTABLISHED && !t->reasm && !t->uto_tell && t->snd_wnd &&
                     seq_le(t->snd_wl1, t->rcv_nxt) &&
                     !(t->flags & (TF_ACK_ON_READ | TF_URG_RX | TF_USER_CLOSED));
        u16 off = t->flags & TF_TS ? 0x80 : 0x50;
        t->pred = plain ? (u16)(off | TCP_ACK << 8 | (t->flags & TCB_MORE_FLAGS ? TCB_MORE : 0)) : 0;
        if (!quiet)
                f->calm = false;
}
