/* whole.S - the usual reply: nothing is outstanding, and all that is queued, the FIN behind it too, goes out as one segment whose
 * sums are known. Ends in plain.inc. What is rare is in whole_rare.inc.
 * SPDX-License-Identifier: MIT */
#include "tcp.inc"

#define UNUSUAL         (F_CORK | F_ECN | F_URG_TX | F_ACK_ON_READ | F_NO_DF | F_NO_PMTUD)

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

/*
 * bool tcp_send_whole(struct tcb *t);
 *   in        [esp+4] t
 *   out       eax = 1: sent; 0: it is for tx.c, and nothing was changed but for a window that lay idle (cc_idle)
 *   clobbers  ecx, edx, flags
 */
func tcp_send_whole
        ENTER
        mov     edi, [esp+L_ARGS]
        mov     dword ptr [esp+L_ELSE], offset .Lnot_whole
        mov     eax, [edi+TCB_FLAGS]

/*
 * tcp_whole_go_on: the same for who has ENTERed; returns from there with eax = 1 when it was sent, else jumps to [esp+L_ELSE].
 *   in        edi t, eax its flags
 *
 * Registers: edi t, esi SND.NXT before, ebx bytes of sequence space, then p, ebp the stack.
 */
        .globl  tcp_whole_go_on
tcp_whole_go_on:

/* --- is it the usual? ------------------------------------------------------------------------------------------- */
        mov     ecx, [edi+TCB_SND_QUEUED]
        movzx   edx, word ptr [edi+TCB_MSS]
        cmp     dword ptr [edi+TCB_FLIGHT], 0
        jne     .Lno
        lea     ebx, [ecx-1]
        cmp     ebx, edx                        /* 1 to MSS bytes */
        mov     ebx, ecx
        jae     .Lno
        mov     dword ptr [esp+L_FLAGS], 0x50000000 + ((FLAG_ACK | FLAG_PSH) << 16)
        test    eax, UNUSUAL | F_FIN_QUEUED
        jnz     .Lflags
.Lflagged:
        mov     esi, [edi+TCB_SND_NXT]
        cmp     ebx, [edi+TCB_SND_WND]
        ja      .Lno
        cmp     esi, [edi+TCB_SND_UNA]
        jne     .Lno
        cmp     byte ptr [edi+TCB_STATE], BYTE_ESTABLISHED
        jne     .Lstate
.Lopen:
        mov     edx, [edi+TCB_SND_FIRST]
        mov     [esp+L_LEN], ebx
        mov     eax, [edi+TCB_TS]
        cmp     byte ptr [edx+ENT_HAS_SUM], 0
        je      .Lno
        mov     ebp, [eax+TS_ST]
        cmp     dword ptr [edx+ENT_NEXT], 0
        jne     .Ltwo
.Lpieces:
        mov     edx, [ebp+ST_NOW_MS]
        sub     edx, [edi+TCB_LAST_TX_MS]
        cmp     edx, [edi+TCB_RTO_MS]
        ja      .Lidle
.Lfresh:
        cmp     ecx, [edi+TCB_CWND]
        ja      .Lno
        cmp     dword ptr [eax+TS_FLIGHTS], 0
        je      .Lno
        PKT_TAKE ebp, .Lempty, 1

/* --- what is outstanding from now on: a flight with one run ----------------------------------------------------- */
        mov     ecx, [edi+TCB_TS]
        mov     eax, [ecx+TS_FLIGHTS]
        dec     dword ptr [ecx+TS_FLIGHTS+CELL_N_FREE]
        mov     edx, [eax]
        mov     [edi+TCB_FLIGHT], eax
        mov     [ecx+TS_FLIGHTS], edx
        lea     edx, [eax+FLY_ONE]
        xor     ecx, ecx
        mov     [eax+FLY_FIRST], edx
        mov     [eax+FLY_LAST], edx
        mov     [eax+FLY_ONE+SENT_NEXT], ecx
        mov     [eax+FLY_ONE+SENT_FLAGS], cx
        mov     edx, [ebp+ST_NOW_US]
        mov     dword ptr [eax+FLY_CALM], 0x00010001 /* calm, not limited, one quarter */
        mov     [eax+FLY_ONE+SENT_TX_US], edx
        mov     edx, [edi+TCB_SND_FIRST]
        mov     ecx, [edi+TCB_SND_QUEUED]
        mov     [eax+FLY_CUR], edx
        mov     [eax+FLY_CUR_OFF], ecx
        mov     edx, [esp+L_LEN]
        mov     [eax+FLY_RECOVER], esi
        mov     [eax+FLY_FACK], esi
        add     edx, esi
        mov     [eax+FLY_TLP_END], esi
        mov     [eax+FLY_ONE+SENT_SEQ], esi
        mov     [edi+TCB_SND_NXT], edx
        cmp     cx, [edi+TCB_MSS]
        mov     [eax+FLY_ONE+SENT_END], edx
        je      .Lfull
.Lsmall:
        mov     [eax+FLY_SMALL_END], edx
        add     ecx, BOTH_HEADERS
        mov     eax, [ebp+ST_NOW_MS]
        mov     [esp+L_TOTAL], ecx
        mov     [edi+TCB_PROGRESS_MS], eax
        mov     [edi+TCB_LAST_TX_MS], eax

/* --- the timer: RFC 8985 7.2's probe, or the time-out ----------------------------------------------------------- */
        test    byte ptr [esp+L_FLAGS+2], FLAG_FIN
        jnz     .Lfin
        test    dword ptr [edi+TCB_FLAGS], F_SACK
        jz      .Ltimeout
        mov     eax, [edi+TCB_SRTT_US]
        test    eax, eax
        jz      .Ltimeout
        cmp     byte ptr [edi+TCB_RETRIES], 0
        jne     .Ltimeout
        shr     eax, 2                          /* two round trips ... */
        mov     edx, 0x10624dd3                 /* ... in milliseconds: / 1000 is * 2^38/1000 / 2^38 */
        mul     edx
        shr     edx, 6
        add     edx, WORST_DELACK_MS + 1        /* one segment is outstanding; never less than TLP_MIN_MS */
.Lprobe:
        cmp     edx, [edi+TCB_RTO_MS]
        jae     .Ltimeout
        mov     byte ptr [edi+TCB_TIMER_KIND], KIND_TLP
.Larm:
        add     edx, [ebp+ST_NOW_MS]
        mov     [edi+TCB_DUE_MS], edx
        cmp     dword ptr [edi+TCB_TIMER_PPREV], 0
        je      .Lset
        mov     eax, edx
        sub     eax, [edi+TCB_TIMER_DUE]
        js      .Lset                           /* it runs, and would be late */
.Larmed:

/* --- the pieces, and away --------------------------------------------------------------------------------------- */
        mov     edx, [edi+TCB_SND_FIRST]
        PIECE   FRAG0
        mov     eax, [edx+ENT_SUM]
        mov     edx, [edx+ENT_NEXT]
        test    edx, edx
        jnz     .Lsecond
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
