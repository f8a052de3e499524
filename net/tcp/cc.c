/* cc.c - what every congestion control shares: initial window (RFC 6928), slow start (RFC 5681, RFC 3465), restart after idle.
 * SPDX-License-Identifier: MIT */
#include "engine.h"

static const struct cc_ops *ops(const struct tcb *t)
{
        return t->cc == TCP_CC_NEWRENO ? &cc_newreno : &cc_cubic;
}

u32 cc_initial_window(const struct tcb *t)
{
        return min_u32(10u * t->mss, max_u32(2u * t->mss, TCP_CWND_FIRST));
}

/* Bytes newly acknowledged while nothing is wrong. A window that was not used is no reason to widen it (RFC 7661 4.3). */
void cc_acked(struct tcb *t, u32 bytes)
{
        struct flight *f = t->flight;
        if (!f || !(f->cwnd_limited || tcp_pipe(t) + bytes >= t->cwnd / 2))
                return;
        if (t->cwnd < t->ssthresh) {
                u32 n = hystart_acked(t, bytes);
                t->cwnd += min_u32(n, t->ssthresh - t->cwnd); /* which ends there */
                return;
        }
        f->cwnd_limited = false;
        f->calm = false;
        ops(t)->acked(t, bytes);
}

u32 cc_ssthresh(struct tcb *t)
{
        return max_u32(ops(t)->ssthresh(t), 2u * t->mss);
}

/* RFC 5681 4.1: after an RTO of silence the window says nothing about the path any more. */
void cc_idle(struct tcb *t)
{
        u32 restart = min_u32(cc_initial_window(t), t->cwnd);
        t->ssthresh = max_u32(t->ssthresh, t->cwnd / 4 * 3);
        t->cwnd = restart;
}
