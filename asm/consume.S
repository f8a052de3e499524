/* consume.S - the user has read all there is, and all of it lies in one buffer of its own, while the stack is inside the connection.
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
        mov     eax, [esp+8]
        mov     edx, [ecx+TCB_RCV_FIRST]
        cmp     eax, [ecx+TCB_RCV_QUEUED]
        jne     .Lpart
        test    eax, eax
        jz      .Lpart
        cmp     edx, [ecx+TCB_RCV_LAST]
        jne     .Lpart
        cmp     word ptr [edx+PKT_REFS], 1      /* and no frag */
        jne     .Lpart
        mov     eax, [ecx+TCB_FLAGS]
        and     eax, F_BUSY | F_URG_RX | F_ACK_ON_READ | F_PSHED
        cmp     eax, F_BUSY
        jne     .Lpart
        mov     eax, [edx+PKT_POOL]
        mov     dword ptr [ecx+TCB_RCV_QUEUED], 0
        mov     byte ptr [edx+PKT_REFS], 0
        push    [eax+POOL_FREE]
        pop     [edx+PKT_NEXT]
        mov     [eax+POOL_FREE], edx
        inc     dword ptr [eax+POOL_N_FREE]

        mov     edx, [ecx+TCB_RCV_SPACE]        /* window_grow of recv.c */
        cmp     edx, [ecx+TCB_RCVBUF]
        jae     .Lgrown
        mov     edx, [eax+POOL_HALF]
        cmp     [eax+POOL_N_FREE], edx
        mov     edx, [ecx+TCB_RCV_SPACE]
        jb      .Lgrown
        add     edx, [esp+8]
        cmp     edx, [ecx+TCB_RCVBUF]
        ja      .Lall
.Lmore:
        mov     [ecx+TCB_RCV_SPACE], edx
.Lgrown:
        mov     eax, [ecx+TCB_RCV_ADV]
        shr     edx, 1
        sub     eax, [ecx+TCB_RCV_NXT]
        cmp     eax, edx
        jbe     tcp_window_read
        ret

.Lall:
        mov     edx, [ecx+TCB_RCVBUF]
        jmp     .Lmore

.Lpart:
        jmp     tcp_consume_part
endfunc tcp_consume
