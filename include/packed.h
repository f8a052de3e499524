/* packed.h - texts at about half their length: pairs of neighbouring characters that are frequent have a code (boot/packed.py).
 *
 *      1 byte         n, the number of pairs
 *      2 * n bytes    what code 0x80 + i (mod 256) stands for: two codes, characters or earlier pairs
 *      then           texts, or whatever the user put between them; a text is codes and a 0
 *
 * Codes 0x20 to 0x7f are characters. Reading touches nothing but the table, and ends whatever a damaged table says.
 * SPDX-License-Identifier: MIT */
#ifndef PACKED_H
#define PACKED_H

#include "types.h"

/* The first byte behind the pairs. */
static inline const u8 *packed_texts(const u8 *table) { return table + 1 + 2 * table[0]; }

/* Unpacks the text at p, of which nothing at `end` or behind is read, into out: as many characters as fit into room, and a 0.
 * Returns where the next text begins. */
const u8 *packed_read(const u8 *table, const u8 *p, const u8 *end, char *out, u32 room);

/* Where the text behind the one at p begins; at most end. */
const u8 *packed_skip(const u8 *p, const u8 *end);

#endif
