/* sponge.c (test) - the permutation against RFC 8439, and what a sponge promises.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "sponge.h"

/* RFC 8439, 2.3.2: state after 20 rounds, before the addition of the input. */
static void permutes_as_rfc_8439_2_3_2(void **state)
{
        u32 w[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, 0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c,
                      0x13121110, 0x17161514, 0x1b1a1918, 0x1f1e1d1c, 0x00000001, 0x09000000, 0x4a000000, 0x00000000 };
        static const u32 want[16] = { 0x837778ab, 0xe238d763, 0xa67ae21e, 0x5950bb2f,
                                      0xc4f2d0c7, 0xfc62bb2f, 0x8fa018fc, 0x3f5ec7b7,
                                      0x335271c2, 0xf29489f3, 0xeabda8fc, 0x82e46ebd,
                                      0xd19c12b4, 0xb04e16de, 0x9e83d0cb, 0x4e3c50a2 };
        sponge_permute(w);
        assert_memory_equal(w, want, sizeof(want));
}

static void draw(const char *a, const char *b, u8 out[40])
{
        struct sponge s = { .at = 0 };
        sponge_absorb(&s, a, strlen(a));
        sponge_absorb(&s, b, strlen(b));
        sponge_squeeze(&s, out, 40);
}

static void depends_on_every_byte_and_on_nothing_else(void **state)
{
        u8 a[40], b[40];
        draw("one", "two", a);
        draw("onet", "wo", b);
        assert_memory_equal(a, b, 40);
        draw("one", "twp", b);
        assert_memory_not_equal(a, b, 40);
        assert_memory_not_equal(a, b + 20, 20);
}

static void never_the_same_twice(void **state)
{
        struct sponge s = { .at = 0 };
        u8 a[32], b[32];
        sponge_squeeze(&s, a, 32);
        sponge_squeeze(&s, b, 32);
        assert_memory_not_equal(a, b, 32);
}

/* What was drawn is not left in the state, nor what the state was. */
static void forgets_what_it_gave(void **state)
{
        struct sponge s = { .at = 0 };
        u8 a[32];
        sponge_absorb(&s, "secret", 6);
        sponge_squeeze(&s, a, 32);
        assert_memory_not_equal(s.word, a, 32);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(permutes_as_rfc_8439_2_3_2),
                cmocka_unit_test(depends_on_every_byte_and_on_nothing_else),
                cmocka_unit_test(never_the_same_twice),
                cmocka_unit_test(forgets_what_it_gave),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
