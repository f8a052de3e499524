/* consume.S - the user has read all there is, and it is what the straight line just brought: the usual.
 * SPDX-License-Identifier: MIT */
#include "func.inc"
#include "offsets.h"

/*
 * void tcp_consume(struct tcb *t, u32 n);
 *   in        [esp+4] t, [esp+8] n
 *   out       n bytes of the receive queue were read; the rare by recv.c
 *   clobbers  eax, ecx, edx, flags
 */
func tcp_consume
        mov     ecx, [esp+4]
        mov     edx, [esp+8]
        mov     eax, [ecx+TCB_TS]
        cmp     edx, [ecx+TCB_RCV_QUEUED]
        jne     .Lpart
        mov     edx, [ecx+TCB_RCV_FIRST]
        cmp     edx, [eax+TS_LINE]
        jne     .Lpart
        cmp     word ptr [edx+PKT_REFS], 1      /* and no frag */
        jne     .Lpart
        mov     dword ptr [ecx+TCB_RCV_QUEUED], 0
        mov     [eax+TS_LINE], eax
        mov     [edx+PKT_NEXT], edx             /* the straight line has it again, and looks at the window */

        mov     edx, [ecx+TCB_RCV_SPACE]        /* window_grow of recv.c */
        cmp     edx, [ecx+TCB_RCVBUF]
        jb      .Lgrow
        ret

.Lgrow:
        mov     eax, [eax+TS_ST]
        mov     edx, [eax+ST_PKTS+POOL_HALF]
        cmp     [eax+ST_PKTS+POOL_N_FREE], edx
        jb      .Lgrown
        mov     edx, [ecx+TCB_RCV_SPACE]
        add     edx, [esp+8]
        cmp     edx, [ecx+TCB_RCVBUF]
        jbe     .Lmore
        mov     edx, [ecx+TCB_RCVBUF]
.Lmore:
        mov     [ecx+TCB_RCV_SPACE], edx
.Lgrown:
        ret

.Lpart:
        jmp     tcp_consume_part
endfunc tcp_consume
