/* idt.c - the interrupt table, and the fork between device lines and exceptions.
 * SPDX-License-Identifier: MIT */
#include "panic.h"
#include "trap.h"

enum { GATE_INTERRUPT = 0x8e, GATE_TASK = 0x85, STUB_SIZE = 16 };

static u64 idt[256];

static u64 gate(u32 selector, u32 entry, u8 type)
{
        return (u64)((entry & 0xffff0000) | (u32)type << 8) << 32 | (selector << 16 | (entry & 0xffff));
}

void idt_init(void)
{
        for (u32 i = 0; i < VEC_STUBS; i++)
                idt[i] = gate(SEL_CODE, (u32)trap_stubs + STUB_SIZE * i, GATE_INTERRUPT);
        idt[VEC_DF] = gate(SEL_TSS_DF, 0, GATE_TASK);
        idt[VEC_SPURIOUS] = gate(SEL_CODE, (u32)trap_spurious, GATE_INTERRUPT);
        struct { u16 limit; u32 base; } __attribute__((packed)) idtr = { sizeof(idt) - 1, (u32)idt };
        __asm__ volatile("lidt %0" :: "m"(idtr) : "memory");
}

void trap(struct trapframe *f)
{
        if (f->vector == VEC_LAPIC_TIMER)
                clock_dispatch(f->eip);
        else if (f->vector >= VEC_IRQ)
                irq_dispatch((u8)(f->vector - VEC_IRQ), f);
        else
                panic_trap(f);
}
