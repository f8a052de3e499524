/* siphash.S - SipHash-2-4 (Aumasson and Bernstein, section 2) in 32-bit halves.
 * v0, v1 and v3 live in registers, v2 on the stack; a rotation by 32 only changes which half is called the low one. A round is
 * then 28 instructions: four additions and four xors of two halves, four rotations of three. 12 bytes take eight rounds, the last
 * of which is four instructions shorter.
 * SPDX-License-Identifier: MIT */
#include "func.inc"

        .macro ROTL lo, hi, n
        mov     ebp, \hi
        shld    \hi, \lo, \n
        shld    \lo, ebp, \n
        .endm

/* The first half of a SipRound, in which the pairs do not meet yet; the operands are ROUND's. */
        .macro HALF_ROUND l0, h0, l2, h2
        add     \l0, ebx
        adc     \h0, ecx
        ROTL    ebx, ecx, 13
        xor     ebx, \l0
        xor     ecx, \h0
        add     [esp+\l2], esi
        adc     [esp+\h2], edi
        ROTL    esi, edi, 16
        xor     esi, [esp+\l2]
        xor     edi, [esp+\h2]
        .endm
/* One SipRound. v0 is \h0:\l0, v2 at [esp+\h2]:[esp+\l2], v1 ecx:ebx, v3 edi:esi; behind it the halves of v0 and v2 have
 * changed places. */
        .macro ROUND l0, h0, l2, h2
        HALF_ROUND \l0, \h0, \l2, \h2
        add     \h0, esi
        adc     \l0, edi
        ROTL    esi, edi, 21
        xor     esi, \h0
        xor     edi, \l0
        add     [esp+\l2], ebx
        adc     [esp+\h2], ecx
        ROTL    ebx, ecx, 17
        xor     ebx, [esp+\l2]
        xor     ecx, [esp+\h2]
        .endm
/* The last one, and edx:eax = v0 ^ v1 ^ v2 ^ v3: v0 is in v3, too, so that its last change need not be known, and v2 is in v1,
 * which leaves of it the sum of its halves. */
        .macro ROUND_LAST l0, h0, l2, h2
        HALF_ROUND \l0, \h0, \l2, \h2
        ROTL    esi, edi, 21
        mov     eax, [esp+\l2]
        mov     edx, [esp+\h2]
        add     eax, ebx
        adc     edx, ecx
        ROTL    ebx, ecx, 17
        xor     eax, edx
        mov     edx, eax
        xor     eax, ebx
        xor     edx, ecx
        xor     eax, esi
        xor     edx, edi
        .endm
        .macro ROUNDS2
        ROUND   eax, edx, 0, 4
        ROUND   edx, eax, 4, 0
        .endm
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
        cmp     ecx, 12
        je      .Ltwelve
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
.Lfinish:
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

        /* 12 bytes are addresses and ports (isn.c): no loop, and the last word is known */
.Ltwelve:
        KEYED
        mov     ebp, [esp+48]
        xor     esi, [ebp]
        xor     edi, [ebp+4]
        ROUNDS2
        mov     ebp, [esp+48]
        xor     eax, [ebp]
        xor     edx, [ebp+4]
        xor     esi, [ebp+8]
        xor     edi, 12 << 24
        ROUNDS2
        mov     ebp, [esp+48]
        xor     eax, [ebp+8]
        xor     edx, 12 << 24
        jmp     .Lfinish
endfunc siphash
