/* power.c - reset and power-off, by the proper way first and by the doors of emulators after.
 * SPDX-License-Identifier: MIT */
#include "acpi.h"
#include "clock.h"
#include "io.h"
#include "irq.h"
#include "power.h"
#include "uart.h"

enum {
        KBC_COMMAND = 0x64, KBC_RESET = 0xfe, KBC_FULL = 2,
        RESET_CONTROL = 0xcf9, RESET_HARD = 6,
        QEMU_PM = 0x604, QEMU_PM_ISA = 0xb004, QEMU_OFF = 0x2000,
        BOCHS_OFF = 0x8900,
        SETTLE_US = 20000,
};

static void triple_fault(void)
{
        struct { u16 limit; u32 base; } __attribute__((packed)) none = { 0, 0 };
        __asm__ volatile("lidt %0\n\tint3" :: "m"(none));
}

void power_reboot(void)
{
        uart_flush();
        irq_save();
        acpi_reset();
        clock_delay_us(SETTLE_US);
        for (int i = 0; i < 1000 && (inb(KBC_COMMAND) & KBC_FULL); i++)
                clock_delay_us(10);
        outb(KBC_COMMAND, KBC_RESET);
        clock_delay_us(SETTLE_US);
        outb(RESET_CONTROL, RESET_HARD & ~4);
        outb(RESET_CONTROL, RESET_HARD);
        clock_delay_us(SETTLE_US);
        triple_fault();
        for (;;)
                __asm__ volatile("hlt");
}

void power_off(void)
{
        uart_flush();
        irq_save();
        acpi_off();
        clock_delay_us(SETTLE_US);
        outw(QEMU_PM, QEMU_OFF);
        outw(QEMU_PM_ISA, QEMU_OFF);
        for (const char *p = "Shutdown"; *p; p++)
                outb(BOCHS_OFF, (u8)*p);
        for (;;)
                __asm__ volatile("hlt");
}
