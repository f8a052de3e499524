/* main.c - the order in which the kernel comes up.
 * SPDX-License-Identifier: MIT */
#include "acpi.h"
#include "boot.h"
#include "bootinfo.h"
#include "clock.h"
#include "console.h"
#include "cpu.h"
#include "entropy.h"
#include "fat.h"
#include "kbd.h"
#include "log.h"
#include "mem.h"
#include "netloop.h"
#include "nic.h"
#include "paging.h"
#include "panic.h"
#include "platform.h"
#include "shell.h"
#include "thread.h"
#include "trap.h"

enum { SHELL_PAGES = 4 };

void kernel_main(struct bootinfo *bi);

/* The BIOS data area at 0:40e holds the segment of its extended one. The address is hidden from the compiler, which
 * takes page 0 for a mistake. */
static u32 bios_ebda(void)
{
        u32 at = 0x40e;
        __asm__("" : "+r"(at));
        return (u32)*(const u16 *)at << 4;
}

/* The machine: after this there are memory rights, time, threads and interrupts. */
static void machine_up(const struct bootinfo *bi, u64 entry_tsc)
{
        u32 ebda = bios_ebda();
        static const char *const via[] = { "?", "floppy", "disk", "CD", "Multiboot" };
        cpu_detect();
        console_init();
        gdt_init();
        idt_init();
        clock_init(entry_tsc);
        klog("%s, booted from %s", plat_version(), via[bi->via < COUNT_OF(via) ? bi->via : 0]);
        cpu_log();
        mem_init(bi);
        paging_init(bi);
        cpu_vectors_on();
        klog("memory: %u KiB free, paging %s", pages_free() * (PAGE_SIZE / 1024), paging_kind());
        thread_init();
        irq_init();
        clock_irq_init();
        console_irq_init();
        kbd_init();
        acpi_init(bi->rsdp, ebda);
}

/* The appliance: stack, cards, configuration, services. */
static void appliance_up(const struct bootinfo *bi)
{
        struct stack *st = netloop_stack_new();
        platform_set(st, (const u8 *)bi->vol_base, bi->vol_size);
        netloop_start(st);
        drivers_probe(st);
        const char *why;
        if (!volume(&why))
                klog("volume: %s", why);
        int failed = conf_run_volume();
        if (failed > 0)
                klog("qure.conf: %d %s not understood", failed, failed == 1 ? "line was" : "lines were");
        else if (failed < 0)
                klog("qure.conf: not there");
}

/* Words of the boot command line: panic=S (S = 1..9: reboot that many seconds after a panic), selftest=NAME (c/selftest.c). */
void kernel_main(struct bootinfo *bi)
{
        char word[16];
        machine_up(bi, rdtsc());
        if (boot_option(bi->cmdline, "panic", word, sizeof(word)))
                panic_set_reboot((u32)(word[0] - '0') % 10);
        entropy_init();
        appliance_up(bi);
        klog("ready in %u us", (u32)clock_us());
        if (boot_option(bi->cmdline, "selftest", word, sizeof(word)))
                selftest_run(word);
        thread_new("shell", shell_main, NULL, SHELL_PAGES);
        thread_exit();
}
