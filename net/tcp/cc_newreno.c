/* cc_newreno.c - congestion avoidance of RFC 5681 3.1, loss response of 3.2.
 * SPDX-License-Identifier: MIT */
#include "engine.h"

/* One segment a round trip, counted in bytes (RFC 5681's recommended form). */
static void acked(struct tcb *t, u32 bytes)
{
        struct flight *f = t->flight;
        f->acked_part += bytes;
        if (f->acked_part >= t->cwnd) {
                f->acked_part -= t->cwnd;
                t->cwnd += t->mss;
        }
}

/* Equation (4): half of what is in flight. */
static u32 ssthresh(struct tcb *t)
{
        return min_u32(tcb_outstanding(t), t->cwnd) / 2;
}

const struct cc_ops cc_newreno = {acked, ssthresh};
