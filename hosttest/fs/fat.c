/* fat.c (test) - FAT12/16: mount checks, chains, long names, lookup; broken volumes end early and never run away.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "fat.h"
#include "fatimg.h"

static u8 bytes[200000];

static struct fat mounted(const struct fatimg *img)
{
        struct fat f;
        const char *why = fat_mount(&f, img->b, img->size);

        assert_null(why);
        return f;
}

static void whole_file_is(const struct fat *f, const char *path, const u8 *want, u32 n, u32 runs)
{
        struct fat_node node;
        struct fat_pos pos = {0, 0};
        const u8 *p;
        u32 got, off = 0, count = 0;

        assert_true(fat_lookup(f, path, &node));
        assert_false(node.dir);
        assert_int_equal(node.size, n);
        assert_true(fat_intact(f, &node));
        for (; (got = fat_read(f, &node, &pos, UINT32_MAX, &p)); off += got, count++)
                assert_memory_equal(p, want + off, got);
        assert_int_equal(off, n);
        assert_int_equal(count, runs);
        for (u32 at = 0; at <= n; at += n / 7 + 1) { /* seeks meet the same bytes */
                assert_true(fat_seek(f, &node, &pos, at));
                got = fat_read(f, &node, &pos, 5, &p);
                assert_int_equal(got > 0, at < n);
                assert_memory_equal(p, want + at, got);
        }
        assert_false(fat_seek(f, &node, &pos, n + 1));
}

static void files_of_all_sizes_read_back_in_one_run(void **state)
{
        for (u32 k = 0; k < 2; k++) {
                struct fatimg *img = fatimg_new(k ? 5000 : 500, 1024);
                u32 sizes[] = {0, 1, 511, 1024, 1025, 2048, 100000};
                char name[16];

                for (u32 i = 0; i < COUNT_OF(sizes); i++) {
                        snprintf(name, sizeof(name), "F%u.BIN", i);
                        fatimg_add(img, 0, name, bytes, sizes[i]);
                }
                struct fat f = mounted(img);
                assert_int_equal(f.bits, k ? 16 : 12);
                for (u32 i = 0; i < COUNT_OF(sizes); i++) {
                        snprintf(name, sizeof(name), "/f%u.bin", i);
                        whole_file_is(&f, name, bytes, sizes[i], sizes[i] > 0);
                }
                fatimg_free(img);
        }
}

static void scattered_file_is_given_in_its_runs(void **state)
{
        struct fatimg *img = fatimg_new(1000, 512);
        img->stride = 3;
        fatimg_add(img, 0, "A.BIN", bytes, 5000);
        struct fat f = mounted(img);
        whole_file_is(&f, "A.BIN", bytes, 5000, 10);
        fatimg_free(img);
}

static void long_and_short_names_are_found_in_either_case(void **state)
{
        struct fatimg *img = fatimg_new(300, 512);
        u32 www = fatimg_add(img, 0, "www.example.com", NULL, 0);
        struct fat_node n;

        fatimg_add(img, www, "A long file name, with blanks.html", "hello", 5);
        fatimg_add(img, www, "PLAIN.TXT", "plain", 5);
        struct fat f = mounted(img);
        whole_file_is(&f, "www.example.com/A long file name, with blanks.html", (const u8 *)"hello", 5, 1);
        assert_true(fat_lookup(&f, "//WWW.Example.COM/a LONG file name, with blanks.HTML", &n));
        assert_true(fat_lookup(&f, "/www.example.com/plain.txt", &n));
        assert_true(fat_lookup(&f, "/www.example.com/", &n) && n.dir);
        assert_true(fat_lookup(&f, "", &n) && n.dir);
        assert_false(fat_lookup(&f, "/www.example.com/plain.txt/", &n) && n.dir);
        assert_false(fat_lookup(&f, "/www.example.com/plain.txt/x", &n));
        assert_false(fat_lookup(&f, "/www.example.com/plain", &n));
        assert_false(fat_lookup(&f, "/www.example.com/../www.example.com", &n));
        assert_false(fat_lookup(&f, "/www.example", &n));
        fatimg_free(img);
}

static void a_directory_is_walked_over_its_clusters(void **state)
{
        struct fatimg *img = fatimg_new(300, 512);
        u32 dir = fatimg_add(img, 0, "DIR", NULL, 0), second = 200;
        struct fat_node n;
        struct fat_dir d;
        u32 count = 0;
        char name[16];

        for (u32 i = 0; i < 16; i++) {
                snprintf(name, sizeof(name), "F%u", i);
                fatimg_add(img, dir, name, "x", 1);
        }
        fatimg_set(img, dir, second);
        fatimg_set(img, second, 0xfff);
        fatimg_add(img, second, "LAST", "x", 1);
        struct fat f = mounted(img);
        assert_true(fat_lookup(&f, "dir", &n));
        for (fat_dir_open(&f, &n, &d); fat_dir_next(&d, &n);)
                count++;
        assert_int_equal(count, 17);
        assert_true(fat_lookup(&f, "dir/last", &n));
        fatimg_free(img);
}

static void time_of_change_is_read_as_utc(void **state)
{
        struct fatimg *img = fatimg_new(300, 512);
        struct fat_node n;

        fatimg_add(img, 0, "A", "x", 1);
        struct fat f = mounted(img);
        assert_true(fat_lookup(&f, "A", &n));
        assert_int_equal(fat_mtime(&n), 784111776);
        n.date = 0;
        assert_int_equal(fat_mtime(&n), 0);
        fatimg_free(img);
}

