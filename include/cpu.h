/* cpu.h - what this CPU has, by CPUID.
 * SPDX-License-Identifier: MIT */
#ifndef CPU_H
#define CPU_H

#include "types.h"

/* CPUID leaf 1 edx and ecx, leaf 80000001h edx: number = word * 32 + bit. */
enum cpu_feature {
        CPU_FPU = 0, CPU_PSE = 3, CPU_TSC = 4, CPU_MSR = 5, CPU_PAE = 6, CPU_APIC = 9, CPU_CMOV = 15, CPU_MMX = 23, CPU_FXSR = 24,
        CPU_SSE = 25, CPU_SSE2 = 26,
        CPU_X2APIC = 32 + 21, CPU_AES = 32 + 25, CPU_XSAVE = 32 + 26, CPU_AVX = 32 + 28,
        CPU_RDRAND = 32 + 30, CPU_HYPERVISOR = 32 + 31,
        CPU_NX = 64 + 20,
};

void cpu_detect(void);
bool cpu_has(enum cpu_feature f);
/* Page tables can forbid execution: NX, and the PAE format that has room for it. */
bool cpu_has_nx(void);
/* Lets SSE and AVX instructions run where the CPU has them, and tells the checksum. They are for leaf routines of threads
 * only: nothing saves their registers, neither on interrupts nor when threads switch. */
void cpu_vectors_on(void);
bool cpu_vectors(void);
/* One line to the log: vendor, model, features that the kernel uses. */
void cpu_log(void);

static inline void cpuid(u32 leaf, u32 *a, u32 *b, u32 *c, u32 *d)
{
        __asm__ volatile("cpuid" : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d) : "a"(leaf), "c"(0));
}
static inline u64 rdmsr(u32 msr)
{
        u32 lo, hi;
        __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
        return (u64)hi << 32 | lo;
}
static inline void wrmsr(u32 msr, u64 v) { __asm__ volatile("wrmsr" :: "c"(msr), "a"((u32)v), "d"((u32)(v >> 32))); }

#endif
