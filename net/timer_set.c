/* timer_set.c - a timer is started. Not here: how; wheel.c knows.
 * Twin of asm/timer_set.S. SPDX-License-Identifier: MIT */
#include "wheel.h"

void timer_set(struct wheel *w, struct timer *t, u32 due_ms)
{
        timer_set_any(w, t, due_ms);
}
