/* whole.S - the usual reply: nothing is outstanding, and all that is queued, the FIN behind it too, goes out as one segment whose
 * sums are known. Ends in plain.inc. What is rare is in whole_rare.inc.
 * SPDX-License-Identifier: MIT */
#include "tcp.inc"

/* Entry edx becomes ebx's piece at `frag`. ecx becomes its length; spoils eax. */
.macro PIECE frag
        mov     eax, [edx+ENT_PTR]
        mov     ecx, [edx+ENT_LEN]
        mov     [ebx+\frag], eax
        mov     eax, [edx+ENT_HOLD]
        mov     [ebx+\frag+FRAG_LEN], ecx
        mov     [ebx+\frag+FRAG_HOLD], eax
        test    eax, eax
        jz      1f
        inc     byte ptr [eax+PKT_REFS]
1:
.endm
#define W_SIZE          8               /* what is sent by C, too, leaves a stack of whole 16 bytes to who sends it */

/*
 * bool tcp_send_whole(struct tcb *t);
 *   in        [esp+4] t
 *   out       eax = 1: sent; 0: it is for tx.c, and nothing was changed but for a window that lay idle (cc_idle)
 *   clobbers  ecx, edx, flags
 */
func tcp_send_whole
        sub     esp, W_SIZE
        push    [esp+W_SIZE+4]
        call    .Lby_c
        mov     eax, 1
        add     esp, W_SIZE+4
        ret
.Lby_c:
        ENTER
        mov     edi, [esp+L_ARGS]
        mov     dword ptr [esp+L_ELSE], offset .Lnot_whole
        mov     eax, [edi+TCB_FLAGS]

/*
 * tcp_whole_go_on: the same for who has ENTERed; returns from there when it was sent, else jumps to [esp+L_ELSE].
 *   in        edi t, eax its flags
 *
 * Registers: edi t, esi SND.NXT before, ebx tcp_state, then p, ebp the stack, edx the first piece.
 */
        .globl  tcp_whole_go_on
tcp_whole_go_on:

/* --- a calm connection's one reply, which tcp_send_ref found to fit (calm.c)? ------------------------------------- */
        cmp     byte ptr [edi+TCB_TIMER_KIND], KIND_REPLY
        jne     .Llisted
        test    eax, UNUSUAL | F_FIN_QUEUED
        jnz     .Lreply_unusual
        mov     edx, [edi+TCB_TS]
        mov     ebp, [edx+TS_ST]
        PKT_TAKE ebp, .Lreply_empty, later
        movzx   eax, byte ptr [edi+TCB_NIF]
        and     dword ptr [edi+TCB_FLAGS], ~(F_ACK_DELAYED | F_ACK_NOW)
        mov     eax, [ebp+ST_NIF+eax*4]
        /* falls through: reply.inc goes on with this frame */
        jmp     tcp_reply_go_on

/* --- is it the usual? ------------------------------------------------------------------------------------------- */
.Llisted:
        mov     ecx, [edi+TCB_SND_QUEUED]
        movzx   edx, word ptr [edi+TCB_MSS]
        mov     esi, [edi+TCB_SND_NXT]
        lea     ebx, [ecx-1]
        mov     dword ptr [esp+L_FLAGS], REPLY_FLAGS
        cmp     ebx, edx                        /* 1 to MSS bytes */
        jae     .Lno
        cmp     ecx, [edi+TCB_SND_WND]
        ja      .Lno
        cmp     esi, [edi+TCB_SND_UNA]
        jne     .Lno
        mov     ebx, [edi+TCB_TS]
        mov     edx, [edi+TCB_SND_FIRST]
        mov     ebp, [ebx+TS_ST]
        test    eax, UNUSUAL | F_FIN_QUEUED
        jnz     .Lflags
        cmp     byte ptr [edi+TCB_TIMER_KIND], KIND_CALM
        jne     .Lbegin

/* --- what is outstanding from now on is a calm run (calm.c), whose flight is promised ---------------------------- */
.Lcalm:
        sub     dword ptr [ebx+TS_FLIGHTS+CELL_N_FREE], 1
        jb      .Lno_flight
        lea     eax, [ecx+esi]
        add     ecx, BOTH_HEADERS
        mov     [edi+TCB_SND_NXT], eax
.Ltake:
        mov     [esp+L_TOTAL], ecx
        PKT_TAKE ebp, .Lempty, 1
        mov     eax, [ebp+ST_NOW_US]
        mov     [edi+TCB_CALM_TX_US], eax

/* --- the pieces, and away --------------------------------------------------------------------------------------- */
        PIECE   FRAG0
        mov     eax, [edx+ENT_SUM]
        cmp     dword ptr [edx+ENT_NEXT], 0
        jne     .Lsecond
.Lreferred:
        mov     [esp+L_SUM], eax
        movzx   eax, byte ptr [edi+TCB_NIF]
        mov     ecx, [edi+TCB_WAY]
        mov     eax, [ebp+ST_NIF+eax*4]
        cmp     ecx, [eax+NIF_WAY]
        jne     .Lnot_plain
        test    byte ptr [eax+NIF_CAPS], NIF_C_SG
        jz      .Lnot_plain
        mov     [esp+L_NIF], eax
        /* falls through: plain.inc goes on with this frame */
        jmp     tcp_plain_go_on

#include "whole_rare.inc"
endfunc tcp_send_whole
