/* ksym.c - names for addresses, out of the table that boot/ksym.py packs (include/ksym.h).
 * SPDX-License-Identifier: MIT */
#include "ksym.h"
#include "packed.h"

u32 ksym_find(u32 addr, char name[KSYM_NAME_MAX + 1])
{
        name[0] = 0;
        if ((u32)ksym_start == (u32)ksym_end || addr < (u32)__text_start || addr >= (u32)__text_end)
                return 0;
        const u8 *p = packed_texts(ksym_start), *best = NULL;
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
                p = packed_skip(p, ksym_end);
        }
        if (best)
                packed_read(ksym_start, best, ksym_end, name, KSYM_NAME_MAX + 1);
        return start;
}
