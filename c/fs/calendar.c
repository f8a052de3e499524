/* calendar.c - civil dates from day numbers and back, by counting years from March.
 * SPDX-License-Identifier: MIT */
#include "calendar.h"

enum { DAY_S = 86400, ERA_DAYS = 146097 /* 400 years */, EPOCH_DAYS = 719468 /* 0000-03-01 to 1970-01-01 */ };

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char weekdays[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

const char *calendar_month(u32 month) { return months[(month - 1) % 12]; }
const char *calendar_weekday(u32 weekday) { return weekdays[weekday % 7]; }

/* A year that begins in March ends with the leap day, so that months have fixed offsets. */
void calendar_of(u64 unix_s, struct calendar *out)
{
        u32 days = (u32)(unix_s / DAY_S), s = (u32)(unix_s % DAY_S);
        u32 z = days + EPOCH_DAYS, era = z / ERA_DAYS, doe = z % ERA_DAYS;
        u32 yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
        u32 doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

        out->day = (u8)(doy - (153 * mp + 2) / 5 + 1);
        out->month = (u8)(mp < 10 ? mp + 3 : mp - 9);
        out->year = (u16)(yoe + era * 400 + (out->month <= 2));
        out->hour = (u8)(s / 3600);
        out->minute = (u8)(s / 60 % 60);
        out->second = (u8)(s % 60);
        out->weekday = (u8)((days + 4) % 7); /* 1970-01-01 was a Thursday */
}

static u32 month_days(u32 year, u32 month)
{
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

        if (month == 2)
                return leap ? 29 : 28;
        return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

bool calendar_unix(const struct calendar *c, u64 *unix_s)
{
        u32 y = c->year, m = c->month, era, yoe, doy;

        if (y < 1970 || m < 1 || m > 12 || c->day < 1 || c->day > month_days(y, m))
                return false;
        if (c->hour > 23 || c->minute > 59 || c->second > 59)
                return false;
        y -= m <= 2;
        era = y / 400;
        yoe = y % 400;
        doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + c->day - 1;
        u32 days = era * ERA_DAYS + yoe * 365 + yoe / 4 - yoe / 100 + doy - EPOCH_DAYS;
        *unix_s = (u64)days * DAY_S + c->hour * 3600u + c->minute * 60u + c->second;
        return true;
}
