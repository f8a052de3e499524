/* siphash.h - SipHash-2-4, a keyed hash for short inputs (Aumasson and Bernstein, 2012).
 * SPDX-License-Identifier: MIT */
#ifndef SIPHASH_H
#define SIPHASH_H

#include "types.h"

/* The 64-bit hash of n bytes under a 16-byte key. */
u64 siphash(const u8 key[16], const void *msg, u32 n);

#endif
