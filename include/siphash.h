/* siphash.h - SipHash-2-4, a keyed hash for short inputs (Aumasson and Bernstein, 2012).
 * SPDX-License-Identifier: MIT */
#ifndef SIPHASH_H
#define SIPHASH_H

#include "types.h"

/* The 64-bit hash of n bytes under a 16-byte key. */
u64 siphash(const u8 key[16], const void *msg, u32 n);

/* The same of 8 to 15 bytes whose first 8 stay as they are: `word` is these, `last` the others, n << 56 added; both as memory
 * holds them. */
struct siphash_begun { u64 v[4]; };
void siphash_begin(struct siphash_begun *b, const u8 key[16], u64 word);
u64 siphash_end(const struct siphash_begun *b, u64 last);

#endif
