/* siphash.c (test) - the vectors of the paper's appendix A.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "siphash.h"

/* Key 00..0f, message 00..n-1; the 64-bit results for n = 0, 1, 7, 8, 15. */
static void vectors(void **state)
{
        static const struct { u32 n; u64 hash; } want[] = {
                {0, 0x726fdb47dd0e0e31ull}, {1, 0x74f839c593dc67fdull}, {7, 0xab0200f58b01d137ull}, {8, 0x93f5f5799a932462ull},
                {15, 0xa129ca6149be45e5ull},
        };
        u8 key[16], msg[16];
        for (u8 i = 0; i < 16; i++)
                key[i] = msg[i] = i;
        for (u32 i = 0; i < COUNT_OF(want); i++)
                assert_true(siphash(key, msg, want[i].n) == want[i].hash);
}

static void begun_once_and_ended_often_is_the_same_hash(void **state)
{
        u8 key[16], msg[16];
        for (u32 n = 8; n < 16; n++) {
                struct siphash_begun b;
                u64 word, last = 0;
                for (u8 i = 0; i < 16; i++)
                        key[i] = (u8)(37 * (i + n)), msg[i] = (u8)(101 * (i + 3) ^ n);
                memcpy(&word, msg, 8);
                siphash_begin(&b, key, word);
                for (u32 i = 0; i < 3; i++) {
                        msg[8] ^= (u8)i;
                        memcpy(&last, msg + 8, n - 8);
                        assert_true(siphash_end(&b, last | (u64)n << 56) == siphash(key, msg, n));
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(vectors), cmocka_unit_test(begun_once_and_ended_often_is_the_same_hash)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
