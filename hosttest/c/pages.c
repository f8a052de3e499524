/* pages.c (test) - the page map against a plain array of bytes.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "pages.h"

enum { PAGES = 200, WORDS = (PAGES + 31) / 32 };

static u32 bits[WORDS];
static struct pagemap map;

static int empty_map(void **state)
{
        pagemap_init(&map, bits, PAGES);
        return 0;
}

static void nothing_in_an_empty_map(void **state)
{
        assert_int_equal(pagemap_alloc(&map, 1), PAGES_NONE);
        assert_int_equal(map.n_free, 0);
}

static void added_pages_count_once(void **state)
{
        pagemap_add(&map, 10, 100);
        pagemap_add(&map, 50, 100);
        assert_int_equal(map.n_free, 140);
        assert_int_equal(map.n_total, 140);
        pagemap_add(&map, 190, 1000);
        assert_int_equal(map.n_total, 150);
}

static void removed_pages_are_never_given(void **state)
{
        pagemap_add(&map, 0, PAGES);
        pagemap_remove(&map, 1, 3);
        assert_int_equal(pagemap_alloc(&map, 1), 0);
        assert_int_equal(pagemap_alloc(&map, 1), 4);
        pagemap_remove(&map, 0, PAGES);
        assert_int_equal(map.n_free, 0);
        assert_int_equal(pagemap_alloc(&map, 1), PAGES_NONE);
}

static void first_fit_skips_holes_that_are_too_small(void **state)
{
        pagemap_add(&map, 3, 2);
        pagemap_add(&map, 40, 10);
        assert_int_equal(pagemap_alloc(&map, 3), 40);
        assert_int_equal(pagemap_alloc(&map, 2), 3);
        assert_int_equal(pagemap_alloc(&map, 8), PAGES_NONE);
        assert_int_equal(pagemap_alloc(&map, 7), 43);
        assert_int_equal(map.n_free, 0);
}

static void a_run_ends_at_a_word_that_is_taken(void **state)
{
        pagemap_add(&map, 30, 2);
        pagemap_add(&map, 64, 2);
        assert_int_equal(pagemap_alloc(&map, 3), PAGES_NONE);
        assert_int_equal(map.n_free, 4);
}

static void freeing_twice_or_outside_is_refused(void **state)
{
        pagemap_add(&map, 0, PAGES);
        u32 a = pagemap_alloc(&map, 4);
        assert_true(pagemap_free(&map, a, 4));
        assert_false(pagemap_free(&map, a, 4));
        assert_false(pagemap_free(&map, PAGES - 1, 2));
        assert_false(pagemap_free(&map, PAGES, 1));
        assert_int_equal(map.n_free, PAGES);
}

/* Random work, a byte per page beside it. */
static void agrees_with_a_plain_array(void **state)
{
        enum { MAX_RUN = 9, ROUNDS = 20000, HELD = 64 };
        u8 taken[PAGES] = { 0 };
        struct { u32 first, n; } held[HELD] = { { 0, 0 } };
        u32 seed = 12345, n_free = PAGES;
        pagemap_add(&map, 0, PAGES);
        for (u32 round = 0; round < ROUNDS; round++) {
                seed = seed * 1664525 + 1013904223;
                u32 slot = seed >> 16 & (HELD - 1), want = 1 + (seed >> 24) % MAX_RUN;
                if (held[slot].n) {
                        assert_true(pagemap_free(&map, held[slot].first, held[slot].n));
                        memset(taken + held[slot].first, 0, held[slot].n);
                        n_free += held[slot].n;
                        held[slot].n = 0;
                        continue;
                }
                u32 at = pagemap_alloc(&map, want), first = PAGES_NONE;
                for (u32 i = 0, run = 0; i < PAGES && first == PAGES_NONE; i++) {
                        run = taken[i] ? 0 : run + 1;
                        if (run == want)
                                first = i + 1 - want;
                }
                assert_int_equal(at, first);
                if (at == PAGES_NONE)
                        continue;
                memset(taken + at, 1, want);
                held[slot].first = at;
                held[slot].n = want;
                n_free -= want;
                assert_int_equal(map.n_free, n_free);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(nothing_in_an_empty_map, empty_map),
                cmocka_unit_test_setup(added_pages_count_once, empty_map),
                cmocka_unit_test_setup(removed_pages_are_never_given, empty_map),
                cmocka_unit_test_setup(first_fit_skips_holes_that_are_too_small, empty_map),
                cmocka_unit_test_setup(a_run_ends_at_a_word_that_is_taken, empty_map),
                cmocka_unit_test_setup(freeing_twice_or_outside_is_refused, empty_map),
                cmocka_unit_test_setup(agrees_with_a_plain_array, empty_map),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
