/* sections.h - where the linker put the kernel (boot/kernel.ld). All are page-aligned.
 * SPDX-License-Identifier: MIT */
#ifndef SECTIONS_H
#define SECTIONS_H

#include "types.h"

extern const u8 __text_start[], __text_end[], __rodata_start[], __rodata_end[], __data_start[], __kernel_end[];
extern u8 boot_stack_guard[], boot_stack[], boot_stack_top[];

static inline bool in_text(u32 a) { return a >= (u32)__text_start && a < (u32)__text_end; }

#endif
