/* clock.c - time: the TSC, measured once against the PIT, counts microseconds; the RTC gives the date at start. The TSC
 * is taken to run evenly, as on all CPUs since 2008 and in all emulators.
 * SPDX-License-Identifier: MIT */
#include "clock.h"
#include "irq.h"
#include "log.h"
#include "pit.h"
#include "rtc.h"
#include "thread.h"
#include "trap.h"

enum { MEASURE_TICKS = PIT_HZ / 500, SAMPLES = 4, TRIES = 4 };

static struct {
        u64 entry_tsc;
        u32 mult, shift;        /* microseconds = ticks * mult >> shift */
        u32 khz;
        u64 wall_base;          /* unix seconds at entry */
        u64 armed_us;           /* when the PIT will interrupt, 0: it will not */
} clk = { .mult = 1, .shift = 10 }; /* a guess until measured: 1 GHz */

/* The PIT's place and the TSC at the same moment: of several pairs, the one that was read fastest. */
static u16 sample(u64 *tsc)
{
        u16 count = 0;
        u32 best = UINT32_MAX;
        for (int i = 0; i < SAMPLES; i++) {
                u64 before = rdtsc();
                u16 c = pit_ruler_read();
                u32 took = (u32)(rdtsc() - before);
                if (took < best) {
                        best = took;
                        count = c;
                        *tsc = before + took / 2;
                }
        }
        return count;
}

/* TSC ticks a millisecond, over some 2 ms. A host that stole time in between lengthens both rulers alike. */
static u32 measure_khz(void)
{
        u64 t0 = 0, t1 = 0;
        pit_ruler_start();
        u16 c0 = sample(&t0), c1;
        do
                c1 = sample(&t1);
        while ((u16)(c0 - c1) < MEASURE_TICKS);
        return (u32)((t1 - t0) * PIT_HZ / ((u32)(u16)(c0 - c1) * 1000));
}

static void set_rate(u32 khz)
{
        clk.khz = khz ? khz : 1;
        u32 shift = 40;
        u64 mult;
        while ((mult = (1000ull << shift) / clk.khz) >> 32)
                shift--;
        clk.mult = (u32)mult;
        clk.shift = shift;
}

void clock_init(u64 entry_tsc)
{
        clk.entry_tsc = entry_tsc;
        u32 a = measure_khz(), b = measure_khz();
        for (int i = 0; i < TRIES && (a > b ? a - b : b - a) > a / 500; i++) {
                a = b;
                b = measure_khz();
        }
        set_rate((a + b) / 2);
        clk.wall_base = rtc_read() - clock_us() / 1000000;
}

u64 clock_us(void)
{
        u64 ticks = rdtsc() - clk.entry_tsc;
        u64 low = (u64)(u32)ticks * clk.mult, high = (ticks >> 32) * clk.mult;
        return (low >> clk.shift) + (clk.shift <= 32 ? high << (32 - clk.shift) : high >> (clk.shift - 32));
}

u32 clock_tsc_mhz(void) { return clk.khz < 1000 ? 1 : (clk.khz + 500) / 1000; }

void clock_delay_us(u32 us)
{
        u64 end = clock_us() + us;
        while (clock_us() <= end)
                __asm__ volatile("rep nop");
}

u64 clock_wall(void) { return clk.wall_base + clock_us() / 1000000; }
void clock_wall_set(u64 unix_s) { clk.wall_base = unix_s - clock_us() / 1000000; }

static void arm(u64 now, u64 due)
{
        u32 us = due <= now ? 0 : due - now > PIT_MAX_US ? PIT_MAX_US : (u32)(due - now);
        clk.armed_us = now + us;
        pit_arm(us);
}

void clock_wake_at(u64 due_us)
{
        u64 now = clock_us();
        if (!clk.armed_us || clk.armed_us > due_us)
                arm(now, due_us);
}

void clock_tick_on(void)
{
        if (clk.armed_us)
                return;
        u64 now = clock_us();
        arm(now, now + PIT_MAX_US);
}

static bool timer_irq(void *ctx)
{
        clk.armed_us = 0;
        if (!thread_watchdog(irq_eip()))
                clock_tick_on();
        return true;
}

void clock_irq_init(void)
{
        irq_attach(PIT_LINE, timer_irq, NULL, false);
        u32 f = irq_save();
        clock_tick_on();
        irq_restore(f);
}
