/* sipround.h - SipHash's state and rounds (section 2 of the paper), for the two files that write the hash in C.
 * SPDX-License-Identifier: MIT */
#ifndef SIPROUND_H
#define SIPROUND_H

#include "mem.h"
#include "types.h"

static inline u64 sip_rotl(u64 x, unsigned n) { return x << n | x >> (64 - n); }

static inline void sip_key(u64 v[4], const u8 key[16])
{
        u64 k0, k1;
        memcpy(&k0, key, 8);
        memcpy(&k1, key + 8, 8);
        v[0] = k0 ^ 0x736f6d6570736575ull;
        v[1] = k1 ^ 0x646f72616e646f6dull;
        v[2] = k0 ^ 0x6c7967656e657261ull;
        v[3] = k1 ^ 0x7465646279746573ull;
}

/* A round in three parts: what v0 and v1 do with each other, what v2 and v3 do, and what the pairs do then. */
static inline void sip_v0_v1(u64 v[4])
{
        v[0] += v[1];
        v[1] = sip_rotl(v[1], 13) ^ v[0];
        v[0] = sip_rotl(v[0], 32);
}

static inline void sip_v2_v3(u64 v[4])
{
        v[2] += v[3];
        v[3] = sip_rotl(v[3], 16) ^ v[2];
}

static inline void sip_pairs(u64 v[4])
{
        v[2] += v[1];
        v[0] += v[3];
        v[1] = sip_rotl(v[1], 17) ^ v[2];
        v[3] = sip_rotl(v[3], 21) ^ v[0];
        v[2] = sip_rotl(v[2], 32);
}

static inline void sip_rounds(u64 v[4], unsigned n)
{
        while (n--) {
                sip_v0_v1(v);
                sip_v2_v3(v);
                sip_pairs(v);
        }
}

static inline void sip_absorb(u64 v[4], u64 m)
{
        v[3] ^= m;
        sip_rounds(v, 2);
        v[0] ^= m;
}

static inline u64 sip_finish(u64 v[4])
{
        v[2] ^= 0xff;
        sip_rounds(v, 4);
        return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
