/* callsite.c - does a call instruction end here? The test for what may be a return address.
 * SPDX-License-Identifier: MIT */
#include "panic.h"

/* call rel32, or call r/m32 (FF /2) in each of its lengths (Intel SDM 2.1.5, table 2-2). */
bool backtrace_is_return(const u8 *ret, const u8 *text)
{
        enum { CALL_REL = 0xe8, GROUP5 = 0xff, MODRM_CALL = 2 };
        u32 room = (u32)(ret - text);
        if (room >= 5 && ret[-5] == CALL_REL)
                return true;
        for (u32 len = 2; len <= 7 && len <= room; len++) {
                const u8 *op = ret - len;
                if (op[0] != GROUP5 || (op[1] >> 3 & 7) != MODRM_CALL)
                        continue;
                u8 mod = op[1] >> 6, rm = op[1] & 7;
                u32 want = 2;
                if (mod != 3) {
                        bool sib = rm == 4, disp32 = mod == 2 || (mod == 0 && (rm == 5 || (sib && len > 2 && (op[2] & 7) == 5)));
                        want += (sib ? 1 : 0) + (disp32 ? 4 : mod == 1 ? 1 : 0);
                }
                if (want == len)
                        return true;
        }
        return false;
}
