/* keymap.h - scan codes (set 1, as the 8042 translates) to the bytes that a terminal would send, US layout. Pure.
 * SPDX-License-Identifier: MIT */
#ifndef KEYMAP_H
#define KEYMAP_H

#include "types.h"

struct keymap { bool shift, ctrl, alt, caps, extended; };

enum { KEYMAP_BYTES = 8, KEYMAP_SCROLL_UP = -1, KEYMAP_SCROLL_DOWN = -2 };

/* Takes one scan code; writes the bytes it stands for and returns their number, or a KEYMAP_SCROLL_. */
int keymap_take(struct keymap *k, u8 code, char out[KEYMAP_BYTES]);

#endif
