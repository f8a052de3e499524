/* console.c - joins serial port, screen and keyboard to one operator's line. Input is a ring from interrupt to thread.
 * SPDX-License-Identifier: MIT */
#include "clock.h"
#include "console.h"
#include "irq.h"
#include "thread.h"
#include "uart.h"
#include "vga.h"

enum { IN_RING = 1024, PAINT_MS = 40 };

static struct {
        volatile u32 head, tail;
        char ring[IN_RING];
        struct thread *reader;
} in;
static u64 painted_us;
static bool panicking;

void console_init(void)
{
        uart_init();
        vga_init();
}

void console_irq_init(void) { uart_irq_init(); }

void console_write(const char *s, size_t n)
{
        u32 f = irq_save();
        for (size_t i = 0; i < n; i++) {
                if (s[i] == '\n')
                        uart_put('\r');
                uart_put(s[i]);
                vga_put(s[i]);
        }
        irq_restore(f);
        if (panicking) {
                uart_flush();
                vga_paint();
        }
}

void console_panic(void)
{
        panicking = true;
        vga_attr(VGA_ATTR_PANIC);
        uart_flush();
}

void console_input(const char *s, size_t n)
{
        for (size_t i = 0; i < n && in.head - in.tail < IN_RING; i++)
                in.ring[in.head++ % IN_RING] = s[i];
        if (n && in.reader)
                thread_wake(in.reader);
}

int console_getc(void)
{
        in.reader = thread_self();
        return in.tail == in.head ? -1 : (u8)in.ring[in.tail++ % IN_RING];
}

u32 console_poll(void)
{
        if (!vga_dirty())
                return UINT32_MAX;
        u64 now = clock_us(), due = painted_us + PAINT_MS * 1000;
        if (now < due)
                return (u32)(due - now) / 1000 + 1;
        painted_us = now;
        vga_paint();
        return UINT32_MAX;
}
