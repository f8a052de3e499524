/* selftest.c - faults on demand, from the boot command line: proof that each of them is caught and named.
 * SPDX-License-Identifier: MIT */
#include "boot.h"
#include "clock.h"
#include "log.h"
#include "mem.h"
#include "panic.h"
#include "sections.h"
#include "thread.h"

enum { SPIN_MS = 3500, DEEP = 1024 };

/* Addresses are hidden from the compiler, which would see the mistakes that are meant. */
static u32 hidden(u32 v)
{
        __asm__ volatile("" : "+r"(v));
        return v;
}

static void read_null(void) { *(volatile u32 *)hidden(16); }
static void write_text(void) { *(volatile u8 *)hidden((u32)__text_start + 64) = 0x90; }
static void write_constant(void) { *(volatile u8 *)hidden((u32)__rodata_start) = 1; }
static void write_low(void) { *(volatile u8 *)hidden(0xf0000) = 1; }

/* A `ret` in memory that can be written. */
static u8 not_code[16] = { 0xc3 };
static void call_data(void) { ((void (*)(void))hidden((u32)not_code))(); }

/* Ends only when depth wraps, long after the stack has. */
static u32 recurse(u32 depth)
{
        volatile u8 room[DEEP];
        room[0] = 1;
        return depth ? recurse(depth + room[0]) + room[0] : 0;
}

static void overflow(void) { recurse(hidden(1)); }

static void spin(void)
{
        u64 end = clock_us() + SPIN_MS * 1000;
        while (clock_us() < end)
                ;
}

static void smash(void)
{
        volatile u8 small[16];
        u8 *p = (u8 *)hidden((u32)small);
        for (u32 i = 0; i < sizeof small + 4; i++) /* the canary, and not the return address */
                p[i] = 0x41;
}

static void give_up(void) { panic("asked for on the command line, %d", 42); }
static void break_invariant(void) { ASSERT(hidden(1) == 2); }

static const struct { const char *word; void (*fn)(void); } tests[] = {
        { "null", read_null }, { "text", write_text }, { "ro", write_constant }, { "low", write_low }, { "wx", call_data },
        { "guard", overflow }, { "watchdog", spin }, { "canary", smash }, { "panic", give_up }, { "assert", break_invariant },
};

static void victim(void *arg)
{
        ((void (*)(void))arg)();
        klog("selftest: survived");
}

void selftest_run(const char *what)
{
        for (u32 i = 0; i < COUNT_OF(tests); i++)
                if (!strcmp(what, tests[i].word)) {
                        klog("selftest: %s", what);
                        thread_new("victim", victim, (void *)tests[i].fn, 2);
                        return;
                }
        klog("selftest: no such test: %s", what);
}
