/* thread.h - stackful cooperative threads, each with a guard page below its stack. A thread runs until it
 * yields, sleeps or waits; a watchdog names one that does not.
 * SPDX-License-Identifier: MIT */
#ifndef THREAD_H
#define THREAD_H

#include "types.h"

struct thread;

/* Starts fn(arg) with `pages` of stack; NULL when out of memory. The thread ends when fn returns. */
struct thread *thread_new(const char *name, void (*fn)(void *arg), void *arg, u32 pages);
void thread_yield(void);
/* Ends the calling thread. */
void thread_exit(void) __attribute__((noreturn));
/* Sleeps at least ms. */
void thread_sleep(u32 ms);
/* Sleeps until thread_wake(self) or at most ms (UINT32_MAX = for ever). A wake that came before counts. Safe against
 * interrupt handlers. */
void thread_wait(u32 ms);
/* From thread or interrupt context. */
void thread_wake(struct thread *t);
struct thread *thread_self(void);

const char *thread_name(const struct thread *t);

/* The flow that calls this becomes the first thread, "main", on the boot stack. */
void thread_init(void);
/* The thread whose guard page holds addr, by name; NULL when none does. For panics. */
const char *thread_guard_at(u32 addr);
/* The bounds of the stack that holds esp (empty when none does). For panics. */
void thread_stack_of(u32 esp, u32 *lo, u32 *hi);
/* From the timer interrupt: logs the running thread when it has not yielded for long. True when none runs (idle). */
bool thread_watchdog(u32 eip);
enum { WATCHDOG_MS = 2000 };    /* how long is too long */
/* Microseconds spent in hlt. */
u64 thread_idle_us(void);

struct thread_info { const char *name, *state; u32 id, switches, stack_bytes, stack_used; u64 ran_us; };
void thread_walk(bool (*fn)(void *ctx, const struct thread_info *), void *ctx);

#endif
