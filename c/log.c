/* log.c - the ring behind dmesg. Old lines are overwritten; nothing is written to a disk.
 * SPDX-License-Identifier: MIT */
#include "clock.h"
#include "console.h"
#include "fmt.h"
#include "irq.h"
#include "log.h"

enum { RING = 8192, LINE = 200 };

static struct {
        char ring[RING];
        u32  end;     /* offset behind the newest byte; modulo 2^32, RING divides that */
        bool wrapped;
} diary;

static void ring_put(const char *s, u32 n)
{
        for (u32 i = 0; i < n; i++)
                diary.ring[(diary.end + i) % RING] = s[i];
        diary.wrapped |= diary.end + n >= RING;
        diary.end += n;
}

void klog(const char *format, ...)
{
        char line[LINE];
        u64 us = clock_us();
        u32 n = (u32)fmt(line, sizeof(line), "[%5u.%06u] ", (u32)(us / 1000000), (u32)(us % 1000000));
        va_list ap;
        va_start(ap, format);
        n += (u32)fmt_v(line + n, sizeof(line) - n - 1, format, ap);
        va_end(ap);
        n = min_u32(n, sizeof(line) - 2);
        line[n++] = '\n';
        u32 f = irq_save();
        ring_put(line, n);
        console_write(line, n);
        irq_restore(f);
}

u32 log_read(u32 *from, char *dst, u32 n)
{
        u32 f = irq_save();
        u32 oldest = diary.wrapped ? diary.end - RING : 0;
        if (diary.end - *from > diary.end - oldest)
                *from = oldest;
        n = min_u32(n, diary.end - *from);
        for (u32 i = 0; i < n; i++)
                dst[i] = diary.ring[(*from + i) % RING];
        *from += n;
        irq_restore(f);
        return n;
}
