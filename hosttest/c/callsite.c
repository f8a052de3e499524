/* callsite.c (test) - every length of call instruction is known, and nothing is read below the text.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "panic.h"

/* True when the n bytes are taken for a call that ends at their end. */
static bool is_call(const char *bytes, u32 n)
{
        u8 *exact = malloc(n);
        memcpy(exact, bytes, n);
        bool yes = backtrace_is_return(exact + n, exact);
        free(exact);
        return yes;
}
#define CALL(bytes)     assert_true(is_call(bytes, sizeof(bytes) - 1))
#define NOT_CALL(bytes) assert_false(is_call(bytes, sizeof(bytes) - 1))

static void each_form_of_call(void **state)
{
        CALL("\xe8\x01\x02\x03\x04");              /* call rel32 */
        CALL("\xff\xd0");                          /* call eax */
        CALL("\xff\x10");                          /* call [eax] */
        CALL("\xff\x50\x08");                      /* call [eax+8] */
        CALL("\xff\x14\x24");                      /* call [esp] */
        CALL("\xff\x54\x24\x08");                  /* call [esp+8] */
        CALL("\xff\x15\x01\x02\x03\x04");          /* call [address] */
        CALL("\xff\x90\x01\x02\x03\x04");          /* call [eax+disp32] */
        CALL("\xff\x14\x85\x01\x02\x03\x04");      /* call [eax*4+address] */
        CALL("\xff\x94\x24\x01\x02\x03\x04");      /* call [esp+disp32] */
}

static void others_are_not(void **state)
{
        NOT_CALL("");
        NOT_CALL("\x90");
        NOT_CALL("\xe8\x01\x02\x03");
        NOT_CALL("\xe9\x01\x02\x03\x04");          /* jmp */
        NOT_CALL("\xff\xe0");                      /* jmp eax */
        NOT_CALL("\xff\x50\x08\x90");              /* a call, but one byte earlier */
        NOT_CALL("\xff\x30");                      /* push [eax] */
        NOT_CALL("\x10\xff");
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(each_form_of_call), cmocka_unit_test(others_are_not) };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
