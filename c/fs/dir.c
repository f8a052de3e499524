/* dir.c - FAT directories: 8.3 and long names, lookup of paths.
 * A long name lies in front of its 8.3 entry, in pieces of 13 UCS-2 units from the last to the first, each with a
 * checksum of the 8.3 name; a set that does not fit together is ignored and the file keeps its short name.
 * SPDX-License-Identifier: MIT */
#include "fat.h"

enum { ATTR_LABEL = 0x08, ATTR_DIR = 0x10, ATTR_LONG = 0x0f, LONG_UNITS = 13, LONG_LAST = 0x40, LONG_MAX_PIECES = 20 };
enum { ENTRY = 32, DIR_MAX = 65536 /* entries: a directory's limit in FAT */ };

static u32 le16(const u8 *p) { return p[0] | (u32)p[1] << 8; }
static u32 le32(const u8 *p) { return le16(p) | le16(p + 2) << 16; }
static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

/* What is collected of a long name: UCS-2 units, and which piece must come next. */
struct long_name { u16 unit[LONG_MAX_PIECES * LONG_UNITS]; u32 n, expect; u8 sum; };

void fat_dir_open(const struct fat *f, const struct fat_node *dir, struct fat_dir *d)
{
        d->f = f;
        d->cluster = dir->cluster;
        d->index = 0;
        d->left = dir->cluster ? DIR_MAX : f->n_root;
}

/* The next raw entry, or NULL. A chain is read as a file of DIR_MAX entries that may end early. */
static const u8 *dir_entry(struct fat_dir *d)
{
        const u8 *e;

        if (!d->left)
                return NULL;
        d->left--;
        if (!d->cluster) {
                e = d->f->base + d->f->root + d->index * ENTRY;
        } else {
                u32 in = d->index * ENTRY % d->f->cluster_bytes;
                struct fat_node chain = {.cluster = d->cluster, .size = UINT32_MAX};
                struct fat_pos pos = {in ? in : 0, d->cluster};

                if (d->index && !in) { /* step over the end of a cluster */
                        pos.off = d->f->cluster_bytes - 1;
                        if (!fat_read(d->f, &chain, &pos, 1, &e))
                                return NULL;
                        d->cluster = chain.cluster = pos.cluster;
                        pos.off = 0;
                }
                if (!fat_read(d->f, &chain, &pos, ENTRY, &e))
                        return NULL;
        }
        d->index++;
        return e[0] ? e : NULL; /* a first byte of 0 ends the directory */
}

/* Takes one piece of a long name. */
static void long_take(struct long_name *ln, const u8 *e)
{
        static const u8 at[LONG_UNITS] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
        u32 ord = e[0] & ~LONG_LAST;

        if (e[0] & LONG_LAST) {
                ln->n = 0;
                ln->expect = ord && ord <= LONG_MAX_PIECES ? ord : 0;
                ln->sum = e[13];
        }
        if (!ln->expect || ord != ln->expect || e[13] != ln->sum) {
                ln->expect = 0;
                ln->n = 0;
                return;
        }
        for (u32 i = 0; i < LONG_UNITS; i++)
                ln->unit[(ord - 1) * LONG_UNITS + i] = (u16)le16(e + at[i]);
        if (e[0] & LONG_LAST)
                ln->n = ord * LONG_UNITS;
        ln->expect = ord - 1;
}

