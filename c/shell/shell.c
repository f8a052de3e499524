/* shell.c - the console's loop: prompt, line, command.
 * SPDX-License-Identifier: MIT */
#include "conf.h"
#include "fmt.h"
#include "shell.h"

void shell_main(void *arg)
{
        char line[LINE_MAX], prompt[40];

        out("\n%s. Type help for the commands.\n", plat_version());
        for (;;) {
                fmt(prompt, sizeof(prompt), "%.32s> ", conf_hostname());
                if (!edit_line(prompt, line, sizeof(line)))
                        continue;
                key_reset();
                conf_line(line, NULL, 1);
        }
}
