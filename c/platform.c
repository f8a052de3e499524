/* platform.c - the kernel's side of include/platform.h: what shell and services may ask of the machine they run on.
 * SPDX-License-Identifier: MIT */
#include "boot.h"
#include "clock.h"
#include "console.h"
#include "entropy.h"
#include "log.h"
#include "mem.h"
#include "netloop.h"
#include "panic.h"
#include "platform.h"
#include "power.h"
#include "sections.h"
#include "thread.h"

static struct stack *stack;
static struct { const u8 *base; u32 size; } boot_volume;

void platform_set(struct stack *st, const u8 *volume, u32 volume_size)
{
        stack = st;
        boot_volume.base = volume;
        boot_volume.size = volume_size;
}

struct stack *plat_stack(void) { return stack; }

void plat_wait(u32 ms)
{
        netloop_kick();
        thread_wait(ms);
}

u64  plat_uptime_us(void) { return clock_us(); }
u64  plat_wall(void) { return clock_wall(); }
void plat_wall_set(u64 unix_s) { clock_wall_set(unix_s); }
void plat_reboot(void) { power_reboot(); }
void plat_halt(void) { power_off(); }
bool plat_entropy_good(void) { return entropy_good(); }
int  plat_getc(void) { return console_getc(); }
void plat_write(const char *s, size_t n) { console_write(s, n); }
u32  plat_dmesg(u32 *from, char *dst, u32 n) { return log_read(from, dst, n); }
void plat_log(const char *line) { klog("%s", line); }
void plat_panic_set(u32 seconds) { panic_set_reboot(seconds); }
u32  plat_panic_get(void) { return panic_get_reboot(); }

const u8 *plat_volume(u32 *size)
{
        *size = boot_volume.size;
        return boot_volume.base;
}

void plat_mem(struct plat_mem *out)
{
        enum { KB = 1024 };
        out->kernel_kb = (u32)(__kernel_end - __text_start) / KB;
        out->total_kb = pages_total() * (PAGE_SIZE / KB) + out->kernel_kb + boot_volume.size / KB;
        out->free_kb = pages_free() * (PAGE_SIZE / KB);
}

struct forward { bool (*fn)(void *ctx, const struct plat_task *); void *ctx; bool stopped; };

static bool forward_task(void *ctx, const struct thread_info *i)
{
        struct forward *f = ctx;
        struct plat_task t = { i->name, i->state, i->id, i->switches, i->stack_bytes, i->stack_used, i->ran_us };
        f->stopped = !f->fn(f->ctx, &t);
        return !f->stopped;
}

void plat_tasks(bool (*fn)(void *ctx, const struct plat_task *), void *ctx)
{
        struct forward f = { fn, ctx, false };
        thread_walk(forward_task, &f);
        struct plat_task idle = { .name = "idle", .state = "hlt", .ran_us = thread_idle_us() };
        if (!f.stopped)
                fn(ctx, &idle);
}

const char *plat_version(void) { return "qure 0.1.0"; }
