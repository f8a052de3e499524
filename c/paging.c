/* paging.c - page tables in either format: 64-bit entries with NX where the CPU has it (PAE), else 32-bit ones, where the
 * code segment's limit keeps data from being executed (c/gdt.c). Large pages where they fit. One address space, never switched.
 * SPDX-License-Identifier: MIT */
#include "cpu.h"
#include "log.h"
#include "mem.h"
#include "paging.h"
#include "panic.h"
#include "sections.h"
#include "trap.h"
#include "vga.h"

enum { LOW_END = 0x100000, RAM_FREE = 1 };
enum { P = 1, RW = 2, PWT = 8, PCD = 0x10, PS = 0x80 };
enum { CR4_PSE = 0x10, CR4_PAE = 0x20, MSR_EFER = 0xc0000080, EFER_NXE = 0x800 };
enum { VGA_WINDOW = 0xffc00000u };      /* flash ROM is there in physical space; nobody maps that */
static const u32 CR0_PG_WP = 0x80010000;
static const u64 NX = 1ull << 63;

static struct {
        bool pae, large, on;
        u32  shift;             /* bits that one directory entry covers */
        u32  entries;           /* in a table */
        u64  pdpt[4] __attribute__((aligned(32)));
        void *dir[4];           /* by the top two address bits with PAE, else dir[0] */
} pg;

static u64 entry_get(const void *table, u32 i)
{
        return pg.pae ? ((const u64 *)table)[i] : ((const u32 *)table)[i];
}

static void entry_set(void *table, u32 i, u64 v)
{
        if (pg.pae)
                ((volatile u64 *)table)[i] = v;
        else
                ((volatile u32 *)table)[i] = (u32)v;
}

static u64 bits_of(enum page_rights rights)
{
        u64 nx = pg.pae ? NX : 0;
        switch (rights) {
        case PAGE_TEXT:   return P;
        case PAGE_RO:     return P | nx;
        case PAGE_RW:     return P | RW | nx;
        case PAGE_DEVICE: return P | RW | PCD | PWT | nx;
        default:          return 0;
        }
}

static void flush(void)
{
        u32 cr3;
        __asm__ volatile("mov %0, cr3\n\tmov cr3, %0" : "=r"(cr3) :: "memory");
}

static void *directory(u32 va) { return pg.dir[pg.pae ? va >> 30 : 0]; }
static u32 dir_index(u32 va) { return pg.pae ? va >> 21 & 511 : va >> 22; }

/* The table behind a directory entry, made (or cut out of a large page) when it is not there. */
static void *table_of(u32 va)
{
        void *dir = directory(va);
        u32 i = dir_index(va);
        u64 e = entry_get(dir, i), frame = ~(u64)(PAGE_SIZE - 1) & ~NX;
        if ((e & P) && !(e & PS))
                return (void *)(u32)(e & frame);
        void *table = page_alloc(1);
        if (!table)
                return NULL;
        if (e & PS)
                for (u32 k = 0; k < pg.entries; k++)
                        entry_set(table, k, (e & ~(u64)PS) + k * PAGE_SIZE);
        entry_set(dir, i, (u32)table | P | RW);
        return table;
}

/* Maps whole pages va -> pa. */
static bool map(u32 va, u32 pa, u32 size, enum page_rights rights)
{
        u64 bits = bits_of(rights);
        u32 large = 1u << pg.shift;
        while (size) {
                bool fits = pg.large && !((va | pa) & (large - 1)) && size >= large;
                if (fits && !(entry_get(directory(va), dir_index(va)) & P)) {
                        entry_set(directory(va), dir_index(va), bits ? pa | bits | PS : 0);
                        va += large, pa += large, size -= large;
                        continue;
                }
                void *table = table_of(va);
                if (!table)
                        return false;
                entry_set(table, va / PAGE_SIZE % pg.entries, bits ? pa | bits : 0);
                va += PAGE_SIZE, pa += PAGE_SIZE, size -= PAGE_SIZE;
        }
        if (pg.on)
                flush();
        return true;
}

bool paging_set(u32 base, u32 size, enum page_rights rights)
{
        ASSERT(((base | size) & (PAGE_SIZE - 1)) == 0);
        return map(base, base, size, rights);
}

static bool outward(u32 phys, u32 size, u32 *base, u32 *len)
{
        *base = phys & ~(PAGE_SIZE - 1u);
        *len = (phys + size - *base + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1u);
        return size && size <= 0x40000000 && phys <= 0xffffffff - size && *base + *len - 1 >= phys;
}

