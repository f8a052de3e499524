/* drop.c (test) - every reason has a name and a text of its own, every error a word.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "stack.h"

static void every_reason_has_its_own_words(void **state)
{
        assert_string_equal(drop_name(DROP_IP_CKSUM), "IP_CKSUM");
        for (int i = 0; i < DROP_N; i++) {
                assert_true(strlen(drop_text(i)) > 5);
                for (int j = 0; j < i; j++) {
                        assert_string_not_equal(drop_name(i), drop_name(j));
                        assert_string_not_equal(drop_text(i), drop_text(j));
                }
        }
}

static void every_error_has_a_word(void **state)
{
        assert_string_equal(stack_strerror(0), "ok");
        assert_string_equal(stack_strerror(5), "ok");
        assert_string_equal(stack_strerror(E_REFUSED), "connection refused");
        for (int e = E_MSGSIZE; e <= E_NOMEM; e++)
                assert_string_not_equal(stack_strerror(e), "unknown error");
        assert_string_equal(stack_strerror(E_MSGSIZE - 1), "unknown error");
        assert_string_equal(stack_strerror(-2147483647 - 1), "unknown error");
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(every_reason_has_its_own_words), cmocka_unit_test(every_error_has_a_word)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
