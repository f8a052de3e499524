/* cksum.S - the Internet checksum (RFC 1071): on the base machine one adc chain, four bytes per addition,
 * the carry handed from one turn to the next; SSE2 or AVX2 for 128 bytes and more once cksum_use allows them.
 * SPDX-License-Identifier: MIT */
#include "func.inc"

/*
 * u32 cksum_add(u32 sum, const void *p, u32 n);
 *   in        [esp+4] sum, [esp+8] p (any alignment), [esp+12] n
 *   out       eax = sum + the 32-bit words of p (the last 1 to 3 bytes with zeros behind them), end-around carry
 *   clobbers  ecx, edx, flags
 *
 * The part of a turn of 256 bytes comes first: the chain is entered so that exactly its words remain. Every adc is
 * 3 bytes long (a forced 8-bit displacement), which is what the entry point is computed from.
 */
func cksum_add
        mov     eax, [esp+4]
        mov     edx, [esp+8]
        mov     ecx, [esp+12]
        cmp     ecx, 128
        jae     .Llong
.Lbase:
        push    ebx
        mov     ebx, ecx
        and     ebx, 252                        /* bytes of the part turn */
        shr     ecx, 8                          /* whole turns */
        lea     edx, [edx+ebx-128]              /* the last word of a turn is at [edx+124] */
        shr     ebx, 2
        lea     ebx, [ebx+ebx*2]
        neg     ebx
        add     ebx, offset .Lchain_end
        clc
        jmp     ebx
.Llong:
        jmp     dword ptr [cksum_long]
        .p2align 4
.Lchain:
        .set    k, -128
        .rept   64
        {disp8} adc eax, [edx+k]
        .set    k, k+4
        .endr
.Lchain_end:
        lea     edx, [edx+256]                  /* lea and dec leave the carry alone */
        dec     ecx
        jns     .Lchain
        adc     eax, 0
        adc     eax, 0                          /* the carry of the carry: all ones met all ones */

        mov     ecx, [esp+16]
        and     ecx, 3
        jz      .Ldone
        cmp     ecx, 2
        jb      .Lone
        movzx   ebx, word ptr [edx-128]
        je      .Llast
        movzx   ecx, byte ptr [edx-126]
        shl     ecx, 16
        or      ebx, ecx
        jmp     .Llast
.Lone:
        movzx   ebx, byte ptr [edx-128]
.Llast:
        add     eax, ebx
        adc     eax, 0
.Ldone:
        pop     ebx
        ret
endfunc cksum_add

/*
 * cksum_add for n >= 128 with vectors (equal modulo 65535): eax sum, edx p, ecx n as above, goes on in .Lbase with what is left
 * (n & 63), or returns.
 *   clobbers  eax, ecx, edx, its arguments' slots, xmm0-3, 6, 7 or ymm, flags
 *
 * pmaddwd adds neighbouring 16-bit words, but as signed numbers: each word w enters as w - 2^15 (one xor), and
 * 2^15 for each word, n/2 * 2^15 = n << 14, is added at the end. A lane grows by less than 2^17 a step, so pieces
 * of 64 KiB cannot overflow it.
 */
        .macro PIECE                            /* this piece: edx behind its whole blocks, ecx = -their bytes, eax = its bias */
        mov     ecx, [esp+12]
        and     ecx, -64
        cmp     ecx, 0x10000
        jbe     1f
        mov     ecx, 0x10000
1:      sub     [esp+12], ecx
        mov     eax, ecx
        shl     eax, 14
        add     edx, ecx
        neg     ecx
        .endm

        .section .text.cksum_add, "ax", @progbits
        .p2align 4
cksum_long_sse2:
        movdqa  xmm6, [cksum_bias]
        movdqa  xmm7, [cksum_ones]
.Lsse2_piece:
        PIECE
        pxor    xmm0, xmm0
        pxor    xmm1, xmm1
