/* hystart.c - HyStart++ (RFC 9406): slow start looks whether round trips become longer, which is a queue that fills, and then grows
 * a quarter as fast for five rounds; if the queue was none of ours it goes on as before, else slow start is over without a loss.
 * Not here: what follows a loss. SPDX-License-Identifier: MIT */
#include "engine.h"

/* 4.3, microseconds. L is for senders that do not pace (RFC 3465 has 2, from before acknowledgements were aggregated). */
enum { MIN_RTT_THRESH = 4000, MAX_RTT_THRESH = 16000, MIN_RTT_DIVISOR = 8, N_RTT_SAMPLE = 8, CSS_GROWTH_DIVISOR = 4, CSS_ROUNDS = 5, L = 8 };

/* 4.2: a round ends when what was sent last at its beginning is acknowledged. */
static void begin_round(struct tcb *t)
{
        struct flight *f = t->flight;
        f->hs_end = t->snd_nxt;
        f->hs_last = f->hs_min;
        f->hs_min = 0;
        f->hs_n = 0;
}

static void measure(struct tcb *t)
{
        struct flight *f = t->flight;
        if (!f->hs_min || f->hs_rtt < f->hs_min)
                f->hs_min = f->hs_rtt;
        if (f->hs_n < N_RTT_SAMPLE && ++f->hs_n < N_RTT_SAMPLE)
                return;
        if (f->hs_css) {
                if (f->hs_min < f->hs_base)
                        f->hs_css = 0; /* it was jitter */
                return;
        }
        u32 longer = max_u32(MIN_RTT_THRESH, min_u32(f->hs_last / MIN_RTT_DIVISOR, MAX_RTT_THRESH));
        if (f->hs_last && f->hs_min >= f->hs_last + longer) {
                f->hs_base = f->hs_min;
                f->hs_css = CSS_ROUNDS;
        }
}

u32 hystart_acked(struct tcb *t, u32 bytes)
{
        struct flight *f = t->flight;
        u32 n = min_u32(bytes, (u32)L * t->mss);
        if (!f->hs_rtt || t->ssthresh != UINT32_MAX) /* 4.3: slow start behind a loss knows where to end */
                return n;
        f->calm = false;
        if (!f->hs_end)
                begin_round(t);
        measure(t);
        if (f->hs_css)
                n /= CSS_GROWTH_DIVISOR;
        if (seq_ge(t->snd_una, f->hs_end)) {
                if (f->hs_css && !--f->hs_css)
                        t->ssthresh = t->cwnd + n;
                begin_round(t);
        }
        return n;
}
