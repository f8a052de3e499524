/* trace.c - one readable line for each frame: time, who to whom, what it says, what became of it.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include "sim.h"

static u32 get16(const u8 *p) { return (u32)p[0] << 8 | p[1]; }
static u32 get32(const u8 *p) { return get16(p) << 16 | get16(p + 2); }

static u32 put_option(char *line, u32 n, u32 cap, const u8 *o)
{
        switch (o[0]) {
        case 2: return (u32)snprintf(line + n, cap - n, " mss %u", get16(o + 2));
        case 3: return (u32)snprintf(line + n, cap - n, " scale %u", o[2]);
        case 4: return (u32)snprintf(line + n, cap - n, " sackok");
        case 8: return (u32)snprintf(line + n, cap - n, " ts %u %u", get32(o + 2), get32(o + 6));
        default: return (u32)snprintf(line + n, cap - n, " opt%u", o[0]);
        }
}

static u32 put_sack(char *line, u32 n, u32 cap, const u8 *o)
{
        u32 k = 0;
        for (u32 i = 2; i + 8 <= o[1]; i += 8)
                k += (u32)snprintf(line + n + k, cap - n - k, " sack %u-%u", get32(o + i), get32(o + i + 4));
        return k;
}

static void put_tcp(char *line, u32 cap, const u8 *t, u32 len)
{
        static const char names[] = "FSRPAUEC";
        char flags[9];
        u32 k = 0, hl = (u32)t[12] >> 4 << 2, n;
        for (u32 i = 0; i < 8; i++)
                if (t[13] & 1 << i)
                        flags[k++] = names[i];
        flags[k] = 0;
        n = (u32)snprintf(line, cap, ":%u > :%u [%s] seq %u+%u ack %u win %u", get16(t), get16(t + 2), flags, get32(t + 4), len - hl,
                          get32(t + 8), get16(t + 14));
        for (u32 i = 20; i + 1 < hl && t[i] && n + 128 < cap;) {
                if (t[i] == 1) {
                        i++;
                        continue;
                }
                n += t[i] == 5 ? put_sack(line, n, cap, t + i) : put_option(line, n, cap, t + i);
                i += t[i + 1] < 2 ? 2 : t[i + 1];
        }
}

void trace_frame(struct sim *s, const struct frame *f, u32 to, const char *fate)
{
        char line[512] = "";
        const u8 *ip = f->b + (s->p.l3 ? 0 : 14);
        if (!s->p.trace)
                return;
        u32 type = s->p.l3 ? 0x800 : get16(f->b + 12), total = get16(ip + 2);
        if (type == 0x806)
                snprintf(line, sizeof line, "ARP %s %u.%u.%u.%u", get16(ip + 6) == 1 ? "who has" : "reply for", ip[24], ip[25], ip[26], ip[27]);
        else if (type == 0x800 && ip[9] == 6 && !f->spoilt)
                put_tcp(line, sizeof line, ip + 20, total - 20);
        else if (type == 0x800)
                snprintf(line, sizeof line, "IP protocol %u, %u bytes", ip[9], total);
        printf("%12.6f %3u > %-3u %s%s%s\n", (double)s->now_us / 1e6, f->from, to, line, *fate ? "   -- " : "", fate);
}