static void what_is_no_fat_volume_is_refused_with_a_reason(void **state)
{
        static const struct { u32 off, len, value; } bad[] = {
                {510, 2, 0}, {11, 2, 256}, {11, 2, 513}, {13, 1, 3}, {13, 1, 0}, {14, 2, 0}, {16, 1, 0}, {17, 2, 0}, {22, 2, 0},
                {19, 2, 3}, {22, 2, 0xffff}, {21, 1, 0xf8}, {19, 2, 0xffff}};
        struct fat f;

        assert_non_null(fat_mount(&f, NULL, 0));
        for (u32 i = 0; i < COUNT_OF(bad); i++) {
                struct fatimg *img = fatimg_new(300, 512);

                for (u32 k = 0; k < bad[i].len; k++)
                        img->b[bad[i].off + k] = (u8)(bad[i].value >> 8 * k);
                assert_non_null(fat_mount(&f, img->b, img->size));
                fatimg_free(img);
        }
        struct fatimg *img = fatimg_new(300, 512);
        assert_non_null(fat_mount(&f, img->b, img->data - 1));
        assert_null(fat_mount(&f, img->b, img->data));
        fatimg_free(img);
}

static void broken_chains_end_and_are_not_intact(void **state)
{
        struct fatimg *img = fatimg_new(300, 512);
        u32 first = fatimg_add(img, 0, "A.BIN", bytes, 3000), links[] = {0, 1, first, 302, 0xff7, 0xfff};
        struct fat f = mounted(img);
        struct fat_node n;

        assert_true(fat_lookup(&f, "a.bin", &n) && fat_intact(&f, &n));
        for (u32 i = 0; i < COUNT_OF(links); i++) {
                struct fat_pos pos = {0, 0};
                const u8 *p;
                u32 got, total = 0;

                fatimg_set(img, first + 2, links[i]);
                assert_false(fat_intact(&f, &n));
                while ((got = fat_read(&f, &n, &pos, UINT32_MAX, &p)))
                        total += got;
                assert_true(total <= 3000);
        }
        fatimg_set(img, first + 2, first + 3);
        fatimg_set(img, first + 5, 250); /* longer than its size */
        assert_false(fat_intact(&f, &n));
        fatimg_free(img);
}

static void what_was_not_loaded_reads_as_absent(void **state)
{
        struct fatimg *img = fatimg_new(300, 512);
        struct fat_node n;
        struct fat_pos pos = {0, 0};
        struct fat f;
        const u8 *p;

        fatimg_add(img, 0, "A.BIN", bytes, 3000);
        assert_null(fat_mount(&f, img->b, img->data + 1024));
        assert_true(fat_lookup(&f, "a.bin", &n));
        assert_false(fat_intact(&f, &n));
        assert_int_equal(fat_read(&f, &n, &pos, UINT32_MAX, &p), 1024);
        assert_int_equal(fat_read(&f, &n, &pos, UINT32_MAX, &p), 0);
        fatimg_free(img);
}

static void a_looping_directory_ends(void **state)
{
        struct fatimg *img = fatimg_new(300, 512);
        u32 dir = fatimg_add(img, 0, "DIR", NULL, 0), count = 0;
        struct fat_node n;
        struct fat_dir d;
        char name[16];

        for (u32 i = 0; i < 16; i++) {
                snprintf(name, sizeof(name), "F%u", i);
                fatimg_add(img, dir, name, "x", 1);
        }
        fatimg_set(img, dir, dir);
        struct fat f = mounted(img);
        assert_true(fat_lookup(&f, "dir", &n));
        for (fat_dir_open(&f, &n, &d); fat_dir_next(&d, &n);)
                count++;
        assert_int_equal(count, 65536);
        fatimg_free(img);
}

static void a_long_name_that_does_not_fit_its_entry_is_ignored(void **state)
{
        struct fatimg *img = fatimg_new(300, 512);
        struct fat_node n;

        fatimg_add(img, 0, "long name one", "x", 1);
        u8 *e = img->b + img->root;
        e[13] ^= 1; /* its checksum */
        struct fat f = mounted(img);
        assert_false(fat_lookup(&f, "long name one", &n));
        e[13] ^= 1;
        assert_true(fat_lookup(&f, "long name one", &n));
        e[0] = 0x41 + 21; /* a piece beyond 20 */
        assert_false(fat_lookup(&f, "long name one", &n));
        fatimg_free(img);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(files_of_all_sizes_read_back_in_one_run),
                cmocka_unit_test(scattered_file_is_given_in_its_runs),
                cmocka_unit_test(long_and_short_names_are_found_in_either_case),
                cmocka_unit_test(a_directory_is_walked_over_its_clusters),
                cmocka_unit_test(time_of_change_is_read_as_utc),
                cmocka_unit_test(what_is_no_fat_volume_is_refused_with_a_reason),
                cmocka_unit_test(broken_chains_end_and_are_not_intact),
                cmocka_unit_test(what_was_not_loaded_reads_as_absent),
                cmocka_unit_test(a_looping_directory_ends),
                cmocka_unit_test(a_long_name_that_does_not_fit_its_entry_is_ignored),
        };
        for (u32 i = 0; i < sizeof(bytes); i++)
                bytes[i] = (u8)(i * 7 + i / 251);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
