/* asmtest.h - running an assembly routine against its C twin.
 * A program hosttest/asm/X.c is linked with asm/X.S under its own names and with the twin's object under the prefix c_.
 * SPDX-License-Identifier: MIT */
#ifndef ASMTEST_H
#define ASMTEST_H

#include "types.h"

/* fn(a, b, c, d) with junk in the callee-saved registers; *spoilt gets bits 1 ebx, 2 esi, 4 edi, 24 esp or ebp, 32 direction flag. */
u32 call_checked(u32 *spoilt, const void *fn, u32 a, u32 b, u32 c, u32 d);
u32 call_checked6(u32 *spoilt, const void *fn, const u32 args[6]);

/* xorshift32: seeded, so that a failure can be replayed. */
static inline u32 rnd(u32 *s)
{
        *s ^= *s << 13;
        *s ^= *s >> 17;
        *s ^= *s << 5;
        return *s;
}

#endif
