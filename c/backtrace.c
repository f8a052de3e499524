/* backtrace.c - finds the calls on a stack without frame pointers: every word that points behind a call instruction in
 * the text counts. Stale return addresses can show up among the true ones; a true one is never missing.
 * SPDX-License-Identifier: MIT */
#include "ksym.h"
#include "panic.h"
#include "sections.h"
#include "thread.h"

enum { FRAMES = 24, SCAN_MAX = 16384 };

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

static void frame_line(u32 addr, u32 inside)
{
        char name[KSYM_NAME_MAX + 1];
        u32 start = ksym_find(inside, name);
        panic_line("  %08x %s+0x%x", addr, start ? name : "?", addr - (start ? start : addr));
}

void backtrace(u32 eip, u32 esp)
{
        u32 lo, hi;
        thread_stack_of(esp, &lo, &hi);
        panic_line("backtrace:");
        if (in_text(eip))
                frame_line(eip, eip);
        u32 shown = 0;
        esp = max_u32(esp, lo) & ~3u;
        for (const u32 *p = (const u32 *)esp; (u32)p + 4 <= hi && (u32)p - esp < SCAN_MAX && shown < FRAMES; p++)
                if (in_text(*p) && backtrace_is_return((const u8 *)*p, __text_start)) {
                        frame_line(*p, *p - 1);
                        shown++;
                }
}
