/* calendar.h - seconds since 1970 UTC to and from the Gregorian calendar. No leap seconds, no time zones.
 * SPDX-License-Identifier: MIT */
#ifndef CALENDAR_H
#define CALENDAR_H

#include "types.h"

struct calendar { u16 year; u8 month, day, hour, minute, second, weekday; }; /* month and day from 1, weekday 0 = Sunday */

/* The calendar of a moment before the year 65536. */
void calendar_of(u64 unix_s, struct calendar *out);

/* Seconds since 1970 of a date from 1970 on; false (and *unix_s untouched) when there is no such day or time.
 * The weekday is not read. */
bool calendar_unix(const struct calendar *c, u64 *unix_s);

/* "Jan".."Dec" for 1..12, "Sun".."Sat" for 0..6. */
const char *calendar_month(u32 month);
const char *calendar_weekday(u32 weekday);

#endif
