/* siphash.S - SipHash-2-4 (Aumasson and Bernstein, section 2) of any bytes. SPDX-License-Identifier: MIT */
#include "func.inc"
#include "sipround.inc"

        .macro KEYED
        mov     ebp, [esp+44]                   /* key */
        mov     eax, [ebp]
        mov     edx, [ebp+4]
        mov     ebx, [ebp+8]
        mov     ecx, [ebp+12]
        mov     esi, eax
        mov     edi, edx
        xor     esi, 0x6e657261                 /* v2 = k0 ^ "lygenera" */
        xor     edi, 0x6c796765
        mov     [esp], esi
        mov     [esp+4], edi
        mov     esi, ebx
        mov     edi, ecx
        xor     eax, 0x70736575                 /* v0 = k0 ^ "somepseu" */
        xor     edx, 0x736f6d65
        xor     ebx, 0x6e646f6d                 /* v1 = k1 ^ "dorandom" */
        xor     ecx, 0x646f7261
        xor     esi, 0x79746573                 /* v3 = k1 ^ "tedbytes" */
        xor     edi, 0x74656462
        .endm

/*
 * u64 siphash(const u8 key[16], const void *msg, u32 n);
 *   in        [esp+4] key, [esp+8] msg, [esp+12] n
 *   out       edx:eax
 *   clobbers  ecx, flags
 *
 * Locals: [esp] v2, [esp+8] place in msg, [esp+12] bytes left of whole words, [esp+16] the last word: n & 7 bytes, n above them.
 */
func siphash
        push    ebx
        push    esi
        push    edi
        push    ebp
        sub     esp, 24
        mov     ecx, [esp+52]                   /* n */
        mov     esi, [esp+48]                   /* msg */
        mov     [esp+8], esi
        mov     edx, ecx
        and     ecx, -8
        mov     [esp+12], ecx
        add     esi, ecx                        /* the bytes of the last word */
        mov     ecx, edx
        shl     edx, 24
        xor     eax, eax
        and     ecx, 7
        cmp     ecx, 4
        jb      .Lfew
        mov     eax, [esi]
        mov     [esp+16], eax
        xor     eax, eax
        sub     ecx, 4
        jz      .Llast
.Lhigh:                                         /* up to three more bytes below n */
        shl     eax, 8
        mov     al, [esi+ecx+3]
        dec     ecx
        jnz     .Lhigh
        or      edx, eax
.Llast:
        mov     [esp+20], edx
        jmp     .Lstate
.Lfew:
        mov     [esp+20], edx
        test    ecx, ecx
        jz      .Lnone
.Llow:
        shl     eax, 8
        mov     al, [esi+ecx-1]
        dec     ecx
        jnz     .Llow
.Lnone:
        mov     [esp+16], eax
.Lstate:
        KEYED
        jmp     .Lwords
.Lword:
        mov     ebp, [esp+8]
        xor     esi, [ebp]
        xor     edi, [ebp+4]
        ROUNDS2
        mov     ebp, [esp+8]
        xor     eax, [ebp]
        xor     edx, [ebp+4]
        add     dword ptr [esp+8], 8
.Lwords:
        sub     dword ptr [esp+12], 8
        jae     .Lword
        xor     esi, [esp+16]
        xor     edi, [esp+20]
        ROUNDS2
        xor     eax, [esp+16]
        xor     edx, [esp+20]
        xor     dword ptr [esp], 0xff
        ROUNDS2
        ROUND   eax, edx, 0, 4
        ROUND_LAST edx, eax, 4, 0
        add     esp, 24
        pop     ebp
        pop     edi
        pop     esi
        pop     ebx
        ret
endfunc siphash
