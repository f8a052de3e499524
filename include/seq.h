/* seq.h - comparison of TCP sequence numbers modulo 2^32 (RFC 9293 3.4).
 * SPDX-License-Identifier: MIT */
#ifndef SEQ_H
#define SEQ_H

#include "types.h"

static inline bool seq_lt(u32 a, u32 b) { return (s32)(a - b) < 0; }
static inline bool seq_le(u32 a, u32 b) { return (s32)(a - b) <= 0; }
static inline bool seq_gt(u32 a, u32 b) { return (s32)(a - b) > 0; }
static inline bool seq_ge(u32 a, u32 b) { return (s32)(a - b) >= 0; }

/* lo <= s < lo + n; one unsigned compare decides both bounds. */
static inline bool seq_in(u32 s, u32 lo, u32 n) { return s - lo < n; }

static inline u32 seq_max(u32 a, u32 b) { return seq_lt(a, b) ? b : a; }

#endif
