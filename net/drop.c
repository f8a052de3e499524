/* drop.c - names and explanations of the drop reasons, packed from the one list in drop.h by boot/drops.py.
 * SPDX-License-Identifier: MIT */
#include "drop.h"
#include "drop_words.h"
#include "packed.h"

_Static_assert((int)WORDS == (int)DROP_N, "drops.py reads every line of the list");

/* Names and explanations take turns. */
static const char *read(u32 n, char text[DROP_TEXT_MAX])
{
        const u8 *p = packed_texts(words), *end = words + sizeof words;
        while (n--)
                p = packed_skip(p, end);
        packed_read(words, p, end, text, DROP_TEXT_MAX);
        return text;
}

const char *drop_name(enum drop why, char text[DROP_TEXT_MAX])
{
        read(2 * why, text);
        for (char *c = text; *c; c++)
                if (*c >= 'a' && *c <= 'z')
                        *c -= 'a' - 'A';
        return text;
}

const char *drop_text(enum drop why, char text[DROP_TEXT_MAX]) { return read(2 * why + 1, text); }
bool drop_is_fault(enum drop why) { return faults[why / 8] >> why % 8 & 1; }
