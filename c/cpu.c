/* cpu.c - reads CPUID once. A Pentium is the least that boots (boot/entry.S); everything newer is optional.
 * SPDX-License-Identifier: MIT */
#include "cksum.h"
#include "cpu.h"
#include "log.h"
#include "mem.h"

static struct {
        u32 words[3];
        u32 signature;
        char vendor[13], brand[49];
        bool vectors;
} cpu;

void cpu_detect(void)
{
        u32 max, b, c, d;
        cpuid(0, &max, &b, &c, &d);
        memcpy(cpu.vendor, &b, 4);
        memcpy(cpu.vendor + 4, &d, 4);
        memcpy(cpu.vendor + 8, &c, 4);
        cpuid(1, &cpu.signature, &b, &cpu.words[1], &cpu.words[0]);
        cpuid(0x80000000, &max, &b, &c, &d);
        if (max < 0x80000001 || max > 0x8000ffff)       /* a Pentium answers with anything */
                return;
        u32 a;
        cpuid(0x80000001, &a, &b, &c, &cpu.words[2]);
        if (max < 0x80000004)
                return;
        for (u32 i = 0; i < 3; i++) {
                u32 r[4];
                cpuid(0x80000002 + i, &r[0], &r[1], &r[2], &r[3]);
                memcpy(cpu.brand + 16 * i, r, 16);
        }
}

bool cpu_has(enum cpu_feature f) { return cpu.words[f / 32] >> f % 32 & 1; }

bool cpu_has_nx(void) { return cpu_has(CPU_PAE) && cpu_has(CPU_NX); }
bool cpu_vectors(void) { return cpu.vectors; }

static bool has_avx2(void)
{
        enum { LEAF_FEATURES = 7, AVX2 = 1 << 5 };
        u32 a, b, c, d;
        cpuid(0, &a, &b, &c, &d);
        if (a < LEAF_FEATURES || !cpu_has(CPU_XSAVE) || !cpu_has(CPU_AVX))
                return false;
        cpuid(LEAF_FEATURES, &a, &b, &c, &d);
        return b & AVX2;
}

void cpu_vectors_on(void)
{
        enum { CR0_MP = 2, CR0_EM_TS = 4 | 8 };
        enum { CR4_OSFXSR = 1 << 9, CR4_OSXMMEXCPT = 1 << 10, CR4_OSXSAVE = 1 << 18, XCR0_X87_SSE_AVX = 7 };
        if (!cpu_has(CPU_FXSR) || !cpu_has(CPU_SSE2))
                return;
        bool avx2 = has_avx2();
        u32 cr0, cr4;
        __asm__ volatile("mov %0, cr0\n\tmov %1, cr4" : "=r"(cr0), "=r"(cr4));
        cr0 = (cr0 & ~(u32)CR0_EM_TS) | CR0_MP;
        cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT | (avx2 ? CR4_OSXSAVE : 0);
        __asm__ volatile("mov cr0, %0\n\tmov cr4, %1" :: "r"(cr0), "r"(cr4));
        if (avx2)
                __asm__ volatile("xsetbv" :: "c"(0), "a"(XCR0_X87_SSE_AVX), "d"(0));
        cpu.vectors = true;
        cksum_use(avx2 ? CKSUM_AVX2 : CKSUM_SSE2);
}

void cpu_log(void)
{
        static const struct { enum cpu_feature f; const char *name; } shown[] = {
                { CPU_PSE, "pse" }, { CPU_PAE, "pae" }, { CPU_NX, "nx" }, { CPU_APIC, "apic" }, { CPU_FXSR, "fxsr" },
                { CPU_SSE2, "sse2" }, { CPU_AES, "aes" }, { CPU_RDRAND, "rdrand" }, { CPU_HYPERVISOR, "hypervisor" },
        };
        char list[80];
        u32 n = 0;
        for (u32 i = 0; i < COUNT_OF(shown); i++) {
                if (!cpu_has(shown[i].f))
                        continue;
                list[n++] = ' ';
                u32 len = strlen(shown[i].name);
                memcpy(list + n, shown[i].name, len);
                n += len;
        }
        list[n] = 0;
        const char *brand = cpu.brand;
        while (*brand == ' ')
                brand++;
        klog("cpu: %s family %u model %u stepping %u%s%s,%s", cpu.vendor, cpu.signature >> 8 & 15,
             (cpu.signature >> 4 & 15) | (cpu.signature >> 12 & 0xf0), cpu.signature & 15, *brand ? ", " : "", brand, list);
}
