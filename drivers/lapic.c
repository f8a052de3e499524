/* lapic.c - local APIC (Intel SDM 3A, chapter 11) in virtual wire mode: device lines come through the 8259s, as the firmware
 * left it. Not used in x2APIC mode, nor on a Pentium, whose APIC cannot be told from one that the board has turned off.
 * SPDX-License-Identifier: MIT */
#include "cpu.h"
#include "io.h"
#include "lapic.h"
#include "mem.h"
#include "trap.h"

enum {
        MSR_BASE = 0x1b, BASE_X2APIC = 1 << 10, BASE_ON = 1 << 11,
        R_TPR = 0x80, R_EOI = 0xb0, R_SPURIOUS = 0xf0,
        R_LVT_TIMER = 0x320, R_LVT_LINT0 = 0x350, R_LVT_LINT1 = 0x360, R_LVT_ERROR = 0x370,
        R_TIMER_INITIAL = 0x380, R_TIMER_CURRENT = 0x390, R_TIMER_DIVIDE = 0x3e0,
        SPURIOUS_ON = 0x100, LVT_MASKED = 1 << 16, LVT_EXTINT = 0x700, LVT_NMI = 0x400, DIVIDE_BY_16 = 3,
};

static u32 base;

static void put(u32 reg, u32 v) { mmio_write32((volatile void *)(base + reg), v); }

bool lapic_init(void)
{
        if (!cpu_has(CPU_APIC) || !cpu_has(CPU_MSR) || !cpu_has(CPU_PAE))
                return false;
        u64 msr = rdmsr(MSR_BASE);
        if (!(msr & BASE_ON) || (msr & BASE_X2APIC) || msr >> 32)
                return false;
        base = (u32)msr & ~(PAGE_SIZE - 1u);
        put(R_TPR, 0);
        put(R_LVT_LINT0, LVT_EXTINT);
        put(R_LVT_LINT1, LVT_NMI);
        put(R_LVT_ERROR, LVT_MASKED);
        put(R_LVT_TIMER, LVT_MASKED | VEC_LAPIC_TIMER);
        put(R_SPURIOUS, SPURIOUS_ON | VEC_SPURIOUS);
        put(R_TIMER_DIVIDE, DIVIDE_BY_16);
        put(R_TIMER_INITIAL, UINT32_MAX);
        return true;
}

bool lapic_map(void)
{
        if (!mem_map_device(base, PAGE_SIZE))
                return false;
        put(R_TIMER_INITIAL, 0);
        put(R_LVT_TIMER, VEC_LAPIC_TIMER);
        return true;
}

u32 lapic_ruler_read(void) { return mmio_read32((volatile void *)(base + R_TIMER_CURRENT)); }
void lapic_arm(u32 ticks) { put(R_TIMER_INITIAL, ticks ? ticks : 1); }
void lapic_eoi(void) { put(R_EOI, 0); }
