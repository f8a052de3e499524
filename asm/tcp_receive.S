/* tcp_receive.S - the straight line: the frame that is most likely next, from the driver's hand to the user, in one go.
 * Four parts: validate, demultiplex, analyse (which only sets action bits), act. Until all of a segment is known to be good
 * nothing is changed, so that .Lno can leave it to the layers at any time. What is rare is in analysed.inc and received.inc,
 * what an acknowledgement does in acked.inc.
 * SPDX-License-Identifier: MIT */
#include "tcp.inc"

/*
 * void netif_rx(struct netif *nif, struct pkt *p);
 *   in        [esp+4] nif, [esp+8] p as the driver has it: data at the link header, or at IP's with NETIF_L3
 *   out       p was consumed, by the straight line or by netif_rx_long
 *   clobbers  eax, ecx, edx, flags
 *
 * bool tcp_receive(struct netif *nif, struct pkt *p);
 *   in        the same
 *   out       eax = 1: p was consumed; 0: it is for netif_rx_long, and nothing was changed
 *   clobbers  ecx, edx, flags
 *
 * Registers: ebx p, esi IP header, edi connection (from .Lfound on), ebp nif, then flags and actions.
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
        test    byte ptr [ebp+NIF_CAPS], NIF_C_L3
        jnz     .Lip
        sub     ecx, 14                         /* link: to us, from one machine, IPv4 */
        mov     eax, [esi]
        mov     edx, [esi+4]
        cmp     eax, [ebp+NIF_MAC]
        jne     .Lno
        cmp     dx, [ebp+NIF_MAC+4]
        jne     .Lno
        test    edx, 0x10000
        jnz     .Lno
        cmp     word ptr [esi+12], ETHERTYPE_IP
        jne     .Lno
        add     esi, 14
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
        mov     ecx, [esi+IP_ID_FRAG]
        test    ecx, FRAG_BITS
        jnz     .Lno
        cmp     byte ptr [esi+IP_PROTO], 6
        jne     .Lno
        add     eax, ecx                        /* the header's sum: five words and the carry of the carry */
        adc     eax, [esi+IP_TTL_SUM]
        adc     eax, [esi+IP_SRC]
        adc     eax, [esi+IP_DST]
        adc     eax, 0
        SUM_RIGHT eax, .Lno

/* --- demultiplex: one probe by the keyed hash of engine.h's tcp_hash ------------------------------------------- */
        mov     edx, [ebp+NIF_ST]
        mov     edx, [edx+ST_TCP]
        mov     eax, [esi+IP_SRC]
        xor     eax, [esi+IP_DST]
        mov     ecx, [esi+H_PORTS]
        TCP_HASH eax, ecx, edx
        mov     ecx, [edx+TS_SHIFT]
        shr     eax, cl
        mov     ecx, [edx+TS_BUCKET]
        mov     edi, [ecx+eax*4]
        mov     ecx, [esi+H_PORTS]
        mov     eax, [esi+IP_SRC]
        mov     edx, [esi+IP_DST]
.Lchain:
        test    edi, edi
        jz      .Lnobody
        cmp     [edi+TCB_PORTS], ecx
        jne     .Lother
        cmp     [edi+TCB_RADDR], eax
        jne     .Lother
        cmp     [edi+TCB_LADDR], edx
        je      .Lfound
.Lother:
        mov     edi, [edi+TCB_NEXT]
        jmp     .Lchain
.Lfound:                                        /* its link header is good, so its addresses still are, too; no time-outs, and ... */
        mov     eax, [edi+TCB_WAY]              /* ... nothing unusual about the interface */
        cmp     eax, [ebp+NIF_WAY]
        jne     .Lno

/* --- analyse: off, flags and window as predicted, PSH aside; numbers ---------------------------------------------- */
        mov     eax, [esi+H_OFF_WND]
        movzx   ebp, ax
        or      eax, FLAG_PSH << 8
        cmp     eax, [edi+TCB_PRED]
        jne     .Ldiffers
.Lforetold:
        test    dword ptr [edi+TCB_FLAGS], F_TS | F_ECN | F_FIN_QUEUED | F_URG_TX
        jnz     .Lextras
.Lplain:
        mov     eax, [esi+H_ACK]                /* SND.UNA <= SEG.ACK <= SND.NXT */
        bswap   eax
        sub     eax, [edi+TCB_SND_UNA]
        jnz     .Lnew_ack
