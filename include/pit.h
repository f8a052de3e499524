/* pit.h - the 8254 timer: one-shot interrupts on line 0, and a ruler for the TSC.
 * SPDX-License-Identifier: MIT */
#ifndef PIT_H
#define PIT_H

#include "types.h"

enum { PIT_HZ = 1193182, PIT_LINE = 0, PIT_MAX_US = 54000 };

/* One interrupt on line 0 in `us` microseconds, cut to PIT_MAX_US; replaces the one before. */
void pit_arm(u32 us);

/* Starts channel 2 downward from 65535 (it takes 54.9 ms), without a sound; reads where it is. */
void pit_ruler_start(void);
u16  pit_ruler_read(void);

#endif
