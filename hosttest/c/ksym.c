/* ksym.c (test) - addresses to names out of a table as boot/ksym.py packs it.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ksym.h"

/* Three pairs: "tc", "tcp" and "p_"; functions at +0 "a", +16 "tcp_init", +316 "tcp_rx" (its distance needs two bytes). */
static const u8 text[1024];
static const u8 table[] = { 3, 't', 'c', 0x80, 'p', 'p', '_',
                            0, 'a', 0, 16, 0x81, '_', 'i', 'n', 'i', 't', 0, 0xac, 0x02, 0x80, 0x82, 'r', 'x', 0 };
static u32 table_bytes = sizeof(table);
#define __text_start text
#define __text_end (text + sizeof(text))
#define ksym_start table
#define ksym_end (table + table_bytes)
#include "../../c/ksym.c"

static void look(u32 at, u32 start, const char *want)
{
        char name[KSYM_NAME_MAX + 1];
        assert_int_equal(ksym_find((u32)(uintptr_t)text + at, name), (u32)(uintptr_t)text + start);
        assert_string_equal(name, want);
}

static void inside_first_middle_and_last(void **state)
{
        look(0, 0, "a");
        look(15, 0, "a");
        look(16, 16, "tcp_init");
        look(315, 16, "tcp_init");
        look(316, 316, "tcp_rx");
        look(1023, 316, "tcp_rx");
}

static void nothing_outside_or_without_a_table(void **state)
{
        char name[KSYM_NAME_MAX + 1] = "x";
        assert_int_equal(ksym_find((u32)(uintptr_t)text - 1, name), 0);
        assert_string_equal(name, "");
        assert_int_equal(ksym_find((u32)(uintptr_t)text + sizeof(text), name), 0);
        table_bytes = 0;
        assert_int_equal(ksym_find((u32)(uintptr_t)text, name), 0);
        table_bytes = sizeof(table);
}

/* A damaged table must not make a panic worse. */
static void a_table_cut_short_reads_nothing_behind(void **state)
{
        char name[KSYM_NAME_MAX + 1];
        for (table_bytes = 1; table_bytes < sizeof(table); table_bytes++)
                for (u32 at = 0; at < sizeof(text); at += 100)
                        ksym_find((u32)(uintptr_t)text + at, name);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(inside_first_middle_and_last),
                cmocka_unit_test(nothing_outside_or_without_a_table),
                cmocka_unit_test(a_table_cut_short_reads_nothing_behind),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
