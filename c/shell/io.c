/* io.c - the shell's output and input: formatted text out, keys and Ctrl-C in.
 * SPDX-License-Identifier: MIT */
#include "conf.h"
#include "fmt.h"

enum { CTRL_C = 3, AHEAD = 64 };

static u8 ahead[AHEAD];      /* typed while a command ran */
static u32 n_ahead, at_ahead;
static bool stopped;

void out_bytes(const char *s, size_t n) { plat_write(s, n); }

void out(const char *format, ...)
{
        char text[512];
        va_list ap;

        va_start(ap, format);
        int n = fmt_v(text, sizeof(text), format, ap);
        va_end(ap);
        out_bytes(text, min_u32((u32)n, sizeof(text) - 1));
}

bool stop_pressed(void)
{
        int c;

        while (!stopped && (c = plat_getc()) >= 0) {
                if (c == CTRL_C)
                        stopped = true;
                else if (n_ahead < AHEAD)
                        ahead[n_ahead++] = (u8)c;
        }
        return stopped;
}

int key_get(void)
{
        if (at_ahead < n_ahead)
                return ahead[at_ahead++];
        at_ahead = n_ahead = 0;
        return plat_getc();
}

void key_reset(void)
{
        stopped = false;
}

bool wait_for(const volatile bool *done, u32 ms)
{
        u64 end = plat_uptime_us() + (u64)ms * 1000;

        while (!*done && !stop_pressed()) {
                u64 now = plat_uptime_us();

                if (now >= end)
                        break;
                plat_wait(min_u32((u32)((end - now) / 1000) + 1, 20));
        }
        return *done;
}

bool wait_ms(u32 ms)
{
        static const bool never;

        wait_for(&never, ms);
        return !stopped;
}
