/* ksym.c - names for addresses, out of the table that boot/ksym.py packs (include/ksym.h).
 * SPDX-License-Identifier: MIT */
#include "ksym.h"

enum { TOKEN = 0x80 };

static const u8 *skip_text(const u8 *p)
{
        while (p < ksym_end && *p)
                p++;
        return p + 1;
}

static void expand(const u8 *p, const u8 *tokens, char name[KSYM_NAME_MAX + 1])
{
        u32 n = 0;
        for (; p < ksym_end && *p; p++) {
                if (*p < TOKEN) {
                        if (n < KSYM_NAME_MAX)
                                name[n++] = (char)*p;
                        continue;
                }
                const u8 *t = tokens;
                for (u32 i = *p - TOKEN; i; i--)
                        t = skip_text(t);
                for (; t < ksym_end && *t && n < KSYM_NAME_MAX; t++)
                        name[n++] = (char)*t;
        }
        name[n] = 0;
}

u32 ksym_find(u32 addr, char name[KSYM_NAME_MAX + 1])
{
        name[0] = 0;
        if ((u32)ksym_start == (u32)ksym_end || addr < (u32)__text_start || addr >= (u32)__text_end)
                return 0;
        const u8 *p = ksym_start, *tokens = p + 1, *best = NULL;
        for (u32 i = *p++; i; i--)
                p = skip_text(p);
        u32 at = (u32)__text_start, start = 0;
        while (p < ksym_end) {
                u32 step = 0;
                for (u32 shift = 0; p < ksym_end; shift += 7) {
                        step |= (u32)(*p & 0x7f) << shift;
                        if (!(*p++ & 0x80))
                                break;
                }
                at += step;
                if (at > addr)
                        break;
                start = at;
                best = p;
                p = skip_text(p);
        }
        if (best)
                expand(best, tokens, name);
        return start;
}
