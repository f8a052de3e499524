/* http_date.c - dates of HTTP (RFC 9110 5.6.7): IMF-fixdate is written, RFC 850 and asctime are read too.
 * SPDX-License-Identifier: MIT */
#include "calendar.h"
#include "http_impl.h"

static void put2(char *dst, u32 v)
{
        dst[0] = (char)('0' + v / 10);
        dst[1] = (char)('0' + v % 10);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
void http_date_put(u64 unix_s, char dst[HTTP_DATE])
{
        struct calendar c;

        calendar_of(unix_s, &c);
        __builtin_memcpy(dst, "Sun, 06 Nov 1994 08:49:37 GMT", HTTP_DATE);
        __builtin_memcpy(dst, calendar_weekday(c.weekday), 3);
        put2(dst + 5, c.day);
        __builtin_memcpy(dst + 8, calendar_month(c.month), 3);
        put2(dst + 12, c.year / 100u % 100);
        put2(dst + 14, c.year % 100u);
        put2(dst + 17, c.hour);
        put2(dst + 20, c.minute);
        put2(dst + 23, c.second);
}

/* Reads text by a shape: d Y y h m s take one digit of a field, b a month's name, '_' is a blank or digit of the day,
 * '?' skips a letter, the rest is literal. */
static CANARY bool read(struct http_text t, const char *shape, struct calendar *c)
{
        u32 v[128] = {0}, i = 0;

        for (; *shape; shape++) {
                u32 month = 1;
                char want = *shape;

                if (want == 'b') {
                        while (month <= 12 && (t.n < i + 3 || __builtin_memcmp(t.p + i, calendar_month(month), 3) != 0))
                                month++;
                        if (month > 12)
                                return false;
                        v['b'] = month;
                        i += 3;
                        continue;
                }
                if (i >= t.n)
                        return false;
                char ch = t.p[i++];
                if (want == '?' || (want == '_' && ch == ' '))
                        continue;
                if (want == '_')
                        want = 'd';
                if (want < 'a' && want != 'Y') { /* the literals are capitals, blanks and signs */
                        if (ch != want)
                                return false;
                        continue;
                }
                if (ch < '0' || ch > '9')
                        return false;
                v[(u8)want] = v[(u8)want] * 10 + (u32)(ch - '0');
        }
        if (!v['Y'])
                v['Y'] = v['y'] + (v['y'] < 70 ? 2000 : 1900); /* two digits: 1970 to 2069 */
        *c = (struct calendar){(u16)v['Y'], (u8)v['b'], (u8)v['d'], (u8)v['h'], (u8)v['m'], (u8)v['s'], 0};
        return i == t.n;
}

bool http_date_get(struct http_text t, u64 *unix_s)
{
        struct calendar c;
        u32 comma = 0;

        while (comma < t.n && t.p[comma] != ',')
                comma++;
        if (comma == t.n)
                return read(t, "??? b _d hh:mm:ss YYYY", &c) && calendar_unix(&c, unix_s);
        struct http_text behind = {t.p + comma, t.n - comma}; /* RFC 850 writes the weekday out */
        return (read(behind, ", dd b YYYY hh:mm:ss GMT", &c) || read(behind, ", dd-b-yy hh:mm:ss GMT", &c)) &&
                calendar_unix(&c, unix_s);
}
