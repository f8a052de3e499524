/* cksum.S - the Internet checksum (RFC 1071): on the base machine one adc chain, four bytes per addition;
 * SSE2 or AVX2 for 128 bytes and more once cksum_use allows them.
 * SPDX-License-Identifier: MIT */
#include "func.inc"

/*
 * u32 cksum_add(u32 sum, const void *p, u32 n);
 *   in        [esp+4] sum, [esp+8] p (any alignment), [esp+12] n
 *   out       eax = sum + the 32-bit words of p (the last 1 to 3 bytes with zeros behind them), end-around carry
 *   clobbers  ecx, edx, flags
 */
func cksum_add
        mov     eax, [esp+4]
        mov     edx, [esp+8]
        mov     ecx, [esp+12]
        push    ebx
        call    dword ptr [cksum_way]
        pop     ebx
        ret
endfunc cksum_add

/*
 * [cksum_way]: the same for assembly.
 *   in        eax sum, edx p, ecx n
 *   out       eax as above (with vectors: equal modulo 65535)
 *   clobbers  ecx, edx, ebx, flags, xmm0-3, 5-7 or ymm
 *
 * One chain without a turn is as long as an Ethernet frame's text, and is entered so that exactly the words there are remain. Every
 * adc is 6 bytes long (a displacement of 4 bytes where 1 would do, too), which is what the entry point is computed from.
 */
        .set    CHAIN, 1536
        .section .text.cksum_add, "ax", @progbits
cksum_base:
        ror     ecx, 2                          /* words; a rest makes it more than any number of them */
        cmp     ecx, CHAIN/4
        ja      .Lbase_other
        lea     edx, [edx+ecx*4]
        imul    ecx, ecx, -6                    /* bytes of adc to go; what fits leaves no carry, and nothing below touches it */
        lea     ecx, [ecx+.Lchained]
        jmp     ecx
        .p2align 4
        .set    k, -CHAIN
        .rept   CHAIN/4
        {disp32} adc eax, [edx+k]
        .set    k, k+4
        .endr
.Lchained:
        adc     eax, 0
        adc     eax, 0                          /* the carry of the carry: all ones met all ones */
        ret

.Lbase_other:
        rol     ecx, 2
        test    cl, 3
        jnz     .Ltail
        push    ecx                             /* long: a chain's worth first */
        push    edx
        mov     ecx, CHAIN
        call    cksum_base
        pop     edx
        pop     ecx
        add     edx, CHAIN
        sub     ecx, CHAIN
        jmp     cksum_base

.Ltail:                                         /* the last 1 to 3 bytes first */
        movzx   ebx, byte ptr [edx+ecx-1]
        test    cl, 1
        jz      .Ltwo
        test    cl, 2
        jz      .Llast
        shl     ebx, 16
        add     eax, ebx
        adc     eax, 0
        movzx   ebx, word ptr [edx+ecx-3]
        jmp     .Llast
.Ltwo:
        movzx   ebx, word ptr [edx+ecx-2]
.Llast:
        add     eax, ebx
        adc     eax, 0
        and     ecx, -4
        jmp     cksum_base

/*
 * With vectors no word is ever widened: each is added to W, the sums of the words of each lane modulo 2^16 (paddw), and to H,
 * about how many times 256 they are: means of 2, 4, 8, 16 vectors by pavgw, which round by less than one each, shifted and
 * added. A lane's true sum is the only number that is W modulo 2^16 and nearer to 256 H than 2^15: 256 H + (W - 256 H as a signed
 * word). Pieces of at most 126 vectors keep H below 2^15, and its error far below 128.
 */
#include "cksum_sse2.inc"
#include "cksum_avx2.inc"

/*
 * void cksum_use(enum cksum_level level);
 *   in        [esp+4] 0 base, 1 SSE2, 2 AVX2
 *   out       cksum_add uses it from now on; the caller knows that processor and system allow it
 *   clobbers  eax
 */
func cksum_use
        mov     eax, [esp+4]
        mov     eax, [cksum_levels+eax*4]
        mov     [cksum_way], eax
        ret
endfunc cksum_use

        .section .rodata.cksum, "a", @progbits
        .p2align 5
cksum_ones:
        .rept   16
        .short  1
        .endr
cksum_256s:
        .rept   16
        .short  256
        .endr
cksum_mask:                                     /* 64 bytes read at cksum_mask + r: 64 - r zeros, r ones */
        .skip   64, 0
        .skip   64, 0xff
cksum_levels:
        .long   cksum_base, cksum_sse2, cksum_avx2
avx2_pairs:                                     /* where a turn is entered that leaves out 0 to 7 pairs */
        .long   .Lavx2_0, .Lavx2_1, .Lavx2_2, .Lavx2_3, .Lavx2_4, .Lavx2_5, .Lavx2_6, .Lavx2_7
        .section .data.cksum, "aw", @progbits
        .p2align 2
        .globl  cksum_way
cksum_way:
        .long   cksum_base

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
