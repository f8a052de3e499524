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
        static char name[DROP_N][DROP_TEXT_MAX], text[DROP_N][DROP_TEXT_MAX];
        for (int i = 0; i < DROP_N; i++) {
                assert_ptr_equal(drop_name(i, name[i]), name[i]);
                assert_ptr_equal(drop_text(i, text[i]), text[i]);
                assert_true(strlen(text[i]) > 5);
                for (int j = 0; j < i; j++) {
                        assert_string_not_equal(name[i], name[j]);
                        assert_string_not_equal(text[i], text[j]);
                }
        }
}

/* Against the list itself: nothing is lost by packing. */
static void unpacked_is_what_the_list_says(void **state)
{
        char got[DROP_TEXT_MAX];
#define X(name, text) \
        assert_string_equal(drop_name(DROP_##name, got), #name); \
        assert_string_equal(drop_text(DROP_##name, got), text);  \
        assert_int_equal(drop_is_fault(DROP_##name), !strstr(text, "(not a fault)"));
        DROPS(X)
#undef X
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
        const struct CMUnitTest tests[] = {cmocka_unit_test(every_reason_has_its_own_words),
                cmocka_unit_test(unpacked_is_what_the_list_says), cmocka_unit_test(every_error_has_a_word)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
