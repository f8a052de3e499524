/* tcp_respond.S - a segment's headers, TCP's to the link's, from what the connection keeps ready; sums adjusted, not recomputed.
 * What is rare is in responded.inc; the usual segments of whole.S and ack_bare.inc are plain.inc's.
 * SPDX-License-Identifier: MIT */
#include "tcp.inc"

#include "plain.inc"
#include "ack_bare.inc"
        PLAIN   bare

.Lbare_stamp:
        mov     dword ptr [esp+L_FLAGS], BARE_FLAGS
        mov     dword ptr [esp+L_SUM], 0        /* no text, no sum of it */
        mov     dword ptr [esp+L_TOTAL], BOTH_HEADERS

        .globl  tcp_plain_go_on
tcp_plain_go_on:
        PLAIN   text
        ACK_BARE_RARE

        /* eax: window field, stays; three words more, everywhere. ecx becomes RCV.NXT again */
        .globl  tcp_stamp_go_on                 /* of reply.inc, too */
tcp_stamp_go_on:
.Ltext_stamp:
        mov     ecx, [ebp+ST_NOW_MS]
        add     ecx, [edi+TCB_TS_OFF]
        mov     esi, [edx+END-16]
        add     dword ptr [esp+L_FLAGS], 0x30000000
        bswap   ecx
        add     dword ptr [esp+L_TOTAL], 12
        mov     [edx+END-28], esi
        mov     dword ptr [edx+END-12], TS_WORD
        mov     [edx+END-8], ecx
        add     [esp+L_SUM], ecx
        mov     ecx, [edi+TCB_TS_RECENT]
        bswap   ecx
        mov     [edx+END-4], ecx
        adc     [esp+L_SUM], ecx
        adc     dword ptr [esp+L_SUM], TS_WORD
        mov     ecx, [edi+TCB_RCV_NXT]
        adc     dword ptr [esp+L_SUM], 0
        mov     word ptr [ebx+PKT_LEN], 66
        sub     edx, 12
        jmp     .Ltext_stamped
endfunc tcp_ack_bare

/*
 * void tcp_respond(struct tcb *t, struct pkt *p, u32 seq, u32 flags, u32 len, u32 sum);
 *   in        [esp+4] t, [esp+8] p (its bytes, frags included, are `len` bytes of options and text), [esp+12] seq,
 *             [esp+16] flags of TCP in the low 8 bits and enum tcp_respond_flag, [esp+20] len, [esp+24] partial sum of the bytes
 *   out       p was sent (consumed), what it says about acknowledgement and window is noted
 *   clobbers  eax, ecx, edx, flags
 *
 * Registers: ebx p, edi connection, ebp nif, esi first seq, then the sum; edx where TCP's header ends.
 */
func tcp_respond
        ENTER
        mov     edi, [esp+L_ARGS]
        mov     ebx, [esp+L_ARGS+4]
        mov     esi, [esp+L_ARGS+8]
        mov     ecx, [esp+L_ARGS+12]
        mov     edx, [esp+L_ARGS+16]
        mov     eax, [esp+L_ARGS+20]

/*
 * tcp_respond_go_on: the same for who has ENTERed; returns from there.
 *   in        edi t, ebx p, esi seq, ecx flags, edx len, eax sum
 */
        .globl  tcp_respond_go_on
tcp_respond_go_on:
        mov     [esp+L_SUM], eax
        mov     [esp+L_FLAGS], ecx
        mov     [esp+L_LEN], edx

/* --- is the short way open? -------------------------------------------------------------------------------------- */
        mov     eax, [edi+TCB_FLAGS]
        add     edx, BOTH_HEADERS
        test    eax, F_ACK_ON_READ | F_URG_TX | F_NO_DF | F_NO_PMTUD | F_TS
        jnz     .Lextras
.Lplain:
        mov     ebp, [edi+TCB_TS]
        movzx   eax, byte ptr [edi+TCB_NIF]
        mov     ecx, [ebp+TS_ST]
        mov     eax, [ecx+ST_NIF+eax*4]
        mov     cx, [edi+TCB_WAY]
        cmp     cx, [eax+NIF_WAY]
        mov     ecx, [ebp+TS_ST]
        jne     .Lby_ip
        cmp     dword ptr [eax+NIF_STATE], NIF_PLAIN
        jne     .Lby_ip
        cmp     dx, [eax+NIF_MTU]
        ja      .Llarge
.Lfits:
        inc     dword ptr [ebp+TS_OUT_SEGS]
        mov     ebp, eax
        mov     [esp+L_TOTAL], edx                /* bytes of the datagram */

/* --- the window: tcp_edge of window.c ---------------------------------------------------------------------------- */
        mov     edx, [ecx+ST_PKTS+POOL_N_FREE]
        cmp     edx, [ecx+ST_PKTS+POOL_QUARTER]
        jb      .Ltight
        mov     eax, [edi+TCB_RCV_SPACE]
        sub     eax, [edi+TCB_RCV_QUEUED]
        jb      .Lfull
.Lspace:
        mov     edx, [edi+TCB_RCV_NXT]
        lea     ecx, [edx+eax]                  /* the edge that could be told */
        sub     ecx, [edi+TCB_RCV_ADV]          /* MUST-39: move it by a full segment or half of the buffer, else not at all */
        jz      .Lkeep
        js      .Lkeep
        movzx   edx, word ptr [edi+TCB_RCV_MSS]
        cmp     ecx, edx
        jae     .Lopen
        mov     edx, [edi+TCB_RCV_SPACE]
        shr     edx, 1
        cmp     ecx, edx
        jae     .Lopen
