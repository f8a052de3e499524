/* panic.h - the end of the road: a report on serial and screen, then halt or reboot.
 * SPDX-License-Identifier: MIT */
#ifndef PANIC_H
#define PANIC_H

#include "types.h"

struct trapframe;

/* Prints "panic: ..." with a symbolised backtrace, and does not return. For broken invariants, never for bad input. */
void panic(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((noreturn));

/* The same for an exception, with its registers (c/fault.c). */
void panic_trap(const struct trapframe *f) __attribute__((noreturn));

#define ASSERT(cond) ((cond) ? (void)0 : panic("%s:%d: %s does not hold", __FILE__, __LINE__, #cond))

/* Seconds from a panic to the reboot, 0 (default): halt. */
void panic_set_reboot(u32 seconds);
u32  panic_get_reboot(void);

/* One line of a panic report, and the head and tail of it, for c/fault.c. */
void panic_begin(void);
void panic_line(const char *fmt, ...) PRINTF_LIKE(1, 2);
void panic_end(u32 eip, u32 esp) __attribute__((noreturn));

/* Prints where eip is (unless it is 0) and the calls found on the stack from esp up, one line each
 * through panic_line (c/backtrace.c). */
void backtrace(u32 eip, u32 esp);
/* True when the bytes before `ret` are a call instruction: then `ret` may be a return address. Nothing
 * below `text` is read (c/callsite.c). */
bool backtrace_is_return(const u8 *ret, const u8 *text);

#endif
