/* entry.S - the kernel's first instructions, whoever loaded it: a Multiboot 1 loader (GRUB, qemu -kernel) or our own stage 2.
 * Leaves flat segments, a stack with a guard page below, cleared bss and a filled struct bootinfo, and calls kernel_main.
 * Paging and interrupts are off from here until the kernel turns them on.
 * SPDX-License-Identifier: MIT */
#include "offsets.h"

/* Multiboot 0.6.96, section 3.1. */
#define MB_MAGIC        0x1badb002
#define MB_FLAGS        3               /* modules on page boundaries; tell us about memory */
#define MB_LOADED       0x2badb002      /* eax from a Multiboot loader */
#define STAGE2_LOADED   0x45525551      /* eax from stage 2: "QURE" */
#define VIA_MULTIBOOT   4               /* enum boot_via */
/* Multiboot information, section 3.3: offsets and flag bits. */
#define MBI_LOWER       4
#define MBI_UPPER       8
#define MBI_CMDLINE     16
#define MBI_MODS_N      20
#define MBI_MODS        24
#define MBI_MMAP_LEN    44
#define MBI_MMAP        48
#define MBI_HAS_MEM     1
#define MBI_HAS_CMDLINE 4
#define MBI_HAS_MODS    8
#define MBI_HAS_MMAP    64
#define CMDLINE_MAX     255
#define EFLAGS_ID       (1 << 21)
#define CPUID_TSC       (1 << 4)
#define COM1            0x3f8
#define VGA_TEXT        0xb8000

        .intel_syntax noprefix
        .code32

        .section .multiboot, "ax"
        .balign 4
        .long   MB_MAGIC, MB_FLAGS, -(MB_MAGIC + MB_FLAGS)

/*
 * void _start(void);  32-bit protected mode, paging off, any flat segments
 *   in        eax = MB_LOADED, ebx -> Multiboot information; or eax = STAGE2_LOADED, ebx -> struct bootinfo
 *   out       does not return
 */
        .section .text.entry, "ax"
        .globl  _start
_start:
        cli
        cld
        mov     esp, offset boot_stack_top
        lgdt    [gdt_pointer]
        push    0x08
        push    offset 1f
        retf                                    /* reload cs from our table */
1:      mov     ecx, 0x10
        mov     ds, ecx
        mov     es, ecx
        mov     fs, ecx
        mov     gs, ecx
        mov     ss, ecx

        mov     ebp, eax
        mov     edi, offset __bss_start         /* a loader need not have cleared it; nothing is on the stack */
        mov     ecx, offset __bss_end
        sub     ecx, edi
        xor     eax, eax
        rep     stosb

        call    cpu_check                       /* keeps ebp; saves ebx itself */
        mov     esi, ebx
        mov     edi, offset boot_info
        cmp     ebp, STAGE2_LOADED
        je      .Lfrom_stage2
        cmp     ebp, MB_LOADED
        je      .Lfrom_multiboot
        mov     esi, offset msg_loader
        jmp     refuse

.Lfrom_stage2:
        mov     ecx, BI_SIZE                    /* out of low memory, which the kernel uses as it likes */
        rep     movsb
        jmp     .Lenter_c

.Lfrom_multiboot:
        call    multiboot_convert
.Lenter_c:
        xor     ebp, ebp                        /* backtraces end here */
        sub     esp, 12                         /* the argument's place keeps the ABI's 16-byte alignment */
        push    offset boot_info
        call    kernel_main
        mov     esi, offset msg_returned
        jmp     refuse

/*
 * multiboot_convert: fills struct bootinfo from the Multiboot information.
 *   in        esi -> Multiboot information, edi -> cleared struct bootinfo
 *   clobbers  eax, ebx, ecx, edx, esi, edi, ebp, flags
 */
multiboot_convert:
        mov     ebp, esi
        mov     dword ptr [edi+BI_VIA], VIA_MULTIBOOT

        test    dword ptr [ebp], MBI_HAS_CMDLINE
        jz      2f
        mov     esi, [ebp+MBI_CMDLINE]
        lea     ebx, [edi+BI_CMDLINE]
        mov     ecx, CMDLINE_MAX                /* the last byte stays 0 */
1:      mov     al, [esi]
        mov     [ebx], al
        inc     esi
        inc     ebx
        test    al, al
        loopnz  1b

2:      test    dword ptr [ebp], MBI_HAS_MODS
        jz      3f
        cmp     dword ptr [ebp+MBI_MODS_N], 0
        je      3f
        mov     esi, [ebp+MBI_MODS]             /* the first module is the volume: start, end */
        mov     eax, [esi]
        mov     [edi+BI_VOL_BASE], eax
        mov     ecx, [esi+4]
        sub     ecx, eax
        mov     [edi+BI_VOL_SIZE], ecx

