/* platform.c - the Linux side of include/platform.h: clock, console on standard input and output, event loop.
 * SPDX-License-Identifier: MIT */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include "platform.h"
#include "tap.h"

enum { LOG = 65536, BUDGET = 64 };

static struct stack *stack;
static const u8 *volume_base;
static u32 volume_size, panic_s, turns;
static u64 began_us, wall_offset_s;
static bool input_open = true;
static struct termios terminal;
static char log_ring[LOG];
static u32 log_end;

static u64 clock_of(clockid_t which)
{
        struct timespec t;

        clock_gettime(which, &t);
        return (u64)t.tv_sec * 1000000 + (u64)t.tv_nsec / 1000;
}

u64 platform_now_us(void) { return clock_of(CLOCK_MONOTONIC); }

static void terminal_back(void) { tcsetattr(0, TCSANOW, &terminal); }

void platform_start(struct stack *st, const u8 *base, u32 size)
{
        stack = st;
        volume_base = base;
        volume_size = size;
        began_us = platform_now_us();
        if (tcgetattr(0, &terminal) == 0) {
                struct termios raw = terminal;

                raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
                raw.c_iflag &= ~(tcflag_t)ICRNL;
                raw.c_cc[VMIN] = 0;
                tcsetattr(0, TCSANOW, &raw);
                atexit(terminal_back);
        }
}

struct stack *plat_stack(void) { return stack; }

/* One turn of the event loop: frames, timers, what they cause; waits at most ms. True when there is console input. */
static bool turn(u32 ms)
{
        struct pollfd f[1 + TAPS] = {{input_open ? 0 : -1, POLLIN, 0}};
        u32 n = 1 + tap_fds(f + 1);

        turns++;
        stack_batch_end(stack);
        poll(f, n, (int)min_u32(ms, min_u32(stack_next(stack), 1000)));
        stack_tick(stack, platform_now_us());
        while (tap_poll(BUDGET))
                stack_batch_end(stack);
        stack_batch_end(stack);
        return f[0].revents != 0;
}

void plat_wait(u32 ms)
{
        u64 end = platform_now_us() + (u64)ms * 1000, now;

        while (!turn(ms) && (now = platform_now_us()) < end)
                ms = (u32)((end - now + 999) / 1000);
}

u64  plat_uptime_us(void) { return platform_now_us() - began_us; }
u64  plat_wall(void) { return clock_of(CLOCK_REALTIME) / 1000000 + wall_offset_s; }
void plat_wall_set(u64 unix_s) { wall_offset_s = unix_s - clock_of(CLOCK_REALTIME) / 1000000; }
void plat_reboot(void) { exit(0); }
void plat_halt(void) { exit(0); }
bool plat_entropy_good(void) { return true; }
void plat_panic_set(u32 reboot_s) { panic_s = reboot_s; }
u32  plat_panic_get(void) { return panic_s; }

int plat_getc(void)
{
        struct pollfd f = {0, POLLIN, 0};
        u8 c;

        if (!input_open || poll(&f, 1, 0) <= 0)
                return -1;
        if (read(0, &c, 1) == 1)
                return c;
        input_open = false; /* closed: serve on without a console */
        return -1;
}

void plat_write(const char *s, size_t n)
{
        while (n) {
                ssize_t done = write(1, s, n);

                if (done <= 0)
                        return;
                s += done;
                n -= (size_t)done;
        }
}

void plat_log(const char *line)
{
        char text[256];
        u32 ms = (u32)(plat_uptime_us() / 1000),
                n = (u32)snprintf(text, sizeof(text), "[%5u.%03u] %s\n", ms / 1000, ms % 1000, line);

        n = min_u32(n, sizeof(text) - 1);
        for (u32 i = 0; i < n; i++)
                log_ring[log_end++ % LOG] = text[i];
        plat_write(text, n);
}

u32 plat_dmesg(u32 *from, char *dst, u32 n)
{
        if (log_end - *from > LOG)
                *from = log_end - LOG;
        n = min_u32(n, log_end - *from);
        for (u32 i = 0; i < n; i++)
                dst[i] = log_ring[(*from)++ % LOG];
        return n;
}

void plat_mem(struct plat_mem *out)
{
        FILE *f = fopen("/proc/self/statm", "r");
        unsigned pages = 0, resident = 0;

        if (f && fscanf(f, "%u %u", &pages, &resident) == 2)
                *out = (struct plat_mem){pages * 4, (pages - resident) * 4, 0};
        else
                *out = (struct plat_mem){0, 0, 0};
        if (f)
                fclose(f);
}

void plat_tasks(bool (*fn)(void *ctx, const struct plat_task *), void *ctx)
{
        const struct plat_task t = {.name = "qure-tap", .state = "running", .id = 1, .switches = turns,
                                    .ran_us = clock_of(CLOCK_PROCESS_CPUTIME_ID)};

        fn(ctx, &t);
}

const u8 *plat_volume(u32 *size)
{
        *size = volume_size;
        return volume_base;
}

const char *plat_version(void) { return "qure 0.1.0"; }
