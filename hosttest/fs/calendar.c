/* calendar.c (test) - every day from 1970 to 2199 there and back, and the edges.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>
#include "calendar.h"

static void every_day_goes_there_and_back(void **state)
{
        struct calendar c, last = {0};

        for (u32 day = 0; day < 84000; day++) {
                u64 t = (u64)day * 86400 + day % 86400, back;

                calendar_of(t, &c);
                assert_int_equal(c.weekday, (day + 4) % 7);
                assert_true(calendar_unix(&c, &back));
                assert_true(back == t);
                assert_true(day == 0 || c.day == last.day + 1 || c.day == 1);
                last = c;
        }
        assert_int_equal(last.year, 2199);
}

static void known_moments(void **state)
{
        struct calendar c = {1994, 11, 6, 8, 49, 37, 0};
        u64 t = 0;

        assert_true(calendar_unix(&c, &t));
        assert_true(t == 784111777);
        calendar_of(951782400, &c); /* 2000-02-29 */
        assert_int_equal(c.year * 10000 + c.month * 100 + c.day, 20000229);
        assert_int_equal(c.weekday, 2);
}

static void days_that_do_not_exist_are_refused(void **state)
{
        static const struct calendar bad[] = {
                {1969, 12, 31, 0, 0, 0, 0}, {2026, 2, 29, 0, 0, 0, 0}, {2100, 2, 29, 0, 0, 0, 0}, {2026, 4, 31, 0, 0, 0, 0},
                        {2026, 13, 1, 0, 0, 0, 0},
                {2026, 0, 1, 0, 0, 0, 0}, {2026, 1, 0, 0, 0, 0, 0}, {2026, 1, 1, 24, 0, 0, 0}, {2026, 1, 1, 0, 60, 0, 0},
                        {2026, 1, 1, 0, 0, 60, 0}};
        u64 t = 5;

        for (u32 i = 0; i < COUNT_OF(bad); i++)
                assert_false(calendar_unix(&bad[i], &t));
        assert_true(t == 5);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_day_goes_there_and_back),
                cmocka_unit_test(known_moments),
                cmocka_unit_test(days_that_do_not_exist_are_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