volatile void *mem_map_device(u32 phys, u32 size)
{
        u32 base, len;
        return outward(phys, size, &base, &len) && paging_set(base, len, PAGE_DEVICE) ? (volatile void *)phys : NULL;
}

static bool mapped(u32 va)
{
        u64 e = entry_get(directory(va), dir_index(va));
        if (!(e & P) || (e & PS))
                return e & P;
        return entry_get(table_of(va), va / PAGE_SIZE % pg.entries) & P;
}

const void *paging_map_ro(u32 phys, u32 size)
{
        u32 base, len;
        if (phys < PAGE_SIZE || !outward(phys, size, &base, &len))
                return NULL;
        for (u32 va = base; va - base < len; va += PAGE_SIZE)
                if (!mapped(va) && !paging_set(va, PAGE_SIZE, PAGE_RO))
                        return NULL;
        return (const void *)phys;
}

const char *paging_kind(void) { return pg.pae ? "PAE with NX" : "32-bit, code limit"; }

/* RAM that the firmware calls free is for reading and writing, but the first megabyte where it could be executed. */
static bool map_ram(const struct mem_range *r)
{
        u64 base = (r->base + PAGE_SIZE - 1) & ~(u64)(PAGE_SIZE - 1), end = r->base + r->size;
        u64 floor = pg.pae ? PAGE_SIZE : LOW_END;
        base = base < floor ? floor : base;
        end = (end > MEM_TOP ? MEM_TOP : end) & ~(u64)(PAGE_SIZE - 1);
        return r->type != RAM_FREE || base >= end || paging_set((u32)base, (u32)(end - base), PAGE_RW);
}

/* Everything that may be touched; later lines take rights away from pages that earlier ones gave. */
static bool map_all(const struct bootinfo *bi)
{
        u32 text = (u32)__text_start, text_end = (u32)__text_end, ro_end = (u32)__rodata_end, vol = 0, vol_len = 0;
        bool ok = paging_set(PAGE_SIZE, LOW_END - PAGE_SIZE, PAGE_RO);
        for (u32 i = 0; i < bi->n_ranges && ok; i++)
                ok = map_ram(&bi->range[i]);
        if (outward(bi->vol_base, bi->vol_size, &vol, &vol_len))
                ok = ok && paging_set(vol, vol_len, PAGE_RO);
        ok = ok && paging_set(text, text_end - text, PAGE_TEXT) && paging_set(text_end, ro_end - text_end, PAGE_RO);
        ok = ok && paging_set(ro_end, (u32)__kernel_end - ro_end, PAGE_RW);
        ok = ok && paging_set((u32)boot_stack_guard, PAGE_SIZE, PAGE_NONE);
        return ok && map(VGA_WINDOW, VGA_TEXT_PHYS, VGA_TEXT_SIZE, PAGE_DEVICE);
}

static void turn_on(u32 cr3)
{
        u32 cr4_bit = pg.pae ? CR4_PAE : pg.large ? CR4_PSE : 0, cr0, cr4;
        if (pg.pae)
                wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
        if (cr4_bit) {          /* a CPU without any of these may not have CR4 */
                __asm__ volatile("mov %0, cr4" : "=r"(cr4));
                __asm__ volatile("mov cr4, %0" :: "r"(cr4 | cr4_bit) : "memory");
        }
        __asm__ volatile("mov cr3, %1\n\tmov %0, cr0" : "=&r"(cr0) : "r"(cr3) : "memory");
        __asm__ volatile("mov cr0, %0\n\tjmp 1f\n1:" :: "r"(cr0 | CR0_PG_WP) : "memory");
        pg.on = true;
}

void paging_init(const struct bootinfo *bi)
{
        pg.pae = cpu_has_nx();
        pg.large = pg.pae || cpu_has(CPU_PSE);
        pg.shift = pg.pae ? 21 : 22;
        pg.entries = pg.pae ? 512 : 1024;
        for (u32 i = 0; i < (pg.pae ? 4 : 1); i++) {
                pg.dir[i] = page_alloc(1);
                if (!pg.dir[i])
                        panic("no memory for page tables");
                pg.pdpt[i] = (u32)pg.dir[i] | P;
        }
        if (!map_all(bi))
                panic("no memory for page tables");
        u32 cr3 = pg.pae ? (u32)pg.pdpt : (u32)pg.dir[0];
        gdt_set_cr3(cr3);
        turn_on(cr3);
        vga_move((volatile u16 *)VGA_WINDOW);
}
