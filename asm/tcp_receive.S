/* tcp_receive.S - the straight line: the frame that is most likely next, from the link header to the user, in one go.
 * Four parts: validate, demultiplex, analyse (which only sets action bits), act. Until all of a segment is known to be good
 * nothing is changed, so that .Lno can leave it to eth_rx at any time. What is rare happens behind the `ret`.
 * SPDX-License-Identifier: MIT */
#include "tcp.inc"

/*
 * bool tcp_receive(struct netif *nif, struct pkt *p);
 *   in        [esp+4] nif, [esp+8] p as it came: data at the link header, or at IP's with NETIF_L3
 *   out       eax = 1: p was consumed; 0: it is for eth_rx, and nothing was changed
 *   clobbers  ecx, edx, flags
 *
 * Registers: ebx p, esi IP header, edi connection (from .Lfound on), ebp nif.
 */
func tcp_receive
        ENTER
        mov     ebp, [esp+L_ARGS]
        mov     ebx, [esp+L_ARGS+4]
        mov     esi, [ebx+PKT_DATA]
        movzx   ecx, word ptr [ebx+PKT_LEN]

/* --- validate -------------------------------------------------------------------------------------------------- */
        cmp     dword ptr [ebx+PKT_CHAIN], 0
        jne     .Lno
        cmp     word ptr [ebp+NIF_VLAN], 0
        jne     .Lno
        test    byte ptr [ebp+NIF_CAPS], NIF_C_L3
        jnz     .Lip
        sub     ecx, 14                         /* link: to us, from one machine, IPv4 */
        mov     eax, [esi]
        movzx   edx, word ptr [esi+4]
        cmp     eax, [ebp+NIF_MAC]
        jne     .Lno
        cmp     dx, [ebp+NIF_MAC+4]
        jne     .Lno
        test    byte ptr [esi+6], 1
        jnz     .Lno
        cmp     word ptr [esi+12], ETHERTYPE_IP
        jne     .Lno
        add     esi, 14
.Lip:
        cmp     ecx, BOTH_HEADERS               /* signed: a short frame is below zero */
        jl      .Lno
        mov     eax, [esi]                      /* version, length of header and datagram */
        cmp     al, IP_V4_20
        jne     .Lno
        movzx   edx, word ptr [esi+IP_LEN]
        rol     dx, 8
        cmp     edx, ecx
        ja      .Lno
        sub     edx, BOTH_HEADERS
        jb      .Lno
        mov     [esp+L_LEN], edx                /* text, and TCP's options */
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
        FOLD    eax, ax, ecx, cx
        inc     ax                              /* 0xffff is right */
        jnz     .Lno

/* --- demultiplex: one probe by the keyed hash of engine.h's tcp_hash ------------------------------------------- */
        mov     edx, [ebp+NIF_ST]
        mov     edx, [edx+ST_TCP]
        mov     eax, [esi+IP_SRC]
        xor     eax, [esi+IP_DST]
        imul    eax, [edx+TS_KEY]
        mov     edi, [esi+H_PORTS]
        mov     ecx, [edx+TS_KEY+4]
        imul    ecx, edi
        add     eax, ecx
        mov     ecx, [edx+TS_SHIFT]
        shr     eax, cl
        mov     ecx, [edx+TS_BUCKET]
        mov     ecx, [ecx+eax*4]
        mov     eax, [esi+IP_SRC]
        mov     edx, [esi+IP_DST]
.Lchain:
        test    ecx, ecx
        jz      .Lnobody
        cmp     [ecx+TCB_PORTS], edi
        jne     .Lother
        cmp     [ecx+TCB_RADDR], eax
        jne     .Lother
        cmp     [ecx+TCB_LADDR], edx
        je      .Lfound
.Lother:
        mov     ecx, [ecx+TCB_NEXT]
        jmp     .Lchain
.Lfound:
        mov     edi, ecx
        /* its link header is good, so its addresses and its interface still are, too */
        mov     eax, [edi+TCB_HOP]              /* and hop_gen above it */
        test    ax, ax
        jz      .Lno
        shr     eax, 16
        mov     edx, [ebp+NIF_ST]
        cmp     ax, [edx+ST_HOP_GEN]
        jne     .Lno
        mov     al, [edi+TCB_NIF]
        cmp     al, [ebp+NIF_INDEX]
        jne     .Lno