.Lsse2:
        .set    k, 0
        .rept   2
        movdqu  xmm2, [edx+ecx+k]
        movdqu  xmm3, [edx+ecx+k+16]
        pxor    xmm2, xmm6
        pxor    xmm3, xmm6
        pmaddwd xmm2, xmm7
        pmaddwd xmm3, xmm7
        paddd   xmm0, xmm2
        paddd   xmm1, xmm3
        .set    k, k+32
        .endr
        add     ecx, 64
        jnz     .Lsse2
        paddd   xmm0, xmm1
        pshufd  xmm1, xmm0, 0x4e
        paddd   xmm0, xmm1
        pshufd  xmm1, xmm0, 0xb1
        paddd   xmm0, xmm1
        movd    ecx, xmm0
        add     eax, ecx                        /* the true sum of the piece's words, unsigned */
        add     eax, [esp+4]
        adc     eax, 0
        mov     ecx, [esp+12]
        cmp     ecx, 64
        jb      .Lbase                          /* the last bytes by the chain */
        mov     [esp+4], eax
        jmp     .Lsse2_piece

        .macro AVX2_BLOCK k                     /* 64 bytes at [edx+ecx+k] into ymm0 and ymm1 */
        vpxor   ymm2, ymm6, [edx+ecx+\k]
        vpxor   ymm3, ymm6, [edx+ecx+\k+32]
        vpmaddwd ymm2, ymm2, ymm7
        vpmaddwd ymm3, ymm3, ymm7
        vpaddd  ymm0, ymm0, ymm2
        vpaddd  ymm1, ymm1, ymm3
        .endm

        .p2align 4
cksum_long_avx2:
        vmovdqa ymm6, [cksum_bias]
        vmovdqa ymm7, [cksum_ones]
.Lavx2_piece:
        PIECE
        vpxor   xmm0, xmm0, xmm0
        vpxor   xmm1, xmm1, xmm1
        test    ecx, 64                         /* an odd number of blocks: one by itself */
        jz      .Lavx2
        AVX2_BLOCK 0
        add     ecx, 64
        jz      .Lavx2_end
.Lavx2:
        AVX2_BLOCK 0
        AVX2_BLOCK 64
        sub     ecx, -128
        jnz     .Lavx2
.Lavx2_end:
        mov     ecx, [esp+12]
        cmp     ecx, 64
        jae     .Lavx2_join
        and     ecx, -2                         /* last words: the 64 bytes that end with them, what was summed already masked */
        jz      .Lavx2_join
        vmovdqu ymm2, [edx+ecx-64]
        vmovdqu ymm3, [edx+ecx-32]
        vpand   ymm2, ymm2, [cksum_mask+ecx]
        vpand   ymm3, ymm3, [cksum_mask+ecx+32]
        vpxor   ymm2, ymm2, ymm6
        vpxor   ymm3, ymm3, ymm6
        vpmaddwd ymm2, ymm2, ymm7
        vpmaddwd ymm3, ymm3, ymm7
        vpaddd  ymm0, ymm0, ymm2
        vpaddd  ymm1, ymm1, ymm3
        add     eax, 64 << 14
        add     edx, ecx
.Lavx2_join:
        vpaddd  ymm0, ymm0, ymm1
        vextracti128 xmm1, ymm0, 1
        vpaddd  xmm0, xmm0, xmm1
        vpshufd xmm1, xmm0, 0x4e
        vpaddd  xmm0, xmm0, xmm1
        vpshufd xmm1, xmm0, 0xb1
        vpaddd  xmm0, xmm0, xmm1
        vmovd   ecx, xmm0
        add     eax, ecx
        add     eax, [esp+4]
        adc     eax, 0
        mov     ecx, [esp+12]
        cmp     ecx, 64
        jb      .Lavx2_last
        mov     [esp+4], eax
        jmp     .Lavx2_piece
.Lavx2_last:
        vzeroupper                              /* whoever uses SSE forms next pays no penalty for mixing */
        test    cl, 1
        jz      .Lavx2_done
        movzx   ecx, byte ptr [edx]
        add     eax, ecx
        adc     eax, 0
.Lavx2_done:
        ret

/*
 * void cksum_use(enum cksum_level level);
 *   in        [esp+4] 0 base, 1 SSE2, 2 AVX2
 *   out       cksum_add uses it from now on; the caller knows that processor and system allow it
 *   clobbers  eax
 */
func cksum_use
        mov     eax, [esp+4]
        mov     eax, [cksum_levels+eax*4]
        mov     [cksum_long], eax
        ret
endfunc cksum_use

        .section .rodata.cksum, "a", @progbits
        .p2align 5
cksum_bias:
        .rept   16
        .short  0x8000
        .endr
cksum_ones:
        .rept   16
        .short  1
        .endr
cksum_mask:                                     /* 64 bytes read at cksum_mask + r: 64 - r zeros, r ones */
        .skip   64, 0
        .skip   64, 0xff
cksum_levels:
        .long   .Lbase, cksum_long_sse2, cksum_long_avx2
        .section .data.cksum, "aw", @progbits
        .p2align 2
cksum_long:
        .long   .Lbase

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
