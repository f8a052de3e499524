; boot.asm - the boot sector: loads stage 2 behind it, checks its CRC-32, and enters it. It serves as sector 0 of the
; floppy image, where mkimage.py puts it around the BPB, and of the ISO as a disk, with the image's place as hidden sectors.
; Entered by the BIOS in real mode: dl = drive. Hands stage 2 the BPB at BOOT_ADDR with drive and BOOT_BY_LBA filled in.
; SPDX-License-Identifier: MIT
%include "boot/layout.inc"
        bits    16
        cpu     386
        org     BOOT_ADDR

        jmp     short start
        nop
        times   BOOT_CODE - ($ - $$) db 0       ; the image's OEM name and BPB

start:  cli
        cld
        xor     ax, ax
        mov     ss, ax
        mov     sp, BOOT_ADDR
        mov     ds, ax
        mov     es, ax
        mov     bp, BOOT_ADDR                   ; [bp+disp8] is the shortest way to the BPB
        mov     [bp + BOOT_DRIVE], dl
        mov     dx, 0x3fb                       ; COM1: 115200, 8N1, no interrupts
        mov     al, 0x80
        out     dx, al
        mov     dl, 0xf8
        mov     al, 1
        out     dx, al
        inc     dx
        dec     ax
        out     dx, al
        mov     dl, 0xfb
        mov     al, 3
        out     dx, al
        mov     dl, 0xf9
        mov     al, 0
        out     dx, al

; --- a 386 or later: in real mode flag bits 12 to 15 are stuck at 1 below a 286, at 0 on it, and 15 alone at 0 above
        mov     ah, 0x30
        push    ax
        popf
        pushf
        pop     ax
        sti
        and     ah, 0xf0
        cmp     ah, 0x30
        mov     si, msg_cpu
        je      .cpu_fine
        jmp     fail                            ; in a form that the old one knows
.cpu_fine:

; --- disks are read by LBA if the BIOS can, else by the BIOS's geometry; floppies by the BPB's
        mov     dl, [bp + BOOT_DRIVE]
        test    dl, dl
        jns     .load
        mov     ah, 0x41
        mov     bx, 0x55aa
        int     0x13
        jc      .geometry
        cmp     bx, 0xaa55
        jne     .geometry
        test    cl, 1
        jz      .geometry
        inc     byte [bp + BOOT_BY_LBA]
        jmp     .load
.geometry:
        mov     ah, 8
        mov     dl, [bp + BOOT_DRIVE]
        int     0x13
        jc      .unreadable
        and     cx, 63
        mov     [bp + BOOT_SPT], cx
        mov     cl, dh
        inc     cx
        mov     [bp + BOOT_HEADS], cx

.load:  push    ds                              ; AH=08 may have changed it
        pop     es
        mov     bx, STAGE2_ADDR
        xor     eax, eax
.sector:
        inc     ax
        mov     di, 5                           ; tries
.again: pusha
        movzx   eax, ax
        add     eax, [bp + BOOT_HIDDEN]
        cmp     byte [bp + BOOT_BY_LBA], 0
        je      .chs
        push    dword 0                         ; disk address packet: LBA, es:bx, one sector, its own size
        push    eax
        push    es
        push    bx
        push    word 1
        push    word 16
        mov     si, sp
        mov     ah, 0x42
        mov     dl, [bp + BOOT_DRIVE]
        int     0x13
        popa                                    ; 16 bytes off the stack without touching CF
        jmp     .done
.chs:   push    eax
        pop     ax
        pop     dx
        div     word [bp + BOOT_SPT]
        inc     dx
        mov     cx, dx                          ; sector, from 1
        xor     dx, dx
        div     word [bp + BOOT_HEADS]
        mov     dh, dl                          ; head
        mov     ch, al                          ; cylinder, its bits 8 and 9 in cl
        ror     ah, 2
        or      cl, ah
        mov     dl, [bp + BOOT_DRIVE]
        mov     ax, 0x0201
        int     0x13
.done:  popa
        jnc     .got
        pusha
        xor     ax, ax
        mov     dl, [bp + BOOT_DRIVE]
        int     0x13
        popa
        dec     di
        jnz     .again
        add     [msg_read.sector], al
.unreadable:
        mov     si, msg_read
        jmp     fail
.got:   add     bx, 512
        cmp     al, STAGE2_SECTORS
        jb      .sector

; --- CRC-32 (IEEE 802.3, as zlib's) of what was read
        mov     si, STAGE2_ADDR
        mov     cx, STAGE2_SECTORS * 512
        or      eax, -1
.byte:  xor     al, [si]
        inc     si
        mov     dl, 8
.bit:   shr     eax, 1
        jnc     .even
        xor     eax, 0xedb88320
.even:  dec     dl
        jnz     .bit
        loop    .byte
        not     eax
        cmp     eax, [bp + BOOT_CRC]
        mov     si, msg_crc
        jne     fail
        jmp     0:STAGE2_ADDR

; fail: prints the sentence at si, on screen and COM1, and halts; Ctrl-Alt-Del still works.
fail:   lodsb
        mov     ah, 0x0e
        mov     bx, 7
        mov     dx, 0x3f8
        out     dx, al
        int     0x10
        mov     cx, 300                         ; more than a character's 87 us at 115200: each port read takes about 1 us
.wait:  in      al, dx
        loop    .wait
        cmp     byte [si], 0
        jne     fail
.halt:  hlt
        jmp     .halt

msg_cpu:        db "qure: CPU too old", 0
msg_crc:        db "qure: bad checksum", 0
msg_read:       db "qure: cannot read sector "  ; of the image; 0 = not even asked
.sector:        db "0", 0
                times BOOT_CRC - ($ - $$) db 0
                dd 0                            ; mkimage.py: CRC-32 of stage 2
                times 510 - ($ - $$) db 0
                dw 0xaa55
