/* complete.c - completes commands, and arguments as the command's syntax line names them: IF, FILE, FOLDER, COMMAND or a literal.
 * A word is completed from every literal of the syntax, not only those that fit its place: the syntax is for people.
 * SPDX-License-Identifier: MIT */
#include "conf.h"
#include "fat.h"
#include "mem.h"

/* Candidates for the word `begin[0..n)`: counted, and narrowed to what they have in common. */
struct match { const char *begin; u32 n, found; char same[FAT_NAME]; bool list, more; };

/* `more`: a folder, behind which the word goes on. */
static void offer(struct match *m, const char *word, u32 len, bool more)
{
        if (len < m->n || memcmp(word, m->begin, m->n) != 0 || len >= sizeof(m->same))
                return;
        if (m->found == 1 && strlen(m->same) == len && memcmp(m->same, word, len) == 0)
                return; /* named twice in a syntax */
        if (m->list) {
                out("%.*s  ", (int)len, word);
                return;
        }
        if (!m->found++) {
                memcpy(m->same, word, len);
                m->same[len] = 0;
                m->more = more;
                return;
        }
        u32 i = 0;
        while (i < len && m->same[i] == word[i])
                i++;
        m->same[i] = 0;
}

static void offer_files(struct match *m, bool folders)
{
        const struct fat *f = volume(NULL);
        char path[FAT_NAME], item[FAT_NAME * 2];
        struct fat_node n;
        struct fat_dir d;
        u32 folder = m->n;

        while (folder && m->begin[folder - 1] != '/')
                folder--;
        if (!f || folder >= sizeof(path))
                return;
        memcpy(path, m->begin, folder);
        path[folder] = 0;
        if (!fat_lookup(f, path, &n) || !n.dir)
                return;
        memcpy(item, path, folder);
        for (fat_dir_open(f, &n, &d); fat_dir_next(&d, &n);) {
                u32 len = (u32)strlen(d.name);

                memcpy(item + folder, d.name, len);
                if (n.dir)
                        item[folder + len++] = '/';
                if (n.dir || !folders)
                        offer(m, item, folder + len, n.dir);
        }
}

static void offer_commands(struct match *m)
{
        for (u32 i = 0; i < n_commands; i++)
                offer(m, commands[i].name, (u32)strlen(commands[i].name), false);
        offer(m, "no", 2, false);
}

static void offer_arguments(struct match *m, const struct cmd *c)
{
        const char *s = c->syntax;

        while (*s) {
                u32 n = 0;

                while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= 'A' && s[n] <= 'Z') || s[n] == '-')
                        n++;
                if (n == 2 && memcmp(s, "IF", 2) == 0) {
                        struct stack *st = plat_stack();

                        for (u32 i = 0; i < st->n_nifs; i++)
                                offer(m, st->nif[i]->name, (u32)strlen(st->nif[i]->name), false);
                } else if (n >= 4 && s[0] == 'F') { /* FILE, FOLDER */
                        offer_files(m, s[1] == 'O');
                } else if (n == 7 && memcmp(s, "COMMAND", 7) == 0) {
                        offer_commands(m);
                } else if (n && *s >= 'a') {
                        offer(m, s, n, false);
                }
                s += n ? n : 1;
        }
}

/* Offers what can stand where the word begins: a command in first place (or behind `no`), else its arguments. */
static void offer_all(struct match *m, const char *line)
{
        struct words w;
        char before[LINE_MAX];
        u32 n = (u32)(m->begin - line);
        const struct cmd *c;

        memcpy(before, line, n);
        before[n] = 0;
        if (words_cut(&w, before) < 0)
                return;
        take_if(&w, "no");
        if (!words_more(&w)) {
                offer_commands(m);
        } else if ((c = command_find(w.word[w.at]))) {
                offer_arguments(m, c);
        }
}

void edit_complete(char *line, u32 *len, u32 *at, u32 size)
{
        u32 begin = *at, add;

        while (begin && line[begin - 1] != ' ')
                begin--;
        struct match m = {.begin = line + begin, .n = *at - begin};
        offer_all(&m, line);
        if (!m.found)
                return;
        add = (u32)strlen(m.same) - m.n;
        if (m.found > 1 && !add) {
                out("\n");
                m.list = true;
                offer_all(&m, line);
                out("\n");
                return;
        }
        if (m.found == 1 && !m.more)
                m.same[m.n + add++] = ' '; /* complete: the next word may follow */
        if (*len + add >= size || m.n + add >= sizeof(m.same))
                return;
        memmove(line + *at + add, line + *at, *len - *at);
        memcpy(line + *at, m.same + m.n, add);
        *len += add;
        *at += add;
}
