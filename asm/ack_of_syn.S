/* ack_of_syn.S - the straight line of the acknowledgement that completes a handshake: a half-open entry becomes a connection,
 * and the user is asked. Nothing is changed before all of it is known to be good, but a free slot. How the connection is made is
 * in accept.inc, what becomes of it then in accepted.inc, what is rare in accept_rare.inc.
 * SPDX-License-Identifier: MIT */
#include "tcp.inc"

/* The frame on the stack: arguments of what is called, locals, then netif_rx's frame (tcp.inc). */
#define K_BUCKET        16              /* where the chain of half-open entries begins */
#define K_NUMBER        20              /* of its connection's bucket */
#define K_KEPT          24
#define K_SIZE          44
#define K_LEN           (K_SIZE+R_LEN)  /* bytes of options */
#define K_P             (K_SIZE+R_P)

/*
 * bool tcp_ack_of_syn(struct netif *nif, struct pkt *p, const u32_any *ip, u32 n);
 *   in        [esp+4] nif, [esp+8] p, [esp+12] its IP header, valid and without options, [esp+16] n bytes of TCP, a header alone
 *             with ACK as its only flag; nobody has a connection of these names, and nothing is unusual about nif
 *   out       eax = 1: p was consumed; 0: it is for the layers, and nothing was changed but what a free slot holds
 *   clobbers  ecx, edx, flags
 *
 * tcp_ack_of_syn_go_on: the same for netif_rx, with its frame; returns from there, or goes to tcp_receive_no.
 *   in        ebx p, esi IP header, edi tcp_state, eax number of the bucket of such names, [esp+R_LEN] bytes of options
 *
 * Registers: esi IP header, edi tcp_state, ebp the entry, ebx the slot.
 */
func tcp_ack_of_syn
        ENTER_GO_ON

        .globl  tcp_ack_of_syn_go_on
tcp_ack_of_syn_go_on:
        sub     esp, K_SIZE

/* --- whose it is ---------------------------------------------------------------------------------------------------- */
        mov     [esp+K_NUMBER], eax
        OTHERS  eax, edi
        mov     edx, [esi+IP_SRC]
        mov     ebp, [eax]
        mov     [esp+K_BUCKET], eax
        mov     ecx, [esi+H_PORTS]
        mov     eax, [esi+IP_DST]
.Lchain:
        test    ebp, ebp
        jz      .Lno
        cmp     [ebp+Q_PORTS], ecx
        jne     .Lother
        cmp     [ebp+Q_RADDR], edx
        jne     .Lother
        cmp     [ebp+Q_LADDR], eax
        je      .Lentry
.Lother:
        mov     ebp, [ebp+Q_NEXT]
        jmp     .Lchain

/* --- it is what completes the handshake, and there is room ---------------------------------------------------------- */
.Lentry:
        mov     ecx, [ebp+Q_L]
        cmp     byte ptr [ebp+Q_AGREED+3], 0    /* congestion marks, cookies, option 144, somebody else's */
        jne     .Lno
        movzx   edx, word ptr [ecx+L_BACKLOG]
        cmp     [ecx+L_N_WAITING], edx
        jae     .Lno
        mov     ebx, [edi+TS_FREE_TCB]
        test    ebx, ebx
        jz      .Lno
        mov     eax, [esi+H_SEQ]
        mov     ecx, [esi+H_ACK]
        bswap   eax
        bswap   ecx
        dec     eax
        dec     ecx
        cmp     eax, [ebp+Q_IRS]
        jne     .Lno
        cmp     ecx, [ebp+Q_ISS]
        jne     .Lno
        cmp     word ptr [esi+H_WND], 0
        je      .Lno
        mov     eax, [esp+K_LEN]
        mov     ecx, [ebp+Q_TS_RECENT]
        cmp     byte ptr [ebp+Q_AGREED], 0
        jne     .Lts
        test    eax, eax
        jnz     .Lno
.Lstamped:                                      /* eax: the options' sum, ecx: TS.Recent from now on */
        mov     edx, [esp+K_P]
        mov     [ebx+TCB_TS_RECENT], ecx
        mov     ecx, [edx+PKT_NIF]
        mov     edx, [ebp+Q_WAY]
        cmp     edx, [ecx+NIF_WAY]
        jne     .Lway
        mov     [ebx+TCB_WAY], edx
        movzx   edx, word ptr [ebp+Q_HOP]       /* what its SYN,ACK left by is still good */
