/* vga.c - the text screen: a ring of lines in memory, of which a window is painted. Only cells that changed are written,
 * since under a hypervisor each write may be an exit. Knows \n \r \b \t; other control characters and escape
 * sequences (of the line editor) it understands only as far as: ESC [ n D, ESC [ n C, ESC [ K, ESC [ J.
 * SPDX-License-Identifier: MIT */
#include "io.h"
#include "mem.h"
#include "vga.h"

enum { CRTC = 0x3d4, CRTC_CURSOR_HI = 14, CRTC_CURSOR_LO = 15, CRTC_START_HI = 12, CRTC_START_LO = 13, TAB = 8, ESC = 0x1b };

static struct {
        u16  line[VGA_HISTORY][VGA_COLS];
        u16  shown[VGA_ROWS][VGA_COLS]; /* what the screen has */
        volatile u16 *text;
        u32  last;                      /* number of the newest line since start; its place is last % VGA_HISTORY */
        u32  col;
        u32  back;                      /* lines that the window is above the newest */
        u16  cursor;
        u8   attr;
        u8   esc;                       /* 0 none, 1 after ESC, 2 after ESC [ */
        u32  arg;
        bool dirty;
} vga;

static u16 *newest(void) { return vga.line[vga.last % VGA_HISTORY]; }

static void blank(u16 *cells, u32 n)
{
        for (u32 i = 0; i < n; i++)
                cells[i] = (u16)(vga.attr << 8 | ' ');
}

void vga_init(void)
{
        vga.text = (volatile u16 *)VGA_TEXT_PHYS;
        vga.attr = VGA_ATTR;
        vga.last = VGA_ROWS - 1;
        for (u32 i = 0; i < VGA_HISTORY; i++)
                blank(vga.line[i], VGA_COLS);
        vga.dirty = true;
}

void vga_move(volatile u16 *text) { vga.text = text; }
void vga_attr(u8 attr) { vga.attr = attr; }
bool vga_dirty(void) { return vga.dirty; }

static void line_feed(void)
{
        vga.last++;
        blank(newest(), VGA_COLS);
}

static void escape(char c)
{
        u32 n = vga.arg ? vga.arg : 1;
        if (vga.esc == 1) {
                vga.esc = c == '[' ? 2 : 0;
                vga.arg = 0;
                return;
        }
        if (c >= '0' && c <= '9') {
                vga.arg = vga.arg * 10 + (u32)(c - '0');
                return;
        }
        if (c == ';' || c == '?')
                return;
        vga.esc = 0;
        if (c == 'D')
                vga.col -= min_u32(n, vga.col);
        else if (c == 'C')
                vga.col = min_u32(vga.col + n, VGA_COLS - 1);
        else if (c == 'K' || c == 'J')
                blank(newest() + vga.col, VGA_COLS - vga.col);
}

void vga_put(char c)
{
        vga.dirty = true;
        vga.back = 0;
        if (vga.esc) {
                escape(c);
        } else if (c == ESC) {
                vga.esc = 1;
        } else if (c == '\n') {
                line_feed();
                vga.col = 0;
        } else if (c == '\r') {
                vga.col = 0;
        } else if (c == '\b') {
                vga.col -= vga.col > 0;
        } else if (c == '\t') {
                vga.col = min_u32((vga.col / TAB + 1) * TAB, VGA_COLS - 1);
        } else if ((u8)c >= ' ') {
                if (vga.col == VGA_COLS) {
                        line_feed();
                        vga.col = 0;
                }
                newest()[vga.col++] = (u16)(vga.attr << 8 | (u8)c);
        }
}

void vga_scroll(int lines)
{
        int most = (int)min_u32(vga.last + 1, VGA_HISTORY) - VGA_ROWS;
        int back = (int)vga.back + lines;
        vga.back = (u32)(back < 0 ? 0 : back > most ? most : back);
        vga.dirty = true;
}

static void crtc(u8 reg, u8 v)
{
        outb(CRTC, reg);
        outb(CRTC + 1, v);
}

void vga_paint(void)
{
        vga.dirty = false;
        u32 top = vga.last - vga.back - (VGA_ROWS - 1);
        for (u32 row = 0; row < VGA_ROWS; row++) {
                const u16 *from = vga.line[(top + row) % VGA_HISTORY];
                for (u32 col = 0; col < VGA_COLS; col++)
                        if (vga.shown[row][col] != from[col])
                                vga.text[row * VGA_COLS + col] = vga.shown[row][col] = from[col];
        }
        u16 cursor = vga.back ? VGA_ROWS * VGA_COLS : (u16)((VGA_ROWS - 1) * VGA_COLS + min_u32(vga.col, VGA_COLS - 1));
        if (cursor != vga.cursor) {
                crtc(CRTC_START_HI, 0);
                crtc(CRTC_START_LO, 0);
                crtc(CRTC_CURSOR_HI, (u8)(cursor >> 8));
                crtc(CRTC_CURSOR_LO, (u8)cursor);
                vga.cursor = cursor;
        }
}
