/* offsets.c - prints struct offsets for assembly into the compiler's listing; never linked (see Makefile, offsets.h).
 * SPDX-License-Identifier: MIT */
#include "bootinfo.h"
#include "types.h"

#define OFF(name, type, field) __asm__ volatile("@off " #name " %c0" :: "i"(offsetof(type, field)))
#define VAL(name, value) __asm__ volatile("@off " #name " %c0" :: "i"(value))

void offsets(void);
void offsets(void)
{
        OFF(BI_VIA, struct bootinfo, via);
        OFF(BI_DRIVE, struct bootinfo, drive);
        OFF(BI_VOL_BASE, struct bootinfo, vol_base);
        OFF(BI_VOL_SIZE, struct bootinfo, vol_size);
        OFF(BI_N_RANGES, struct bootinfo, n_ranges);
        OFF(BI_RANGE, struct bootinfo, range);
        OFF(BI_CMDLINE, struct bootinfo, cmdline);
        VAL(BI_SIZE, sizeof(struct bootinfo));
        VAL(BI_RANGE_SIZE, sizeof(struct mem_range));
        VAL(BI_RANGE_MAX, BOOT_RANGES);
}
