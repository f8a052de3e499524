/* mem.c - the machine's page frames, and blocks that are never given back. Virtual is physical.
 * The pool is every usable page below MEM_TOP but the kernel, the volume and, on CPUs without NX, the first megabyte
 * (it lies inside the code segment's limit, so it must not be writable; doc/memory.md).
 * SPDX-License-Identifier: MIT */
#include "cpu.h"
#include "mem.h"
#include "pages.h"
#include "paging.h"
#include "panic.h"
#include "sections.h"

enum { LOW_MEMORY_END = 0x100000, USABLE = 1 };

static struct pagemap pool;
static struct { u8 *at, *end; } boot_block; /* what mem_boot cuts from */

struct span { u32 base, end; };

/* The whole pages of a range that memory may have. */
static struct span usable(const struct mem_range *r)
{
        u64 base = (r->base + PAGE_SIZE - 1) & ~(u64)(PAGE_SIZE - 1), end = (r->base + r->size) & ~(u64)(PAGE_SIZE - 1);
        u32 floor = cpu_has_nx() ? PAGE_SIZE : LOW_MEMORY_END;
        if (end > MEM_TOP)
                end = MEM_TOP;
        if (base < floor)
                base = floor;
        if (r->type != USABLE || base >= end)
                return (struct span){ 0, 0 };
        return (struct span){ (u32)base, (u32)end };
}

static struct span pages_of(u32 base, u32 size)
{
        return (struct span){ base & ~(PAGE_SIZE - 1u), (base + size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1u) };
}

/* A place of `size` bytes for the map itself, off the kernel and the volume. */
static u32 place_map(const struct bootinfo *bi, u32 size)
{
        const struct span taken[] = { pages_of((u32)__text_start, (u32)__kernel_end - (u32)__text_start),
                                      pages_of(bi->vol_base, bi->vol_size) };
        for (u32 i = 0; i < bi->n_ranges; i++) {
                struct span r = usable(&bi->range[i]);
                const u32 starts[] = { r.base, taken[0].end, taken[1].end };
                for (u32 k = 0; k < COUNT_OF(starts); k++) {
                        u32 at = starts[k];
                        bool free = at >= r.base && at < r.end && r.end - at >= size;
                        for (u32 t = 0; t < COUNT_OF(taken) && free; t++)
                                free = at + size <= taken[t].base || at >= taken[t].end;
                        if (free)
                                return at;
                }
        }
        panic("no memory: %u ranges, none has %u bytes to spare", bi->n_ranges, size);
}

static void take_out(struct span s) { pagemap_remove(&pool, s.base / PAGE_SIZE, (s.end - s.base) / PAGE_SIZE); }

/* Some firmware lists ranges that overlap: what any of them calls taken is taken. */
static void take_out_reserved(const struct mem_range *r)
{
        u64 end = r->base + r->size;
        if (r->type != USABLE && r->base < MEM_TOP)
                take_out(pages_of((u32)r->base, (u32)((end < MEM_TOP ? end : MEM_TOP) - r->base)));
}

void mem_init(const struct bootinfo *bi)
{
        u32 top = 0;
        for (u32 i = 0; i < bi->n_ranges; i++)
                top = max_u32(top, usable(&bi->range[i]).end);
        u32 n = top / PAGE_SIZE, map_bytes = (n + 31) / 32 * 4;
        u32 at = place_map(bi, map_bytes);
        pagemap_init(&pool, (u32 *)at, n);
        for (u32 i = 0; i < bi->n_ranges; i++) {
                struct span r = usable(&bi->range[i]);
                pagemap_add(&pool, r.base / PAGE_SIZE, (r.end - r.base) / PAGE_SIZE);
        }
        for (u32 i = 0; i < bi->n_ranges; i++)
                take_out_reserved(&bi->range[i]);
        take_out(pages_of((u32)__text_start, (u32)__kernel_end - (u32)__text_start));
        take_out(pages_of(bi->vol_base, bi->vol_size));
        take_out(pages_of(at, map_bytes));
}

void page_zero_sse(void *pages, u32 n_bytes);

void *page_alloc(u32 n)
{
        u32 first = pagemap_alloc(&pool, n);
        if (first == PAGES_NONE)
                return NULL;
        void *p = (void *)(first * PAGE_SIZE);
        if (!cpu_vectors())
                return memset(p, 0, n * PAGE_SIZE);
        page_zero_sse(p, n * PAGE_SIZE);
        return p;
}

void page_free(void *p, u32 n)
{
        ASSERT(((u32)p & (PAGE_SIZE - 1)) == 0);
        bool was_ours = pagemap_free(&pool, (u32)p / PAGE_SIZE, n);
        ASSERT(was_ours);
}

u32 pages_free(void) { return pool.n_free; }
u32 pages_total(void) { return pool.n_total; }

void *mem_boot(size_t n, size_t align)
{
        ASSERT(align <= PAGE_SIZE && (align & (align - 1)) == 0);
        u8 *p = (u8 *)(((u32)boot_block.at + align - 1) & ~(align - 1));
        if (boot_block.at && p <= boot_block.end && (size_t)(boot_block.end - p) >= n) {
                boot_block.at = p + n;
                return p;
        }
        if (n > 0xffffffffu - PAGE_SIZE)
                return NULL;
        u32 pages = (n + PAGE_SIZE - 1) / PAGE_SIZE;
        p = page_alloc(pages);
        if (!p)
                return NULL;
        u32 rest = pages * PAGE_SIZE - n;
        if (rest > (u32)(boot_block.end - boot_block.at)) {     /* keep the larger remainder for later */
                boot_block.at = p + n;
                boot_block.end = p + pages * PAGE_SIZE;
        }
        return p;
}
