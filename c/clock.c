/* clock.c - time: the TSC, measured once against the PIT, counts microseconds; the RTC gives the date at start; the local
 * APIC's timer or the PIT wakes. The TSC is taken to run evenly, as on all CPUs since 2008 and in all emulators.
 * SPDX-License-Identifier: MIT */
#include "clock.h"
#include "entropy.h"
#include "irq.h"
#include "lapic.h"
#include "log.h"
#include "pit.h"
#include "rtc.h"
#include "thread.h"
#include "trap.h"

enum {
        MEASURE_TICKS = PIT_HZ / 500, SAMPLES = 6, TRIES = 4, STILL = 50000, GUESS_KHZ = 1000000,
        WATCH_US = 50000, LAPIC_MAX_US = 1000000,
};

static struct {
        u64 entry_tsc;
        u32 mult, shift;        /* microseconds = ticks * mult >> shift */
        u32 khz;
        u64 wall_base;          /* unix seconds at entry */
        u64 armed_us;           /* when the timer will interrupt, 0: it will not */
        bool lapic;             /* which timer */
        u32 lapic_khz;
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

static u32 khz_between(u64 t0, u16 c0, u64 t1, u16 c1)
{
        return (u32)((t1 - t0) * PIT_HZ / ((u32)(u16)(c0 - c1) * 1000));
}

/* The first sample 2 ms after c0; false when the PIT stands still. */
static bool sample_after(u16 c0, u16 *c, u64 *tsc)
{
        for (u32 i = 0; i < STILL; i++) {
                *c = sample(tsc);
                if ((u16)(c0 - *c) >= MEASURE_TICKS)
                        return true;
        }
        return false;
}

/* TSC ticks a millisecond, 0 without a PIT; over two stretches of 2 ms. A host that stole time in
 * between lengthens both rulers alike; one that stole it in the middle of a reading shows as stretches that disagree. */
static u32 measure_khz(void)
{
        for (int i = 0; ; i++) {
                u64 t0 = 0, t1 = 0, t2 = 0;
                pit_ruler_start();
                u16 c0 = sample(&t0), c1, c2;
                if (!sample_after(c0, &c1, &t1) || !sample_after(c1, &c2, &t2))
                        return 0;
                u32 a = khz_between(t0, c0, t1, c1);
                u32 b = khz_between(t1, c1, t2, c2);
                if ((a > b ? a - b : b - a) < a / 50 || i == TRIES)
                        return khz_between(t0, c0, t2, c2);
        }
}

static void set_rate(u32 khz)
{
        clk.khz = khz;
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
        clk.lapic = lapic_init();
        u32 count0 = clk.lapic ? lapic_ruler_read() : 0;
        u64 tsc0 = rdtsc();
        u32 khz = measure_khz();
        if (!khz)
                klog("clock: the PIT stands still, the TSC is taken to run at %u MHz", GUESS_KHZ / 1000);
        set_rate(khz ? khz : GUESS_KHZ);
        if (clk.lapic) {
                u32 counted = count0 - lapic_ruler_read();
                clk.lapic_khz = (u32)((u64)counted * clk.khz / (rdtsc() - tsc0));
                clk.lapic = clk.lapic_khz > 0;
        }
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

/* An interrupt at `due`, or earlier where the timer cannot wait so long; the idle loop then arms it again. */
static void arm(u64 now, u64 due)
{
        u32 most = clk.lapic ? LAPIC_MAX_US : PIT_MAX_US;
        u32 us = due <= now ? 0 : due - now > most ? most : (u32)(due - now);
        clk.armed_us = now + us;
        if (clk.lapic)
                lapic_arm((u32)((u64)us * clk.lapic_khz / 1000) + 1);
        else
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
        u64 now = clock_us();
        if (!clk.armed_us || clk.armed_us > now + WATCH_US)
                arm(now, now + WATCH_US);
}

static bool timer_fired(u32 eip)
{
        clk.armed_us = 0;
        if (!thread_watchdog(eip))
                clock_tick_on();
        return true;
}

static bool pit_irq(void *ctx) { return timer_fired(irq_eip()); }

void clock_dispatch(u32 eip)
{
        entropy_irq(VEC_LAPIC_TIMER);
        timer_fired(eip);
        lapic_eoi();
}

void clock_irq_init(void)
{
        clk.lapic = clk.lapic && lapic_map();
        if (!clk.lapic)
                irq_attach(PIT_LINE, pit_irq, NULL, false);
        u32 f = irq_save();
        clock_tick_on();
        irq_restore(f);
        klog("clock: %u MHz, woken by the %s", clock_tsc_mhz(), clk.lapic ? "local APIC" : "PIT");
}
