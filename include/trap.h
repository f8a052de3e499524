/* trap.h - descriptor tables, and what the stubs of asm/trap.S push before they call C.
 * SPDX-License-Identifier: MIT */
#ifndef TRAP_H
#define TRAP_H

#include "types.h"

/* The stack at trap(), lowest address first: pushad, then the stub's two words, then what the CPU pushed. */
struct trapframe {
        u32 edi, esi, ebp, esp_pushad, ebx, edx, ecx, eax;
        u32 vector, error;
        u32 eip, cs, eflags;
};

enum {
        VEC_DF = 8, VEC_GP = 13, VEC_PF = 14,
        VEC_IRQ = 32,         /* PIC lines 0..15 */
        VEC_LAPIC_TIMER = 48,
        VEC_STUBS = 49,       /* stubs in asm/trap.S */
        VEC_SPURIOUS = 0xff,  /* local APIC */
};

enum { SEL_CODE = 0x08, SEL_DATA = 0x10, SEL_TSS = 0x18, SEL_TSS_DF = 0x20 };

/* 80386 task state segment; only the double fault uses one for what it is. */
struct tss {
        u32 link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags, eax, ecx, edx, ebx, esp, ebp, esi, edi;
        u32 es, cs, ss, ds, fs, gs, ldt, iomap;
};

/* Loads our GDT (the code segment ends with the kernel's text) and the two TSS. */
void gdt_init(void);
/* Page tables exist now: the double fault task gets the same ones. */
void gdt_set_cr3(u32 cr3);
/* What the CPU saved of the task in which a double fault happened. */
const struct tss *gdt_main_tss(void);

void idt_init(void);

/* From asm/trap.S. */
void trap(struct trapframe *f);
void trap_double_fault(void);
extern const u8 trap_stubs[], trap_spurious[];

/* From trap(): a PIC line interrupted at eip (c/irq.c). */
void irq_dispatch(u8 line, const struct trapframe *f);
/* The local APIC's timer interrupted at eip (c/clock.c). */
void clock_dispatch(u32 eip);
/* Where the interrupt that is being handled came from, for the watchdog. */
u32 irq_eip(void);
void irq_init(void);

#endif
