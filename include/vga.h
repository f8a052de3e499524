/* vga.h - the 80x25 text screen with scroll-back. Writing only changes memory; vga_paint brings it to the screen.
 * SPDX-License-Identifier: MIT */
#ifndef VGA_H
#define VGA_H

#include "types.h"

enum {
        VGA_COLS = 80, VGA_ROWS = 25,
        VGA_HISTORY = 200,             /* lines kept, the visible ones included */
        VGA_TEXT_PHYS = 0xb8000, VGA_TEXT_SIZE = 0x8000,
        VGA_ATTR = 0x07, VGA_ATTR_PANIC = 0x4f,
};

void vga_init(void);
/* Where the text memory can be written: paging keeps the first megabyte read-only and maps it elsewhere. */
void vga_move(volatile u16 *text);
void vga_put(char c);
void vga_attr(u8 attr);
/* Looks `lines` further back (negative: forward); any output returns to the newest. */
void vga_scroll(int lines);
bool vga_dirty(void);
void vga_paint(void);

#endif
