/* rtc.c - MC146818 and its copies, read only. The century is 20.
 * SPDX-License-Identifier: MIT */
#include "calendar.h"
#include "io.h"
#include "mem.h"
#include "rtc.h"

enum {
        INDEX = 0x70, DATA = 0x71,
        SECOND = 0, MINUTE = 2, HOUR = 4, DAY = 7, MONTH = 8, YEAR = 9, STATUS_A = 10, STATUS_B = 11,
        A_UPDATING = 0x80, B_BINARY = 4, B_24H = 2, HOUR_PM = 0x80,
        SPINS = 10000,          /* an update takes 2 ms, a read about 1 us */
        TRIES = 5,
};

static u8 cmos(u8 reg)
{
        outb(INDEX, reg);
        return inb(DATA);
}

struct reading { u8 second, minute, hour, day, month, year; };

static void read_all(struct reading *r)
{
        for (u32 i = 0; i < SPINS && (cmos(STATUS_A) & A_UPDATING); i++)
                ;
        *r = (struct reading){ cmos(SECOND), cmos(MINUTE), cmos(HOUR), cmos(DAY), cmos(MONTH), cmos(YEAR) };
}

static u8 plain(u8 v, u8 status_b) { return status_b & B_BINARY ? v : (u8)((v >> 4) * 10 + (v & 15)); }

u64 rtc_read(void)
{
        struct reading a, b;
        u32 tries = 0;
        read_all(&b);
        do {                    /* two equal readings: no update came between */
                a = b;
                read_all(&b);
        } while (memcmp(&a, &b, sizeof(a)) && ++tries < TRIES);
        u8 status = cmos(STATUS_B), hour = plain(a.hour & ~HOUR_PM, status);
        if (!(status & B_24H))
                hour = (u8)(hour % 12 + (a.hour & HOUR_PM ? 12 : 0));
        struct calendar c = { .year = (u16)(2000 + plain(a.year, status)), .month = plain(a.month, status),
                              .day = plain(a.day, status), .hour = hour, .minute = plain(a.minute, status),
                              .second = plain(a.second, status) };
        u64 unix_s = 0;
        return calendar_unix(&c, &unix_s) ? unix_s : 0;
}
