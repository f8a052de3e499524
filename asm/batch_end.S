/* batch_end.S - the end of a batch that left one connection waiting, for nothing but a bare acknowledgement: the straight line of
 * who reads as fast as data comes, so that the window opens. Ends in plain.inc; other bare acknowledgements are ack_bare.inc's.
 * SPDX-License-Identifier: MIT */
#include "tcp.inc"

/*
 * void stack_batch_end(struct stack *st);
 *   in        [esp+4] st
 *   out       what waited for the end of the batch was done (MUST-58, 59); more than one acknowledgement by stack.c
 *   clobbers  eax, ecx, edx, flags
 */
func stack_batch_end
        mov     eax, [esp+4]
        cmp     dword ptr [eax+ST_AT_BATCH_END], 1
        jae     .Lwork
        ret
.Lwork:
        je      .Lone
        jmp     stack_batch_rest

/*
 * void tcp_batch_end(struct stack *st);
 *   in        [esp+4] st
 *   out       what waited for the end of the batch went out; more than one acknowledgement by batch.c
 *   clobbers  eax, ecx, edx, flags
 *
 * Registers: ebp st, edi t, ebx p; esi tcp_state, then the window's edge; ecx SEG.SEQ; edx the buffer's head.
 */
        .globl  tcp_batch_end
        .type   tcp_batch_end, @function
tcp_batch_end:
        mov     eax, [esp+4]
        cmp     byte ptr [eax+ST_N_DUE], 1
        je      .Lone
        jmp     tcp_batch_rest

/* --- is it the usual? --------------------------------------------------------------------------------------------- */
.Lone:
        ENTER
        mov     ebp, eax
        mov     esi, [eax+ST_TCP]
        mov     edi, [esi+TS_DUE]
        mov     eax, [edi+TCB_FLAGS]
        and     eax, F_WANT_TX | F_ACK_NOW | F_NO_DF | F_NO_PMTUD
        cmp     eax, F_ACK_NOW
        jne     .Lother
        cmp     byte ptr [edi+TCB_PRED], PRED_USUAL /* no holes, no options, no marks, nothing urgent */
        jne     .Lother
        mov     ecx, [edi+TCB_SND_NXT]
        cmp     ecx, [edi+TCB_SND_UNA]
        jne     .Lbare
        movzx   eax, byte ptr [edi+TCB_NIF]
        mov     edx, [edi+TCB_WAY]
        mov     eax, [ebp+ST_NIF+eax*4]
        cmp     edx, [eax+NIF_WAY]
        jne     .Lbare
        mov     [esp+L_NIF], eax
        mov     ebx, [esi+TS_ANSWER]
        xor     edx, edx
        test    ebx, ebx
        jz      .Lfresh
        mov     [esi+TS_ANSWER], edx            /* the buffer that was read */
        mov     [ebx+PKT_NEXT], edx
        mov     [ebx+PKT_FLAGS], edx            /* and gso */
.Lbuffer:
        and     dword ptr [edi+TCB_FLAGS], ~(F_QUEUED | F_ACK_NOW | F_ACK_DELAYED)
        mov     byte ptr [ebp+ST_N_DUE], 0
        bswap   ecx
        mov     edx, [ebx+PKT_HEAD]
        mov     word ptr [ebx+PKT_LEN], BOTH_HEADERS+14
        mov     [edx+PKT_ROOM-16], ecx

/* --- the window: tcp_edge of window.c when it opens by a full segment, rounded to what the field can say --------------- */
        mov     eax, [edi+TCB_RCV_SPACE]
        mov     cl, [edi+TCB_RCV_SCALE]
        sub     eax, [edi+TCB_RCV_QUEUED]
        shr     eax, cl
        mov     esi, eax
        shl     esi, cl
        movzx   ecx, word ptr [edi+TCB_RCV_MSS]
        add     esi, [edi+TCB_RCV_NXT]
        add     ecx, [edi+TCB_RCV_ADV]
        sub     ecx, esi
        jg      .Lkeep
        mov     ecx, [ebp+ST_PKTS+POOL_N_FREE]
        cmp     ecx, [ebp+ST_PKTS+POOL_QUARTER]
        jb      .Lkeep
        cmp     eax, 0xffff
        ja      .Lkeep
        mov     [edi+TCB_RCV_ADV], esi
        mov     ecx, [edi+TCB_RCV_NXT]
        /* falls through: plain.inc goes on with this frame */
        jmp     tcp_bare_go_on

.Lkeep:
        jmp     tcp_ack_go_on

        /* still nothing but a bare acknowledgement? */
.Lother:
        test    dword ptr [edi+TCB_FLAGS], F_WANT_TX
        jnz     .Lrest
        test    dword ptr [edi+TCB_FLAGS], F_ACK_NOW
        jz      .Lrest
        cmp     dword ptr [edi+TCB_REASM], 0
        jne     .Lrest
        cmp     [edi+TCB_NEXT], edi             /* frozen */
        je      .Lrest
        test    byte ptr [edi+TCB_BITS], BIT_UTO_TELL
        jnz     .Lrest
.Lbare:
        and     dword ptr [edi+TCB_FLAGS], ~F_QUEUED
        mov     byte ptr [ebp+ST_N_DUE], 0
        mov     ebx, [esi+TS_ANSWER]
        xor     ecx, ecx
        test    ebx, ebx
        jz      tcp_ack_new_go_on
        mov     [esi+TS_ANSWER], ecx
        mov     [ebx+PKT_NEXT], ecx
        mov     [ebx+PKT_FLAGS], ecx
        jmp     tcp_ack_go_on
.Lfresh:
        PKT_TAKE ebp, .Lbare
        mov     ecx, [edi+TCB_SND_NXT]
        jmp     .Lbuffer

.Lrest:
        RESTORE L_SIZE
        jmp     tcp_batch_rest
endfunc stack_batch_end