/* --- analyse: off and flags as predicted, PSH and FIN aside; numbers; window ----------------------------------- */
        movzx   eax, word ptr [esi+H_OFF_WND]
        mov     edx, eax
        and     edx, A_PUSH
        mov     [esp+L_ACT], edx
        mov     edx, eax
        and     edx, ~((FLAG_PSH | FLAG_FIN) << 8) & 0xffff
        jz      .Lno                            /* 0 is no prediction */
        cmp     dx, [edi+TCB_PRED]
        jne     .Lno
        test    dword ptr [edi+TCB_FLAGS], F_TS | F_ECN
        jnz     .Lextras
.Lplain:
        TEST_FLAG FIN, .Lfin
.Lnumbers:
        mov     eax, [esi+H_ACK]                /* SND.UNA <= SEG.ACK <= SND.NXT */
        bswap   eax
        mov     [esp+L_ACK], eax
        mov     edx, [edi+TCB_SND_UNA]
        mov     ecx, [edi+TCB_SND_NXT]
        sub     eax, edx
        sub     ecx, edx
        cmp     eax, ecx
        ja      .Lno
        neg     eax                             /* carry: something new */
        sbb     eax, eax
        and     eax, A_ACKS
        or      [esp+L_ACT], eax
        mov     eax, [esi+H_SEQ]                /* SEG.SEQ = RCV.NXT */
        bswap   eax
        sub     eax, [edi+TCB_RCV_NXT]
        jnz     .Lseq
        mov     eax, [esp+L_LEN]
        test    eax, eax
        jnz     .Ltext
        UNLESS  A_ACKS | A_FIN, .Lno            /* a duplicate, or the window alone: ack.c judges */
.Lwindow:
        movzx   eax, word ptr [esi+H_WND]
        rol     ax, 8
        mov     cl, [edi+TCB_SND_SCALE]
        shl     eax, cl
        test    eax, eax                        /* shl by 0 leaves no flags */
        jz      .Lno                            /* it closes: ack.c's, too */
        mov     [esp+L_WND], eax

        test    byte ptr [ebx+PKT_FLAGS], PKT_F_CSUM_OK
        jnz     .Lact
        movzx   ecx, word ptr [esi+IP_LEN]      /* the pseudo header: addresses, protocol, length without IP's header */
        mov     eax, [esi+IP_SRC]
        rol     cx, 8
        sub     ecx, 20
        mov     edx, ecx
        rol     dx, 8
        add     edx, 6 << 8
        add     eax, [esi+IP_DST]
        adc     eax, edx
        adc     eax, 0
        cmp     ecx, 20
        jne     .Lsum_all
        add     eax, [esi+H_PORTS]              /* a header alone: five words */
        adc     eax, [esi+H_SEQ]
        adc     eax, [esi+H_ACK]
        adc     eax, [esi+H_OFF_WND]
        adc     eax, [esi+H_SUM]
        adc     eax, 0
.Lsummed:
        FOLD    eax, ax, ecx, cx
        inc     ax
        jnz     .Lno

/* --- act: the segment is what was expected ---------------------------------------------------------------------- */
.Lact:
        mov     edx, [edi+TCB_TS]
        inc     dword ptr [edx+TS_IN_SEGS]
        mov     ecx, [edx+TS_ST]
        WHEN    A_PROBE | A_STAMP, .Lrare
.Lacting:
        mov     eax, [ecx+ST_NOW_MS]
        mov     [edi+TCB_LAST_RX_MS], eax
        inc     dword ptr [edx+TS_DEPTH]
        or      dword ptr [edi+TCB_FLAGS], F_BUSY
        mov     eax, [esp+L_WND]
        mov     edx, [edi+TCB_RCV_NXT]
        mov     ecx, [esp+L_ACK]
        mov     [edi+TCB_SND_WND], eax
        mov     [edi+TCB_SND_WL1], edx
        mov     [edi+TCB_SND_WL2], ecx
        cmp     eax, [edi+TCB_MAX_SND_WND]
        ja      .Lwidest
.Lnot_wider:
        WHEN    A_ACKS, .Lacks
.Lacked:
        mov     eax, [edi+TCB_SND_NXT]          /* more is queued, and may fit now: it is sent when the user returns */
        sub     eax, [edi+TCB_SND_UNA]
        cmp     eax, [edi+TCB_SND_QUEUED]
        jne     .Lmore
        test    dword ptr [edi+TCB_FLAGS], F_FIN_QUEUED
        jnz     .Lmore
