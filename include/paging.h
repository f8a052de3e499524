/* paging.h - who may do what to which page. Virtual is physical, so a mapping is only a set of rights.
 * SPDX-License-Identifier: MIT */
#ifndef PAGING_H
#define PAGING_H

#include "bootinfo.h"

enum page_rights {
        PAGE_NONE,      /* any access faults */
        PAGE_TEXT,      /* read, execute */
        PAGE_RO,        /* read */
        PAGE_RW,        /* read, write */
        PAGE_DEVICE,    /* read, write, uncached */
};

/* Gives the page pool the machine's memory (c/mem.c). */
void mem_init(const struct bootinfo *bi);

/* Builds the tables and turns paging on. Panics when there is no memory for them. */
void paging_init(const struct bootinfo *bi);

/* Sets the rights of whole pages. False when a page table could not be had. */
bool paging_set(u32 base, u32 size, enum page_rights rights);

/* Makes [phys, phys + size) readable if it is not (firmware tables outside of RAM); NULL on failure. */
const void *paging_map_ro(u32 phys, u32 size);

/* "pae+nx", "32-bit+limit": how writable memory is kept from being executed. */
const char *paging_kind(void);

/* The highest address that memory may have: devices and our own window (VGA) live above. */
enum { MEM_TOP = 0xf0000000u };

#endif
