/* file.c - ls, cat and more: files of the boot volume.
 * SPDX-License-Identifier: MIT */
#include "calendar.h"
#include "commands.h"
#include "fat.h"

enum { PAGE_LINES = 23, CHUNK = 512 };

/* The file or folder that the next word names; NULL after a report. */
static const struct fat *take_node(struct words *w, bool folder, struct fat_node *n)
{
        const char *why, *path = "/";
        const struct fat *f = volume(&why);

        if ((!folder || words_more(w)) && !take_word(w, folder ? "a folder" : "a file", &path))
                return NULL;
        if (!take_end(w))
                return NULL;
        if (!f) {
                words_refuse(w, "no volume: %s", why);
                return NULL;
        }
        if (!fat_lookup(f, path, n)) {
                words_refuse(w, "%s: there is no such %s", path, folder ? "file or folder" : "file");
                return NULL;
        }
        if (!folder && n->dir) {
                words_refuse(w, "%s is a folder: ls shows what is in it", path);
                return NULL;
        }
        return f;
}

static void print_entry(const struct fat_node *n, const char *name)
{
        struct calendar c;

        calendar_of(fat_mtime(n), &c);
        out("%10u  %04u-%02u-%02u %02u:%02u  %s%s\n", n->size, c.year, c.month, c.day, c.hour, c.minute, name, n->dir ? "/" : "");
}

int cmd_ls(struct words *w)
{
        struct fat_node n;
        struct fat_dir d;
        const struct fat *f = take_node(w, true, &n);

        if (!f)
                return -1;
        if (!n.dir) {
                print_entry(&n, w->word[w->n - 1]);
                return 0;
        }
        for (fat_dir_open(f, &n, &d); fat_dir_next(&d, &n) && !stop_pressed();)
                print_entry(&n, d.name);
        return 0;
}

/* A key at the bottom of a page; false to stop reading. */
static bool page_turn(void)
{
        int c;

        out("--- more (blank: page, q: stop) ---");
        while ((c = key_get()) < 0 && !stop_pressed())
                plat_wait(1000);
        out("\r\033[K");
        return c != 'q' && c != 3 && !stop_pressed();
}

/* Prints a file in pieces, so that Ctrl-C is heard between them; page 0 = without stops. */
static int print_file(struct words *w, u32 page)
{
        struct fat_node n;
        struct fat_pos pos = {0, 0};
        const struct fat *f = take_node(w, false, &n);
        const u8 *p;
        u32 got, lines = 0, from;

        if (!f)
                return -1;
        while ((got = fat_read(f, &n, &pos, CHUNK, &p)) && !stop_pressed()) {
                from = 0;
                for (u32 i = 0; page && i < got; i++) {
                        if (p[i] != '\n' || ++lines < page)
                                continue;
                        out_bytes((const char *)p + from, i + 1 - from);
                        from = i + 1;
                        lines = 0;
                        if (!page_turn())
                                return 0;
                }
                out_bytes((const char *)p + from, got - from);
        }
        return pos.off < n.size && !stop_pressed() ? words_refuse(w, "the file is damaged behind byte %u", pos.off) : 0;
}

int cmd_cat(struct words *w) { return print_file(w, 0); }
int cmd_more(struct words *w) { return print_file(w, PAGE_LINES); }
