/* kbd.c - 8042 controller, first port only, keys as the firmware left them (set 1 by translation).
 * SPDX-License-Identifier: MIT */
#include "console.h"
#include "io.h"
#include "irq.h"
#include "kbd.h"
#include "keymap.h"
#include "vga.h"

enum {
        DATA = 0x60, STATUS = 0x64, COMMAND = 0x64, LINE = 1,
        STATUS_OUT = 1, STATUS_IN = 2, STATUS_AUX = 0x20, ABSENT = 0xff,
        READ_CONFIG = 0x20, WRITE_CONFIG = 0x60, CONFIG_IRQ = 1, CONFIG_DISABLED = 0x10, CONFIG_TRANSLATE = 0x40,
        SPINS = 10000, DRAIN = 32, PAGE = VGA_ROWS / 2,
};

static struct keymap map;

static bool wait(u8 bit, bool set)
{
        for (u32 i = 0; i < SPINS; i++)
                if (!(inb(STATUS) & bit) != set)
                        return true;
        return false;
}

static bool kbd_irq(void *ctx)
{
        bool any = false;
        for (int i = 0; i < DRAIN; i++) {
                u8 status = inb(STATUS);
                if (!(status & STATUS_OUT))
                        break;
                any = true;
                u8 code = inb(DATA);
                if (status & STATUS_AUX)
                        continue;
                char bytes[KEYMAP_BYTES];
                int n = keymap_take(&map, code, bytes);
                if (n > 0)
                        console_input(bytes, (u32)n);
                else if (n < 0)
                        vga_scroll(n == KEYMAP_SCROLL_UP ? PAGE : -PAGE);
        }
        return any;
}

void kbd_init(void)
{
        if (inb(STATUS) == ABSENT)
                return;
        for (int i = 0; i < DRAIN && (inb(STATUS) & STATUS_OUT); i++)
                inb(DATA);
        if (!wait(STATUS_IN, false))
                return;
        outb(COMMAND, READ_CONFIG);
        if (!wait(STATUS_OUT, true))
                return;
        u8 config = inb(DATA);
        outb(COMMAND, WRITE_CONFIG);
        if (!wait(STATUS_IN, false))
                return;
        outb(DATA, (u8)((config | CONFIG_IRQ | CONFIG_TRANSLATE) & ~CONFIG_DISABLED));
        irq_attach(LINE, kbd_irq, NULL, false);
}
