/* keys.c - separate keys from the cluster's secret: what one of them gives away says nothing about another.
 * Two steps, as in RFC 5869: the secret is pressed into 16 bytes, then stretched by label. SipHash-2-4 is the pseudo-random
 * function. SPDX-License-Identifier: MIT */
#include "handoff_impl.h"
#include "mem.h"
#include "siphash.h"

static void expand(const u8 prk[16], const char label[8], u8 out[16])
{
        u8 in[9];
        memcpy(in, label, 8);
        for (u8 half = 0; half < 2; half++) {
                in[8] = half;
                u64 v = siphash(prk, in, sizeof in);
                memcpy(out + 8 * half, &v, 8);
        }
}

void cluster_keys_derive(const u8 *secret, u32 n, struct cluster_keys *out)
{
        static const u8 salt[2][16] = {"qure cluster 1 a", "qure cluster 1 b"};
        u8 prk[16];
        for (u32 half = 0; half < 2; half++) {
                /* the secret's own first 16 bytes key the hash, so that it is never known what is hashed under which key */
                u8 key[16];
                for (u32 i = 0; i < 16; i++)
                        key[i] = secret[i] ^ salt[half][i];
                u64 v = siphash(key, secret, n);
                memcpy(prk + 8 * half, &v, 8);
        }
        expand(prk, "authentc", out->auth);
        expand(prk, "authtext", out->text);
        expand(prk, "cookies.", out->cookie);
        expand(prk, "isn.....", out->isn);
}
