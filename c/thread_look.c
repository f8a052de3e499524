/* thread_look.c - what can be told of threads without being one: the watchdog, whose stack an address is in, the list for `ps`.
 * SPDX-License-Identifier: MIT */
#include "clock.h"
#include "ksym.h"
#include "log.h"
#include "mem.h"
#include "sections.h"
#include "thread_impl.h"

static const char *const state_names[] = { "ready", "running", "waiting", "sleeping", "dead" };

u64 thread_idle_us(void) { return sched.idle_us; }

bool thread_watchdog(u32 eip)
{
        if (sched.idling)
                return true;
        u64 us = clock_us() - sched.current->since_us;
        if (sched.current->watchdog_barked || us < WATCHDOG_MS * 1000)
                return false;
        sched.current->watchdog_barked = true;
        char name[KSYM_NAME_MAX + 1];
        u32 start = ksym_find(eip, name);
        klog("watchdog: thread %s has not yielded for %u ms, at %08x %s+0x%x", sched.current->name, (u32)(us / 1000), eip,
             start ? name : "?", start ? eip - start : 0);
        return false;
}

const char *thread_guard_at(u32 addr)
{
        for (struct thread *t = sched.all; t; t = t->next)
                if (t->stack && addr < (u32)t->stack && addr >= (u32)t->stack - PAGE_SIZE)
                        return t->name;
        return NULL;
}

void thread_stack_of(u32 esp, u32 *lo, u32 *hi)
{
        *lo = *hi = 0;
        if (esp >= (u32)boot_stack && esp <= (u32)boot_stack_top) {
                *lo = (u32)boot_stack;
                *hi = (u32)boot_stack_top;
        }
        for (struct thread *t = sched.all; t; t = t->next)    /* an esp that ran into the guard page belongs to the stack, too */
                if (t->stack && esp >= (u32)t->stack - PAGE_SIZE && esp <= (u32)t->stack + t->pages * PAGE_SIZE) {
                        *lo = (u32)t->stack;
                        *hi = *lo + t->pages * PAGE_SIZE;
                }
}

static u32 stack_used(const struct thread *t)
{
        const u32 *p = (const u32 *)t->stack, *end = (const u32 *)(t->stack + t->pages * PAGE_SIZE);
        while (p < end && *p == STACK_FILL)
                p++;
        return (u32)((const u8 *)end - (const u8 *)p);
}

void thread_walk(bool (*fn)(void *ctx, const struct thread_info *), void *ctx)
{
        for (struct thread *t = sched.all; t; t = t->next) {
                struct thread_info i = { t->name, state_names[t->state], t->id, t->switches, t->pages * PAGE_SIZE, stack_used(t),
                                         t->ran_us };
                if (!fn(ctx, &i))
                        return;
        }
}
