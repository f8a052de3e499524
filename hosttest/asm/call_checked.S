/* call_checked.S - calls a cdecl routine with junk in the callee-saved registers and reports what came back spoilt.
 * SPDX-License-Identifier: MIT */
        .intel_syntax noprefix
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
        add     esp, 16
        mov     ecx, [esp+16+4]
        mov     [ecx], edx
        pop     ebp
        pop     edi
        pop     esi
        pop     ebx
        ret
        .section .note.GNU-stack, "", @progbits
