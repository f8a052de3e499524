/* help.c - help, and the settings printed back as configuration lines.
 * SPDX-License-Identifier: MIT */
#include "commands.h"

int cmd_help(struct words *w)
{
        const char *name;
        bool settings = take_if(w, "settings");

        if (settings && !take_end(w))
                return -1;
        if (!words_more(w)) { /* two lists, each of which fits the screen */
                for (u32 i = 0; i < n_commands; i++)
                        if (settings == ((commands[i].flags & CMD_CONF) != 0))
                                out("%-12s %s\n", commands[i].name, commands[i].help);
                out(settings ? "These are lines of qure.conf, too; `no` before one takes it back.\n"
                             : "Tab completes, Ctrl-C stops; help settings has the rest, help COMMAND details.\n");
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
