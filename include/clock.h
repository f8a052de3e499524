/* clock.h - monotonic time from the calibrated TSC (or the PIT), wall clock from the RTC.
 * SPDX-License-Identifier: MIT */
#ifndef CLOCK_H
#define CLOCK_H

#include "types.h"

/* Microseconds since kernel entry; never goes back. */
u64 clock_us(void);
/* Busy wait, for devices only. */
void clock_delay_us(u32 us);
/* TSC ticks per microsecond as calibrated. */
u32 clock_tsc_mhz(void);
/* Seconds since 1970 UTC; set changes the offset, not the RTC. */
u64 clock_wall(void);
void clock_wall_set(u64 unix_s);

/* Measures the TSC against the PIT (some 4 ms) and reads the RTC. `entry_tsc`: the TSC at kernel entry. */
void clock_init(u64 entry_tsc);
/* Attaches the timer interrupt; from now on it comes at least every 50 ms while a thread runs, for the watchdog. */
void clock_irq_init(void);
/* For the idle loop: the next timer interrupt comes no later than at due_us, and (on leaving it) comes at all. */
void clock_wake_at(u64 due_us);
void clock_tick_on(void);

static inline u64 rdtsc(void) { u32 a, d; __asm__ volatile("rdtsc" : "=a"(a), "=d"(d)); return (u64)d << 32 | a; }

#endif
