/* cksum.c (test) - asm/cksum.S against its twin: every length and alignment up to a few hundred, edges, then seeded random to 65,535.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>
#include "asmtest.h"
#include "cksum.h"

u32 c_cksum_add(u32 sum, const void *p, u32 n);
u32 c_cksum_copy(void *dst, const void *src, u32 n, u32 sum);

static u8 src[65536 + 64], dst[65536 + 64], want[65536 + 64];

static void same_add(u32 sum, const u8 *p, u32 n)
{
        u32 spoilt, got = call_checked(&spoilt, (const void *)cksum_add, sum, (u32)(uintptr_t)p, n, 0);
        assert_int_equal(spoilt, 0);
        assert_int_equal(got, c_cksum_add(sum, p, n));
}

static void same_copy(u32 sum, const u8 *p, u32 n, u32 to)
{
        memset(dst, 0xa5, n + 64);
        memset(want, 0xa5, n + 64);
        u32 expect = c_cksum_copy(want + to, p, n, sum);
        u32 spoilt, got = call_checked(&spoilt, (const void *)cksum_copy, (u32)(uintptr_t)(dst + to), (u32)(uintptr_t)p, n, sum);
        assert_int_equal(spoilt, 0);
        assert_int_equal(got, expect);
        assert_memory_equal(dst, want, n + 64); /* not a byte outside */
}

static const u32 edge_sums[] = {0, 1, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};

static void fill(int kind, u32 *seed)
{
        for (u32 i = 0; i < sizeof src; i++)
                src[i] = kind == 0 ? 0 : kind == 1 ? 0xff : (u8)rnd(seed);
}

static void every_length_and_alignment(void **state)
{
        u32 seed = 1;
        for (int kind = 0; kind < 3; kind++) {
                fill(kind, &seed);
                for (u32 n = 0; n <= 300; n++)
                        for (u32 at = 0; at < 8; at++)
                                for (u32 s = 0; s < COUNT_OF(edge_sums); s++)
                                        same_add(edge_sums[s], src + at, n);
                for (u32 n = 1530; n <= 1545; n++) /* where one chain of the base machine ends */
                        for (u32 s = 0; s < COUNT_OF(edge_sums); s++) {
                                same_add(edge_sums[s], src + n % 3, n);
                                same_add(edge_sums[s], src, n + 1536);
                        }
                for (u32 n = 0; n <= 130; n++)
                        for (u32 at = 0; at < 4; at++)
                                for (u32 to = 0; to < 4; to++)
                                        same_copy(edge_sums[(n + at + to) % 8], src + at, n, to);
        }
}

static void random_lengths(void **state)
{
        u32 seed = 0x144;
        print_message("# seed 0x144\n");
        fill(2, &seed);
        for (int i = 0; i < 4000; i++) {
                u32 n = rnd(&seed) % 65536, at = rnd(&seed) % 32;
                same_add(rnd(&seed), src + at, n);
                if (i % 8 == 0)
                        same_copy(rnd(&seed), src + at, n, rnd(&seed) % 32);
        }
        same_add(0, src, 65535);
        same_add(0xffffffff, src, 65535);
}

/* The vector forms add 16-bit words, so that a sum agrees modulo 65535: what every user of it folds to. */
static void same_fold(u32 sum, const u8 *p, u32 n)
{
        u32 spoilt, got = call_checked(&spoilt, (const void *)cksum_add, sum, (u32)(uintptr_t)p, n, 0);
        assert_int_equal(spoilt, 0);
        assert_int_equal(cksum_fold(got), cksum_fold(c_cksum_add(sum, p, n)));
}

/* The vector forms, where this machine has them: around their thresholds, across a piece of 64 KiB, all ones and random. */
static void with(enum cksum_level level)
{
        u32 seed = 0x5e2;
        cksum_use(level);
        for (int kind = 0; kind < 3; kind++) {
                fill(kind, &seed);
                for (u32 n = 120; n <= 420; n++)
                        for (u32 at = 0; at < 33; at += 1 + n % 3)
                                same_fold(edge_sums[(n + at) % 8], src + at, n);
                for (u32 n = 65400; n <= 65536 + 30; n++)
                        same_fold(edge_sums[n % 8], src + n % 33, n);
        }
        for (int i = 0; i < 2000; i++)
                same_fold(rnd(&seed), src + rnd(&seed) % 32, rnd(&seed) % 65536);
        u8 *page = mmap(NULL, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); /* vectors stay in the pages of the data */
        assert_int_equal(mprotect(page + 4096, 4096, PROT_READ | PROT_WRITE), 0);
        memcpy(page + 4096, src, 4096);
        for (u32 n = 128; n < 400; n++) {
                same_fold(0, page + 4096, n);
                same_fold(0, page + 8192 - n, n);
        }
        munmap(page, 3 * 4096);
        u32 n = 300000; /* several pieces */
        u8 *big = malloc(n);
        memset(big, 0xff, n);
        big[77] = 0;
        same_fold(5, big, n);
        free(big);
        cksum_use(CKSUM_BASE);
}

static void vectors_sse2(void **state)
{
        if (!__builtin_cpu_supports("sse2"))
                skip();
        with(CKSUM_SSE2);
}

static void vectors_avx2(void **state)
{
        if (!__builtin_cpu_supports("avx2"))
                skip();
        with(CKSUM_AVX2);
}

/* The definition, word by word (RFC 1071 4.1), so that twin and assembly cannot be wrong together. */
static void agrees_with_rfc1071(void **state)
{
        u32 seed = 7;
        fill(2, &seed);
        for (u32 n = 0; n < 2000; n += 37) {
                u32 sum = 0;
                for (u32 i = 0; i + 1 < n; i += 2)
                        sum += (u32)src[i] | (u32)src[i + 1] << 8;
                if (n & 1)
                        sum += src[n - 1];
                while (sum >> 16)
                        sum = (sum & 0xffff) + (sum >> 16);
                assert_int_equal(cksum_fold(cksum_add(0, src, n)), sum);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_length_and_alignment),
                cmocka_unit_test(random_lengths),
                cmocka_unit_test(vectors_sse2),
                cmocka_unit_test(vectors_avx2),
                cmocka_unit_test(agrees_with_rfc1071),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
