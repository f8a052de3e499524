/* tcp_receive.S - the straight line: the frame that is most likely next, from the driver's hand to the user, in one go.
 * Four parts: validate, demultiplex, analyse, act. Here is the way of text that brings nothing else; whatever differs leaves it, is
 * looked for in demux.inc, gets action bits in analysed.inc and comes back, or is acted upon, by received.inc and, when it
 * acknowledges, acked.inc. Text with a timestamp has a line of its own in stamped.inc.
 * Until all of a segment is known to be good nothing is changed, so that .Lno can leave it to the layers at any time.
 * SPDX-License-Identifier: MIT */
#include "tcp.inc"
#include "plain.inc"
#define TOLD            12              /* the user's code may want a stack of whole 16 bytes */

/* To \no unless text, ecx bytes of it, is there and fits the window, and to .Lno unless it fits the buffers (tcp_short_of_buffers); no
 * zero flag: its sum is known to be right. */
.macro TEXT_FITS no=.Lno
        mov     eax, [edi+TCB_RCV_ADV]
        sub     eax, [edi+TCB_RCV_NXT]
        lea     edx, [ecx-1]                    /* none is more than any window */
        cmp     edx, eax
        jae     \no
        mov     edx, [ebx+PKT_POOL]
        mov     eax, [edx+POOL_N_FREE]
        cmp     eax, [edx+POOL_SHORT]
        jb      .Lno
        test    byte ptr [ebx+PKT_FLAGS], PKT_F_CSUM_OK
.endm
/* The user is told by ecx of what there is to read; to .Lreply, where its stack is given back, when he has answered. edx: tcp_state */
.macro TELL
        sub     esp, TOLD-4
        push    edi
        call    ecx
        mov     edx, [edi+TCB_TS]
        cmp     byte ptr [edi+TCB_TIMER_KIND], KIND_REPLY
        je      .Lreply
        add     esp, TOLD
.endm
/* To .Lno unless the sum is right: of what TCP has behind its ports, ecx bytes, and what the connection knows of the rest. */
.macro SUM_TCP
        movzx   eax, word ptr [esi+IP_LEN]
        add     eax, [edi+TCB_HDR_SUM]
        lea     edx, [esi+H_SEQ]
        call    dword ptr [cksum_way]
        mov     ebx, [esp+R_P]
        SUM_RIGHT eax, .Lno
.endm

/*
 * void netif_rx(struct netif *nif, struct pkt *p);
 *   in        [esp+4] nif, [esp+8] p as the driver has it: data at the link header, or at IP's with NETIF_L3
 *   out       p was consumed, by the straight line or by netif_rx_long
 *   clobbers  eax, ecx, edx, flags
 *
 * bool tcp_receive(struct netif *nif, struct pkt *p);
 *   in        the same
 *   out       eax = 1: p was consumed; 0: it is for netif_rx_long, and nothing was changed but nif->flow
 *   clobbers  ecx, edx, flags
 *
 * Registers: ebx p, esi IP header, edi connection, ebp nif, then flags and actions.
 */
func netif_rx
        push    ebx
        push    esi
        push    edi
        push    ebp
        mov     ebp, [esp+R_LEN]
        mov     ebx, [esp+R_P]
        movzx   ecx, word ptr [ebx+PKT_LEN]
        mov     [ebx+PKT_NIF], ebp
        inc     dword ptr [ebp+NIF_RX_PACKETS]
        add     [ebp+NIF_RX_BYTES], ecx
        adc     dword ptr [ebp+NIF_RX_BYTES+4], 0

/* --- validate -------------------------------------------------------------------------------------------------- */
.Lframe:                                        /* ecx: its length */
        mov     esi, [ebx+PKT_DATA]
        cmp     dword ptr [ebx+PKT_CHAIN], 0
        jne     .Lno
        mov     eax, [esi]                      /* link: to us, from one machine, IPv4 */
        mov     edx, [esi+4]
        cmp     eax, [ebp+NIF_MAC]
        jne     .Lno_link
        and     edx, 0x1ffff                    /* the rest of our address, and the bit of groups in the other one */
        cmp     edx, [ebp+NIF_MAC_REST]
        jne     .Lno_link
        cmp     word ptr [esi+12], ETHERTYPE_IP
        jne     .Lno
        add     esi, 14
        sub     ecx, 14
.Lip:
        mov     eax, [esi]                      /* version, length of header and datagram */
        cmp     al, IP_V4_20
        jne     .Lno
        movzx   edx, word ptr [esi+IP_LEN]
        rol     dx, 8
        cmp     edx, ecx                        /* signed: a short frame is below zero */
        jg      .Lno
        sub     edx, BOTH_HEADERS
        jb      .Lno
        mov     [esp+R_LEN], edx                /* text, and TCP's options */
        mov     ecx, [esi+IP_FRAG]              /* whole, and TCP */
        and     ecx, FRAG_PROTO
        cmp     ecx, 6 << 24
        jne     .Lno
        add     eax, [esi+IP_ID_FRAG]           /* the header's sum: five words and the carry of the carry */
        adc     eax, [esi+IP_TTL_SUM]
        adc     eax, [esi+IP_SRC]
        adc     eax, [esi+IP_DST]
        adc     eax, 0
        SUM_RIGHT eax, .Lno

