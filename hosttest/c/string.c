/* string.c (test) - the kernel's memory functions, under other names, against the C library's.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#define memcpy q_memcpy
#define memmove q_memmove
#define memset q_memset
#define memcmp q_memcmp
#define strlen q_strlen
#define strcmp q_strcmp
#define strncmp q_strncmp
#include "../../c/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strcmp
#undef strncmp

enum { SIZE = 256 };
static u8 a[SIZE], b[SIZE];

static void same_start(void)
{
        for (u32 i = 0; i < SIZE; i++)
                a[i] = b[i] = (u8)(i * 7 + 1);
}

static void copies_every_length_and_offset(void **state)
{
        for (u32 to = 0; to < 5; to++)
                for (u32 from = 100; from < 105; from++)
                        for (u32 n = 0; n < 70; n++) {
                                same_start();
                                assert_ptr_equal(q_memcpy(a + to, a + from, n), a + to);
                                memcpy(b + to, b + from, n);
                                assert_memory_equal(a, b, SIZE);
                        }
}

static void moves_overlapping_both_ways(void **state)
{
        for (u32 to = 0; to < 40; to++)
                for (u32 from = 0; from < 40; from++)
                        for (u32 n = 0; n < 80; n += 3) {
                                same_start();
                                assert_ptr_equal(q_memmove(a + to, a + from, n), a + to);
                                memmove(b + to, b + from, n);
                                assert_memory_equal(a, b, SIZE);
                        }
}

static void sets_every_length_and_offset(void **state)
{
        for (u32 to = 0; to < 5; to++)
                for (u32 n = 0; n < 70; n++) {
                        same_start();
                        assert_ptr_equal(q_memset(a + to, 0x1fe, n), a + to);
                        memset(b + to, 0x1fe, n);
                        assert_memory_equal(a, b, SIZE);
                }
}

static int sign(int v) { return (v > 0) - (v < 0); }

static void compares_as_unsigned_bytes(void **state)
{
        static const char *const words[] = { "", "a", "b", "ab", "abc", "abd", "\xff", "a\xff", "aa" };
        for (u32 i = 0; i < COUNT_OF(words); i++) {
                assert_int_equal(q_strlen(words[i]), strlen(words[i]));
                for (u32 k = 0; k < COUNT_OF(words); k++) {
                        assert_int_equal(sign(q_strcmp(words[i], words[k])), sign(strcmp(words[i], words[k])));
                        for (u32 n = 0; n < 5; n++)
                                assert_int_equal(sign(q_strncmp(words[i], words[k], n)), sign(strncmp(words[i], words[k], n)));
                        assert_int_equal(sign(q_memcmp(words[i], words[k], 1)), sign(memcmp(words[i], words[k], 1)));
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(copies_every_length_and_offset),
                cmocka_unit_test(moves_overlapping_both_ways),
                cmocka_unit_test(sets_every_length_and_offset),
                cmocka_unit_test(compares_as_unsigned_bytes),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
