/* pit.c - Intel 8254. Channel 0 counts once and interrupts (mode 0); channel 2 measures.
 * SPDX-License-Identifier: MIT */
#include "io.h"
#include "pit.h"

enum {
        CH0 = 0x40, CH2 = 0x42, CONTROL = 0x43, PORT_B = 0x61,
        CH0_MODE0 = 0x30, CH2_MODE0 = 0xb0, CH2_LATCH = 0x80,
        GATE2 = 1, SPEAKER = 2,
};

void pit_arm(u32 us)
{
        u32 ticks = min_u32(us, PIT_MAX_US) * 1193 / 1000 + 2;
        outb(CONTROL, CH0_MODE0);
        outb(CH0, (u8)ticks);
        outb(CH0, (u8)(ticks >> 8));
}

void pit_ruler_start(void)
{
        outb(PORT_B, (inb(PORT_B) & ~SPEAKER) | GATE2);
        outb(CONTROL, CH2_MODE0);
        outb(CH2, 0xff);
        outb(CH2, 0xff);
}

u16 pit_ruler_read(void)
{
        outb(CONTROL, CH2_LATCH);
        u8 lo = inb(CH2);
        return (u16)(inb(CH2) << 8 | lo);
}
