/* backtrace.c - finds the calls on a stack without frame pointers: every word that points behind a call instruction in
 * the text counts. Stale return addresses can show up among the true ones; a true one is never missing.
 * SPDX-License-Identifier: MIT */
#include "ksym.h"
#include "panic.h"
#include "sections.h"
#include "thread.h"

enum { FRAMES = 24, SCAN_MAX = 16384 };

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
