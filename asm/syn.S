/* syn.S - the straight line of a SYN: a stranger's usual SYN for a usual listener takes a half-open entry and goes back as
 * SYN,ACK in the buffer that it came in. Nothing is changed before all of it is known to be good, but a free entry, which is
 * written as the SYN is read. The entry is in half_open.inc, the answer in synack.inc, what is rare in syn_rare.inc.
 * SPDX-License-Identifier: MIT */
#include "tcp.inc"

/* The frame on the stack: arguments of what is called, locals, then netif_rx's frame (tcp.inc). */
#define S_BUCKET        24              /* of its names: the chain of half-open entries, and TIME_WAIT */
#define S_SUM           28              /* of the options */
#define S_SIZE          44
#define S_LEN           (S_SIZE+R_LEN)  /* bytes of options */
#define S_P             (S_SIZE+R_P)

#define AGREED_MOST     0x010100        /* SACK and scale; 1 more: timestamps */

/*
 * bool tcp_syn_arrives(struct netif *nif, struct pkt *p, const u32_any *ip, u32 n);
 *   in        [esp+4] nif, [esp+8] p, [esp+12] its IP header, valid and without options, [esp+16] n bytes of TCP, a header alone
 *             with SYN as its only flag; nobody has a connection of these names, and nothing is unusual about nif
 *   out       eax = 1: p was consumed; 0: it is for the layers, and nothing was changed but what a free entry holds
 *   clobbers  ecx, edx, flags
 *
 * tcp_syn_go_on: the same for netif_rx, with its frame; returns from there, or goes to tcp_receive_no.
 *   in        ebx p, esi IP header, edi tcp_state, eax number of the bucket of such names, [esp+R_LEN] bytes of options
 *
 * Registers: esi IP header, edi tcp_state, ebp the entry; ebx port, then listener.
 */
func tcp_syn_arrives
        ENTER_GO_ON

        .globl  tcp_syn_go_on
tcp_syn_go_on:
        sub     esp, S_SIZE

/* --- nobody has this four-tuple, and there is an entry --------------------------------------------------------------- */
        OTHERS  eax, edi
        cmp     dword ptr [eax], 0
        jne     .Lhalf_open
.Lnot_half_open:
        cmp     dword ptr [eax+OTHERS_TW], 0
        jne     .Ltimewait
.Lvacant:
        mov     ebp, [edi+TS_FREE_SYNQ]
        mov     [esp+S_BUCKET], eax
        test    ebp, ebp
        jz      .Lno

/* --- a usual listener with room: the first one of its bucket that was the one for this address before, or looked for ---- */
        movzx   ebx, word ptr [esi+H_PORTS+2]
        rol     bx, 8
        mov     edx, [esi+IP_DST]
        mov     eax, ebx
        and     eax, LISTEN_BUCKETS-1
        mov     eax, [edi+TS_LBUCKET+eax*4]
        test    eax, eax
        jz      .Lno
        cmp     [eax+L_ISN_LADDR], edx
        jne     .Lfind
        cmp     [eax+L_PORT], bx
        jne     .Lfind
        mov     ebx, eax
        movzx   ecx, word ptr [eax+L_ROOM]
        cmp     [eax+L_N_WAITING], ecx
        jae     .Lno
.Llistens:
        mov     [ebp+Q_L], ebx

/* --- the options as most machines lay them out: MSS, SACK, perhaps timestamps, scale; else in syn_options.inc --------- */
        mov     eax, [esi+BOTH_HEADERS]
        cmp     dword ptr [esp+S_LEN], 12
        jne     .Lmaybe_ts
        mov     edx, [esi+BOTH_HEADERS+8]
        cmp     ax, W_MSS
        jne     .Lwords
        mov     ecx, eax
        cmp     dword ptr [esi+BOTH_HEADERS+4], W_NOPS_SACK_OK
        jne     .Lwords
        add     ecx, W_NOPS_SACK_OK
        mov     dword ptr [ebp+Q_TS_RECENT], 0
        mov     dword ptr [ebp+Q_AGREED], AGREED_MOST
.Llast_word:                                    /* eax, edx: the first and the last; ecx and the carry: the others' sum */
        adc     ecx, edx
        adc     ecx, 0
        mov     [esp+S_SUM], ecx
        mov     ecx, edx
        shl     edx, 8
        shr     ecx, 24
        cmp     edx, W_NOP_SCALE << 8
        jne     .Lwords
        shr     eax, 16
        rol     ax, 8
        cmp     ecx, SCALE_MAX                  /* RFC 7323 2.3 */
        ja      .Lscale_max
.Lscaled:
        mov     ch, [ebx+L_RCV_SCALE]
        mov     [ebp+Q_PEER_MSS], ax
.Lheard:                                        /* cl, ch: the scales */
        mov     [ebp+Q_SCALES], cx

/* --- the way back: ip_way_back, when its cache knows; and our MSS: the interface's, or less if the listener says so ---- */
        mov     ecx, [esp+S_P]
        movzx   edx, word ptr [ebx+L_MSS]
        mov     ecx, [ecx+PKT_NIF]
        movzx   eax, word ptr [ecx+NIF_MTU]
        sub     eax, 40
        cmp     edx, eax
        jb      .Lsmaller_mss
.Lour_mss:
        mov     [ebp+Q_OUR_MSS], ax
        mov     eax, [edi+TS_ST]
        mov     edx, [esi+IP_SRC]
        mov     eax, [eax+ST_IP]
        mov     ebx, [eax+IPS_MUL]
        imul    ebx, edx
        shr     ebx, 28
        imul    ebx, ebx, DST_SIZE
        lea     ebx, [eax+ebx+IPS_DSTS]
        mov     eax, [esi+IP_DST]
        cmp     [ebx+DST_ADDR], edx
        jne     .Lway
        cmp     [ebx+DST_NIF], ecx
        jne     .Lway
        mov     edx, [ecx+NIF_WAY]
        cmp     [ebx+DST_HOP_GEN], dx
        jne     .Lway
        cmp     [ecx+NIF_ADDR], eax
        jne     .Lway
        movzx   eax, word ptr [ebx+DST_HOP]
        mov     [ebp+Q_WAY], edx
.Lhop:
        mov     [ebp+Q_HOP], ax

/* --- the sum -------------------------------------------------------------------------------------------------------- */
        mov     edx, [esp+S_P]
        test    byte ptr [edx+PKT_FLAGS], PKT_F_CSUM_OK
        jnz     .Lgood
        mov     eax, [esp+S_SUM]
        HEADER_RIGHT eax, ecx, .Lno
.Lgood:

#include "half_open.inc"
#include "synack.inc"
#include "syn_options.inc"
#include "syn_rare.inc"
endfunc tcp_syn_arrives