.Lhop:
        mov     [ebx+TCB_HOP], dx
        mov     edx, [esp+K_P]
        test    byte ptr [edx+PKT_FLAGS], PKT_F_CSUM_OK
        jnz     .Lgood
        HEADER_RIGHT eax, edx, .Lno
.Lgood:

/* --- a connection: ebx ---------------------------------------------------------------------------------------------- */
#include "accept.inc"

/* --- among the connections (tcp_insert), no longer among the half-open (synq_free) ---------------------------------- */
        mov     ecx, [edi+TS_ST]
        mov     edx, [esp+K_NUMBER]
        mov     eax, [ecx+ST_NOW_MS]
        mov     ecx, [edi+TS_BUCKET]
        mov     [ebx+TCB_LAST_RX_MS], eax
        mov     [ebx+TCB_LAST_TX_MS], eax
        lea     edx, [ecx+edx*4]
        mov     eax, [edx]
        test    eax, eax
        jnz     .Llong
.Lshort:
        mov     [ebx+TCB_NEXT], eax
        mov     [edx], ebx
        cmp     byte ptr [ebp+Q_TRIES], 0
        jne     .Lrepeated
        mov     ecx, [esp+K_BUCKET]
        cmp     [ecx], ebp
        jne     .Lfree
        mov     eax, [ebp+Q_NEXT]
        mov     edx, [ebp+Q_AT]
        mov     [ecx], eax
        mov     ecx, [ebp+Q_LATER]
        mov     [edx], ecx
        test    ecx, ecx
        jnz     .Lnot_last
        mov     [edi+TS_HALF+4], edx
.Lnone:
        mov     eax, [edi+TS_FREE_SYNQ]
        mov     byte ptr [ebp+Q_LIVE], 0
        mov     [edi+TS_FREE_SYNQ], ebp
        mov     [ebp+Q_NEXT], eax
        dec     dword ptr [edi+TS_N_HALF]
.Lfreed:

/* --- the round trip (rtt_sample, the first one) --------------------------------------------------------------------- */
        mov     ecx, [edi+TS_ST]
        imul    edx, [edi+TS_RTO_MIN], 500      /* until then the variance is less than its least, under a second */
        mov     eax, [ecx+ST_NOW_US]
        sub     eax, [ebp+Q_SENT_US]
        jz      .Lsample
        cmp     eax, edx
        ja      .Lsample
        lea     ecx, [eax*8]
        lea     edx, [eax+eax]
        mov     [ebx+TCB_SRTT_US], ecx
        mov     [ebx+TCB_RTTVAR_US], edx
        mov     ecx, 0x10624dd3                 /* / 1000 */
        mul     ecx
        shr     edx, 6
        add     edx, [edi+TS_RTO_MIN]
        mov     [ebx+TCB_RTO_MS], edx
.Lsampled:

/* --- the user is asked ---------------------------------------------------------------------------------------------- */
        mov     ecx, [ebx+TCB_EV]
        inc     dword ptr [edi+TS_DEPTH]
        mov     ecx, [ecx+EV_ACCEPT]
        test    ecx, ecx
        jz      .Laccepted
        mov     [esp], ebx
        call    ecx
        test    al, al
        jz      .Lrefused
.Laccepted:
        mov     eax, [ebx+TCB_FLAGS]            /* tcp_leave, when there is nothing to do */
        mov     edx, [esp+K_P]
        test    eax, F_DEAD | F_WANT_TX | F_ACK_NOW | F_ACK_DELAYED
        jnz     .Lbusy
        and     eax, ~F_BUSY
        dec     dword ptr [edi+TS_DEPTH]
        mov     [ebx+TCB_FLAGS], eax
        PKT_GIVE edx, .Lholds
.Lpkt_freed:
        cmp     dword ptr [ebx+TCB_KEEPALIVE_MS], 0
        jne     .Lkeepalive
#include "accepted.inc"
.Lyes:
        LEAVE_RET K_SIZE
#include "accept_rare.inc"
endfunc tcp_ack_of_syn