.Lno_more:
        UNLESS  A_TEXT | A_FIN, .Lbare

        /* text: the buffer becomes the receive queue, or its end */
        mov     eax, [esp+L_LEN]
        movzx   edx, word ptr [esi+H_OFF_WND]   /* off: words << 4 */
        and     edx, 0xf0
        shr     edx, 2
        lea     edx, [esi+edx+20]
        mov     [ebx+PKT_DATA], edx
        mov     [ebx+PKT_LEN], ax
        add     [edi+TCB_RCV_NXT], eax
        WHEN    A_FIN, .Lwith_fin
        cmp     dword ptr [edi+TCB_RCV_LAST], 0
        jne     .Lappend
        mov     dword ptr [ebx+PKT_NEXT], 0
        mov     [edi+TCB_RCV_FIRST], ebx
        mov     [edi+TCB_RCV_LAST], ebx
        mov     [edi+TCB_RCV_QUEUED], eax
        test    dword ptr [esp+L_ACT], A_PUSH
        jz      .Lpolicy
        or      dword ptr [edi+TCB_FLAGS], F_PSHED
.Lpolicy:
        /* tcp_ack_policy: every second full segment at the end of the batch, else later */
        movzx   ecx, word ptr [edi+TCB_RCV_MSS]
        cmp     eax, ecx
        ja      .Llargest
.Lmss:
        mov     eax, [edi+TCB_RCV_NXT]
        sub     eax, [edi+TCB_RCV_ACKED]
        lea     ecx, [ecx+ecx]
        cmp     eax, ecx
        mov     eax, [edi+TCB_FLAGS]
        jae     .Lack_now
        test    eax, F_ACK_DELAYED
        jnz     .Ltell
        mov     edx, [edi+TCB_TS]
        mov     edx, [edx+TS_ST]
        mov     edx, [edx+ST_NOW_MS]
        add     edx, DELACK_MS
        mov     [edi+TCB_ACK_DUE_MS], edx
        or      eax, F_ACK_DELAYED
.Ltold:
        mov     [edi+TCB_FLAGS], eax
.Ltell:
        mov     ecx, [edi+TCB_EV]
        test    eax, F_PSH_MESSAGE | F_USER_CLOSED | F_DEAD
        jnz     .Ltell_maybe
        mov     ecx, [ecx+EV_READABLE]
        test    ecx, ecx
        jz      .Lleave
        push    edi
        call    ecx
        add     esp, 4
        jmp     .Lleave

        /* no text: the buffer goes back, and that is all */
.Lbare:
        dec     byte ptr [ebx+PKT_REFS]
        jnz     .Lleave
        cmp     byte ptr [ebx+PKT_NFRAG], 0
        jne     .Lholds
        mov     eax, [ebx+PKT_POOL]
        mov     ecx, [eax+POOL_FREE]
        mov     [ebx+PKT_NEXT], ecx
        mov     [eax+POOL_FREE], ebx
        inc     dword ptr [eax+POOL_N_FREE]

.Lleave:
        WHEN    A_ACKS, .Lwritable
.Lleaving:
        mov     eax, [edi+TCB_FLAGS]            /* tcp_leave, when there is nothing to do */
        test    eax, F_DEAD | F_WANT_TX | F_ACK_NOW | F_ACK_DELAYED
        jnz     .Lleave_busy
        and     eax, ~F_BUSY
        mov     [edi+TCB_FLAGS], eax
        mov     edx, [edi+TCB_TS]
        dec     dword ptr [edx+TS_DEPTH]
.Lyes:
        mov     eax, 1
        LEAVE_RET
.Lno:
        xor     eax, eax
        LEAVE_RET

/* --- what is rare ------------------------------------------------------------------------------------------------ */
.Lleave_busy:
        push    edi
        call    tcp_leave
        add     esp, 4
        jmp     .Lyes

        /* the timestamp as everybody lays it out, and congestion marks; ah: flags, stays */
.Lextras:
        mov     edx, [edi+TCB_FLAGS]
        test    edx, F_ECN
        jz      .Lno_mark
        mov     cl, [esi+1]
        and     cl, 3
        cmp     cl, 3
        je      .Lno                            /* congestion experienced */
