/* siphash.c (test) - asm/siphash.S against its twin at every length and alignment, and against the paper's own vector.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "asmtest.h"
#include "siphash.h"

u64 c_siphash(const u8 key[16], const void *msg, u32 n);

static void every_length_and_alignment(void **state)
{
        u32 seed = 0x51b;
        u8 key[16], msg[300];
        for (u32 n = 0; n < 260; n++) {
                for (u32 at = 0; at < 8; at++) {
                        for (u32 i = 0; i < sizeof key; i++)
                                key[i] = (u8)(n % 7 == 0 ? 0xff : rnd(&seed));
                        for (u32 i = 0; i < sizeof msg; i++)
                                msg[i] = (u8)(n % 5 == 0 ? 0xff : rnd(&seed));
                        u32 spoilt, k = (u32)(uintptr_t)key, m = (u32)(uintptr_t)(msg + at);
                        u32 low = call_checked(&spoilt, (const void *)siphash, k, m, n, 0);
                        u64 want = c_siphash(key, msg + at, n);
                        assert_int_equal(spoilt, 0);
                        assert_int_equal(low, (u32)want);
                        assert_true(siphash(key, msg + at, n) == want);
                }
        }
}

/* Appendix A of the paper: key 00..0f, message 00..0e. */
static void the_papers_vector(void **state)
{
        u8 key[16], msg[15];
        for (u8 i = 0; i < 16; i++)
                key[i] = i;
        for (u8 i = 0; i < 15; i++)
                msg[i] = i;
        assert_true(siphash(key, msg, 15) == 0xa129ca6149be45e5ull);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_length_and_alignment),
                cmocka_unit_test(the_papers_vector),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
