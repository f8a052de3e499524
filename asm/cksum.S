/* cksum.S - the Internet checksum (RFC 1071) as one adc chain: four bytes per addition, 64 a turn, the
 * carry handed from one turn to the next. Base machine: nothing beyond the i386.
 * SPDX-License-Identifier: MIT */
#include "func.inc"

/*
 * u32 cksum_add(u32 sum, const void *p, u32 n);
 *   in        [esp+4] sum, [esp+8] p (any alignment), [esp+12] n
 *   out       eax = sum + the 32-bit words of p (the last 1 to 3 bytes with zeros behind them), end-around carry
 *   clobbers  ecx, edx, flags
 *
 * The part of a turn comes first: the chain is entered so that exactly its words remain. Every adc is
 * 3 bytes long (a forced 8-bit displacement), which is what the entry point is computed from.
 */
func cksum_add
        mov     eax, [esp+4]
        mov     edx, [esp+8]
        mov     ecx, [esp+12]
        push    ebx
        mov     ebx, ecx
        and     ebx, 60                         /* bytes of the part turn */
        shr     ecx, 6                          /* whole turns */
        lea     edx, [edx+ebx-64]               /* word k of the chain is at [edx+4k] */
        shr     ebx, 2
        lea     ebx, [ebx+ebx*2]
        neg     ebx
        add     ebx, offset .Lchain_end
        clc
        jmp     ebx
        .p2align 4
.Lchain:
        .set    k, 0
        .rept   16
        {disp8} adc eax, [edx+k]
        .set    k, k+4
        .endr
.Lchain_end:
        lea     edx, [edx+64]                   /* lea and dec leave the carry alone */
        dec     ecx
        jns     .Lchain
        adc     eax, 0
        adc     eax, 0                          /* the carry of the carry: all ones met all ones */

        mov     ecx, [esp+16]
        and     ecx, 3
        jz      .Ldone
        cmp     ecx, 2
        jb      .Lone
        movzx   ebx, word ptr [edx]
        je      .Llast
        movzx   ecx, byte ptr [edx+2]
        shl     ecx, 16
        or      ebx, ecx
        jmp     .Llast
.Lone:
        movzx   ebx, byte ptr [edx]
.Llast:
        add     eax, ebx
        adc     eax, 0
.Ldone:
        pop     ebx
        ret
endfunc cksum_add

/*
 * u32 cksum_copy(void *dst, const void *src, u32 n, u32 sum);
 *   in        [esp+4] dst, [esp+8] src (no overlap), [esp+12] n, [esp+16] sum
 *   out       eax = cksum_add(sum, src, n); dst[0..n) = src[0..n)
 *   clobbers  ecx, edx, flags
 */
func cksum_copy
        push    ebx
        push    esi
        push    edi
        mov     edi, [esp+16]
        mov     esi, [esp+20]
        mov     ecx, [esp+24]
        mov     eax, [esp+28]
        shr     ecx, 5
        jz      .Lwords
        clc
.Lturn:
        .set    k, 0
        .rept   4
        mov     ebx, [esi+k]
        mov     edx, [esi+k+4]
        adc     eax, ebx
        mov     [edi+k], ebx
        adc     eax, edx
        mov     [edi+k+4], edx
        .set    k, k+8
        .endr
        lea     esi, [esi+32]
        lea     edi, [edi+32]
        dec     ecx
        jnz     .Lturn
        adc     eax, 0
        adc     eax, 0
.Lwords:
        mov     ecx, [esp+24]
        shr     ecx, 2
        and     ecx, 7
        jz      .Lbytes
        clc
.Lword:
        mov     ebx, [esi]
        adc     eax, ebx
        mov     [edi], ebx
        lea     esi, [esi+4]
        lea     edi, [edi+4]
        dec     ecx
        jnz     .Lword
        adc     eax, 0
        adc     eax, 0
.Lbytes:
        mov     ecx, [esp+24]
        and     ecx, 3
        jz      .Lout
        xor     ebx, ebx
        xor     edx, edx
.Lbyte:                                         /* at most three: bytes gather in ebx, lowest first */
        mov     bl, [esi+ecx-1]
        mov     [edi+ecx-1], bl
        shl     edx, 8
        mov     dl, bl
        dec     ecx
        jnz     .Lbyte
        add     eax, edx
        adc     eax, 0
.Lout:
        pop     edi
        pop     esi
        pop     ebx
        ret
endfunc cksum_copy
