/* fatimg.c - test support: writes small FAT12 and FAT16 volumes into memory.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fatimg.h"

static void put16(u8 *p, u32 v) { p[0] = (u8)v; p[1] = (u8)(v >> 8); }
static void put32(u8 *p, u32 v) { put16(p, v); put16(p + 2, v >> 16); }

struct fatimg *fatimg_new(u32 n_clusters, u32 cluster_bytes)
{
        struct fatimg *f = calloc(1, sizeof(*f));
        u32 bits = n_clusters < 4085 ? 12 : 16, fat_sectors = ((n_clusters + 2) * bits / 8 + 512) / 512;

        *f = (struct fatimg){.bits = bits, .cluster_bytes = cluster_bytes, .n_clusters = n_clusters, .table = 512, .n_root = 64,
                             .next = 2, .stride = 1};
        f->root = f->table + 2 * fat_sectors * 512;
        f->data = f->root + f->n_root * 32;
        f->size = f->data + n_clusters * cluster_bytes;
        f->b = calloc(1, f->size);
        put16(f->b + 11, 512);
        f->b[13] = (u8)(cluster_bytes / 512);
        put16(f->b + 14, 1);
        f->b[16] = 2;
        put16(f->b + 17, f->n_root);
        if (f->size / 512 < 65536)
                put16(f->b + 19, f->size / 512);
        else
                put32(f->b + 32, f->size / 512);
        f->b[21] = 0xf0;
        put16(f->b + 22, fat_sectors);
        put16(f->b + 510, 0xaa55);
        fatimg_set(f, 0, 0xfff0);
        fatimg_set(f, 1, 0xffff);
        return f;
}

void fatimg_free(struct fatimg *f)
{
        free(f->b);
        free(f);
}

u32 fatimg_get(const struct fatimg *f, u32 c)
{
        const u8 *t = f->b + f->table;
        u32 v;

        if (f->bits == 16)
                return t[c * 2] | (u32)t[c * 2 + 1] << 8;
        v = t[c * 3 / 2] | (u32)t[c * 3 / 2 + 1] << 8;
        return c & 1 ? v >> 4 : v & 0xfff;
}

void fatimg_set(struct fatimg *f, u32 c, u32 link)
{
        u8 *t = f->b + f->table;

        if (f->bits == 16) {
                put16(t + c * 2, link);
                return;
        }
        u32 v = t[c * 3 / 2] | (u32)t[c * 3 / 2 + 1] << 8;
        v = c & 1 ? (v & 0xf) | (link & 0xfff) << 4 : (v & 0xf000) | (link & 0xfff);
        put16(t + c * 3 / 2, v);
}

/* Free clusters for n bytes, chained; the first, or 0. */
static u32 take(struct fatimg *f, const u8 *bytes, u32 n)
{
        u32 first = 0, last = 0;

        for (u32 off = 0; off < n; off += f->cluster_bytes) {
                u32 c = f->next;

                while (fatimg_get(f, c))
                        c = c + 1 < f->n_clusters + 2 ? c + 1 : 2;
                f->next = 2 + (c - 2 + f->stride) % f->n_clusters;
                memcpy(f->b + f->data + (c - 2) * f->cluster_bytes, bytes + off, min_u32(f->cluster_bytes, n - off));
                fatimg_set(f, c, 0xffff);
                if (last)
                        fatimg_set(f, last, c);
                else
                        first = c;
                last = c;
        }
        return first;
}

/* An unused entry of a folder. */
static u8 *entry(struct fatimg *f, u32 folder)
{
        u8 *e = folder ? f->b + f->data + (folder - 2) * f->cluster_bytes : f->b + f->root;

        while (*e)
                e += 32;
        return e;
}

static bool fits_short(const char *name, u8 s[11])
{
        const char *dot = strrchr(name, '.');
        u32 base = dot ? (u32)(dot - name) : (u32)strlen(name), ext = dot ? (u32)strlen(dot + 1) : 0;

        memset(s, ' ', 11);
        memcpy(s, name, min_u32(base, 8));
        if (dot)
                memcpy(s + 8, dot + 1, min_u32(ext, 3));
        for (u32 i = 0; i < 11; i++)
                if ((s[i] >= 'a' && s[i] <= 'z') || s[i] == '.' || base > 8 || ext > 3)
                        return false;
        return base > 0;
}

static void put_long(struct fatimg *f, u32 folder, const char *name, const u8 s[11])
{
        static const u8 at[13] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
        u32 n = (u32)strlen(name), pieces = (n + 12) / 13;
        u8 sum = 0;

        for (u32 i = 0; i < 11; i++)
                sum = (u8)((sum << 7 | sum >> 1) + s[i]);
        for (u32 k = pieces; k; k--) {
                u8 *e = entry(f, folder);

                e[0] = (u8)(k | (k == pieces ? 0x40 : 0));
                e[11] = 0x0f;
                e[13] = sum;
                for (u32 i = 0; i < 13; i++) {
                        u32 at_char = (k - 1) * 13 + i;
                        put16(e + at[i], at_char < n ? (u8)name[at_char] : at_char == n ? 0 : 0xffff);
                }
        }
}

u32 fatimg_add(struct fatimg *f, u32 folder, const char *name, const void *bytes, u32 n)
{
        static u32 serial;
        u8 s[11], *zero = calloc(1, f->cluster_bytes);
        u32 first = bytes ? take(f, bytes, n) : take(f, zero, f->cluster_bytes);

        free(zero);
        if (!fits_short(name, s)) {
                char alias[9];
                const char *dot = strrchr(name, '.');

                snprintf(alias, sizeof(alias), "F%06u~", serial++ % 1000000);
                memset(s, ' ', 11);
                memcpy(s, alias, 8);
                for (u32 i = 0; dot && i < 3 && dot[1 + i]; i++)
                        s[8 + i] = (u8)(dot[1 + i] & ~0x20);
                put_long(f, folder, name, s);
        }
        u8 *e = entry(f, folder);
        memcpy(e, s, 11);
        e[11] = bytes ? 0x20 : 0x10;
        put16(e + 22, 8 << 11 | 49 << 5 | 37 / 2);            /* 08:49:36 */
        put16(e + 24, (1994 - 1980) << 9 | 11 << 5 | 6);      /* 1994-11-06 */
        put16(e + 26, first);
        put32(e + 28, bytes ? n : 0);
        return first;
}
