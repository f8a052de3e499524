/* option.c (test) - words of the boot command line; and how pools follow memory.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "boot.h"
#include "netloop.h"

static void finds_whole_names_only(void **state)
{
        char v[8];
        assert_true(boot_option("a=1 bc=23", "bc", v, sizeof(v)));
        assert_string_equal(v, "23");
        assert_false(boot_option("abc=1", "bc", v, sizeof(v)));
        assert_false(boot_option("bc 1", "bc", v, sizeof(v)));
        assert_false(boot_option("", "bc", v, sizeof(v)));
        assert_true(boot_option("bc= x", "bc", v, sizeof(v)));
        assert_string_equal(v, "");
}

static void long_values_are_cut(void **state)
{
        char v[4];
        assert_true(boot_option("a=123456", "a", v, sizeof(v)));
        assert_string_equal(v, "123");
}

/* What the pools take is most of it packets; it must leave room at both ends of the scale. */
static void pools_fit_into_memory(void **state)
{
        for (u32 kb = 600; kb < 3u << 20; kb += kb / 3) {
                struct stack_config c = { .n_pkts = 0 };
                netloop_sizes(kb, &c);
                u64 bytes = (u64)c.n_pkts * (PKT_BUF + sizeof(struct pkt)) + c.n_tcbs * 256ull +
                            c.n_timewait * 32ull + c.n_synq * 64ull;
                assert_true(bytes < (u64)kb * 1024 * 6 / 10);
        }
        struct stack_config small = { .n_pkts = 0 }, large = { .n_pkts = 0 };
        netloop_sizes(1100, &small);
        netloop_sizes(62000, &large);
        assert_true(small.n_pkts >= 128 && large.n_pkts >= 2000 && large.n_tcbs >= 2000);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(finds_whole_names_only),
                cmocka_unit_test(long_values_are_cut),
                cmocka_unit_test(pools_fit_into_memory),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
