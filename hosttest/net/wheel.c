/* wheel.c (test) - the timer wheel against a plain list: seeded random starts, stops and jumps of the clock.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "wheel.h"

struct probe { struct timer t; u32 fired_at, fired; struct wheel *w; };

static void note(struct timer *t)
{
        struct probe *p = (struct probe *)t;
        p->fired++;
        p->fired_at = p->w->now_ms;
}

static void fires_on_the_millisecond(void **state)
{
        static const u32 waits[] = {1, 2, 63, 64, 65, 127, 128, 4095, 4096, 4097, 262143, 262144, 300000, 7200000, 16777215, 16777216};
        for (u32 start = 0; start < 3; start++)
                for (u32 i = 0; i < COUNT_OF(waits); i++) {
                        struct wheel w;
                        u32 t0 = start == 0 ? 0 : start == 1 ? 12345 : 0xfffffff0u; /* the last wraps */
                        wheel_init(&w, t0);
                        struct probe p = {.t.fire = note, .w = &w};
                        timer_set(&w, &p.t, t0 + waits[i]);
                        assert_true(wheel_next(&w) >= 1 && wheel_next(&w) <= waits[i]);
                        wheel_advance(&w, t0 + waits[i] - 1);
                        assert_int_equal(p.fired, 0);
                        wheel_advance(&w, t0 + waits[i]);
                        assert_int_equal(p.fired, 1);
                        assert_int_equal(wheel_next(&w), UINT32_MAX);
                }
}

static void what_is_due_or_past_fires_at_the_next_tick(void **state)
{
        static const u32 past[] = {0, 1, 63, 64, 100000, 0x7fffffff, 0x80000000};
        for (u32 i = 0; i < COUNT_OF(past); i++) {
                struct wheel w;
                wheel_init(&w, 4096 - 1);
                struct probe p = {.t.fire = note, .w = &w};
                timer_set(&w, &p.t, w.now_ms - past[i]);
                assert_int_equal(p.fired, 0);
                wheel_advance(&w, 4096);
                assert_int_equal(p.fired, 1);
        }
}

static void a_wait_beyond_the_last_level_is_cut_to_it(void **state)
{
        static const u32 waits[] = {0x3fffffff, 0x40000000, 0x7fffffff};
        for (u32 i = 0; i < COUNT_OF(waits); i++) {
                struct wheel w;
                wheel_init(&w, 77);
                struct probe p = {.t.fire = note, .w = &w};
                timer_set(&w, &p.t, 77 + waits[i]);
                wheel_advance(&w, 77 + 0x3effffff);
                assert_int_equal(p.fired, 0);
                assert_true(timer_running(&p.t) && wheel_next(&w) <= 0x01000000);
        }
}

static u32 seed = 0x51ed;
static u32 rnd(void)
{
        seed ^= seed << 13;
        seed ^= seed >> 17;
        return seed ^= seed << 5;
}

static void random_against_a_list(void **state)
{
        enum { N = 200 };
        static struct probe p[N];
        struct wheel w;
        u32 now = 0xfff00000u;
        wheel_init(&w, now);
        memset(p, 0, sizeof p);
        for (int i = 0; i < N; i++)
                p[i] = (struct probe){.t.fire = note, .w = &w};
        for (int round = 0; round < 20000; round++) {
                struct probe *q = &p[rnd() % N];
                if (rnd() % 4 == 0) {
                        timer_stop(&w, &q->t);
                } else if (!timer_running(&q->t)) {
                        q->fired = 0;
                        timer_set(&w, &q->t, now + 1 + rnd() % (1u << (rnd() % 20)));
                }
                u32 step = rnd() % 8 ? rnd() % 100 : rnd() % 100000, next = wheel_next(&w);
                for (int i = 0; i < N; i++) /* never later than the truth */
                        if (timer_running(&p[i].t))
                                assert_true(next <= p[i].t.due_ms - now);
                u32 before = now;
                now += step;
                wheel_advance(&w, now);
                for (int i = 0; i < N; i++) {
                        if (timer_running(&p[i].t))
                                assert_true((s32)(p[i].t.due_ms - now) > 0);
                        else if (p[i].fired && (s32)(p[i].t.due_ms - before) > 0)
                                assert_int_equal(p[i].fired_at, p[i].t.due_ms);
                }
        }
}

static void stop_other(struct timer *t)
{
        struct probe *p = (struct probe *)t;
        p->fired++;
        timer_stop(p->w, &p[1].t);
        timer_stop(p->w, &p[-1].t);
        timer_set(p->w, &p->t, p->w->now_ms + 5);
}

static void a_callback_may_stop_its_neighbours(void **state)
{
        struct wheel w;
        wheel_init(&w, 0);
        struct probe p[3] = {{.t.fire = note, .w = &w}, {.t.fire = stop_other, .w = &w}, {.t.fire = note, .w = &w}};
        timer_set(&w, &p[0].t, 10); /* fired last: the slot is a stack */
        timer_set(&w, &p[1].t, 10);
        wheel_advance(&w, 10);
        assert_int_equal(p[1].fired, 1);
        assert_int_equal(p[0].fired + p[2].fired, 0);
        wheel_advance(&w, 15);
        assert_int_equal(p[1].fired, 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(fires_on_the_millisecond),
                cmocka_unit_test(what_is_due_or_past_fires_at_the_next_tick),
                cmocka_unit_test(a_wait_beyond_the_last_level_is_cut_to_it),
                cmocka_unit_test(random_against_a_list),
                cmocka_unit_test(a_callback_may_stop_its_neighbours),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
