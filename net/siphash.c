/* siphash.c - SipHash-2-4, written from the paper's definition (section 2).
 * SPDX-License-Identifier: MIT */
#include "siphash.h"
#include "mem.h"

static inline u64 rotl(u64 x, unsigned n) { return x << n | x >> (64 - n); }

static inline void rounds(u64 v[4], unsigned n)
{
        while (n--) {
                v[0] += v[1];
                v[2] += v[3];
                v[1] = rotl(v[1], 13) ^ v[0];
                v[3] = rotl(v[3], 16) ^ v[2];
                v[0] = rotl(v[0], 32);
                v[2] += v[1];
                v[0] += v[3];
                v[1] = rotl(v[1], 17) ^ v[2];
                v[3] = rotl(v[3], 21) ^ v[0];
                v[2] = rotl(v[2], 32);
        }
}

static inline void absorb(u64 v[4], u64 m)
{
        v[3] ^= m;
        rounds(v, 2);
        v[0] ^= m;
}

u64 siphash(const u8 key[16], const void *msg, u32 n)
{
        const u8 *p = msg;
        u64 k0, k1, m;
        memcpy(&k0, key, 8);
        memcpy(&k1, key + 8, 8);
        u64 v[4] = {k0 ^ 0x736f6d6570736575ull, k1 ^ 0x646f72616e646f6dull, k0 ^ 0x6c7967656e657261ull, k1 ^ 0x7465646279746573ull};
        for (u32 left = n; left >= 8; left -= 8, p += 8) {
                memcpy(&m, p, 8);
                absorb(v, m);
        }
        m = 0;
        memcpy(&m, p, n & 7);
        absorb(v, m | (u64)n << 56);
        v[2] ^= 0xff;
        rounds(v, 4);
        return v[0] ^ v[1] ^ v[2] ^ v[3];
}
