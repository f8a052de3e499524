/* keymap.c (test) - scan codes in, terminal bytes out.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "keymap.h"

/* What a sequence of scan codes types, as one string; a scroll request shows as U or N in braces. */
static const char *typed(const u8 *codes, u32 n)
{
        static char all[100];
        struct keymap k = { 0 };
        u32 len = 0;
        for (u32 i = 0; i < n; i++) {
                char out[KEYMAP_BYTES];
                int got = keymap_take(&k, codes[i], out);
                assert_in_range(got + 2, 0, KEYMAP_BYTES + 2);
                if (got < 0) {
                        memcpy(all + len, got == KEYMAP_SCROLL_UP ? "{U}" : "{N}", 3);
                        got = 3;
                } else {
                        memcpy(all + len, out, (size_t)got);
                }
                len += (u32)got;
        }
        all[len] = 0;
        return all;
}
#define TYPES(text, ...) do { \
        static const u8 codes[] = { __VA_ARGS__ }; \
        assert_string_equal(typed(codes, sizeof(codes)), text); \
} while (0)

static void letters_digits_and_releases(void **state)
{
        TYPES("qa1 \r", 0x10, 0x90, 0x1e, 0x9e, 0x02, 0x82, 0x39, 0xb9, 0x1c, 0x9c);
}

static void shift_holds_until_released(void **state)
{
        TYPES("AB!c", 0x2a, 0x1e, 0x9e, 0x30, 0xb0, 0x02, 0x82, 0xaa, 0x2e, 0xae);
}

static void caps_changes_letters_only(void **state) { TYPES("A1a", 0x3a, 0xba, 0x1e, 0x02, 0x2a, 0x1e, 0xaa); }
static void ctrl_makes_control_codes(void **state) { TYPES("\003\004", 0x1d, 0x2e, 0xae, 0x20, 0x9d); }
static void cursor_keys_are_escape_sequences(void **state)
{
        TYPES("\033[A\033[D\033[3~", 0xe0, 0x48, 0xe0, 0xc8, 0xe0, 0x4b, 0xe0, 0xcb, 0xe0, 0x53);
}

static void shift_with_a_page_key_scrolls(void **state)
{
        TYPES("{U}{N}\033[5~", 0x2a, 0xe0, 0x49, 0xe0, 0xc9, 0xe0, 0x51, 0xaa, 0xe0, 0x49);
}

static void made_up_shifts_do_not_count(void **state) { TYPES("\033[5~", 0xe0, 0x2a, 0xe0, 0x49); }
static void keypad_slash_and_enter(void **state) { TYPES("/\r", 0xe0, 0x35, 0xe0, 0xb5, 0xe0, 0x1c); }
static void unknown_codes_type_nothing(void **state) { TYPES("", 0x00, 0x57, 0x7f, 0xe0, 0x5b, 0xe1, 0x1d, 0x45, 0xff); }

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(letters_digits_and_releases),
                cmocka_unit_test(shift_holds_until_released),
                cmocka_unit_test(caps_changes_letters_only),
                cmocka_unit_test(ctrl_makes_control_codes),
                cmocka_unit_test(cursor_keys_are_escape_sequences),
                cmocka_unit_test(shift_with_a_page_key_scrolls),
                cmocka_unit_test(made_up_shifts_do_not_count),
                cmocka_unit_test(keypad_slash_and_enter),
                cmocka_unit_test(unknown_codes_type_nothing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
