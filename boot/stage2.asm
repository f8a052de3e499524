; stage2.asm - from the boot sector to the kernel: checks CPU, A20 and memory, loads kernel and volume through the BIOS
; into memory above 1 MiB, checks them, and enters boot/entry.S in protected mode. What goes wrong is said in a sentence.
; Entered at 0:STAGE2_ADDR in real mode by boot.asm, ds = es = ss = 0, the BPB in front of it filled in.
; SPDX-License-Identifier: MIT
%include "boot/layout.inc"
%include "offsets.inc"
        bits    16
        cpu     586
        org     STAGE2_ADDR

        jmp     near start
        db      0
; --- header, filled in by mkimage.py
kernel_bytes:   dd 0                            ; what lies in the image behind stage 2
kernel_end:     dd 0                            ; where its bss ends: the volume goes there
kernel_entry:   dd 0
kernel_crc:     dd 0                            ; CRC-32 of kernel_bytes

KERNEL_ADDR     equ 0x100000
WORK_BYTES      equ 512 << 10                   ; what the kernel needs beside itself and the volume to be of use
VIA_FLOPPY      equ 1                           ; enum boot_via
VIA_DISK        equ 2
VIA_CD          equ 3
STAGE2_LOADED   equ 0x45525551                  ; entry.S knows us by it in eax
BPB             equ VBR_ADDR
IMAGE_SECTORS   equ 2880

start:  mov     si, msg_hello
        call    print
        mov     al, [BOOT_ADDR + BOOT_DRIVE]
        call    print_hex
        call    clear_info
        call    check_cpu
        call    enable_a20
        call    find_memory
        call    probe_drive
        mov     eax, [kernel_end]
        call    check_room
        call    load_kernel
        call    load_volume
        mov     si, msg_start
        call    print
        mov     dx, 0x3f2                       ; floppy motors off: no BIOS tick will do it any more
        mov     al, 0x0c
        out     dx, al
        mov     ebp, enter_kernel
        call    protected

%include "boot/say.inc"
%include "boot/machine.inc"
%include "boot/drive.inc"
%include "boot/load.inc"
%include "boot/protected.inc"

        times   STAGE2_SECTORS * 512 - ($ - $$) db 0
