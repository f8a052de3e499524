/* batch_end.S - the end of a batch that left one connection waiting, for nothing but a bare acknowledgement. Ends in ack_bare.inc.
 * SPDX-License-Identifier: MIT */
#include "tcp.inc"

/*
 * void tcp_batch_end(struct stack *st);
 *   in        [esp+4] st
 *   out       what waited for the end of the batch went out (MUST-58, 59); more than one acknowledgement by batch.c
 *   clobbers  eax, ecx, edx, flags
 *
 * Registers: ebp st, esi tcp_state, edi t.
 */
func tcp_batch_end
        ENTER
        mov     ebp, [esp+L_ARGS]
        mov     esi, [ebp+ST_TCP]
        mov     edi, [esi+TS_DUE]
        cmp     dword ptr [esi+TS_N_DUE], 1
        jne     .Lrest
        cmp     dword ptr [esi+TS_BATCH], 0
        jne     .Lrest
        test    edi, edi
        jz      .Lrest
        mov     eax, [edi+TCB_FLAGS]
        mov     ecx, eax
        and     eax, F_WANT_TX | F_ACK_NOW
        and     ecx, ~F_QUEUED
        cmp     eax, F_ACK_NOW
        jne     .Lrest
        cmp     dword ptr [edi+TCB_REASM], 0
        jne     .Lrest
        test    byte ptr [edi+TCB_BITS], BIT_UTO_TELL
        jnz     .Lrest
        mov     [edi+TCB_FLAGS], ecx
        mov     byte ptr [ebp+ST_ACKS_WAIT], 0
        mov     dword ptr [esi+TS_N_DUE], 0
        /* falls through: ack_bare.inc goes on with this frame */
        jmp     tcp_ack_new_go_on

.Lrest:
        RESTORE L_SIZE
        jmp     tcp_batch_rest
endfunc tcp_batch_end
