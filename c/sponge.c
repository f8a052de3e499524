/* sponge.c - stirs bytes of any quality into 64 bytes of state and draws random ones from it.
 * SPDX-License-Identifier: MIT */
#include "mem.h"
#include "sponge.h"

static u32 rol(u32 v, u32 n) { return v << n | v >> (32 - n); }

/* RFC 8439, 2.1. */
static void quarter(u32 *a, u32 *b, u32 *c, u32 *d)
{
        *a += *b; *d = rol(*d ^ *a, 16);
        *c += *d; *b = rol(*b ^ *c, 12);
        *a += *b; *d = rol(*d ^ *a, 8);
        *c += *d; *b = rol(*b ^ *c, 7);
}

void sponge_permute(u32 w[16])
{
        for (int i = 0; i < 10; i++) {
                for (int c = 0; c < 4; c++)
                        quarter(&w[c], &w[4 + c], &w[8 + c], &w[12 + c]);
                for (int c = 0; c < 4; c++)
                        quarter(&w[c], &w[4 + (c + 1) % 4], &w[8 + (c + 2) % 4], &w[12 + (c + 3) % 4]);
        }
}

static void turn(struct sponge *s)
{
        s->word[15] ^= 0x80000000;      /* a constant in the capacity: the permutation maps 0 to 0 */
        sponge_permute(s->word);
        s->at = 0;
}

void sponge_absorb(struct sponge *s, const void *bytes, u32 n)
{
        const u8 *p = bytes;
        for (; n; n--) {
                ((u8 *)s->word)[s->at++] ^= *p++;
                if (s->at == SPONGE_RATE)
                        turn(s);
        }
}

void sponge_squeeze(struct sponge *s, void *dst, u32 n)
{
        u8 *p = dst;
        for (;;) {
                turn(s);
                u32 now = min_u32(n, SPONGE_RATE);
                memcpy(p, s->word, now);
                p += now;
                n -= now;
                if (!n)
                        break;
        }
        memset(s->word, 0, SPONGE_RATE);        /* the rate's half is gone: the permutation cannot be run backwards */
        turn(s);
}
