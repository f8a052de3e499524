/* thread_impl.h - what c/thread.c shares with c/thread_look.c, which only reads it.
 * SPDX-License-Identifier: MIT */
#ifndef THREAD_IMPL_H
#define THREAD_IMPL_H

#include "thread.h"
#include "wheel.h"

enum { THREAD_NAME = 16, STACK_FILL = 0x71757265 };
enum thread_state { READY, RUNNING, WAITING, SLEEPING, DEAD };

struct thread {
        u32  esp;               /* while it does not run */
        u8  *stack;             /* lowest usable byte; the guard page is below */
        u32  pages;
        char name[THREAD_NAME];
        u32  id;
        volatile enum thread_state state;
        volatile bool woken;    /* a wake that nobody waited for yet */
        bool watchdog_barked;
        u32  switches;
        u64  ran_us, since_us;
        void (*fn)(void *arg);
        void *arg;
        struct timer timer;
        struct thread *next_ready, *next;
};

struct sched {
        struct thread *current, *all;   /* all: every thread, newest first */
        volatile bool idling;           /* halted, on the stack of `current` */
        u64 idle_us;
};
extern struct sched sched;

#endif
