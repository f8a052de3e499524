/* slab.c - caches of equal objects, cut from pages and never given back to the pool.
 * SPDX-License-Identifier: MIT */
#include "mem.h"
#include "panic.h"

struct slab {
        const char *name;
        u32 size, per_block, block_pages;
        u32 n_used;
        struct free_object { struct free_object *next; } *free;
};

struct slab *slab_new(const char *name, u32 size)
{
        struct slab *s = mem_boot(sizeof(*s), sizeof(void *));
        if (!s)
                return NULL;
        size = (max_u32(size, sizeof(struct free_object)) + 7) & ~7u;
        s->name = name;
        s->size = size;
        s->block_pages = (size * 4 + PAGE_SIZE - 1) / PAGE_SIZE;        /* four or more to a block: little is wasted */
        s->per_block = s->block_pages * PAGE_SIZE / size;
        return s;
}

static bool slab_grow(struct slab *s)
{
        u8 *p = page_alloc(s->block_pages);
        if (!p)
                return false;
        for (u32 i = 0; i < s->per_block; i++) {
                struct free_object *o = (struct free_object *)(p + i * s->size);
                o->next = s->free;
                s->free = o;
        }
        return true;
}

void *slab_alloc(struct slab *s)
{
        if (!s->free && !slab_grow(s))
                return NULL;
        struct free_object *o = s->free;
        s->free = o->next;
        s->n_used++;
        return memset(o, 0, s->size);
}

void slab_free(struct slab *s, void *p)
{
        if (!p)
                return;
        ASSERT(s->n_used > 0);
        struct free_object *o = p;
        o->next = s->free;
        s->free = o;
        s->n_used--;
}
