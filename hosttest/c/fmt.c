/* fmt.c (test) - formatting against the C library's, and what only ours has.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "addr.h"
#include "fmt.h"

#define SAME(...) do { \
        char a[200], b[200]; \
        int n = fmt(a, sizeof a, __VA_ARGS__), m = snprintf(b, sizeof b, __VA_ARGS__); \
        assert_string_equal(a, b); \
        assert_int_equal(n, m); \
} while (0)

static void like_the_c_library(void **state)
{
        SAME("plain");
        SAME("%d %i %u", -1, 2147483647, 4294967295u);
        SAME("%d", (int)-2147483648ll);
        SAME("[%5d] [%-5d] [%05d] [%+d] [%+05d]", 42, 42, 42, 42, -42);
        SAME("%x %X %08x", 0xbeefu, 0xbeefu, 0xbeefu);
        SAME("%llu %lld %llx", 18446744073709551615ull, (long long)-9223372036854775807ll, 0x123456789abcdefull);
        SAME("[%s] [%10s] [%-10s] [%.3s] [%*s] [%.*s]", "abc", "abc", "abc", "abcdef", 6, "x", 2, "xyz");
        SAME("%c%c %% %o", 'a', 'b', 8u);
        SAME("[%.5d] [%8.3u]", 42, 7u);
}

static void cuts_and_counts(void **state)
{
        char a[4] = "zzz";
        assert_int_equal(fmt(a, sizeof a, "%s", "abcdef"), 6);
        assert_string_equal(a, "abc");
        assert_int_equal(fmt(NULL, 0, "%u", 12345u), 5);
}

static void addresses(void **state)
{
        char a[80];
        ipaddr ip = IPADDR(192, 0, 2, 255);
        macaddr m = {{0x52, 0x54, 0, 0x12, 0x34, 0xff}};
        fmt(a, sizeof a, "[%I] [%-16I] [%M]", &ip, &ip, &m);
        assert_string_equal(a, "[192.0.2.255] [192.0.2.255     ] [52:54:00:12:34:ff]");
}

static void words_of_the_shell(void **state)
{
        char a[80];
        fmt(a, sizeof a, "%w %w %w %w %w %w", "a/b=c*", "two words", "", "#1", "1#", "\xc3\xa9");
        assert_string_equal(a, "a/b=c* \"two words\" \"\" \"#1\" 1# \xc3\xa9");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(like_the_c_library),
                cmocka_unit_test(cuts_and_counts),
                cmocka_unit_test(addresses),
                cmocka_unit_test(words_of_the_shell),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