/* --- demultiplex: the connection that this interface brought something for last, or by the hash (demux.inc) ------------ */
        mov     edi, [ebp+NIF_FLOW]
        mov     eax, [esi+H_PORTS]
        cmp     [edi+TCB_PORTS], eax
        jne     .Ldemux
        mov     ecx, [esi+IP_SRC]
        cmp     [edi+TCB_RADDR], ecx
        jne     .Ldemux
        mov     edx, [esi+IP_DST]
        cmp     [edi+TCB_LADDR], edx
        jne     .Ldemux
        mov     eax, [edi+TCB_WAY]              /* as .Lfound has it; and a slot that is free now predicts nothing */
        cmp     eax, [ebp+NIF_WAY]
        jne     .Ldemux

/* --- analyse: off, flags and window as predicted, PSH aside; numbers ---------------------------------------------- */
        mov     eax, [esi+H_OFF_WND]
        movzx   ebp, ax
        or      eax, FLAG_PSH << 8
        cmp     eax, [edi+TCB_PRED]
        jne     .Lflow_differs
.Lforetold:
        mov     eax, [esi+H_ACK]                /* SEG.ACK = SND.UNA */
        bswap   eax
        cmp     eax, [edi+TCB_SND_UNA]
        jne     .Lforetold_ack
        mov     eax, [esi+H_SEQ]                /* SEG.SEQ = RCV.NXT */
        bswap   eax
        sub     eax, [edi+TCB_RCV_NXT]
        jnz     .Lseq
        mov     ecx, [esp+R_LEN]
        TEXT_FITS
        jnz     .Lgood
        add     ecx, H_TS-H_SEQ
        SUM_TCP

/* --- act: the segment is what was expected ---------------------------------------------------------------------- */
.Lgood:
        mov     edx, [edi+TCB_TS]
.Ltext:                                         /* edx: tcp_state */
        mov     ecx, [edx+TS_ST]
        mov     ecx, [ecx+ST_NOW_MS]
        mov     [edi+TCB_LAST_RX_MS], ecx
.Lheard:
        mov     eax, [esp+R_LEN]
        inc     dword ptr [edx+TS_IN_SEGS]
        inc     dword ptr [edx+TS_DEPTH]
        mov     ecx, [edi+TCB_RCV_NXT]
        add     esi, BOTH_HEADERS
        mov     [edi+TCB_SND_WL1], ecx
        mov     [ebx+PKT_DATA], esi
        add     [edi+TCB_RCV_NXT], eax
        mov     [ebx+PKT_LEN], ax
        or      dword ptr [edi+TCB_FLAGS], F_BUSY
        cmp     [edi+TCB_RCV_MSS], ax
        jb      .Llargest
.Lmss:

        /* the buffer becomes the receive queue, or its end, and the user may read it */
        cmp     dword ptr [edi+TCB_RCV_QUEUED], 0
        jne     .Lappend
        mov     [edi+TCB_RCV_FIRST], ebx
        mov     [edi+TCB_RCV_QUEUED], eax
        mov     ecx, [edi+TCB_EV]
        mov     [edx+TS_LINE], ebx
        mov     ecx, [ecx+EV_READABLE]
        test    ecx, ecx
        jz      .Lunread
        TELL
.Lread:                                         /* edx: tcp_state */
        cmp     [ebx+PKT_NEXT], ebx
        jne     .Lunread

        /* tcp_consume left it to us. tcp_ack_policy: every second full segment at the end of the batch, else later */
        mov     ecx, [edi+TCB_RCV_NXT]
        movzx   esi, word ptr [edi+TCB_RCV_MSS]
        sub     ecx, [edi+TCB_RCV_ACKED]
        add     esi, esi
        cmp     ecx, esi
        jae     .Lread_and_due
        mov     eax, [ebx+PKT_POOL]
        mov     ecx, [eax+POOL_FREE]
        mov     byte ptr [ebx+PKT_REFS], 0
        mov     [ebx+PKT_NEXT], ecx
        mov     [eax+POOL_FREE], ebx
        inc     dword ptr [eax+POOL_N_FREE]
        mov     eax, [edi+TCB_RCV_ADV]          /* tcp_window_read, when less than half of it is left */
        sub     eax, [edi+TCB_RCV_NXT]
        add     eax, eax
        cmp     eax, [edi+TCB_RCV_SPACE]
        jbe     .Lwindow_read
        mov     eax, [edi+TCB_FLAGS]
.Lowed_later:
        test    eax, F_ACK_DELAYED
        jnz     .Lowing
        mov     ecx, [edi+TCB_LAST_RX_MS]       /* now */
        or      eax, F_ACK_DELAYED
        add     ecx, DELACK_MS
        mov     [edi+TCB_ACK_DUE], cx
        mov     [edi+TCB_FLAGS], eax
.Lowing:
        cmp     ebp, A_FIRST
        jae     .Lwritable
.Lleaving:                                      /* tcp_leave, when there is nothing to do: if an acknowledgement waits, it is listed; eax flags */
        xor     eax, F_IN_DELACK
        test    eax, F_DEAD | F_WANT_TX | F_ACK_NOW | F_IN_DELACK
        jnz     .Lleave_busy
        and     dword ptr [edi+TCB_FLAGS], ~F_BUSY
        dec     dword ptr [edx+TS_DEPTH]
.Lyes:
        LEAVE_RET 0

#include "demux.inc"
#include "stamped.inc"
#include "analysed.inc"
#include "acked.inc"
#include "received.inc"
#include "reply.inc"
endfunc netif_rx
