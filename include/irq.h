/* irq.h - device interrupts. A handler runs with interrupts off, only notes that there is work, and returns.
 * SPDX-License-Identifier: MIT */
#ifndef IRQ_H
#define IRQ_H

#include "types.h"

/* Calls fn(ctx) on interrupt line 0..15 (shared lines: all handlers of the line run; a handler returns true when its
 * device had asked). The line is unmasked with the first handler. level: PCI lines. 0 or -1 (table full). */
int irq_attach(u8 line, bool (*fn)(void *ctx), void *ctx, bool level);

/* Interrupts off on this core, returning what to give irq_restore. */
static inline u32 irq_save(void)
{
        u32 f;
        __asm__ volatile("pushfd\n\tpop %0\n\tcli" : "=r"(f) :: "memory");
        return f;
}
static inline void irq_restore(u32 f) { __asm__ volatile("push %0\n\tpopfd" :: "r"(f) : "memory", "cc"); }

#endif
