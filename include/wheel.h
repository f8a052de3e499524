/* wheel.h - hierarchical timer wheel with millisecond slots. Start, stop and restart are O(1);
 * idle timers cost nothing until they are due.
 * SPDX-License-Identifier: MIT */
#ifndef WHEEL_H
#define WHEEL_H

#include "types.h"

struct timer {
        struct timer  *next, **pprev; /* pprev == NULL: not running */
        u32            due_ms;        /* on the wheel's clock, modulo 2^32 */
        void         (*fire)(struct timer *t);
};

enum { WHEEL_BITS = 6, WHEEL_SLOTS = 1 << WHEEL_BITS, WHEEL_LEVELS = 5 }; /* 2^30 ms, 12 days; longer waits are cut to that */

struct wheel {
        u32           now_ms;
        u32           next_ms;           /* the hand meets nothing before; perhaps nothing then either */
        u32           n_running;
        u64           used[WHEEL_LEVELS]; /* bit per slot that is not empty */
        struct timer *slot[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *w, u32 now_ms);

/* Runs (or restarts) t so that t->fire is called once by the first wheel_advance at or after due_ms. */
void timer_set(struct wheel *w, struct timer *t, u32 due_ms);
void timer_set_any(struct wheel *w, struct timer *t, u32 due_ms); /* what timer_set does, whatever the wait */
void timer_stop(struct wheel *w, struct timer *t);
static inline bool timer_running(const struct timer *t) { return t->pprev != NULL; }

/* Moves the clock to now_ms and fires what is due, in order of due time to within a slot.
 * A fired timer may start or stop any timer, itself included. */
void wheel_turn(struct wheel *w, u32 now_ms); /* the same where something may be met */
static inline void wheel_advance(struct wheel *w, u32 now_ms)
{
        if (likely(now_ms - w->now_ms < w->next_ms - w->now_ms))
                w->now_ms = now_ms;
        else
                wheel_turn(w, now_ms);
}

/* Milliseconds until the earliest timer can be due (0: now), never later than the truth, or UINT32_MAX when none runs. */
u32 wheel_next(const struct wheel *w);

#endif