.Lno_mark:
        test    edx, F_TS
        jz      .Lplain
        sub     dword ptr [esp+L_LEN], 12
        jb      .Lno
        cmp     dword ptr [esi+H_TS], TS_OPTION
        jne     .Lno
        mov     ecx, [esi+H_TSECR]
        bswap   ecx
        mov     [esp+L_TSECR], ecx
        mov     ecx, [esi+H_TSVAL]
        bswap   ecx
        mov     [esp+L_TSVAL], ecx
        sub     ecx, [edi+TCB_TS_RECENT]
        js      .Lno                            /* PAWS */
        ACTION    A_STAMP
        jmp     .Lplain

.Lfin:
        mov     edx, [edi+TCB_RCV_ADV]
        cmp     edx, [edi+TCB_RCV_NXT]
        je      .Lno                            /* no room for it */
        ACTION    A_FIN
        jmp     .Lnumbers

        /* SEG.SEQ = RCV.NXT - 1 and nothing in it: is anybody there (RFC 9293 3.8.4, 3.8.6.1)? */
.Lseq:
        inc     eax
        jnz     .Lno
        cmp     [esp+L_LEN], eax
        jne     .Lno
        WHEN    A_ACKS | A_FIN, .Lno
        mov     edx, [edi+TCB_RCV_ADV]
        cmp     edx, [edi+TCB_RCV_NXT]
        je      .Lno
        ACTION    A_PROBE
        jmp     .Lwindow

.Ltext:
        mov     edx, [edi+TCB_RCV_ADV]          /* fits the window */
        sub     edx, [edi+TCB_RCV_NXT]
        cmp     eax, edx
        ja      .Lno
        mov     edx, [ebp+NIF_ST]               /* tcp_short_of_buffers */
        mov     ecx, [edx+ST_PKTS+POOL_N_TOTAL]
        shr     ecx, 4
        cmp     [edx+ST_PKTS+POOL_N_FREE], ecx
        jb      .Lno
        ACTION    A_TEXT
        jmp     .Lwindow

.Lsum_all:
        lea     edx, [esi+20]
        push    ecx
        push    edx
        push    eax
        call    cksum_add
        add     esp, 12
        jmp     .Lsummed

.Lrare:
        WHEN    A_PROBE, .Lprobe
        mov     eax, [edi+TCB_RCV_NXT]          /* RFC 7323 4.3 (2): Last.ACK.sent covers it */
        sub     eax, [edi+TCB_RCV_ACKED]
        test    eax, eax
        jg      .Lacting
        mov     eax, [esp+L_TSVAL]
        mov     [edi+TCB_TS_RECENT], eax
        jmp     .Lacting

.Lwidest:
        mov     [edi+TCB_MAX_SND_WND], eax
        jmp     .Lnot_wider

        /* All that was outstanding is acknowledged: one run, sent once, and the whole queue. The same as tcp_acked of ack.c,
           which does whatever is not so; ecx is SEG.ACK. */
.Lacks:
        mov     eax, [edi+TCB_FLIGHT]
        test    eax, eax
        jz      .Lacks_other
        mov     edx, [eax+FLY_FIRST]
        test    edx, edx
        jz      .Lacks_other
        cmp     dword ptr [edx+SENT_NEXT], 0
        jne     .Lacks_other
        cmp     byte ptr [edx+SENT_FLAGS], 0
        jne     .Lacks_other
        cmp     ecx, [edi+TCB_SND_NXT]
        jne     .Lacks_other
        cmp     word ptr [eax+FLY_CALM], 1      /* calm, and not limited by the congestion window */
        jne     .Lacks_other
        test    dword ptr [edi+TCB_FLAGS], F_URG_TX
        jnz     .Lacks_other
        sub     ecx, [edi+TCB_SND_UNA]
        mov     eax, [edi+TCB_CWND]
        cmp     ecx, [edi+TCB_SND_QUEUED]
        jne     .Lacks_other
        shr     eax, 1
        cmp     ecx, eax
        jae     .Lacks_other
        mov     ebp, [edi+TCB_TS]
        mov     eax, [ebp+TS_ST]
        mov     ecx, [eax+ST_NOW_US]
        sub     ecx, [edx+SENT_TX_US]           /* the round trip, at least 1 */
        cmp     ecx, 1
        adc     ecx, 0
        mov     eax, [edi+TCB_SRTT_US]
        cmp     ecx, 60000000
        ja      .Lacks_other
        test    eax, eax
        jz      .Lacks_other
        mov     edx, [edi+TCB_MIN_RTT_US]       /* 0 is none: 2^32 - 1 below */
        dec     edx
        cmp     ecx, edx
        ja      .Lno_less
        mov     [edi+TCB_MIN_RTT_US], ecx