3:      lea     ebx, [edi+BI_RANGE]
        test    dword ptr [ebp], MBI_HAS_MMAP
        jz      6f
        mov     esi, [ebp+MBI_MMAP]
        mov     edx, esi
        add     edx, [ebp+MBI_MMAP_LEN]
4:      cmp     esi, edx
        jae     5f
        cmp     dword ptr [edi+BI_N_RANGES], BI_RANGE_MAX
        jae     5f
        .irp    word, 0, 4, 8, 12, 16           /* base, length, type behind the entry's own size */
        mov     eax, [esi+4+\word]
        mov     [ebx+\word], eax
        .endr
        add     ebx, BI_RANGE_SIZE
        inc     dword ptr [edi+BI_N_RANGES]
        mov     eax, [esi]
        lea     esi, [esi+eax+4]
        jmp     4b
5:      ret

6:      test    dword ptr [ebp], MBI_HAS_MEM    /* no map: only how much there is below and above 1 MiB, in KiB */
        jz      5b
        mov     dword ptr [edi+BI_N_RANGES], 2
        mov     eax, [ebp+MBI_LOWER]
        shl     eax, 10
        mov     [ebx+8], eax
        mov     dword ptr [ebx+16], 1
        mov     dword ptr [ebx+BI_RANGE_SIZE], 0x100000
        mov     eax, [ebp+MBI_UPPER]
        shl     eax, 10
        mov     [ebx+BI_RANGE_SIZE+8], eax
        mov     dword ptr [ebx+BI_RANGE_SIZE+16], 1
        ret

/*
 * cpu_check: returns on a Pentium or later (CPUID with a time stamp counter), else says so and halts.
 *   clobbers  eax, ecx, edx, esi, flags
 */
cpu_check:
        pushfd
        pop     eax
        mov     ecx, eax
        xor     eax, EFLAGS_ID                  /* whoever can toggle ID has CPUID */
        push    eax
        popfd
        pushfd
        pop     eax
        xor     eax, ecx
        test    eax, EFLAGS_ID
        jz      1f
        push    ebx
        mov     eax, 1
        cpuid
        pop     ebx
        test    edx, CPUID_TSC
        jz      1f
        ret
1:      mov     esi, offset msg_cpu

/*
 * refuse: prints a sentence at the top of the screen and on COM1 (115200, 8N1), and halts for good. cpu_check falls through to it.
 *   in        esi -> sentence ending in 0
 */
refuse:
        .irp    regval, 0x0380, 0x0001, 0x0100, 0x0303, 0x0100
        mov     edx, COM1 + (\regval >> 8)
        mov     al, \regval & 0xff              /* line control with DLAB, divisor 1, 8N1, no interrupts */
        out     dx, al
        .endr
        mov     edi, VGA_TEXT
1:      lodsb
        test    al, al
        jz      3f
        mov     ah, 0x4f                        /* white on red */
        mov     [edi], ax
        add     edi, 2
        mov     ecx, 100000                     /* no UART there: do not wait for ever */
        mov     ah, al
        mov     edx, COM1 + 5
2:      in      al, dx
        test    al, 0x20                        /* transmitter holding register empty */
        loopz   2b
        mov     al, ah
        mov     edx, COM1
        out     dx, al
        jmp     1b
3:      hlt
        jmp     3b

        .section .rodata.entry, "a"
msg_cpu:      .asciz "qure: this CPU is too old: a Pentium or later is needed (CPUID with a time stamp counter).\r\n"
msg_loader:   .asciz "qure: started by something that is neither a Multiboot 1 loader nor qure's own boot code.\r\n"
msg_returned: .asciz "qure: kernel_main returned.\r\n"
        .balign 8
gdt:    .quad   0
        .quad   0x00cf9b000000ffff              /* 0x08 code, 0 to 4 GiB, 32 bit, ring 0 */
        .quad   0x00cf93000000ffff              /* 0x10 data, the same */
gdt_end:
gdt_pointer:
        .word   gdt_end - gdt - 1
        .long   gdt

        .section .bss.entry, "aw", @nobits
        .balign 4096
        .globl  boot_stack_guard, boot_stack, boot_stack_top
boot_stack_guard:                               /* left unmapped by the kernel */
        .skip   4096
boot_stack:
        .skip   16384
boot_stack_top:
boot_info:
        .skip   BI_SIZE

        .section .note.GNU-stack, "", @progbits
