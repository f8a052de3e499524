/* last.S - the straight line of the segment that ends a connection whose user let go: what it holds goes back, its TIME_WAIT
 * entry is written, its slot is free. Nothing is changed before all of the segment is known to be good. What is rare is in
 * last_rare.inc.
 * SPDX-License-Identifier: MIT */
#include "tcp.inc"

/* The frame on the stack: arguments of what is called, locals, then netif_rx's frame (tcp.inc). */
#define E_NUMBER        28              /* of its bucket */
#define E_SIZE          44
#define E_LEN           (E_SIZE+R_LEN)  /* bytes of options */

/* [esp+E_NUMBER], and edx, become the number of t's bucket; spoils ecx. */
.macro NAMES_NUMBER
        mov     edx, [edi+TCB_RADDR]
        mov     ecx, [edi+TCB_PORTS]
        xor     edx, [edi+TCB_LADDR]
        TCP_BUCKET edx, ebp
        mov     [esp+E_NUMBER], edx
.endm

/*
 * bool tcp_last_arrives(struct pkt *p, struct tcb *t, const u32_any *ip, u32 n);
 *   in        [esp+4] p, [esp+8] its connection, [esp+12] its IP header, valid and without options, [esp+16] n bytes of TCP, a
 *             header alone with ACK, perhaps FIN, and no other flag
 *   out       eax = 1: p was consumed, and t is gone; 0: it is for the layers, and nothing was changed
 *   clobbers  ecx, edx, flags
 *
 * tcp_last_go_on: the same for netif_rx, with its frame; returns from there, or goes to tcp_receive_no.
 *   in        ebx p, esi IP header, edi t, [esp+R_LEN] bytes of options
 *
 * Registers: edi t, ebx p, ebp tcp_state; esi IP header, then the TIME_WAIT entry.
 */
func tcp_last_arrives
        BY_C
        mov     ecx, [esp+R_MORE+4]
        mov     ebx, [esp+R_LEN]
        sub     ecx, 20
        mov     edi, [esp+R_P]
        mov     esi, [esp+R_MORE]
        mov     [esp+R_LEN], ecx
        mov     [esp+R_P], ebx

        .globl  tcp_last_go_on
tcp_last_go_on:
        sub     esp, E_SIZE

/* --- is it the last? ------------------------------------------------------------------------------------------------ */
        mov     eax, [edi+TCB_FLAGS]
        mov     ecx, [edi+TCB_RCV_QUEUED]
        and     eax, F_USER_CLOSED | F_UNUSUAL_END
        or      ecx, [edi+TCB_REASM]
        cmp     eax, F_USER_CLOSED
        jne     .Lno
        or      cx, [edi+TCB_CONV]
        test    ecx, ecx
        jnz     .Lno
        mov     al, [edi+TCB_STATE]
        test    byte ptr [esi+H_OFF_WND+1], FLAG_FIN
        jz      .Lack_alone
        cmp     al, BYTE_FIN_WAIT_1
        je      .Lstate
        cmp     al, BYTE_FIN_WAIT_2
        jne     .Lno
.Lstate:
        mov     eax, [esi+H_SEQ]
        mov     ecx, [esi+H_ACK]
        bswap   eax
        bswap   ecx
        cmp     eax, [edi+TCB_RCV_NXT]
        jne     .Lno
        cmp     ecx, [edi+TCB_SND_NXT]
        jne     .Lno
        cmp     eax, [edi+TCB_RCV_ADV]
        je      .Lno
        mov     eax, [esp+E_LEN]
        test    dword ptr [edi+TCB_FLAGS], F_TS
        jnz     .Lts
        test    eax, eax
        jnz     .Lno
.Lstamp_right:                                  /* eax: the options' sum */
        test    byte ptr [ebx+PKT_FLAGS], PKT_F_CSUM_OK
        jnz     .Lgood
        HEADER_RIGHT eax, edx, .Lno
.Lgood:

/* --- everything is acknowledged: the queue's entries and the records of what was sent go back ----------------------- */
        mov     ebp, [edi+TCB_TS]
        cmp     dword ptr [esp+E_LEN], 0
        jne     .Lstamp
.Lstamped:
        inc     dword ptr [ebp+TS_IN_SEGS]
        mov     edx, [edi+TCB_FLIGHT]
        mov     eax, [edi+TCB_SND_NXT]
        test    edx, edx
        jnz     .Lflight
        cmp     eax, [edi+TCB_SND_UNA]
        je      .Llanded
        inc     dword ptr [ebp+TS_FLIGHTS+CELL_N_FREE] /* outstanding without a flight: a calm run promised one ... */
        cmp     byte ptr [edi+TCB_TIMER_KIND], KIND_REPLIED
        jne     .Lone_promised
        inc     dword ptr [ebp+TS_CELLS+CELL_N_FREE] /* ... and what the connection keeps a cell, too */
.Lone_promised:
        mov     byte ptr [edi+TCB_TIMER_KIND], KIND_NONE
.Llanded:                                       /* eax: SND.NXT */
        mov     edx, [edi+TCB_SND_FIRST]
        mov     [edi+TCB_SND_UNA], eax
        mov     dword ptr [edi+TCB_SND_QUEUED], 0
        test    edx, edx
        jz      .Lqueue_free
.Lqueue:
        cmp     dword ptr [edx+ENT_HOLD], 0
        jne     .Lheld
