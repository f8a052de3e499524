/* page_zero.S - clears pages with 16-byte stores. Under an emulator that is ten times faster than rep stosd.
 * SPDX-License-Identifier: MIT */
#include "func.inc"

/*
 * void page_zero_sse(void *pages, u32 n_bytes);
 *   in        [esp+4] 16-byte aligned, [esp+8] a multiple of 64, not 0; SSE is enabled (cpu_vectors)
 *   out       zeros
 *   clobbers  ecx, edx, xmm0, flags
 */
func page_zero_sse
        mov     edx, [esp+4]
        mov     ecx, [esp+8]
        xorps   xmm0, xmm0
1:      movaps  [edx], xmm0
        movaps  [edx+16], xmm0
        movaps  [edx+32], xmm0
        movaps  [edx+48], xmm0
        add     edx, 64
        sub     ecx, 64
        jnz     1b
        ret
endfunc page_zero_sse
