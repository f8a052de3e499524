/* mem.h - kernel memory: pages, boot-time blocks, device mappings. Virtual equals physical everywhere.
 * SPDX-License-Identifier: MIT */
#ifndef MEM_H
#define MEM_H

#include "types.h"

enum { PAGE_SIZE = 4096 };

/* n zeroed, contiguous, page-aligned pages (DMA-able), or NULL. */
void *page_alloc(u32 n);
void page_free(void *p, u32 n);
u32 pages_free(void);
u32 pages_total(void);

/* Zeroed memory for things that live as long as the kernel (driver state, rings); align a power of two. NULL when out. */
void *mem_boot(size_t n, size_t align);

/* Maps a device's registers uncached, at their physical address. NULL on failure. */
volatile void *mem_map_device(u32 phys, u32 size);

/* Slab cache of equal objects: O(1), no fragmentation, zeroed on allocation. */
struct slab;
struct slab *slab_new(const char *name, u32 size);
void *slab_alloc(struct slab *s);
void slab_free(struct slab *s, void *p);

void *memcpy(void *d, const void *s, size_t n);
void *memmove(void *d, const void *s, size_t n);
void *memset(void *d, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);

#endif
