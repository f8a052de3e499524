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

static inline u64 rdtsc(void) { u32 a, d; __asm__ volatile("rdtsc" : "=a"(a), "=d"(d)); return (u64)d << 32 | a; }

#endif
