/* documents.c - every function and test that doc/rfc9293.md and doc/tcp.md name exists. Run from the top of the tree.
 * SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char *text;
static size_t used;

static void append(const char *pattern)
{
        glob_t g;
        if (glob(pattern, 0, NULL, &g))
                return;
        for (size_t i = 0; i < g.gl_pathc; i++) {
                FILE *f = fopen(g.gl_pathv[i], "r");
                text = realloc(text, used + 400000);
                used += fread(text + used, 1, 399999, f);
                text[used] = 0;
                fclose(f);
        }
        globfree(&g);
}

/* `name` stands in the sources as the start of a definition or call. */
static int exists(const char *name, size_t n)
{
        for (const char *at = text; (at = strstr(at, name)) != NULL; at += n)
                if (!isalnum((unsigned char)at[-1]) && at[-1] != '_' && (at[n] == '(' || at[n] == ' ' || at[n] == ')'))
                        return 1;
        return 0;
}

static void names_in(const char *doc)
{
        char line[4096], name[200];
        FILE *f = fopen(doc, "r");
        unsigned checked = 0, wrong = 0;
        if (!f)
                skip();
        while (fgets(line, sizeof line, f)) {
                for (char *a = strchr(line, '`'), *b; a && (b = strchr(a + 1, '`')) != NULL; a = strchr(b + 1, '`')) {
                        size_t n = (size_t)(b - a - 1);
                        if (line[0] != '|' || n >= sizeof name || strspn(a + 1, "abcdefghijklmnopqrstuvwxyz0123456789_") != n)
                                continue;
                        memcpy(name, a + 1, n);
                        name[n] = 0;
                        checked++;
                        if (!exists(name, n)) {
                                print_error("%s names %s, which is nowhere\n", doc, name);
                                wrong++;
                        }
                }
        }
        fclose(f);
        assert_true(checked > 20);
        assert_int_equal(wrong, 0);
}

static void clauses_name_what_exists(void **s) { names_in("doc/rfc9293.md"); }

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(clauses_name_what_exists)};
        append("net/*.c");
        append("net/tcp/*.[ch]");
        append("hosttest/net/tcp/*.c");
        append("hosttest/net/*.c");
        int r = cmocka_run_group_tests(tests, NULL, NULL);
        free(text);
        return r;
}
