/* ksym.h - the kernel's own table of function names, for backtraces. boot/ksym.py writes it from `nm` between the two
 * links; it lies in rodata between ksym_start and ksym_end and is empty (ksym_start == ksym_end) in the first link.
 *
 *      head             of a packed table (include/packed.h)
 *      until ksym_end   function: varint distance from the function before (the first: from __text_start), its name packed
 *
 * varint: seven bits a byte, low bits first, 0x80 set in all but the last. Functions are in order of address, one name
 * per address, without compiler suffixes (.part.0). Names need no more than KSYM_NAME_MAX characters and their 0.
 * SPDX-License-Identifier: MIT */
#ifndef KSYM_H
#define KSYM_H

#include "types.h"

enum { KSYM_NAME_MAX = 63 };

extern const u8 ksym_start[], ksym_end[];
extern const u8 __text_start[], __text_end[];

/* The function that holds addr: writes its name into name and returns its start. 0, and an empty name, when addr is not
 * in the text or there is no table. Touches no memory but the table, so that a panic may call it. */
u32 ksym_find(u32 addr, char name[KSYM_NAME_MAX + 1]);

#endif