/* UCS-2 (surrogate pairs taken together) to UTF-8; false when it does not fit, is empty or holds a '/' or control. */
static bool utf8_of(const u16 *unit, u32 n, char *dst, u32 size)
{
        u32 o = 0;

        for (u32 i = 0; i < n && unit[i]; i++) {
                u32 c = unit[i];

                if (c >= 0xd800 && c < 0xdc00 && i + 1 < n && unit[i + 1] >= 0xdc00 && unit[i + 1] < 0xe000)
                        c = 0x10000 + ((c - 0xd800) << 10) + (unit[++i] - 0xdc00u);
                if (c < 0x20 || c == '/' || c == '\\' || o + 5 > size)
                        return false;
                if (c < 0x80) {
                        dst[o++] = (char)c;
                } else if (c < 0x800) {
                        dst[o++] = (char)(0xc0 | c >> 6);
                        dst[o++] = (char)(0x80 | (c & 0x3f));
                } else {
                        if (c < 0x10000) {
                                dst[o++] = (char)(0xe0 | c >> 12);
                        } else {
                                dst[o++] = (char)(0xf0 | c >> 18);
                                dst[o++] = (char)(0x80 | (c >> 12 & 0x3f));
                        }
                        dst[o++] = (char)(0x80 | (c >> 6 & 0x3f));
                        dst[o++] = (char)(0x80 | (c & 0x3f));
                }
        }
        dst[o] = 0;
        return o > 0;
}

/* "README  TXT" as readme.txt, in the case that byte 12 asks for; bytes beyond ASCII (an unknown code page) show as '_'. */
static void short_of(const u8 *e, char *dst)
{
        u32 o = 0;

        for (u32 i = 0; i < 11; i++) {
                char c = (char)e[i];

                if (i == 8 && e[8] != ' ')
                        dst[o++] = '.';
                if (c == ' ')
                        continue;
                if ((u8)c >= 0x80 || (u8)c < 0x20 || c == '/' || c == '\\')
                        c = '_';
                dst[o++] = e[12] & (i < 8 ? 0x08 : 0x10) ? lower(c) : c;
        }
        dst[o] = 0;
}

static u8 short_sum(const u8 *name)
{
        u8 sum = 0;

        for (u32 i = 0; i < 11; i++)
                sum = (u8)((sum << 7 | sum >> 1) + name[i]);
        return sum;
}

bool fat_dir_next(struct fat_dir *d, struct fat_node *out)
{
        struct long_name ln = {.n = 0};
        const u8 *e;

        while ((e = dir_entry(d))) {
                if (e[0] == 0xe5 || e[0] == '.') { /* deleted, or this directory and its parent */
                        ln.n = ln.expect = 0;
                } else if ((e[11] & 0x3f) == ATTR_LONG) {
                        long_take(&ln, e);
                } else if (e[11] & ATTR_LABEL) {
                        ln.n = ln.expect = 0;
                } else {
                        short_of(e, d->short_name);
                        if (!ln.n || ln.expect || ln.sum != short_sum(e) || !utf8_of(ln.unit, ln.n, d->name, FAT_NAME))
                                __builtin_memcpy(d->name, d->short_name, sizeof(d->short_name));
                        out->dir = e[11] & ATTR_DIR;
                        out->cluster = le16(e + 26);
                        out->size = out->dir ? 0 : le32(e + 28);
                        out->time = (u16)le16(e + 22);
                        out->date = (u16)le16(e + 24);
                        return true;
                }
        }
        return false;
}

static bool same_name(const char *name, const char *want, u32 n)
{
        for (u32 i = 0; i < n; i++)
                if (lower(name[i]) != lower(want[i]) || !name[i])
                        return false;
        return name[n] == 0;
}

bool fat_lookup(const struct fat *f, const char *path, struct fat_node *out)
{
        struct fat_node n = {.dir = true};
        struct fat_dir d;

        for (;;) {
                u32 len = 0;

                while (*path == '/')
                        path++;
                if (!*path) {
                        *out = n;
                        return true;
                }
                while (path[len] && path[len] != '/')
                        len++;
                if (!n.dir)
                        return false;
                fat_dir_open(f, &n, &d);
                do {
                        if (!fat_dir_next(&d, &n))
                                return false;
                } while (!same_name(d.name, path, len) && !same_name(d.short_name, path, len));
                if (n.dir && !n.cluster)
                        return false; /* would be the root again */
                path += len;
        }
}
