/* help.c - help, and the settings printed back as configuration lines.
 * SPDX-License-Identifier: MIT */
#include "commands.h"

int cmd_help(struct words *w)
{
        const char *name;

        if (!words_more(w)) {
                for (u32 i = 0; i < n_commands; i++)
                        out("%-11s %s\n", commands[i].name, commands[i].help);
                out("`no` before a configuration line takes it back. Tab completes, Ctrl-C stops.\n"
                    "help COMMAND tells its arguments.\n");
                return 0;
        }
        take_if(w, "no");
        if (!take_word(w, "a command", &name) || !take_end(w))
                return -1;
        const struct cmd *c = command_find(name);
        if (!c) {
                w->at = w->n;
                return words_fail(w, "a command (help lists them)");
        }
        out("%s %s\n    %s.\n", c->name, c->syntax, c->help);
        if (c->flags & CMD_CONF)
                out("    A configuration line; `no %s ...` takes it back.\n", c->name);
        return 0;
}

static void show_all(void)
{
        for (u32 i = 0; i < n_commands; i++)
                if (commands[i].show)
                        commands[i].show();
}

int cmd_show(struct words *w)
{
        const char *what;

        if (!take_word(w, "config", &what))
                return -1;
        if (!text_is(what, "config"))
                return words_fail(w, "config");
        if (!take_end(w))
                return -1;
        show_all();
        return 0;
}

int cmd_save(struct words *w)
{
        if (!take_end(w))
                return -1;
        out("# qure.conf would be:\n");
        show_all();
        out("# Nothing was kept: there is no storage to write to yet. Put these lines into qure.conf on the boot medium.\n");
        return 0;
}
