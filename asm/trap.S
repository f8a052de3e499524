/* trap.S - where the CPU arrives on exceptions and interrupts, and the way back.
 * SPDX-License-Identifier: MIT */
#include "func.inc"

/*
 * Stub n stands at trap_stubs + 16 * n. It makes all frames alike: a 0 where the CPU pushes no error code, then the
 * vector. Stub 3 for example is
 *        push    0
 *        push    3
 *        jmp     trap_common
 */
        .section .text.trap_stubs, "ax", @progbits
        .globl  trap_stubs
        .p2align 4
trap_stubs:
        .set    vec, 0
        .rept   49
        .p2align 4
        .if     (vec == 8) || (vec >= 10 && vec <= 14) || (vec == 17) || (vec == 21) || (vec == 29) || (vec == 30)
        .else
        push    0
        .endif
        push    vec
        jmp     trap_common
        .set    vec, vec + 1
        .endr

/*
 * trap_common: calls trap(struct trapframe *) and returns to where the CPU was.
 *   in        stack: vector, error, eip, cs, eflags; interrupts off (interrupt gates)
 *   clobbers  nothing (the frame may have been changed by trap)
 */
trap_common:
        pushad
        cld
        push    esp
        call    trap
        add     esp, 4
        popad
        add     esp, 8                          /* vector, error */
        iretd

/*
 * The local APIC's spurious vector: nothing happened, and no end-of-interrupt is wanted.
 */
func trap_spurious
        iretd
endfunc trap_spurious
