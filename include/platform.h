/* platform.h - what the shell and services ask of whatever they run on: the kernel (c/) or a Linux process (hosttest/).
 * SPDX-License-Identifier: MIT */
#ifndef PLATFORM_H
#define PLATFORM_H

#include "stack.h"

/* The appliance's one stack. */
struct stack *plat_stack(void);

/* Lets everything else run for up to ms (kernel: thread sleeps; host: event loop turns). Returns early when there is console input. */
void plat_wait(u32 ms);

u64  plat_uptime_us(void);
u64  plat_wall(void);              /* seconds since 1970 UTC */
void plat_wall_set(u64 unix_s);
void plat_reboot(void);            /* do not return on the kernel; on the host the process ends */
void plat_halt(void);              /* power off */
bool plat_entropy_good(void);
/* After a panic: reboot when so many seconds have passed, 0 = halt. */
void plat_panic_set(u32 reboot_s);
u32  plat_panic_get(void);

/* Console: bytes of input without waiting (-1 none), output. The output of one shell goes where the shell was started from. */
int  plat_getc(void);
void plat_write(const char *s, size_t n);

/* Copies up to n bytes of the log ring from offset `from` (absolute, grows); returns the bytes and the next offset. */
u32  plat_dmesg(u32 *from, char *dst, u32 n);
void plat_log(const char *line);   /* to dmesg and console */

struct plat_mem { u32 total_kb, free_kb, kernel_kb; };
void plat_mem(struct plat_mem *out);
struct plat_task { const char *name, *state; u32 id, switches, stack_bytes, stack_used; u64 ran_us; };
void plat_tasks(bool (*fn)(void *ctx, const struct plat_task *), void *ctx);

/* The boot volume (FAT12/16 image in memory), size 0 when there is none. */
const u8 *plat_volume(u32 *size);

const char *plat_version(void);    /* "qure 0.1.0" */

#endif
