/* plat.c - test support: the platform that shell and services stand on, as variables of the test.
 * SPDX-License-Identifier: MIT */
#include "mem.h"
#include "plat.h"
#include "wire.h"

struct plat plat;

void plat_reset(struct wire *w)
{
        memset(&plat, 0, sizeof(plat));
        plat.wire = w;
        plat.wall = 784111777; /* Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110 5.6.7 */
        plat.keys = "";
}

struct stack *plat_stack(void) { return plat.wire ? plat.wire->st : NULL; }

void plat_wait(u32 ms)
{
        if (plat.wire)
                wire_wait(plat.wire, ms);
        if (plat.on_wait)
                plat.on_wait();
}

u64  plat_uptime_us(void) { return plat.wire ? plat.wire->now_us : 0; }
u64  plat_wall(void) { return plat.wall; }
void plat_wall_set(u64 unix_s) { plat.wall = unix_s; }
void plat_reboot(void) { plat.reboots++; }
void plat_halt(void) { plat.halts++; }
bool plat_entropy_good(void) { return true; }
void plat_panic_set(u32 reboot_s) { plat.panic_s = reboot_s; }
u32  plat_panic_get(void) { return plat.panic_s; }
int  plat_getc(void) { return *plat.keys ? (u8)*plat.keys++ : -1; }

void plat_write(const char *s, size_t n)
{
        n = min_u32((u32)n, (u32)sizeof(plat.written) - 1 - plat.n_written);
        memcpy(plat.written + plat.n_written, s, n);
        plat.n_written += (u32)n;
        plat.written[plat.n_written] = 0;
}

u32 plat_dmesg(u32 *from, char *dst, u32 n)
{
        static const char text[] = "[    0.000] booted\n";
        u32 left = *from < sizeof(text) - 1 ? (u32)sizeof(text) - 1 - *from : 0;

        n = min_u32(n, left);
        memcpy(dst, text + *from, n);
        *from += n;
        return n;
}

void plat_log(const char *line)
{
        plat_write(line, strlen(line));
        plat_write("\n", 1);
}

void plat_mem(struct plat_mem *out) { *out = (struct plat_mem){8192, 4096, 160}; }

void plat_tasks(bool (*fn)(void *ctx, const struct plat_task *), void *ctx)
{
        static const struct plat_task task = {.name = "net", .state = "ready", .id = 1, .switches = 7, .stack_bytes = 8192,
                                              .stack_used = 512, .ran_us = 1500};

        fn(ctx, &task);
}

const u8 *plat_volume(u32 *size)
{
        *size = plat.volume_size;
        return plat.volume;
}

const char *plat_version(void) { return "qure 0.1.0"; }
