/* offsets.c - prints struct offsets for assembly into the compiler's listing; never linked (see Makefile, offsets.h).
 * SPDX-License-Identifier: MIT */
#include "types.h"

#define OFF(name, type, field) __asm__ volatile("@off " #name " %c0" :: "i"(offsetof(type, field)))

void offsets(void);
void offsets(void)
{
}
