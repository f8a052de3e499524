/* whole.S - the usual reply: nothing is outstanding, and all that is queued, the FIN behind it too, goes out as one segment whose
 * sums are known. Ends in tcp_respond.S.
 * SPDX-License-Identifier: MIT */
#include "tcp.inc"

/* Locals beside those of tcp.inc, until tcp_respond_go_on takes the frame over. */
#define L_TEXT          16              /* bytes of text */
#define L_END           20              /* what they and FIN take of the sequence space; then the partial sum of the text */

/* Entry edx becomes ebx's piece at `frag`, of n by now. ecx becomes its length; spoils eax. */
.macro PIECE frag, n
        mov     eax, [edx+ENT_PTR]
        mov     ecx, [edx+ENT_LEN]
        mov     [ebx+\frag], eax
        mov     eax, [edx+ENT_HOLD]
        mov     [ebx+\frag+FRAG_LEN], ecx
        mov     [ebx+\frag+FRAG_HOLD], eax
        mov     byte ptr [ebx+PKT_NFRAG], \n
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
 *
 * Registers: edi t, esi SND.NXT before, ebx p once there is one, ebp the stack.
 */
func tcp_send_whole
        ENTER
        mov     edi, [esp+L_ARGS]

/* --- is it the usual? ------------------------------------------------------------------------------------------- */
        mov     ecx, [edi+TCB_SND_QUEUED]
        cmp     dword ptr [edi+TCB_FLIGHT], 0
        jne     .Lno
        test    ecx, ecx
        jz      .Lno
        movzx   edx, word ptr [edi+TCB_MSS]
        mov     eax, [edi+TCB_FLAGS]
        cmp     ecx, edx
        ja      .Lno
        test    eax, F_CORK | F_ECN | F_URG_TX
        jnz     .Lno
        mov     [esp+L_TEXT], ecx
        test    eax, F_FIN_QUEUED
        jz      .Lno_fin
        inc     ecx
.Lno_fin:
        cmp     ecx, [edi+TCB_SND_WND]
        ja      .Lno
        mov     [esp+L_END], ecx
        mov     al, [edi+TCB_STATE]
        cmp     al, BYTE_ESTABLISHED
        jne     .Lstate
.Lopen:
        mov     esi, [edi+TCB_SND_NXT]
        mov     edx, [edi+TCB_SND_FIRST]
        cmp     esi, [edi+TCB_SND_UNA]
        jne     .Lno
        cmp     byte ptr [edx+ENT_HAS_SUM], 0
        je      .Lno
        mov     eax, [edx+ENT_NEXT]
        mov     ecx, [edi+TCB_TS]
        test    eax, eax
        jnz     .Ltwo
.Lpieces:
        mov     ebp, [ecx+TS_ST]
        mov     eax, [ebp+ST_NOW_MS]
        sub     eax, [edi+TCB_LAST_TX_MS]
        cmp     eax, [edi+TCB_RTO_MS]
        ja      .Lidle
.Lfresh:
        mov     eax, [esp+L_TEXT]
        cmp     eax, [edi+TCB_CWND]
        ja      .Lno
        cmp     dword ptr [ecx+TS_CELLS], 0
        je      .Lno
        cmp     dword ptr [ecx+TS_FLIGHTS], 0
        je      .Lno
        PKT_ALLOC ebp, .Lempty

/* --- what is outstanding from now on: a flight with one run ----------------------------------------------------- */
        mov     ecx, [edi+TCB_TS]
        mov     edx, [ecx+TS_CELLS]             /* the run */
        mov     eax, [edx]
        mov     [ecx+TS_CELLS], eax
        dec     dword ptr [ecx+TS_CELLS+CELL_N_FREE]
        mov     dword ptr [edx+SENT_NEXT], 0
        mov     [edx+SENT_SEQ], esi
        mov     eax, [esp+L_END]
        add     eax, esi
        mov     [edx+SENT_END], eax
        mov     [edi+TCB_SND_NXT], eax
        mov     eax, [ebp+ST_NOW_US]
        mov     [edx+SENT_TX_US], eax
        mov     word ptr [edx+SENT_FLAGS], 0
        mov     eax, [ecx+TS_FLIGHTS]
        dec     dword ptr [ecx+TS_FLIGHTS+CELL_N_FREE]
        mov     [edi+TCB_FLIGHT], eax
        push    [eax]
        pop     [ecx+TS_FLIGHTS]
        mov     [eax+FLY_FIRST], edx
        mov     [eax+FLY_LAST], edx
        mov     edx, [edi+TCB_SND_FIRST]
        mov     ecx, [esp+L_TEXT]
        mov     [eax+FLY_CUR], edx
        mov     [eax+FLY_CUR_OFF], ecx
        mov     word ptr [eax+FLY_CALM], 1
        mov     byte ptr [eax+FLY_REO_MULT], 1
        mov     [eax+FLY_SMALL_END], esi
        mov     [eax+FLY_RECOVER], esi
        mov     [eax+FLY_FACK], esi
        mov     [eax+FLY_TLP_END], esi
        cmp     cx, [edi+TCB_MSS]
        je      .Lfull
        mov     ecx, [edi+TCB_SND_NXT]
        mov     [eax+FLY_SMALL_END], ecx