.Lno_less:
        mov     edx, eax                        /* RFC 6298 2.3 as rtt.c has it: 8 SRTT and 4 RTTVAR */
        shr     edx, 3
        sub     ecx, edx
        add     eax, ecx
        jz      .Lsrtt_0
.Lsrtt:
        mov     [edi+TCB_SRTT_US], eax
        mov     edx, ecx
        sar     edx, 31
        xor     ecx, edx
        sub     ecx, edx                        /* | err | */
        mov     edx, [edi+TCB_RTTVAR_US]
        add     ecx, edx
        shr     edx, 2
        sub     ecx, edx
        mov     [edi+TCB_RTTVAR_US], ecx
        imul    edx, [ebp+TS_RTO_MIN], 1000
        cmp     ecx, edx
        ja      .Lvaries
        mov     ecx, [ebp+TS_RTO_MIN]
.Lleast:
        shr     eax, 3
        mov     edx, 0x10624dd3                 /* / 1000 is * 2^38/1000 / 2^38 */
        mul     edx
        shr     edx, 6
        add     ecx, edx
        cmp     ecx, RTO_MAX_MS
        ja      .Lrto_max
.Lrto:
        mov     [edi+TCB_RTO_MS], ecx
        mov     ecx, [esp+L_ACK]
        mov     eax, [ebp+TS_ST]
        mov     [edi+TCB_SND_UNA], ecx
        mov     ecx, [eax+ST_NOW_MS]
        mov     byte ptr [edi+TCB_RETRIES], 0
        mov     [edi+TCB_PROGRESS_MS], ecx
        mov     eax, [edi+TCB_FLIGHT]           /* the run and the flight go back */
        mov     edx, [eax+FLY_FIRST]
        mov     ecx, [ebp+TS_FLIGHTS]
        mov     [eax], ecx
        mov     [ebp+TS_FLIGHTS], eax
        inc     dword ptr [ebp+TS_FLIGHTS+CELL_N_FREE]
        xor     eax, eax
        mov     [edi+TCB_FLIGHT], eax
        mov     [edi+TCB_SND_QUEUED], eax
        mov     [edi+TCB_SND_LAST], eax
        mov     ecx, [edi+TCB_SND_FIRST]
        mov     [edi+TCB_SND_FIRST], eax
.Lfree:                                         /* edx: a cell to put back; ecx: the rest of the queue */
        mov     eax, [ebp+TS_CELLS]
        mov     [edx], eax
        mov     [ebp+TS_CELLS], edx
        inc     dword ptr [ebp+TS_CELLS+CELL_N_FREE]
        test    ecx, ecx
        jz      .Lfreed
        mov     eax, [ecx+ENT_HOLD]
        mov     edx, ecx
        mov     ecx, [ecx+ENT_NEXT]
        test    eax, eax
        jz      .Lfree
        push    ecx
        push    edx
        push    eax
        call    pkt_free
        pop     eax
        pop     edx
        pop     ecx
        jmp     .Lfree
.Lfreed:
        mov     edx, [edi+TCB_KEEPALIVE_MS]
        mov     byte ptr [edi+TCB_TIMER_KIND], KIND_NONE
        test    edx, edx
        jz      .Lacked
        mov     byte ptr [edi+TCB_TIMER_KIND], KIND_KEEPALIVE
        mov     ecx, [ebp+TS_ST]
        add     edx, [ecx+ST_NOW_MS]
        mov     [edi+TCB_DUE_MS], edx
        cmp     dword ptr [edi+TCB_TIMER_PPREV], 0
        je      .Lset
        mov     eax, [edi+TCB_TIMER_DUE]
        sub     eax, edx
        jz      .Lacked
        js      .Lacked
.Lset:
        sub     esp, 8
        push    edx
        lea     eax, [edi+TCB_TIMER]
        push    eax
        lea     eax, [ecx+ST_WHEEL]
        push    eax
        call    timer_set
        add     esp, 20
        jmp     .Lacked
