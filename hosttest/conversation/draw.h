/* draw.h - packets as the seed draws them: label, arrow, flags and data, bytes, time. SPDX-License-Identifier: MIT */
#ifndef DRAW_H
#define DRAW_H

#include "duo.h"

static inline void draw_head(void) { printf("\t      C   S   %-42s %5s  %8s\n", "", "bytes", "ms"); }

/* The payload's first line in quotes, or how many bytes there are. */
static inline void draw_data(const struct said *s, char *text, u32 room)
{
        u32 n = min_u32(s->n, sizeof s->data), end = 0;
        while (end < n && end < 14 && s->data[end] >= ' ' && s->data[end] < 127)
                end++;
        if (!s->n)
                text[0] = 0;
        else if (end == s->n || (s->n < 20 && end))
                snprintf(text, room, ",\"%.*s\"", (int)end, s->data);
        else
                snprintf(text, room, ",data(%u)", s->n);
}

static inline void draw(u32 label, const struct said *s, u64 from_us)
{
        static const struct { u8 bit; const char *name; } names[] = {{TCP_SYN, "SYN"}, {TCP_ACK, "ACK"}, {TCP_RST, "RST"},
                                                                     {TCP_PSH, "PSH"}};
        char text[160] = "", data[64];
        for (u32 i = 0; i < COUNT_OF(names); i++)
                if (s->flags & names[i].bit)
                        strcat(strcat(text, text[0] ? "," : ""), names[i].name);
        draw_data(s, data, sizeof data);
        strcat(text, data);
        strcat(text, s->flags & TCP_FIN ? ",FIN" : "");
        strcat(text, s->hello ? ",opt=QuRe" : "");
        u32 us = (u32)(s->at_us - from_us);
        printf("\t%3u:  %s   %-42s %5u  %4u.%03u%s\n", label, s->from == DUO_CLIENT ? "---->" : "<----", text, s->bytes,
               us / 1000, us % 1000,
               s->eaten ? "  lost" : "");
}

#endif
