/* fat.c (fuzz) - volumes: mount, walk every folder, read every file. Nothing may be read outside the image, and all must end.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include "fat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DEPTH = 3, ENTRIES = 200, READ_MAX = 1 << 20 };

static u32 sum;

static void read_file(const struct fat *f, const struct fat_node *n)
{
        struct fat_pos pos = {0, 0};
        const u8 *p;
        u32 got, total = 0;

        while (total < READ_MAX && (got = fat_read(f, n, &pos, 4096, &p))) {
                sum += p[0] + p[got - 1];
                total += got;
        }
        if (fat_intact(f, n) && total < READ_MAX && total != n->size)
                abort();
        if (fat_seek(f, n, &pos, n->size / 2))
                fat_read(f, n, &pos, 1, &p);
        sum += (u32)fat_mtime(n);
}

static void walk(const struct fat *f, const struct fat_node *folder, u32 depth)
{
        struct fat_node n;
        struct fat_dir d;

        fat_dir_open(f, folder, &d);
        for (u32 i = 0; i < ENTRIES && fat_dir_next(&d, &n); i++) {
                if (strlen(d.name) >= FAT_NAME || strlen(d.short_name) >= sizeof(d.short_name))
                        abort();
                if (!n.dir)
                        read_file(f, &n);
                else if (depth < DEPTH)
                        walk(f, &n, depth + 1);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        u8 *copy = malloc(size ? size : 1);
        struct fat_node root = {.dir = true}, n;
        struct fat f;

        memcpy(copy, data, size);
        if (!fat_mount(&f, copy, (u32)size)) {
                walk(&f, &root, 0);
                fat_lookup(&f, "/www/index.html", &n);
        }
        free(copy);
        return 0;
}