.Lnumbers:
        mov     eax, [esi+H_SEQ]                /* SEG.SEQ = RCV.NXT */
        bswap   eax
        sub     eax, [edi+TCB_RCV_NXT]
        jnz     .Lseq
        mov     eax, [esp+R_LEN]
        test    eax, eax
        jz      .Lno_text
        mov     edx, [edi+TCB_RCV_ADV]          /* fits the window */
        sub     edx, [edi+TCB_RCV_NXT]
        cmp     eax, edx
        ja      .Lno
        mov     ecx, [ebx+PKT_POOL]             /* tcp_short_of_buffers */
        mov     edx, [ecx+POOL_N_TOTAL]
        shr     edx, 4
        cmp     [ecx+POOL_N_FREE], edx
        jb      .Lno
        test    byte ptr [ebx+PKT_FLAGS], PKT_F_CSUM_OK
        jnz     .Lgood
        movzx   eax, word ptr [esi+IP_LEN]      /* addresses, header and text in one; the rest of the pseudo header */
        mov     ecx, eax
        add     eax, PSEUDO
        rol     cx, 8
        sub     ecx, IP_SRC
        lea     edx, [esi+IP_SRC]
.Lsum_all:
        call    dword ptr [cksum_way]
        mov     ebx, [esp+R_P]
.Lsummed:
        SUM_RIGHT eax, .Lno
.Lgood:

/* --- act: the segment is what was expected ---------------------------------------------------------------------- */
        mov     edx, [edi+TCB_TS]
        cmp     ebp, A_FIRST
        jae     .Lacts
.Lact:                                          /* edx: tcp_state */
        mov     ecx, [edx+TS_ST]
        inc     dword ptr [edx+TS_IN_SEGS]
        mov     ecx, [ecx+ST_NOW_MS]
        mov     eax, [edi+TCB_RCV_NXT]
        mov     [edi+TCB_LAST_RX_MS], ecx
        mov     [edi+TCB_SND_WL1], eax
        cmp     dword ptr [edi+TCB_SND_QUEUED], 0
        jne     .Lqueued
.Lno_more:
        mov     eax, [esp+R_LEN]
        test    eax, eax
        jz      .Lbare

        /* text: the buffer becomes the receive queue, or its end */
        inc     dword ptr [edx+TS_DEPTH]
        or      dword ptr [edi+TCB_FLAGS], F_BUSY
        lea     ecx, [esi+BOTH_HEADERS]
        WHEN    A_STAMP | A_FIN, .Ltext_rare
.Ltext:
        mov     edx, [edi+TCB_RCV_NXT]
        mov     [ebx+PKT_DATA], ecx
        mov     [ebx+PKT_LEN], ax
        add     edx, eax
        mov     [edi+TCB_RCV_NXT], edx
        cmp     dword ptr [edi+TCB_RCV_LAST], 0
        jne     .Lappend
        mov     dword ptr [ebx+PKT_NEXT], 0
        mov     [edi+TCB_RCV_FIRST], ebx
        mov     [edi+TCB_RCV_LAST], ebx
        mov     [edi+TCB_RCV_QUEUED], eax
        TEST_FLAG PSH, .Lpushed
.Lpolicy:
        /* tcp_ack_policy: every second full segment at the end of the batch, else later; edx RCV.NXT, eax bytes of text */
        movzx   ecx, word ptr [edi+TCB_RCV_MSS]
        cmp     eax, ecx
        ja      .Llargest
.Lmss:
        mov     eax, [edi+TCB_FLAGS]
        sub     edx, [edi+TCB_RCV_ACKED]
        lea     ecx, [ecx+ecx]
        cmp     edx, ecx
        jae     .Lack_now
        test    eax, F_ACK_DELAYED
        jnz     .Ltell
        mov     edx, [edi+TCB_LAST_RX_MS]       /* now */
        or      eax, F_ACK_DELAYED
        add     edx, DELACK_MS
        mov     [edi+TCB_FLAGS], eax
        mov     [edi+TCB_ACK_DUE], dx
.Ltell:
        mov     ecx, [edi+TCB_EV]
        test    eax, F_PSH_MESSAGE | F_USER_CLOSED | F_DEAD
        jnz     .Ltell_maybe
        mov     ecx, [ecx+EV_READABLE]
        test    ecx, ecx
        jz      .Lleave
        CALL_T  ecx
.Lleave:
        cmp     ebp, A_FIRST
        jae     .Lwritable
.Lleaving:
        mov     eax, [edi+TCB_FLAGS]            /* tcp_leave, when there is nothing to do */
        mov     edx, [edi+TCB_TS]
        test    eax, F_DEAD | F_WANT_TX | F_ACK_NOW
        jnz     .Lleave_busy
        test    eax, F_IN_DELACK
        jz      .Llisted
.Lowed:
        and     eax, ~F_BUSY
.Lleft:
        mov     [edi+TCB_FLAGS], eax
        dec     dword ptr [edx+TS_DEPTH]
.Lyes:
        LEAVE_RET 0

#include "analysed.inc"
#include "acked.inc"
#include "received.inc"
endfunc netif_rx
