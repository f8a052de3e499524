/* rtt.c - the retransmission time-out (RFC 6298): smoothed round-trip time, variance, back-off.
 * SPDX-License-Identifier: MIT */
#include "engine.h"

void rtt_init(struct tcb *t)
{
        t->srtt_us = t->rttvar_us = 0;
        t->rto_ms = TCP_RTO_INIT_MS;
}

/* Neither was 0, so SRTT is not 0 afterwards. */
void rtt_smooth(struct tcb *t, u32 rtt_us)
{
        s32 err = (s32)rtt_us - (s32)(t->srtt_us >> 3);
        t->srtt_us = (u32)((s32)t->srtt_us + err);
        t->rttvar_us = (u32)((s32)t->rttvar_us + ((err < 0 ? -err : err) - (s32)(t->rttvar_us >> 2)));
}

/* 2.2, 2.3. srtt_us holds 8 SRTT, rttvar_us 4 RTTVAR, so that 1/8 and 1/4 are shifts. Karn's rule is the caller's (MUST-18). */
void rtt_sample(struct tcb *t, u32 rtt_us)
{
        if (rtt_us == 0)
                rtt_us = 1;
        if (rtt_us > 60000000)
                rtt_us = 60000000;
        if (!t->srtt_us) {
                t->srtt_us = rtt_us << 3;
                t->rttvar_us = rtt_us << 1;
        } else {
                rtt_smooth(t, rtt_us);
        }
        t->rto_ms = rtt_base_rto(t);
}

/* RTO = SRTT + max(G, 4 RTTVAR), the second term at least rto_min as Linux does it: a peer's delayed acknowledgement fits in. Where that
 * is 0, the sum has a floor (2.4). */
u32 rtt_base_rto(const struct tcb *t)
{
        if (!t->srtt_us)
                return TCP_RTO_INIT_MS;
        u32 ms = (t->srtt_us >> 3) / 1000, least = t->ts->rto_min_ms;
        if (unlikely(t->rttvar_us > least * 1000)) /* divided only when it is the larger one */
                least = (t->rttvar_us + 999) / 1000;
        return min_u32(max_u32(ms + least, t->ts->rto_floor_ms), TCP_RTO_MAX_MS);
}

COLD void tcp_set_rto_min(struct stack *st, u32 ms)
{
        bool whole = ms >= 1000;
        st->tcp->rto_min_ms = whole ? 0 : ms;
        st->tcp->rto_floor_ms = whole ? ms : 0;
        st->tcp->calm_ms = min_u32(ms, TCP_WORST_DELACK_MS + 1); /* no time-out and no probe comes earlier (rtt_base_rto, tlp_pto) */
}

/* 5.5 */
void rtt_backoff(struct tcb *t)
{
        t->rto_ms = min_u32(t->rto_ms * 2, TCP_RTO_MAX_MS);
}
