/* be.h - big-endian (wire order) integers as types of their own, so that host arithmetic on
 * network order does not compile. GCC turns each accessor into one load and one bswap or rol.
 * SPDX-License-Identifier: MIT */
#ifndef BE_H
#define BE_H

#include "types.h"

typedef struct { u8 b[2]; } be16;
typedef struct { u8 b[4]; } be32;

/* Host value of a wire integer. */
static inline u16 be16_get(be16 v) { u16 r; __builtin_memcpy(&r, &v, 2); return __builtin_bswap16(r); }
static inline u32 be32_get(be32 v) { u32 r; __builtin_memcpy(&r, &v, 4); return __builtin_bswap32(r); }

/* Wire integer of a host value. */
static inline be16 be16_of(u16 v) { be16 r; v = __builtin_bswap16(v); __builtin_memcpy(&r, &v, 2); return r; }
static inline be32 be32_of(u32 v) { be32 r; v = __builtin_bswap32(v); __builtin_memcpy(&r, &v, 4); return r; }

/* The bytes as they lie in memory: for equality, hashing and checksums, never for arithmetic. */
static inline u16 be16_raw(be16 v) { u16 r; __builtin_memcpy(&r, &v, 2); return r; }
static inline u32 be32_raw(be32 v) { u32 r; __builtin_memcpy(&r, &v, 4); return r; }
static inline be16 be16_from_raw(u16 v) { be16 r; __builtin_memcpy(&r, &v, 2); return r; }
static inline be32 be32_from_raw(u32 v) { be32 r; __builtin_memcpy(&r, &v, 4); return r; }

static inline bool be16_eq(be16 a, be16 b) { return be16_raw(a) == be16_raw(b); }
static inline bool be32_eq(be32 a, be32 b) { return be32_raw(a) == be32_raw(b); }

#endif
