/* gdt.c - segments and task states. The code segment ends with the kernel's text, so that nothing writable can be
 * executed on CPUs whose page tables have no NX bit; and a double fault has a stack of its own.
 * SPDX-License-Identifier: MIT */
#include "sections.h"
#include "trap.h"

enum { DF_STACK = 4096, EFLAGS_FIXED = 2 };

static u64 gdt[5];
static struct tss tss_main, tss_df;
static u8 df_stack[DF_STACK] __attribute__((aligned(16)));

/* A segment descriptor (80386 manual, 6.3.1); `access` is the type byte, `flags` G and D. */
static u64 descriptor(u32 base, u32 limit, u8 access, u8 flags)
{
        u32 lo = (limit & 0xffff) | base << 16;
        u32 hi = (base >> 16 & 0xff) | (u32)access << 8 | (limit & 0xf0000) | (u32)flags << 20 | (base & 0xff000000);
        return (u64)hi << 32 | lo;
}

const struct tss *gdt_main_tss(void) { return &tss_main; }

void gdt_set_cr3(u32 cr3) { tss_df.cr3 = cr3; }

void gdt_init(void)
{
        enum { CODE = 0x9b, DATA = 0x93, TSS = 0x89, G_D = 0xc };
        u32 last_page = ((u32)__text_end - 1) >> 12;
        gdt[SEL_CODE / 8] = descriptor(0, last_page, CODE, G_D);
        gdt[SEL_DATA / 8] = descriptor(0, 0xfffff, DATA, G_D);
        gdt[SEL_TSS / 8] = descriptor((u32)&tss_main, sizeof(tss_main) - 1, TSS, 0);
        gdt[SEL_TSS_DF / 8] = descriptor((u32)&tss_df, sizeof(tss_df) - 1, TSS, 0);
        tss_main.iomap = sizeof(tss_main) << 16;
        tss_df = (struct tss){
                .eip = (u32)trap_double_fault, .esp = (u32)(df_stack + DF_STACK), .eflags = EFLAGS_FIXED,
                .cs = SEL_CODE, .ds = SEL_DATA, .es = SEL_DATA, .ss = SEL_DATA, .fs = SEL_DATA, .gs = SEL_DATA,
                .iomap = sizeof(tss_df) << 16,
        };
        struct { u16 limit; u32 base; } __attribute__((packed)) gdtr = { sizeof(gdt) - 1, (u32)gdt };
        __asm__ volatile("lgdt %0\n\t"
                         "push %1\n\t"
                         "push offset 1f\n\t"
                         "retf\n"
                         "1:\tmov ds, %2\n\tmov es, %2\n\tmov fs, %2\n\tmov gs, %2\n\tmov ss, %2\n\t"
                         "ltr %w3"
                         :: "m"(gdtr), "i"(SEL_CODE), "r"(SEL_DATA), "r"(SEL_TSS) : "memory");
}
