/* syn.S - the straight line of a SYN: a stranger's usual SYN for a usual listener takes a half-open entry and goes back as
 * SYN,ACK in the buffer that it came in. Nothing is changed before all of it is known to be good. The entry is in half_open.inc,
 * the answer in synack.inc, what is rare in syn_rare.inc.
 * SPDX-License-Identifier: MIT */
#include "tcp.inc"

/* The frame on the stack: arguments of what is called, locals, then netif_rx's frame (tcp.inc). */
#define S_SCALE         12              /* its window scale */
#define S_BUCKET        16              /* where the chain of half-open entries begins */
#define S_L             20
#define S_HOP           24
#define S_MSS           28
#define S_TSVAL         32              /* as in memory, 0 without */
#define S_SIZE          44
#define S_LEN           (S_SIZE+R_LEN)  /* bytes of options; when they are read ... */
#define S_AGREED        S_LEN           /* ... what they offer and we accept, as the entry has it */
#define S_P             (S_SIZE+R_P)

#define AGREED_MOST     0x010100        /* SACK and scale; 1 more: timestamps */

/*
 * bool tcp_syn_arrives(struct netif *nif, struct pkt *p, const u32_any *ip, u32 n);
 *   in        [esp+4] nif, [esp+8] p, [esp+12] its IP header, valid and without options, [esp+16] n bytes of TCP, a header alone
 *             with SYN as its only flag; nobody has a connection of these names, and nothing is unusual about nif
 *   out       eax = 1: p was consumed; 0: it is for the layers, and nothing was changed
 *   clobbers  ecx, edx, flags
 *
 * tcp_syn_go_on: the same for netif_rx, with its frame; returns from there, or goes to tcp_receive_no.
 *   in        ebx p, esi IP header, ebp nif, edi tcp_state, [esp+R_LEN] bytes of options
 *
 * Registers: esi IP header, edi tcp_state; ebx ports, then what the SYN has, then listener; ebp our address, then the options'
 * sum, then the entry.
 */
func tcp_syn_arrives
        ENTER_GO_ON

        .globl  tcp_syn_go_on
tcp_syn_go_on:
        sub     esp, S_SIZE
        mov     ebp, [esi+IP_DST]

/* --- nobody has this four-tuple ------------------------------------------------------------------------------------- */
        mov     ebx, [esi+H_PORTS]
        mov     edx, [esi+IP_SRC]
        mov     ecx, ebx
        xor     edx, ebp
        TCP_HASH edx, ecx, edi
        mov     ecx, [edi+TS_SSHIFT]
        mov     eax, edx
        shr     eax, cl
        mov     ecx, [edi+TS_SBUCKET]
        lea     eax, [ecx+eax*4]
        mov     [esp+S_BUCKET], eax
        mov     eax, [eax]
        test    eax, eax
        jnz     .Lhalf_open
.Lnot_half_open:
        mov     ecx, [edi+TS_TSHIFT]
        shr     edx, cl
        mov     ecx, [edi+TS_TBUCKET]
        cmp     dword ptr [ecx+edx*4], 0
        jne     .Ltimewait
.Lvacant:
        cmp     dword ptr [edi+TS_FREE_SYNQ], 0
        je      .Lno

/* --- a usual listener with room ------------------------------------------------------------------------------------- */
        shr     ebx, 16
        rol     bx, 8
        mov     eax, ebx
        and     eax, LISTEN_BUCKETS-1
        mov     eax, [edi+TS_LBUCKET+eax*4]
.Llistener:
        test    eax, eax
        jz      .Lno
        cmp     [eax+L_PORT], bx
        jne     .Lother
        mov     ecx, [eax+L_ADDR]
        cmp     ecx, ebp
        je      .Llistens
        test    ecx, ecx
        jnz     .Lother
        cmp     dword ptr [eax+L_NEXT], 0
        jne     .Lfind                          /* one on exactly this address would win */
.Llistens:
        movzx   ecx, word ptr [eax+L_ROOM]
        cmp     [eax+L_N_WAITING], ecx
        jae     .Lno
        mov     [esp+S_L], eax

/* --- the options as most machines lay them out: MSS, SACK, perhaps timestamps, scale; else in syn_options.inc --------- */
        mov     edx, [esp+S_LEN]
        mov     eax, [esi+BOTH_HEADERS]
        mov     ebp, [esi+BOTH_HEADERS+4]
        cmp     ax, W_MSS
        jne     .Lwords
        cmp     edx, 12
        jne     .Lmaybe_ts
        mov     ecx, [esi+BOTH_HEADERS+8]
        cmp     ebp, W_NOPS_SACK_OK
        jne     .Lwords
        xor     edx, edx
        mov     [esp+S_TSVAL], edx
        add     ebp, eax
.Llast_word:                                    /* ecx; ebp and the carry the sum before it; edx: timestamps or not */
        adc     ebp, ecx
        mov     ebx, ecx
        adc     ebp, 0
        shl     ecx, 8
        shr     eax, 16
        cmp     ecx, W_NOP_SCALE << 8
        jne     .Lwords
        rol     ax, 8
        shr     ebx, 24
        mov     [esp+S_MSS], eax
        lea     edx, [edx+AGREED_MOST]
        cmp     ebx, SCALE_MAX                  /* RFC 7323 2.3 */
        ja      .Lscale_max
.Lscaled:
        mov     [esp+S_SCALE], ebx
        mov     [esp+S_AGREED], edx
.Lheard:

/* --- the way back: ip_way_back, when its cache knows ---------------------------------------------------------------- */
        mov     eax, [esp+S_P]
        mov     edx, [esi+IP_SRC]
        mov     ecx, [eax+PKT_NIF]
        mov     eax, [edi+TS_ST]
        mov     eax, [eax+ST_IP]
        mov     ebx, [eax+IPS_MUL]
        imul    ebx, edx
        shr     ebx, 28
        imul    ebx, ebx, DST_SIZE
        lea     ebx, [eax+ebx+IPS_DSTS]
        cmp     [ebx+DST_ADDR], edx
        jne     .Lway
        cmp     word ptr [ebx+DST_VALID], DST_UNICAST
        jne     .Lway
        cmp     [ebx+DST_NIF], ecx
        jne     .Lway
        mov     eax, [esi+IP_DST]
        cmp     dl, 0xe0
        jae     .Lway
        cmp     [ecx+NIF_ADDR], eax
        jne     .Lway
        mov     dx, [ecx+NIF_WAY]
        movzx   eax, word ptr [ebx+DST_HOP]
        cmp     [ebx+DST_HOP_GEN], dx
        jne     .Lway
        test    eax, eax
        jz      .Lway
.Lhop:
        mov     [esp+S_HOP], eax

/* --- the sum -------------------------------------------------------------------------------------------------------- */
        mov     edx, [esp+S_P]
        test    byte ptr [edx+PKT_FLAGS], PKT_F_CSUM_OK
        jnz     .Lgood
        movzx   eax, word ptr [esi+IP_LEN]
        add     eax, PSEUDO
        SUM_HEADER eax
        adc     eax, ebp
        adc     eax, 0
        SUM_RIGHT eax, .Lno
.Lgood:

#include "half_open.inc"
#include "synack.inc"
#include "syn_options.inc"
#include "syn_rare.inc"
endfunc tcp_syn_arrives
