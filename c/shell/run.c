/* run.c - finds the command of a line and runs it; runs the configuration file line by line.
 * SPDX-License-Identifier: MIT */
#include "conf.h"
#include "fat.h"
#include "fmt.h"
#include "mem.h"
#include "shell.h"

const struct cmd *command_find(const char *name)
{
        for (u32 i = 0; i < n_commands; i++)
                if (text_is(commands[i].name, name))
                        return &commands[i];
        return NULL;
}

int conf_line(const char *text, const char *file, u32 line)
{
        struct words w = {.file = file, .line = line};
        const char *name;
        bool no;

        if (words_cut(&w, text) < 0)
                return -1;
        if (!w.n)
                return 0;
        no = take_if(&w, "no");
        if (!take_word(&w, "a command to take back", &name))
                return -1;
        const struct cmd *c = command_find(name);
        if (!c)
                return words_fail(&w, "a command (help lists them)");
        if (no && !c->no)
                return words_refuse(&w, "'%s' cannot be taken back", name);
        if (file && (c->flags & CMD_TYPED))
                return words_refuse(&w, "'%s' is for the console only", name);
        return no ? c->no(&w) : c->run(&w);
}

/* One line of a file that may lie in several pieces: collected, then run. */
struct line_reader { char text[LINE_MAX]; u32 n, line; int failed; bool too_long; };

/* A complaint about the file itself. */
static void spoilt(struct line_reader *r, u32 col, const char *text)
{
        char line[80];

        fmt(line, sizeof(line), "qure.conf:%u:%u: %s", r->line, col, text);
        plat_log(line);
        r->failed++;
}

static void line_end(struct line_reader *r)
{
        r->text[r->n] = 0;
        r->line++;
        if (r->too_long) {
                spoilt(r, LINE_MAX, "the line is too long, or holds a zero byte");
        } else if (conf_line(r->text, "qure.conf", r->line) < 0) {
                r->failed++;
        }
        r->n = 0;
        r->too_long = false;
}

int conf_run_volume(void)
{
        const struct fat *f = volume(NULL);
        struct line_reader r = {.n = 0};
        struct fat_pos pos = {0, 0};
        struct fat_node n;
        const u8 *p;
        u32 got;

        if (!f || !fat_lookup(f, "qure.conf", &n) || n.dir)
                return -1;
        while ((got = fat_read(f, &n, &pos, UINT32_MAX, &p))) {
                bool marked = pos.off == got && got >= 3 && p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf;
                for (u32 i = marked ? 3 : 0; i < got; i++) { /* some editors begin a file with the mark U+FEFF */
                        if (p[i] == '\n')
                                line_end(&r);
                        else if (r.n < LINE_MAX - 1 && p[i])
                                r.text[r.n++] = (char)p[i];
                        else
                                r.too_long = true; /* or holds a zero byte, which no text does */
                }
        }
        if (r.n || r.too_long)
                line_end(&r);
        if (pos.off < n.size)
                spoilt(&r, 1, "the file is damaged behind this line");
        return r.failed;
}
