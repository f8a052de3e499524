/* uto.c - the user timeout told to the peer, and the peer's adopted (RFC 5482): how long data may stay unacknowledged.
 * Not here: what happens when it has passed (timer.c). SPDX-License-Identifier: MIT */
#include "engine.h"

enum {
        UTO_MINUTES = 1 << 15,                         /* the field's unit; else seconds */
        UTO_LEAST_S = 100, UTO_MOST_S = 7200,          /* L_LIMIT (R2's lower bound), U_LIMIT: what a peer may make of ours (3.1) */
        UTO_DEFAULT_S = TCP_USER_TIMEOUT_MS / 1000,
};

u16 uto_field(u32 ms)
{
        u32 s = ms ? max_u32((ms + 500) / 1000, 1) : UTO_DEFAULT_S;
        return (u16)(s < UTO_MINUTES ? s : UTO_MINUTES | min_u32((s + 59) / 60, UTO_MINUTES - 1));
}

u32 uto_put(struct tcb *t, u8 *o)
{
        u16 v = uto_field(ms_unpack(t->user_timeout));
        t->uto_tell = false;
        tcp_predict(t);
        o[0] = TCP_OPT_UTO, o[1] = 4, o[2] = (u8)(v >> 8), o[3] = (u8)v;
        return 4;
}

/* 3.1: USER_TIMEOUT = min(U_LIMIT, max(ADV_UTO, REMOTE_UTO, L_LIMIT)), unless our user chose his own. */
void uto_arrives(struct tcb *t, u16 field)
{
        u32 s = field & (UTO_MINUTES - 1);
        if (t->uto != UTO_OPEN || !s)
                return; /* 3.1: nobody asked for it, the user's own counts; zero is reserved */
        s = field & UTO_MINUTES ? s * 60 : s;
        t->user_timeout = ms_pack(1000 * min_u32(max_u32(max_u32(s, UTO_DEFAULT_S), UTO_LEAST_S), UTO_MOST_S));
}

/* 3.2: a change is told at once. */
void tcp_set_user_timeout(struct tcb *t, u32 ms)
{
        t->user_timeout = ms_pack(ms);
        if (!t->uto)
                return;
        t->uto = ms ? UTO_OURS : UTO_OPEN;
        t->uto_tell = true;
        tcp_predict(t);
        if (!tcp_both_open(t->state) || t->state == TCP_B_TIME_WAIT)
                return;
        t->flags |= TF_ACK_NOW;
        if (!(t->flags & TF_BUSY))
                tcp_queue_soon(t);
}
