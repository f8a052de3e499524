/* siphash.c - SipHash-2-4, written from the paper's definition (section 2).
 * Twin of asm/siphash.S. SPDX-License-Identifier: MIT */
#include "siphash.h"
#include "sipround.h"

u64 siphash(const u8 key[16], const void *msg, u32 n)
{
        const u8 *p = msg;
        u64 v[4], m;
        sip_key(v, key);
        for (u32 left = n; left >= 8; left -= 8, p += 8) {
                memcpy(&m, p, 8);
                sip_absorb(v, m);
        }
        m = 0;
        memcpy(&m, p, n & 7);
        sip_absorb(v, m | (u64)n << 56);
        return sip_finish(v);
}