.Lreleased:
        mov     ecx, [ebp+TS_CELLS]
        mov     eax, [edx+ENT_NEXT]
        mov     [edx], ecx
        mov     [ebp+TS_CELLS], edx
        inc     dword ptr [ebp+TS_CELLS+CELL_N_FREE]
        mov     edx, eax
        test    eax, eax
        jnz     .Lqueue
        mov     [edi+TCB_SND_FIRST], eax
.Lqueue_free:

/* --- both FINs are acknowledged, theirs in the buffer that it came in ----------------------------------------------- */
        test    byte ptr [esi+H_OFF_WND+1], FLAG_FIN
        mov     byte ptr [edi+TCB_STATE], BYTE_TIME_WAIT
        jz      .Lack_of_fin
        or      dword ptr [edi+TCB_FLAGS], F_EOF
        inc     dword ptr [edi+TCB_RCV_NXT]
        mov     dword ptr [ebx+PKT_FLAGS], 0    /* and gso */
        call    .Lanswer
.Lanswered:

/* --- who closed first waits (timewait_enter) ------------------------------------------------------------------------ */
        NAMES_NUMBER
        test    dword ptr [edi+TCB_FLAGS], F_ACTIVE_CLOSE
        jz      .Lwaited
        mov     eax, [ebp+TS_TW_COUNT]
        cmp     eax, [ebp+TS_N_TW]
        jae     .Lring_full
        mov     esi, [ebp+TS_TW_FIRST]
        OTHERS  edx, ebp
        add     esi, eax
        inc     eax
        mov     [ebp+TS_TW_COUNT], eax
        cmp     esi, [ebp+TS_N_TW]
        jae     .Lring_around
.Lring:
        mov     eax, [edx+OTHERS_TW]            /* index + 1 in the chain; both below 2^20 */
        lea     ecx, [esi+1]
        shl     esi, 5
        mov     [edx+OTHERS_TW], ecx
        add     esi, [ebp+TS_TW]
        test    dword ptr [edi+TCB_FLAGS], F_TS
        jnz     .Lring_ts
.Lring_flags:
        movzx   edx, word ptr [edi+TCB_TIMEWAIT_CS]
        lea     ecx, [edx+63]                   /* 2 MSL in units of 640 ms */
        shr     ecx, 6
        cmp     ecx, 511
        ja      .Lwait_most
.Lwait:
        shl     ecx, 23
        test    dword ptr [edi+TCB_FLAGS], F_ACTIVE_OPEN
        jnz     .Lring_active
.Lring_passive:
        lea     eax, [eax+ecx+(1<<21)]          /* live */
        imul    edx, edx, 10
        mov     [esi+TW_BITS], eax
        mov     ecx, [ebp+TS_ST]
        mov     eax, [edi+TCB_RADDR]
        add     edx, [ecx+ST_NOW_MS]
        mov     ecx, [edi+TCB_LADDR]
        mov     [esi+TW_DUE_MS], edx
        mov     [esi+TW_RADDR], eax
        mov     [esi+TW_LADDR], ecx
        mov     edx, [edi+TCB_PORTS]
        mov     eax, [edi+TCB_RCV_NXT]
        mov     ecx, [edi+TCB_SND_NXT]
        mov     [esi+TW_PORTS], edx
        mov     [esi+TW_RCV_NXT], eax
        mov     [esi+TW_SND_NXT], ecx
        mov     edx, [edi+TCB_TS_RECENT]
        mov     [esi+TW_TS_RECENT], edx
        cmp     dword ptr [ebp+TS_TW_TIMER_PPREV], 0
        je      .Ltw_timer
.Lwaited:

/* --- the user is told once (tcp_finish), and the slot is free (tcb_free) -------------------------------------------- */
        mov     ecx, [edi+TCB_EV]
        or      dword ptr [edi+TCB_FLAGS], F_DEAD
        mov     dword ptr [edi+TCB_EV], offset tcp_no_events
        mov     ecx, [ecx+EV_CLOSED]
        test    ecx, ecx
        jnz     .Ltell
.Ltold:
        mov     edx, [edi+TCB_TIMER_PPREV]
        test    edx, edx
        jz      .Lstopped
        mov     eax, [edi+TCB_TIMER]            /* timer_stop */
        mov     ecx, [ebp+TS_ST]
        mov     [edx], eax
        mov     dword ptr [edi+TCB_TIMER_PPREV], 0
        dec     dword ptr [ecx+ST_WHEEL_RUNNING]
        test    eax, eax
        jnz     .Lnext_timer
.Lstopped:
        test    dword ptr [edi+TCB_FLAGS], F_TFO_ACCEPTED | F_QUEUED | F_IN_DELACK
        jnz     .Llisted
.Lunlisted:
        mov     edx, [esp+E_NUMBER]
        mov     ecx, [ebp+TS_BUCKET]
        lea     edx, [ecx+edx*4]
        mov     eax, [edi+TCB_NEXT]
.Lchain:
        mov     ecx, [edx]
        cmp     ecx, edi
        jne     .Lother
        mov     [edx], eax
        mov     ecx, [ebp+TS_FREE_TCB]
        mov     dword ptr [edi+TCB_PORTS], 0
        mov     byte ptr [edi+TCB_STATE], 0
        mov     [edi+TCB_NEXT], ecx
        mov     [ebp+TS_FREE_TCB], edi
        dec     dword ptr [ebp+TS_N_TCBS]
        LEAVE_RET E_SIZE
#include "last_rare.inc"
endfunc tcp_last_arrives
