/* panic.c - says what broke and where, on serial and screen, then halts or reboots. Also the compiler's stack guard.
 * SPDX-License-Identifier: MIT */
#include "console.h"
#include "clock.h"
#include "fmt.h"
#include "io.h"
#include "irq.h"
#include "panic.h"
#include "power.h"
#include "thread.h"

enum { LINE = 160 };

static u32 reboot_s;
static u8 depth;

/* Random from early on (c/entropy.c); the 0 byte stops string overruns from writing it. */
uintptr_t __stack_chk_guard = 0xff0a0d00u;

void panic_set_reboot(u32 seconds) { reboot_s = seconds; }
u32 panic_get_reboot(void) { return reboot_s; }

static void line_v(const char *format, va_list ap)
{
        char line[LINE];
        u32 n = (u32)fmt_v(line, sizeof(line) - 1, format, ap);
        n = min_u32(n, sizeof(line) - 2);
        line[n++] = '\n';
        console_write(line, n);
}

void panic_line(const char *format, ...)
{
        va_list ap;
        va_start(ap, format);
        line_v(format, ap);
        va_end(ap);
}

static void halt(void) __attribute__((noreturn));
static void halt(void)
{
        for (;;)
                __asm__ volatile("cli\n\thlt");
}

void panic_begin(void)
{
        irq_save();
        if (depth++)            /* the report itself broke: what is printed is all there is */
                halt();
        console_panic();
}

void panic_end(u32 eip, u32 esp)
{
        backtrace(eip, esp);
        if (!reboot_s) {
                panic_line("halted.");
                halt();
        }
        panic_line("reboot in %u s.", reboot_s);
        for (u32 i = 0; i < reboot_s * 1000; i++)
                clock_delay_us(1000);
        power_reboot();
}

void panic(const char *format, ...)
{
        panic_begin();
        static char what[LINE];
        va_list ap;
        va_start(ap, format);
        fmt_v(what, sizeof(what), format, ap);
        va_end(ap);
        panic_line("\npanic: %s (in thread %s)", what, thread_name(thread_self()));
        panic_end(0, (u32)__builtin_frame_address(0) + sizeof(u32));    /* from our return address on */
}

void __stack_chk_fail(void) __attribute__((noreturn));
void __stack_chk_fail(void)
{
        panic("stack smashed in the caller");
}
