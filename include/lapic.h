/* lapic.h - the processor's own interrupt controller: lets the PIC's lines through, and its timer replaces the PIT's.
 * SPDX-License-Identifier: MIT */
#ifndef LAPIC_H
#define LAPIC_H

#include "types.h"

/* Turns it on (P6 and later; paging still off) and starts its timer counting down. False: there is none, use the PIT. */
bool lapic_init(void);
/* Paging is on now. False: no longer usable. */
bool lapic_map(void);
/* Where the timer is, from UINT32_MAX down, for measuring it. */
u32  lapic_ruler_read(void);
/* One interrupt at VEC_LAPIC_TIMER in `ticks`; replaces the one before. */
void lapic_arm(u32 ticks);
void lapic_eoi(void);

#endif
