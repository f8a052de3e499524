/* timer_set.S - a timer that is stopped goes into its slot: of the wheel's second level when it is due in 64 to 4,095 ms, as
 * retransmissions and probes are, of the third in up to 262,143 ms, as TIME_WAIT is; every other way is wheel.c's.
 * SPDX-License-Identifier: MIT */
#include "func.inc"
#include "offsets.h"

/* ebx: the slot at that level for edx, which becomes the time when it goes down a level. */
.macro SLOT_OF level
        mov     ebx, edx
        shr     ebx, 6*\level
        and     edx, -(1 << (6*\level))
        and     ebx, 63
        bts     [ecx+WHEEL_USED_1-8+8*\level], ebx
        lea     ebx, [ecx+ebx*4+WHEEL_SLOT_1-256+256*\level]
.endm

/*
 * void timer_set(struct wheel *w, struct timer *t, u32 due_ms);
 *   in        [esp+4] w, [esp+8] t, [esp+12] due_ms
 *   clobbers  eax, ecx, edx, flags
 *
 * timer_set_go_on: the same of ecx w, eax t, edx due_ms, called from assembly.
 */
func timer_set
        mov     ecx, [esp+4]
        mov     eax, [esp+8]
        mov     edx, [esp+12]

        .globl  timer_set_go_on
timer_set_go_on:
        push    ebx
        mov     ebx, edx
        cmp     dword ptr [eax+TIMER_PPREV], 0
        jne     .Lany
        sub     ebx, [ecx+WHEEL_NOW]
        sub     ebx, 64
        cmp     ebx, 4096 - 64
        jae     .Lfar
        mov     [eax+TIMER_DUE], edx
        SLOT_OF 1
.Lslot:
        inc     dword ptr [ecx+WHEEL_RUNNING]
        sub     edx, [ecx+WHEEL_NEXT]
        js      .Lsooner
.Lfirst_met:
        mov     ecx, [ebx]
        mov     [eax+TIMER_PPREV], ebx
        mov     [ebx], eax
        mov     [eax], ecx
        test    ecx, ecx
        jnz     .Lothers
        pop     ebx
        ret

.Lothers:
        mov     [ecx+TIMER_PPREV], eax
        pop     ebx
        ret
.Lsooner:
        add     [ecx+WHEEL_NEXT], edx
        jmp     .Lfirst_met
.Lfar:
        cmp     ebx, 262144 - 64
        jae     .Lany
        mov     [eax+TIMER_DUE], edx
        SLOT_OF 2
        jmp     .Lslot
.Lany:
        pop     ebx
        push    edx
        push    eax
        push    ecx
        call    timer_set_any
        add     esp, 12
        ret
endfunc timer_set
