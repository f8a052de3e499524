/* call_checked.S - calls a cdecl routine with junk in the callee-saved registers and reports what came back spoilt.
 * SPDX-License-Identifier: MIT */
        .intel_syntax noprefix
/* What is common: eax is called with its arguments on the stack, then edx = what it spoilt. Registers are the callee's to keep. */
        .macro  CALL_JUNK
        mov     ebx, 0x1badb001
        mov     esi, 0x2badb002
        mov     edi, 0x3badb003
        mov     ebp, esp                /* doubles as junk and as the stack's witness */
        call    eax
        xor     edx, edx
        cmp     ebx, 0x1badb001
        je      1f
        or      edx, 1
1:      cmp     esi, 0x2badb002
        je      1f
        or      edx, 2
1:      cmp     edi, 0x3badb003
        je      1f
        or      edx, 4
1:      cmp     esp, ebp
        je      1f
        or      edx, 16+8
1:      pushfd
        pop     ecx
        and     ecx, 0x400
        shr     ecx, 5
        or      edx, ecx
        cld
        .endm
        .macro  RESTORE
        pop     ebp
        pop     edi
        pop     esi
        pop     ebx
        ret
        .endm

/*
 * u32 call_checked(u32 *spoilt, const void *fn, u32 a, u32 b, u32 c, u32 d);
 *   in        spoilt: receives bits 1 ebx, 2 esi, 4 edi, 8 ebp, 16 esp, 32 direction flag
 *   out       eax = fn(a, b, c, d)
 *   clobbers  ecx, edx, flags
 */
        .text
        .globl  call_checked
        .type   call_checked, @function
call_checked:
        push    ebx
        push    esi
        push    edi
        push    ebp
        push    dword ptr [esp+40]      /* d */
        push    dword ptr [esp+40]      /* c */
        push    dword ptr [esp+40]      /* b */
        push    dword ptr [esp+40]      /* a */
        mov     eax, [esp+16+16+8]      /* fn */
        CALL_JUNK
        add     esp, 16
        mov     ecx, [esp+16+4]
        mov     [ecx], edx
        RESTORE

/*
 * u32 call_checked6(u32 *spoilt, const void *fn, const u32 args[6]);
 *   in, out, clobbers as call_checked; fn is called with a stack of whole 16 bytes
 */
        .globl  call_checked6
        .type   call_checked6, @function
call_checked6:
        push    ebx
        push    esi
        push    edi
        push    ebp
        mov     eax, [esp+16+8]         /* fn */
        mov     ecx, [esp+16+12]
        mov     ebx, esp
        sub     esp, 8+24+4
        and     esp, -16
        mov     [esp+24], ebx           /* above the arguments */
        .set    k, 0
        .rept   6
        mov     edx, [ecx+k]
        mov     [esp+k], edx
        .set    k, k+4
        .endr
        CALL_JUNK
        mov     esp, [ebp+24]
        test    edx, 8
        jz      1f
        ud2                             /* without ebp there is no way back */
1:      mov     ecx, [esp+16+4]
        mov     [ecx], edx
        RESTORE
        .section .note.GNU-stack, "", @progbits
