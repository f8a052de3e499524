/* cksum.h - the Internet checksum (RFC 1071) and copying, in assembly with C twins (c/cksum.c).
 * A partial sum is a 32-bit accumulator of 16-bit words *as they lie in memory* (no byte swapping):
 * the sum of the whole folds to 0xffff when a received checksum is right, and ~fold is what is stored.
 * SPDX-License-Identifier: MIT */
#ifndef CKSUM_H
#define CKSUM_H

#include "types.h"

/* Sum of n bytes at p (any alignment, n up to 2^31) added to `sum`. Only its value modulo 65535, which cksum_fold gives,
 * has meaning; it is 0 only when everything summed is 0. */
u32 cksum_add(u32 sum, const void *p, u32 n);

/* Which instructions cksum_add may use for long data; a property of the processor, chosen once at start. AVX2 needs the
 * operating system's consent (XCR0), SSE2 CR4.OSFXSR: the caller has checked both. The C twin ignores it. */
enum cksum_level { CKSUM_BASE, CKSUM_SSE2, CKSUM_AVX2 };
void cksum_use(enum cksum_level level);

/* Copies n bytes and returns cksum_add(sum, src, n); dst and src do not overlap. */
u32 cksum_copy(void *dst, const void *src, u32 n, u32 sum);

/* Folds to 16 bits, as in memory. */
static inline u16 cksum_fold(u32 sum)
{
        sum = (sum & 0xffff) + (sum >> 16);
        sum += sum >> 16;
        return (u16)sum;
}

/* a + b with end-around carry. */
static inline u32 cksum_plus(u32 a, u32 b)
{
        u32 s = a + b;
        return s + (s < a);
}

/* The sum of a block that begins at an odd offset of the message: its bytes swap places. */
static inline u32 cksum_odd(u32 sum)
{
        u16 f = cksum_fold(sum);
        return (u16)(f << 8 | f >> 8);
}

#endif
