/* send_ref.S - bytes by reference onto the send queue from inside the connection's own event, with room for them.
 * SPDX-License-Identifier: MIT */
#include "func.inc"
#include "offsets.h"

/*
 * int tcp_send_ref(struct tcb *t, const void *ptr, u32 n, const u32 *sum);
 *   in        [esp+4] t, [esp+8] ptr, [esp+12] n, [esp+16] sum, or 0
 *   out       eax = 0: queued; else as tcp_send_ref_any, which does the rare
 *   clobbers  ecx, edx, flags
 */
func tcp_send_ref
        mov     ecx, [esp+4]
        mov     eax, [ecx+TCB_FLAGS]
        mov     edx, [ecx+TCB_TS]
        and     eax, F_FIN_QUEUED | F_USER_CLOSED | F_DEAD | F_BUSY
        cmp     eax, F_BUSY
        jne     .Lany
        test    byte ptr [ecx+TCB_STATE], BYTE_FIN_TX
        jnz     .Lany
        mov     eax, [edx+TS_CELLS+CELL_N_TOTAL] /* an eighth stays for the records of what was sent */
        shr     eax, 3
        cmp     [edx+TS_CELLS+CELL_N_FREE], eax
        jbe     .Lany
        mov     eax, [esp+12]
        test    eax, eax
        jz      .Lany
        add     eax, [ecx+TCB_SND_QUEUED]
        jc      .Lany
        cmp     eax, [ecx+TCB_SNDBUF]
        ja      .Lany
        mov     eax, [edx+TS_CELLS]
        dec     dword ptr [edx+TS_CELLS+CELL_N_FREE]
        push    [eax]
        pop     [edx+TS_CELLS]
        mov     edx, [esp+12]
        add     [ecx+TCB_SND_QUEUED], edx
        mov     [eax+ENT_LEN], edx
        mov     edx, [esp+8]
        mov     [eax+ENT_PTR], edx
        xor     edx, edx
        mov     [eax+ENT_NEXT], edx
        mov     [eax+ENT_HOLD], edx
        mov     [eax+ENT_HAS_SUM], dl
        or      edx, [esp+16]
        jz      .Lno_sum
        mov     edx, [edx]
        mov     byte ptr [eax+ENT_HAS_SUM], 1
.Lno_sum:
        mov     [eax+ENT_SUM], edx
        mov     edx, [ecx+TCB_SND_LAST]
        mov     [ecx+TCB_SND_LAST], eax
        test    edx, edx
        jnz     .Lbehind
        mov     [ecx+TCB_SND_FIRST], eax
.Lqueued:
        or      dword ptr [ecx+TCB_FLAGS], F_WANT_TX
        xor     eax, eax
        ret
.Lbehind:
        mov     [edx+ENT_NEXT], eax
        jmp     .Lqueued
.Lany:
        jmp     tcp_send_ref_any
endfunc tcp_send_ref
