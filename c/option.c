/* option.c - words of the boot command line: `name=value`, separated by blanks.
 * SPDX-License-Identifier: MIT */
#include "boot.h"
#include "mem.h"

bool boot_option(const char *cmdline, const char *name, char *dst, u32 n)
{
        u32 len = strlen(name);
        for (const char *p = cmdline; *p; p++) {
                if ((p != cmdline && p[-1] != ' ') || strncmp(p, name, len) || p[len] != '=')
                        continue;
                p += len + 1;
                u32 i = 0;
                for (; p[i] && p[i] != ' ' && i < n - 1; i++)
                        dst[i] = p[i];
                dst[i] = 0;
                return true;
        }
        return false;
}
