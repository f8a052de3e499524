/* slab.c (test) - equal objects out of pages that this test lends.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "mem.h"
#include "panic.h"

enum { PAGES = 100 };

static u8 arena[PAGES][PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static u32 pages_left, pages_lent;

static void lend(u32 n)
{
        memset(arena, 0xcc, sizeof(arena));
        pages_left = n;
        pages_lent = 0;
}

void *page_alloc(u32 n)
{
        if (n > pages_left)
                return NULL;
        pages_left -= n;
        pages_lent += n;
        return arena[pages_lent - n];
}

void *mem_boot(size_t n, size_t align)
{
        static u64 room[40];
        static size_t used;
        void *p = room + used;
        used += (n + 7) / 8;
        assert_true(used <= COUNT_OF(room));
        return p;
}

void panic(const char *format, ...) { fail_msg("panic: %s", format); abort(); }

static void objects_are_zeroed_apart_and_reused(void **state)
{
        enum { SIZE = 100, N = 500 };
        static u8 *got[N];
        lend(PAGES);
        struct slab *s = slab_new("test", SIZE);
        for (u32 round = 0; round < 3; round++) {
                for (u32 i = 0; i < N; i++) {
                        got[i] = slab_alloc(s);
                        assert_non_null(got[i]);
                        assert_int_equal((uintptr_t)got[i] % 4, 0);
                        for (u32 k = 0; k < SIZE; k++)
                                assert_int_equal(got[i][k], 0);
                        memset(got[i], (int)i, SIZE);
                }
                for (u32 i = 0; i < N; i++)
                        for (u32 k = 0; k < SIZE; k++)
                                assert_int_equal(got[i][k], (u8)i);
                for (u32 i = 0; i < N; i++)
                        slab_free(s, got[i]);
        }
        assert_in_range(pages_lent, N * 104 / PAGE_SIZE, N * 104 / PAGE_SIZE + 1);
}

static void large_objects_take_blocks_of_pages(void **state)
{
        lend(PAGES);
        struct slab *s = slab_new("large", 3000);
        u8 *a = slab_alloc(s), *b = slab_alloc(s);
        assert_true(b >= a + 3000 || a >= b + 3000);
}

static void no_pages_no_object_until_one_comes_back(void **state)
{
        lend(1);
        struct slab *s = slab_new("small", 1024);
        void *p[4];
        for (u32 i = 0; i < 4; i++)
                assert_non_null(p[i] = slab_alloc(s));
        assert_null(slab_alloc(s));
        slab_free(s, p[2]);
        slab_free(s, NULL);
        assert_ptr_equal(slab_alloc(s), p[2]);
        assert_null(slab_alloc(s));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(objects_are_zeroed_apart_and_reused),
                cmocka_unit_test(large_objects_take_blocks_of_pages),
                cmocka_unit_test(no_pages_no_object_until_one_comes_back),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
