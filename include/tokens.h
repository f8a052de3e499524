/* tokens.h - token bucket: limits how often something may be sent.
 * SPDX-License-Identifier: MIT */
#ifndef TOKENS_H
#define TOKENS_H

#include "types.h"

struct tokens { u32 spent_milli, at_ms; };

/* Takes one token of a bucket that holds `burst` and refills per_s (at most 1000) every second; zeroed = full.
 * false: none is left, do not send. */
static inline bool tokens_take(struct tokens *t, u32 now_ms, u32 per_s, u32 burst)
{
        u32 refill = min_u32(now_ms - t->at_ms, 4000000) * per_s;
        t->spent_milli -= min_u32(t->spent_milli, refill);
        t->at_ms = now_ms;
        if (t->spent_milli + 1000 > burst * 1000)
                return false;
        t->spent_milli += 1000;
        return true;
}

#endif
