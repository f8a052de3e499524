/* aml.c (test) - the package _S5_ in the forms that firmware uses, and cut short at every byte.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "acpi.h"

static bool parse(const char *bytes, u32 n, u8 *a, u8 *b)
{
        u8 *exact = malloc(n);          /* so that a read behind the end is seen */
        memcpy(exact, bytes, n);
        *a = *b = 0xee;
        bool ok = acpi_s5(exact, n, a, b);
        free(exact);
        return ok;
}
#define S5(bytes, want_a, want_b) do { \
        u8 a, b; \
        assert_true(parse(bytes, sizeof(bytes) - 1, &a, &b)); \
        assert_int_equal(a, want_a); \
        assert_int_equal(b, want_b); \
} while (0)

/* PIIX4 in QEMU: Name(_S5_, Package(4){0, 0, 0, 0}). */
static void zeros(void **state) { S5("\x14\x05xx\x08_S5_\x12\x06\x04\x00\x00\x00\x00", 0, 0); }
/* Real boards: ByteConst 7. */
static void byte_constants(void **state) { S5("\x08_S5_\x12\x0a\x04\x0a\x07\x0a\x05\x00\x00", 7, 5); }
static void one_and_word(void **state) { S5("\x08_S5_\x12\x09\x02\x01\x0b\x03\x00", 1, 3); }
static void root_prefix_and_long_length(void **state) { S5("\x08\\_S5_\x12\x47\x00\x02\x0a\x06\x0c\x04\x00\x00\x00", 6, 4); }
static void one_element(void **state) { S5("\x08_S5_\x12\x04\x01\x0a\x05", 5, 0); }
static void a_use_before_the_definition(void **state) { S5("\x70_S5_\x60\x08_S5_\x12\x06\x02\x0a\x05\x01", 5, 1); }

static void not_there_or_not_understood(void **state)
{
        u8 a, b;
        assert_false(parse("", 0, &a, &b));
        assert_false(parse("_S5_", 4, &a, &b));
        assert_false(parse("\x08_S4_\x12\x06\x04\x00\x00\x00\x00", 11, &a, &b));
        assert_false(parse("\x08_S5_\x11\x06\x04\x00\x00\x00\x00", 11, &a, &b));
        assert_false(parse("\x08_S5_\x12\x06\x02\x0d\x41\x00\x00", 11, &a, &b));
}

static void cut_short_anywhere(void **state)
{
        static const char whole[] = "\x08_S5_\x12\x0a\x04\x0a\x07\x0c\x05\x01\x01\x01";
        u8 a, b;
        for (u32 n = 0; n < sizeof(whole) - 1; n++)
                assert_false(parse(whole, n, &a, &b));
        assert_true(parse(whole, sizeof(whole) - 1, &a, &b));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(zeros),
                cmocka_unit_test(byte_constants),
                cmocka_unit_test(one_and_word),
                cmocka_unit_test(root_prefix_and_long_length),
                cmocka_unit_test(one_element),
                cmocka_unit_test(a_use_before_the_definition),
                cmocka_unit_test(not_there_or_not_understood),
                cmocka_unit_test(cut_short_anywhere),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