.Lsrtt_0:
        inc     eax
        jmp     .Lsrtt
.Lvaries:                                       /* (RTTVAR + 999) / 1000 */
        push    eax
        lea     eax, [ecx+999]
        mov     edx, 0x10624dd3
        mul     edx
        shr     edx, 6
        mov     ecx, edx
        pop     eax
        jmp     .Lleast
.Lrto_max:
        mov     ecx, RTO_MAX_MS
        jmp     .Lrto

.Lacks_other:
        mov     ecx, [esp+L_ACK]
        xor     eax, eax
        UNLESS  A_STAMP, .Lno_echo
        lea     eax, [esp+L_TSECR]
.Lno_echo:
        push    eax
        push    ecx
        push    edi
        call    tcp_acked
        add     esp, 12
        jmp     .Lacked

.Lmore:
        or      dword ptr [edi+TCB_FLAGS], F_WANT_TX
        jmp     .Lno_more

.Lappend:
        mov     edx, [esp+L_ACT]
        shr     edx, 11                         /* A_PUSH as 0 or 1 */
        push    edx
        push    eax
        push    ebx
        push    edi
        call    tcp_append
        add     esp, 16
        mov     eax, [esp+L_LEN]
        jmp     .Lpolicy

.Lnobody:
        xor     edi, edi
        sub     esp, 8                          /* it ends in the user's code, too */
        push    edi
        push    ebx
        push    ebp
        call    tcp_unpredicted
        add     esp, 20
        movzx   eax, al
        LEAVE_RET

.Llargest:
        mov     [edi+TCB_RCV_MSS], ax
        mov     ecx, eax
        jmp     .Lmss

.Lack_now:
        or      eax, F_ACK_NOW
        jmp     .Ltold

.Lwith_fin:
        test    eax, eax
        jz      .Lfin_alone
        mov     edx, [esp+L_ACT]
        shr     edx, 11
        push    edx
        push    eax
        push    ebx
        push    edi
        call    tcp_append
        add     esp, 16
        jmp     .Lfin_taken
.Lfin_alone:
        push    ebx
        call    pkt_free
        add     esp, 4
.Lfin_taken:
        push    edi
        call    tcp_got_fin
        add     esp, 4
.Ltell_maybe:
        push    edi
        call    tcp_tell_readable
        add     esp, 4
        jmp     .Lleave

.Lholds:
        inc     byte ptr [ebx+PKT_REFS]
        push    ebx
        call    pkt_free
        add     esp, 4
        jmp     .Lleave

.Lwritable:
        mov     ecx, [edi+TCB_EV]
        cmp     dword ptr [ecx+EV_WRITABLE], 0
        je      .Lleaving
        sub     esp, 12                         /* the user's code may want a stack of whole 16 bytes */
        push    1
        push    edi
        call    tcp_tell_writable
        add     esp, 20
        jmp     .Lleaving

        /* A reply is due at once; it goes out in the buffer that asked. */
.Lprobe:
        inc     dword ptr [edx+TS_CHALLENGES]
        inc     dword ptr [ecx+ST_PKTS+POOL_DROP_WINDOW]
        mov     eax, [ebx+PKT_HEAD]
        add     eax, PKT_ROOM
        mov     [ebx+PKT_DATA], eax
        xor     eax, eax
        mov     [ebx+PKT_LEN], ax
        mov     [ebx+PKT_FLAGS], ax
        mov     [ebx+PKT_GSO], ax
        mov     esi, [edi+TCB_SND_NXT]          /* tcp_bare_seq: not beyond the peer's window */
        mov     edx, [edi+TCB_SND_UNA]
        add     edx, [edi+TCB_SND_WND]
        mov     ecx, edx
        sub     ecx, esi
        jns     .Linside
        mov     esi, edx
.Linside:
        mov     ecx, FLAG_ACK
        test    dword ptr [edi+TCB_FLAGS], F_ECE
        jz      .Lno_echo_mark
        or      ecx, FLAG_ECE
.Lno_echo_mark:
        xor     edx, edx                        /* no text, no sum of it (eax) */
        /* falls through: tcp_respond.S goes on with this frame, and returns 1 for us */
        jmp     tcp_respond_go_on
endfunc tcp_receive