.Lkeep:
        mov     eax, [edi+TCB_RCV_ADV]
        sub     eax, [edi+TCB_RCV_NXT]
.Lopen:                                         /* eax: the window in bytes */
        mov     cl, [edi+TCB_RCV_SCALE]
        shr     eax, cl
        cmp     eax, 0xffff
        ja      .Lcut
.Lfield:
        /* what the peer is told now counts from here on */
        mov     edx, eax
        shl     edx, cl
        mov     ecx, [edi+TCB_RCV_NXT]
        add     edx, ecx
        mov     [edi+TCB_RCV_ACKED], ecx
        mov     ecx, edx
        sub     ecx, [edi+TCB_RCV_ADV]
        jz      .Lnot_right
        js      .Lnot_right
        mov     [edi+TCB_RCV_ADV], edx
.Lnot_right:
        mov     ecx, [edi+TCB_FLAGS]
        mov     edx, [ebx+PKT_DATA]
        and     ecx, ~(F_ACK_DELAYED | F_ACK_NOW)
        mov     [edi+TCB_FLAGS], ecx
        test    ecx, F_TS
        jnz     .Lstamp
.Lstamped:

/* --- TCP's header in front of edx, summed as it is written ------------------------------------------------------ */
        mov     ecx, [esp+L_FLAGS]              /* words and flags: 5 and what options are there already */
        and     ecx, 0xf0ff
        shl     ecx, 16
        lea     eax, [eax+ecx+0x50000000]
        bswap   esi
        bswap   eax
        mov     [edx-16], esi
        mov     [edx-8], eax
        add     eax, esi
        mov     ecx, [edi+TCB_RCV_NXT]
        bswap   ecx
        mov     [edx-12], ecx
        adc     eax, ecx
        adc     eax, [edi+TCB_HDR_SUM]
        adc     eax, 0
        adc     eax, 0                          /* the carry of the carry: all ones met all ones */
        mov     ecx, [esp+L_TOTAL]
        mov     esi, [edi+TCB_IP_ID]
        bswap   ecx                             /* the pseudo header's length */
        add     ecx, eax
        mov     eax, [edi+TCB_PORTS]
        adc     ecx, 0
        test    dword ptr [esp+L_FLAGS], R_NO_SUM
        jnz     .Lno_sum
        add     ecx, [esp+L_SUM]
        adc     ecx, 0
        rol     eax, 16                         /* ours first now */
        mov     [edx-20], eax
        FOLD_UP ecx, eax
        not     ecx
        shr     ecx, 16
.Lsum_known:
        mov     [edx-4], ecx                    /* and no urgent pointer */

/* --- IP's ---------------------------------------------------------------------------------------------------------- */
        movzx   ecx, byte ptr [edi+TCB_TOS]
        test    dword ptr [esp+L_FLAGS], R_ECT
        jnz     .Lect
.Ltos:
        mov     eax, [esp+L_TOTAL]
        shl     ecx, 8
        bswap   eax
        lea     ecx, [eax+ecx+IP_V4_20]
        movzx   eax, byte ptr [edi+TCB_TTL]
        mov     [edx-40], ecx
        mov     [edx-36], esi
        or      eax, 6 << 8
        add     ecx, esi
        adc     ecx, eax
        mov     esi, [edi+TCB_LADDR]
        adc     ecx, esi
        mov     [edx-28], esi
        mov     esi, [edi+TCB_RADDR]
        adc     ecx, esi
        mov     [edx-24], esi
        adc     ecx, 0
        FOLD_UP ecx, esi
        not     ecx
        and     ecx, 0xffff0000
        or      eax, ecx
        mov     [edx-32], eax

/* --- the link's, ready in the hop ---------------------------------------------------------------------------------- */
        movzx   eax, word ptr [edi+TCB_HOP]
        mov     esi, [ebp+NIF_ST]
        cmp     eax, HOP_NONE
        je      .Lno_link
        imul    eax, eax, HOP_SIZE
        add     eax, [esi+ST_HOP]
        mov     cx, [eax+HOP_DST]
        mov     [edx-54], cx
        mov     ecx, [eax+HOP_DST+2]
        mov     [edx-52], ecx
        mov     ecx, [eax+HOP_DST+6]
        mov     [edx-48], ecx
        mov     ecx, [eax+HOP_DST+10]
        mov     [edx-44], ecx
        mov     ecx, [esi+ST_NOW_MS]
        mov     [eax+HOP_USED_MS], ecx
        sub     edx, 54
        mov     ecx, 14
.Llinked:                                       /* edx: the frame; ecx: bytes of its link header */
        mov     eax, [ebx+PKT_DATA]
        mov     [ebx+PKT_DATA], edx
        sub     eax, edx
        add     [ebx+PKT_LEN], ax

/* --- away ------------------------------------------------------------------------------------------------------------ */
        cmp     dword ptr [esi+ST_TAP], 0
        jne     .Lxmit
        test    byte ptr [ebx+PKT_FLAGS], PKT_F_CSUM_TODO
        jnz     .Lxmit
        cmp     byte ptr [ebx+PKT_NFRAG], 0
        jne     .Lpieces
.Lgather:
        add     ecx, [esp+L_TOTAL]
        inc     dword ptr [ebp+NIF_TX_PACKETS]
        add     [ebp+NIF_TX_BYTES], ecx
        adc     dword ptr [ebp+NIF_TX_BYTES+4], 0
        mov     eax, [ebp+NIF_XMIT]
.Lsend:
        mov     [esp+L_PKT], ebx
        mov     [esp+L_NIF], ebp
        call    eax
.Lsent:
        LEAVE_RET

#include "responded.inc"
endfunc tcp_respond
