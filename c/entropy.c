/* entropy.c - gathers randomness and counts it. Credit is given low: RDRAND 64 bits for a 128-bit draw twice over, a device
 * what its driver says, a timing sample half a bit and only when it is unlike the ones before (in a deterministic
 * emulator none is, and no credit comes).
 * SPDX-License-Identifier: MIT */
#include "clock.h"
#include "cpu.h"
#include "entropy.h"
#include "io.h"
#include "irq.h"
#include "log.h"
#include "rtc.h"
#include "sponge.h"

enum {
        RDRAND_WORDS = 8, RDRAND_BITS = 128, RDRAND_TRIES = 10,
        JITTER_SAMPLES = 2048, JITTER_HOPELESS = 256, PIT_CH2 = 0x42,
        EVENTS = 64,
};

extern uintptr_t __stack_chk_guard;

static struct sponge sponge;
static bool initialised, logged_good;
static u32 half_bits;                   /* credited, in half bits */
/* Interrupts only note the time; the next draw or addition takes it in. */
static struct { volatile u32 head, tail; u32 tsc[EVENTS]; u32 last, last_delta; } events;

static void credit(u32 halves)
{
        half_bits = min_u32(half_bits + min_u32(halves, 1 << 20), 1 << 20);
}

u32 entropy_bits(void) { return half_bits / 2; }
bool entropy_good(void) { return half_bits >= ENTROPY_GOOD * 2; }

static bool rdrand(u32 *v)
{
        bool ok;
        for (int i = 0; i < RDRAND_TRIES; i++) {
                __asm__ volatile("rdrand %0\n\tsetc %1" : "=r"(*v), "=qm"(ok) :: "cc");
                if (ok)
                        return true;
        }
        return false;
}

/* A word that comes out the same each time is a broken generator (seen after suspend): nothing is credited. */
static void gather_rdrand(void)
{
        u32 w[RDRAND_WORDS];
        bool differ = false;
        for (u32 i = 0; i < RDRAND_WORDS; i++) {
                if (!rdrand(&w[i]))
                        return;
                differ |= w[i] != w[0];
        }
        entropy_add(w, sizeof(w), differ ? RDRAND_BITS : 0);
}

/* True when this interval says something: it is unlike the last one, and not by the same step as before. */
static bool surprising(u32 delta, u32 *last_delta, u32 *last_step)
{
        u32 step = delta - *last_delta;
        bool yes = step != 0 && step != *last_step && step + *last_step != 0;
        *last_step = step;
        *last_delta = delta;
        return yes;
}

static void gather_jitter(void)
{
        u32 last_delta = 0, last_step = 0, surprises = 0;
        for (u32 i = 0; i < JITTER_SAMPLES && surprises < ENTROPY_GOOD * 2; i++) {
                if (i == JITTER_HOPELESS && surprises < JITTER_HOPELESS / 16)
                        break;          /* a deterministic machine: more of the same tells nothing */
                u32 before = (u32)rdtsc();
                inb(PIT_CH2);
                u32 delta = (u32)rdtsc() - before;
                sponge_absorb(&sponge, &delta, sizeof(delta));
                surprises += surprising(delta, &last_delta, &last_step);
        }
        credit(surprises);
}

static void take_events(void)
{
        if (initialised && !logged_good && entropy_good()) {
                logged_good = true;
                klog("entropy: good, %u bits credited", entropy_bits());
        }
        while (events.tail != events.head) {
                sponge_absorb(&sponge, &events.tsc[events.tail % EVENTS], sizeof(u32));
                events.tail++;
        }
}

void entropy_irq(u32 source)
{
        u32 now = (u32)rdtsc(), delta = now - events.last;
        if (events.head - events.tail < EVENTS)
                events.tsc[events.head++ % EVENTS] = now ^ source << 28;
        if (delta != events.last_delta && !entropy_good())
                half_bits++;
        events.last = now;
        events.last_delta = delta;
}

void entropy_add(const void *bytes, u32 n, u32 bits)
{
        take_events();
        sponge_absorb(&sponge, bytes, n);
        credit(min_u32(bits, n * 8) * 2);
}

void entropy_draw(void *dst, u32 n)
{
        u64 now = rdtsc();
        take_events();
        sponge_absorb(&sponge, &now, sizeof(now));
        sponge_squeeze(&sponge, dst, n);
}

/* No canary of its own: it changes the value that canaries are checked against. */
__attribute__((no_stack_protector)) void entropy_init(void)
{
        u64 start[2] = { rdtsc(), clock_wall() };
        entropy_add(start, sizeof(start), 0);
        if (cpu_has(CPU_RDRAND))
                gather_rdrand();
        gather_jitter();
        uintptr_t guard;
        entropy_draw(&guard, sizeof(guard));
        __stack_chk_guard = guard & ~(uintptr_t)0xff;   /* a 0 byte first: string overruns cannot write it */
        initialised = true;
        logged_good = entropy_good();
        klog("entropy: %u bits credited, %s", entropy_bits(), logged_good ? "good" : "not yet good");
}
