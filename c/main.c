/* main.c - the order in which the kernel comes up.
 * SPDX-License-Identifier: MIT */
#include "acpi.h"
#include "bootinfo.h"
#include "clock.h"
#include "console.h"
#include "cpu.h"
#include "entropy.h"
#include "kbd.h"
#include "log.h"
#include "mem.h"
#include "paging.h"
#include "thread.h"
#include "trap.h"

void kernel_main(struct bootinfo *bi);

/* The BIOS data area at 0:40e holds the segment of its extended one. The address is hidden from the compiler, which takes page 0 for a mistake. */
static u32 bios_ebda(void)
{
        u32 at = 0x40e;
        __asm__("" : "+r"(at));
        return (u32)*(const u16 *)at << 4;
}

void kernel_main(struct bootinfo *bi)
{
        u64 entry_tsc = rdtsc();
        u32 ebda = bios_ebda();
        cpu_detect();
        console_init();
        gdt_init();
        idt_init();
        clock_init(entry_tsc);
        klog("qure");
        cpu_log();
        mem_init(bi);
        paging_init(bi);
        klog("memory: %u KiB free of %u, paging %s", pages_free() * 4, pages_total() * 4, paging_kind());
        thread_init();
        irq_init();
        clock_irq_init();
        console_irq_init();
        kbd_init();
        entropy_init();
        acpi_init(bi->rsdp, ebda);
        klog("ready");
        for (;;)
                thread_wait(1000);
}
