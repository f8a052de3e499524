/* pic.c - Intel 8259A, master and slave, fully nested, ends of interrupt told by line.
 * SPDX-License-Identifier: MIT */
#include "io.h"
#include "pic.h"
#include "trap.h"

enum {
        MASTER = 0x20, SLAVE = 0xa0, ELCR = 0x4d0,
        ICW1_INIT_ICW4 = 0x11, ICW4_8086 = 1, OCW3_READ_ISR = 0x0b, OCW2_EOI_LINE = 0x60,
        CASCADE = 2,
};

static u16 masks = 0xffff & ~(1 << CASCADE);

static u16 base_of(u8 line) { return line < 8 ? MASTER : SLAVE; }

void pic_init(void)
{
        outb(MASTER, ICW1_INIT_ICW4);
        outb(SLAVE, ICW1_INIT_ICW4);
        outb(MASTER + 1, VEC_IRQ);
        outb(SLAVE + 1, VEC_IRQ + 8);
        outb(MASTER + 1, 1 << CASCADE);
        outb(SLAVE + 1, CASCADE);
        outb(MASTER + 1, ICW4_8086);
        outb(SLAVE + 1, ICW4_8086);
        outb(MASTER + 1, (u8)masks);
        outb(SLAVE + 1, (u8)(masks >> 8));
}

void pic_mask(u8 line, bool masked)
{
        masks = (u16)(masked ? masks | 1 << line : masks & ~(1 << line));
        outb(base_of(line) + 1, (u8)(line < 8 ? masks : masks >> 8));
}

void pic_level(u8 line, bool level)
{
        u16 port = ELCR + line / 8;
        u8 bit = (u8)(1 << line % 8), old = inb(port);
        if (old == 0xff)        /* no such register: ISA only */
                return;
        outb(port, level ? old | bit : old & ~bit);
}

bool pic_spurious(u8 line)
{
        if (line != 7 && line != 15)
                return false;
        u16 base = base_of(line);
        outb(base, OCW3_READ_ISR);
        if (inb(base) & 0x80)
                return false;
        if (line == 15)         /* the master did see its cascade line */
                outb(MASTER, OCW2_EOI_LINE | CASCADE);
        return true;
}

void pic_eoi(u8 line)
{
        if (line >= 8)
                outb(SLAVE, OCW2_EOI_LINE | (line & 7));
        outb(MASTER, OCW2_EOI_LINE | (line < 8 ? line : CASCADE));
}
