/* entropy.h - randomness of the machine: a sponge that everything unpredictable is stirred into, and a count of how much
 * of that an attacker cannot know. The rule: it is good enough from ENTROPY_GOOD credited bits on, once and for all.
 * SPDX-License-Identifier: MIT */
#ifndef ENTROPY_H
#define ENTROPY_H

#include "types.h"

enum { ENTROPY_GOOD = 128 };

/* Gathers what there is at start (RDRAND, jitter of the clock against port reads) and sets the stack guard. */
void entropy_init(void);

/* Stirs in n bytes and credits `bits` for them (0 for what can be guessed). Thread context. */
void entropy_add(const void *bytes, u32 n, u32 bits);

/* An interrupt came now; from c/irq.c. */
void entropy_irq(u32 source);

u32  entropy_bits(void);
bool entropy_good(void);

/* n bytes that tell nothing about the sponge or about earlier and later ones. */
void entropy_draw(void *dst, u32 n);

#endif
