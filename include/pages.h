/* pages.h - a map of page frames, one bit each: pure bookkeeping, knows no memory. c/mem.c keeps the machine's.
 * SPDX-License-Identifier: MIT */
#ifndef PAGES_H
#define PAGES_H

#include "types.h"

enum { PAGES_NONE = 0xffffffff };

struct pagemap {
        u32 *free;      /* bit set = free */
        u32  n;         /* pages 0..n-1 are described */
        u32  n_free, n_total;
        u32  hint;      /* no free page below */
};

/* Describes n pages, all taken; bits has room for (n + 31) / 32 words. */
void pagemap_init(struct pagemap *m, u32 *bits, u32 n);
/* Gives pages to the map (in n_total too), or takes them out again; what is (not) there already is left alone. */
void pagemap_add(struct pagemap *m, u32 first, u32 n);
void pagemap_remove(struct pagemap *m, u32 first, u32 n);
/* First of n neighbouring free pages, now taken; PAGES_NONE when there are none. */
u32 pagemap_alloc(struct pagemap *m, u32 n);
/* Gives them back; false, and nothing done, when one of them was free or outside. */
bool pagemap_free(struct pagemap *m, u32 first, u32 n);

#endif
