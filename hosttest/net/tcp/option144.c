/* option144.c - the codec of option 144: what the design's list says, byte for byte, and what is refused.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../../net/tcp/option144.h"

#define test(f) cmocka_unit_test(f)
#define BYTES(...) (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__})

static void r57_r59_hello_is_seven_bytes(void **s)
{
        struct option144 x = {.has = O144_HELLO};
        u8 o[OPTION144_MAX];
        assert_int_equal(option144_put(o, 144, &x), 7);
        assert_memory_equal(o, ((u8[]){144, 7, 1, 'Q', 'u', 'R', 'e'}), 7);
        assert_true(option144_read(o, 7, &x));
        assert_int_equal(x.has, O144_HELLO);
}

static void r59_the_number_is_a_synonym(void **s)
{
        struct option144 x;
        assert_true(option144_read(BYTES(144, 7, 1, 0x13, 0x37, 0xc0, 0xde), &x));
        assert_int_equal(x.has, O144_HELLO);
        assert_false(option144_read(BYTES(144, 7, 1, 0x13, 0x37, 0xc0, 0xdf), &x));
        assert_int_equal(x.has, 0);
}

static void design_6_all_sub_options_as_bytes(void **s)
{
        static struct option144 x = {.has = 63, .addr = IPADDR(192, 0, 2, 9), .port = 0x1234, .block = 0x0102, .proof = "proof..",
                                     .auth = "authen."}, y; /* static: what lies between the fields is zero */
        static const u8 want[] = {144, 39, 1, 'Q', 'u', 'R', 'e', 2, 192, 0, 2, 9, 3, 0x12, 0x34, 4, 4, 1, 2, 5, 10, 'p', 'r',
                                  'o', 'o', 'f', '.', '.', 0,
                                  6, 10, 'a', 'u', 't', 'h', 'e', 'n', '.', 0};
        u8 o[OPTION144_MAX];
        assert_int_equal(option144_put(o, 144, &x), sizeof want);
        assert_memory_equal(o, want, sizeof want);
        assert_true(option144_read(o, sizeof want, &y));
        assert_memory_equal(&x, &y, sizeof x);
}

/* MSS, scale, SACK-permitted, timestamps are 19 bytes: with hello 26, with a cookie 36; a handoff without timestamps 38. */
static void design_6_they_fit(void **s)
{
        struct option144 x = {.has = O144_HELLO | O144_PROOF};
        u8 o[OPTION144_MAX];
        assert_int_equal(19 + option144_put(o, 144, &x), 36);
        x.has = O144_HELLO | O144_HANDOFF | O144_PORT | O144_BLOCK | O144_AUTH;
        assert_int_equal(4 + 3 + 2 + option144_put(o, 144, &x), 38);
}

static void r58_padding_and_later_kinds_are_skipped(void **s)
{
        struct option144 x;
        assert_true(option144_read(BYTES(144, 17, 0, 0, 77, 5, 1, 2, 3, 1, 'Q', 'u', 'R', 'e', 7, 2, 0), &x));
        assert_int_equal(x.has, O144_HELLO);
        assert_true(option144_read(BYTES(144, 2), &x)); /* empty: says nothing */
        assert_int_equal(x.has, 0);
}

static void what_does_not_fit_counts_for_nothing(void **s)
{
        struct option144 x;
        assert_false(option144_read(BYTES(144, 6, 1, 'Q', 'u', 'R'), &x));
        assert_false(option144_read(BYTES(144, 9, 1, 'Q', 'u', 'R', 'e', 77, 9), &x));            /* length beyond the end */
        assert_false(option144_read(BYTES(144, 9, 1, 'Q', 'u', 'R', 'e', 77, 1),
                                    &x));            /* length below its own two bytes */
        assert_false(option144_read(BYTES(144, 8, 1, 'Q', 'u', 'R', 'e', 77), &x));               /* no length */
        assert_false(option144_read(BYTES(144, 12, 1, 'Q', 'u', 'R', 'e', 1, 'Q', 'u', 'R', 'e'), &x)); /* twice */
        assert_false(option144_read(BYTES(144, 11, 1, 'Q', 'u', 'R', 'e', 5, 4, 1, 2), &x));      /* a proof of two bytes */
        assert_int_equal(x.has, 0);
}

static void found_among_others_and_only_by_its_kind(void **s)
{
        struct option144 x;
        static const u8 o[] = {2, 4, 5, 180, 1, 3, 3, 7, 144, 7, 1, 'Q', 'u', 'R', 'e', 0};
        assert_true(option144_find(o, sizeof o, 144, &x));
        assert_false(option144_find(o, sizeof o, 145, &x));
        assert_false(option144_find(BYTES(2, 4, 5, 180, 0, 144, 7, 1, 'Q', 'u', 'R', 'e'), 144, &x)); /* behind the end */
        assert_false(option144_find(BYTES(2, 0, 144, 7, 1, 'Q', 'u', 'R', 'e'), 144,
                                    &x));             /* behind a broken length */
        assert_false(option144_find(BYTES(144, 8, 1, 'Q', 'u', 'R', 'e'), 144, &x));
}

static void rfc_6994_shared_kind_names_its_experiment(void **s)
{
        struct option144 x = {.has = O144_HELLO};
        u8 o[OPTION144_MAX];
        assert_int_equal(option144_put(o, 253, &x), 9);
        assert_memory_equal(o, ((u8[]){253, 9, 'Q', 'u', 1, 'Q', 'u', 'R', 'e'}), 9);
        assert_true(option144_read(o, 9, &x));
        o[3] = 'v'; /* somebody else's experiment */
        assert_false(option144_read(o, 9, &x));
        assert_false(option144_read(BYTES(253, 3, 'Q'), &x));
}

int main(void)
{
        const struct CMUnitTest tests[] = {test(r57_r59_hello_is_seven_bytes), test(r59_the_number_is_a_synonym),
                                           test(design_6_all_sub_options_as_bytes),
                test(design_6_they_fit), test(r58_padding_and_later_kinds_are_skipped),
                        test(what_does_not_fit_counts_for_nothing),
                test(found_among_others_and_only_by_its_kind), test(rfc_6994_shared_kind_names_its_experiment)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
