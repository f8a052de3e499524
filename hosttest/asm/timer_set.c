/* timer_set.c (test) - asm/timer_set.S against its twin: timers that are stopped or run, due in the past, soon, late and on every
 * edge of the second and third level, in empty slots and behind others. The wheel and all timers must be the same.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "asmtest.h"
#include "wheel.h"

void c_timer_set(struct wheel *w, struct timer *t, u32 due_ms);

enum { N = 12 };
static struct { struct wheel w; struct timer t[N]; } now, before, by_twin;
static u32 seed;

static void fired(struct timer *t) { fail(); /* the clock stands still */ }

static u32 some_wait(void)
{
        static const u32 edge[] = {0, 1, 63, 64, 65, 127, 128, 4095, 4096, 4097, 60000, 262143, 262144, 262145, 0xffffffff, 0x80000000, 0x40000000};
        return rnd(&seed) % 3 ? rnd(&seed) % (rnd(&seed) % 2 ? 5000 : 300000) : edge[rnd(&seed) % COUNT_OF(edge)];
}

static void step(void)
{
        struct timer *t = &now.t[rnd(&seed) % N];
        u32 spoilt, due = now.w.now_ms + some_wait();
        if (rnd(&seed) % 2)
                timer_stop(&now.w, t);
        if (rnd(&seed) % 8 == 0)
                now.w.next_ms = now.w.now_ms + rnd(&seed) % 5000;
        before = now;
        c_timer_set(&now.w, t, due);
        by_twin = now;
        now = before;
        call_checked(&spoilt, (const void *)timer_set, (u32)(uintptr_t)&now.w, (u32)(uintptr_t)t, due, 0);
        assert_int_equal(spoilt, 0);
        assert_memory_equal(&now, &by_twin, sizeof now);
}

static void timers_of_every_wait(void **state)
{
        for (u32 round = 1; round <= 300; round++) {
                seed = round * 2654435761u | 1;
                wheel_init(&now.w, rnd(&seed) % 2 ? rnd(&seed) : 0xffffff00u + rnd(&seed) % 512);
                for (u32 i = 0; i < N; i++)
                        now.t[i] = (struct timer){.fire = fired};
                for (u32 i = 0; i < 60; i++)
                        step();
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(timers_of_every_wait),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
