/* packed.c - unpacks texts (include/packed.h).
 * SPDX-License-Identifier: MIT */
#include "packed.h"

enum { FIRST = 0x80 };

struct out { char *at, *last; };

/* A pair consists of earlier codes, so that this ends. */
static void put(const u8 *table, u8 code, u8 earlier, struct out *o)
{
        u8 i = (u8)(code - FIRST);
        if (i >= table[0]) {
                if (o->at < o->last)
                        *o->at++ = (char)code;
        } else if (i < earlier) {
                put(table, table[1 + 2 * i], i, o);
                put(table, table[2 + 2 * i], i, o);
        }
}

const u8 *packed_read(const u8 *table, const u8 *p, const u8 *end, char *out, u32 room)
{
        struct out o = {out, out + room - 1};
        for (; p < end && *p; p++)
                put(table, *p, 0xff, &o);
        *o.at = 0;
        return p < end ? p + 1 : end;
}

const u8 *packed_skip(const u8 *p, const u8 *end)
{
        while (p < end && *p)
                p++;
        return p < end ? p + 1 : end;
}
