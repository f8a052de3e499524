/* boot.h - what only the start of the kernel uses: hand-over between main.c and the parts that it wires together.
 * SPDX-License-Identifier: MIT */
#ifndef BOOT_H
#define BOOT_H

#include "stack.h"

/* Gives c/platform.c the appliance's stack and volume. */
void platform_set(struct stack *st, const u8 *volume, u32 volume_size);

/* The word behind `name=` on the boot command line into dst (cut to n - 1 characters); false when it is not there. */
bool boot_option(const char *cmdline, const char *name, char *dst, u32 n);

/* `selftest=null|guard|wx|ro|watchdog|panic|canary|assert`: breaks what the word says, to show that it
 * is reported (c/selftest.c has them all). Unknown words are logged. */
void selftest_run(const char *what);

#endif
