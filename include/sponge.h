/* sponge.h - a duplex sponge over the ChaCha20 permutation (RFC 8439, 2.3, without the final addition): 32 bytes of rate,
 * 32 of capacity. Pure.
 * SPDX-License-Identifier: MIT */
#ifndef SPONGE_H
#define SPONGE_H

#include "types.h"

enum { SPONGE_RATE = 32 };

struct sponge { u32 word[16]; u32 at; };

void sponge_absorb(struct sponge *s, const void *bytes, u32 n);
/* Squeezes n bytes, then forgets how it came there: what is drawn does not tell what was drawn before. */
void sponge_squeeze(struct sponge *s, void *dst, u32 n);
/* The permutation: 20 rounds in place. */
void sponge_permute(u32 word[16]);

#endif
