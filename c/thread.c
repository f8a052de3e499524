/* thread.c - cooperative threads: ready ones in a queue, waiting ones on a timer wheel. The idle loop runs on the stack of
 * whoever slept last. No priorities, no preemption, no FPU or SSE state: kernel code is compiled without either.
 * SPDX-License-Identifier: MIT */
#include "clock.h"
#include "console.h"
#include "irq.h"
#include "mem.h"
#include "paging.h"
#include "panic.h"
#include "sections.h"
#include "thread_impl.h"

static struct thread main_thread = { .name = "main" }, *dead;
struct sched sched = { .current = &main_thread, .all = &main_thread };
static struct { struct thread *first, **last; } ready = { NULL, &ready.first };
static struct wheel wheel;
static struct slab *threads;
static u32 next_id = 1;

void thread_switch(u32 *save_esp, u32 new_esp);

struct thread *thread_self(void) { return sched.current; }
const char *thread_name(const struct thread *t) { return t->name; }

/* With interrupts off. */
static void make_ready(struct thread *t)
{
        t->state = READY;
        t->next_ready = NULL;
        *ready.last = t;
        ready.last = &t->next_ready;
}

static struct thread *ready_get(void)
{
        struct thread *t = ready.first;
        if (t) {
                ready.first = t->next_ready;
                if (!ready.first)
                        ready.last = &ready.first;
        }
        return t;
}

static void timeout(struct timer *timer)
{
        struct thread *t = container_of(timer, struct thread, timer);
        if (t->state == WAITING || t->state == SLEEPING)
                make_ready(t);
}

/* Nothing is ready, interrupts are off: sleeps until an interrupt. `sti` takes effect when `hlt` has begun, so that a wake
 * cannot slip between. */
static void idle(u64 now)
{
        u64 due = UINT64_MAX;
        u32 next = wheel_next(&wheel), paint = console_poll();
        if (next != UINT32_MAX)
                due = (now / 1000 + next) * 1000;
        if (paint != UINT32_MAX && now + paint * 1000ull < due)
                due = now + paint * 1000ull;
        if (due != UINT64_MAX)
                clock_wake_at(due);
        sched.idling = true;
        __asm__ volatile("sti\n\thlt\n\tcli" ::: "memory");
        sched.idling = false;
}

static void reap(void)
{
        struct thread *t = dead;
        if (!t)
                return;
        dead = NULL;
        struct thread **link = &sched.all;
        while (*link != t)
                link = &(*link)->next;
        *link = t->next;
        if (t == &main_thread)          /* its stack is part of the kernel */
                return;
        u8 *guard = t->stack - PAGE_SIZE;
        if (paging_set((u32)guard, PAGE_SIZE, PAGE_RW))
                page_free(guard, t->pages + 1);
        slab_free(threads, t);
}

/* With interrupts off and current's new state set: runs whoever is next, and returns when sched.current is it again. */
static void schedule(void)
{
        struct thread *self = sched.current, *next;
        u64 now = clock_us();
        self->ran_us += now - self->since_us;
        ASSERT(*(u32 *)self->stack == STACK_FILL);
        for (;;) {
                wheel_advance(&wheel, (u32)(now / 1000));
                next = ready_get();
                if (next)
                        break;
                idle(now);
                u64 woke = clock_us();
                sched.idle_us += woke - now;
                now = woke;
        }
        clock_tick_on();
        next->state = RUNNING;
        next->since_us = now;
        next->watchdog_barked = false;
        next->switches++;
        sched.current = next;
        if (next != self)
                thread_switch(&self->esp, next->esp);
        reap();
}

void thread_yield(void)
{
        u32 f = irq_save();
        make_ready(sched.current);
        schedule();
        irq_restore(f);
}

static void block(enum thread_state state, u32 ms, u32 round_up_us)
{
        if (ms != UINT32_MAX)
                timer_set(&wheel, &sched.current->timer, (u32)((clock_us() + round_up_us) / 1000) + ms);
        sched.current->state = state;
        schedule();
        timer_stop(&wheel, &sched.current->timer);
}

void thread_sleep(u32 ms)
{
        u32 f = irq_save();
        block(SLEEPING, ms, 999);
        irq_restore(f);
}

void thread_wait(u32 ms)
{
        u32 f = irq_save();
        if (!sched.current->woken && ms)
                block(WAITING, ms, 0);
        sched.current->woken = false;
        irq_restore(f);
}

void thread_wake(struct thread *t)
{
        u32 f = irq_save();
        if (t->state == WAITING)
                make_ready(t);
        else
                t->woken = true;
        irq_restore(f);
}

void thread_exit(void)
{
        irq_save();
        sched.current->state = DEAD;
        dead = sched.current;
        schedule();
        panic("a dead thread ran");
}

/* Where a new thread's first thread_switch returns to. */
static void thread_main(void)
{
        reap();
        __asm__ volatile("sti");
        sched.current->fn(sched.current->arg);
        thread_exit();
}

static void fill(u8 *stack, u32 bytes)
{
        for (u32 *p = (u32 *)stack; (u8 *)p < stack + bytes; p++)
                *p = STACK_FILL;
}

static void set_up(struct thread *t, const char *name, u8 *stack, u32 pages)
{
        u32 n = min_u32(strlen(name), THREAD_NAME - 1);
        memcpy(t->name, name, n);
        t->stack = stack;
        t->pages = pages;
        t->id = next_id++;
        t->timer.fire = timeout;
}

struct thread *thread_new(const char *name, void (*fn)(void *arg), void *arg, u32 pages)
{
        struct thread *t = slab_alloc(threads);
        if (!t)
                return NULL;
        u8 *guard = page_alloc(pages + 1);
        if (!guard)
                goto no_stack;
        if (!paging_set((u32)guard, PAGE_SIZE, PAGE_NONE))
                goto no_guard;
        set_up(t, name, guard + PAGE_SIZE, pages);
        t->fn = fn;
        t->arg = arg;
        u8 *top = t->stack + pages * PAGE_SIZE;
        fill(t->stack, pages * PAGE_SIZE);
        struct { u32 edi, esi, ebx, ebp, ret, end; } *first = (void *)(top - sizeof(*first) - 8);
        *first = (typeof(*first)){ .ret = (u32)thread_main };
        t->esp = (u32)first;
        u32 f = irq_save();
        t->next = sched.all;
        sched.all = t;
        make_ready(t);
        irq_restore(f);
        return t;
no_guard:
        page_free(guard, pages + 1);
no_stack:
        slab_free(threads, t);
        return NULL;
}

void thread_init(void)
{
        u32 here;
        __asm__ volatile("mov %0, esp" : "=r"(here));
        wheel_init(&wheel, (u32)(clock_us() / 1000));
        threads = slab_new("thread", sizeof(struct thread));
        set_up(&main_thread, "main", boot_stack, (u32)(boot_stack_top - boot_stack) / PAGE_SIZE);
        fill(boot_stack, (here - 256 - (u32)boot_stack) & ~3u);
        main_thread.state = RUNNING;
        main_thread.since_us = clock_us();
}