.Lfull:
        mov     ecx, [ebp+ST_NOW_MS]
        mov     [edi+TCB_PROGRESS_MS], ecx
        mov     [edi+TCB_LAST_TX_MS], ecx

/* --- the timer: RFC 8985 7.2's probe, or the time-out ----------------------------------------------------------- */
        test    dword ptr [edi+TCB_FLAGS], F_FIN_QUEUED
        jnz     .Lfin
.Lnamed:
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
        inc     edx
        movzx   eax, word ptr [edi+TCB_MSS]
        cmp     [esp+L_END], eax
        ja      .Lnot_one
        add     edx, WORST_DELACK_MS
.Lnot_one:
        cmp     edx, TLP_MIN_MS
        jb      .Lleast
.Lprobe:
        mov     eax, KIND_TLP
        cmp     edx, [edi+TCB_RTO_MS]
        jae     .Ltimeout
.Larm:
        mov     [edi+TCB_TIMER_KIND], al
        add     edx, [ebp+ST_NOW_MS]
        mov     [edi+TCB_DUE_MS], edx
        cmp     dword ptr [edi+TCB_TIMER_PPREV], 0
        je      .Lset
        mov     eax, [edi+TCB_TIMER_DUE]
        sub     eax, edx
        jz      .Larmed
        jns     .Lset                           /* it runs, and would be late */
.Larmed:

/* --- the pieces, and away --------------------------------------------------------------------------------------- */
        mov     edx, [edi+TCB_SND_FIRST]
        PIECE   FRAG0, 1
        mov     eax, [edx+ENT_SUM]
        mov     edx, [edx+ENT_NEXT]
        test    edx, edx
        jnz     .Lsecond
.Lreferred:
        mov     ecx, FLAG_ACK | FLAG_PSH
        test    dword ptr [edi+TCB_FLAGS], F_FIN_QUEUED
        jz      .Lflags
        or      ecx, FLAG_FIN
.Lflags:
        mov     edx, [esp+L_TEXT]
        /* falls through: tcp_respond.S goes on with this frame, and returns 1 for us */
        jmp     tcp_respond_go_on

.Lno:
        xor     eax, eax
        LEAVE_RET

/* --- what is rare ------------------------------------------------------------------------------------------------ */
.Lempty:
        inc     dword ptr [ebp+ST_PKTS+POOL_DROP_EMPTY]
        jmp     .Lno

.Lstate:
        cmp     al, BYTE_CLOSE_WAIT
        je      .Lopen
        jmp     .Lno

.Ltwo:
        cmp     byte ptr [eax+ENT_HAS_SUM], 0
        je      .Lno
        cmp     dword ptr [eax+ENT_NEXT], 0
        je      .Lpieces
        jmp     .Lno

.Lidle:
        push    edi
        call    cc_idle
        pop     edi
        mov     ecx, [edi+TCB_TS]
        jmp     .Lfresh

.Lfin:
        sub     esp, 12
        push    EVENT_SEND_FIN
        push    edi
        call    tcp_set_state
        add     esp, 20
        jmp     .Lnamed

.Ltimeout:
        mov     eax, KIND_RTX
        mov     edx, [edi+TCB_RTO_MS]
        jmp     .Larm

.Lleast:
        mov     edx, TLP_MIN_MS
        jmp     .Lprobe

.Lset:
        sub     esp, 8
        push    edx
        lea     eax, [edi+TCB_TIMER]
        push    eax
        lea     eax, [ebp+ST_WHEEL]
        push    eax
        call    timer_set
        add     esp, 20
        jmp     .Larmed

        /* the second piece, edx; eax the first one's sum, ecx its length */
.Lsecond:
        push    eax
        push    ecx
        PIECE   FRAG1, 2
        pop     ecx
        pop     eax
        mov     edx, [edx+ENT_SUM]
        test    cl, 1
        jz      .Leven
        FOLD    edx, dx, ecx, cx                /* cksum_odd: the bytes change places */
        movzx   edx, dx
        rol     dx, 8
.Leven:
        add     eax, edx
        adc     eax, 0
        jmp     .Lreferred
endfunc tcp_send_whole
