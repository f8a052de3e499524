/* switch.S - from one thread's stack to another's.
 * SPDX-License-Identifier: MIT */
#include "func.inc"

/*
 * void thread_switch(u32 *save_esp, u32 new_esp);
 *   in        [esp+4] where to keep this stack's pointer, [esp+8] a stack that thread_switch left (or c/thread.c made)
 *   out       returns on the new stack, to whoever called thread_switch there
 *   clobbers  eax, ecx, edx, flags; interrupts are off before and after
 *
 * A resting stack, from its saved esp up: edi, esi, ebx, ebp, return address.
 */
func thread_switch
        mov     eax, [esp+4]
        mov     edx, [esp+8]
        push    ebp
        push    ebx
        push    esi
        push    edi
        mov     [eax], esp
        mov     esp, edx
        pop     edi
        pop     esi
        pop     ebx
        pop     ebp
        ret
endfunc thread_switch
