/* bootinfo.h - what the loader hands to the kernel, whichever way it was booted. entry.S and stage 2
 * agree on it; kernel_main takes a pointer.
 * SPDX-License-Identifier: MIT */
#ifndef BOOTINFO_H
#define BOOTINFO_H

#include "types.h"

enum { BOOT_RANGES = 32 };
enum boot_via { BOOT_FLOPPY = 1, BOOT_DISK, BOOT_CD, BOOT_MULTIBOOT };

struct mem_range { u64 base, size; u32 type; u32 pad; }; /* type 1 = usable, as E820 */

struct bootinfo {
        u32 via;               /* enum boot_via */
        u32 drive;             /* BIOS drive, or 0 */
        u32 vol_base, vol_size;/* the FAT volume in memory (physical), size 0 = none; vol_size may be less than the BPB says: the rest is unused space */
        u32 n_ranges;
        struct mem_range range[BOOT_RANGES];
        char cmdline[256];     /* Multiboot command line, else "" */
        u32 rsdp;              /* physical address if known, else 0 */
};

#endif
