/* shell.h - the console shell and the configuration file, which are one language (doc/shell.md).
 * SPDX-License-Identifier: MIT */
#ifndef SHELL_H
#define SHELL_H

#include "types.h"

/* A thread that greets, reads lines from the console and runs them. Does not return. */
void shell_main(void *arg);

/* Runs /qure.conf of the volume. Returns the number of lines that failed (each was reported to the log), or -1 without a file. */
int conf_run_volume(void);

/* Runs one line as if it stood at file:line; file NULL = typed at the console. 0, or -1 after a message, to the log
 * or the console. */
int conf_line(const char *text, const char *file, u32 line);

/* The name that `hostname` set; never empty. */
const char *conf_hostname(void);

#endif
