/* siphash_begun.c - SipHash-2-4 of messages that begin alike, the beginning done once.
 * SPDX-License-Identifier: MIT */
#include "siphash.h"
#include "sipround.h"

/* v3 is what the next word enters; v0 and v1 go through the first part of the round behind it without it. */
void siphash_begin(struct siphash_begun *b, const u8 key[16], u64 word)
{
        sip_key(b->v, key);
        sip_absorb(b->v, word);
        sip_v0_v1(b->v);
}

u64 siphash_end(const struct siphash_begun *b, u64 last)
{
        u64 v[4] = {b->v[0], b->v[1], b->v[2], b->v[3] ^ last};
        sip_v2_v3(v);
        sip_pairs(v);
        sip_rounds(v, 1);
        v[0] ^= last;
        return sip_finish(v);
}
