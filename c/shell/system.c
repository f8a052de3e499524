/* system.c - commands about the machine: threads, memory, log, clock, name, panic, power.
 * SPDX-License-Identifier: MIT */
#include "calendar.h"
#include "commands.h"
#include "mem.h"
#include "shell.h"

enum { HOSTNAME = 64 };
static char hostname[HOSTNAME] = "qure";

const char *conf_hostname(void) { return hostname; }

/* RFC 952, 1123 2.1: letters, digits and hyphens in labels; dots between. */
static bool is_hostname(const char *s)
{
        for (u32 i = 0; s[i]; i++) {
                char c = s[i] | 0x20;
                bool alnum = (c >= 'a' && c <= 'z') || (s[i] >= '0' && s[i] <= '9');

                if (!alnum && (i == 0 || (s[i] != '-' && s[i] != '.') || (s[i] == '.' && s[i - 1] == '.')))
                        return false;
        }
        return *s && strlen(s) < HOSTNAME;
}

int cmd_hostname(struct words *w)
{
        const char *s;

        if (!words_more(w)) {
                out("%s\n", hostname);
                return 0;
        }
        if (!take_word(w, "a host name", &s))
                return -1;
        if (!is_hostname(s))
                return words_fail(w, "a host name: letters, digits, '-' and '.', up to 63");
        if (!take_end(w))
                return -1;
        memcpy(hostname, s, strlen(s) + 1);
        return 0;
}

int no_hostname(struct words *w)
{
        w->at = w->n;
        memcpy(hostname, "qure", 5);
        return 0;
}

void show_hostname(void) { out("hostname %s\n", hostname); }

int cmd_panic(struct words *w)
{
        u32 seconds = 5;
        bool halt = take_if(w, "halt");

        if (!halt && !take_if(w, "reboot"))
                return words_miss(w, "halt or reboot");
        if (!halt && words_more(w) && !take_u32(w, "seconds", 1, 3600, &seconds))
                return -1;
        if (!take_end(w))
                return -1;
        plat_panic_set(halt ? 0 : seconds);
        return 0;
}

int no_panic(struct words *w)
{
        w->at = w->n;
        plat_panic_set(0);
        return 0;
}

void show_panic(void)
{
        if (plat_panic_get())
                out("panic reboot %u\n", plat_panic_get());
        else
                out("panic halt\n");
}

static bool print_task(void *ctx, const struct plat_task *t)
{
        u32 ms = (u32)(t->ran_us / 1000);

        out("%3u  %-12s %-8s %8u.%03u %10u  %5u of %u\n", t->id, t->name, t->state, ms / 1000, ms % 1000, t->switches,
            t->stack_used, t->stack_bytes);
        return true;
}

int cmd_ps(struct words *w)
{
        if (!take_end(w))
                return -1;
        out(" id  name         state           ran s   switches  stack\n");
        plat_tasks(print_task, NULL);
        return 0;
}

int cmd_mem(struct words *w)
{
        const struct pktpool *pool = &plat_stack()->pkts;
        struct plat_mem m;

        if (!take_end(w))
                return -1;
        plat_mem(&m);
        out("memory: %u KB, %u KB free, kernel %u KB\n", m.total_kb, m.free_kb, m.kernel_kb);
        out("packet buffers: %u of %u free, %u at the least, %u bytes each\n", pool->n_free, pool->n_total, pool->n_low,
            (u32)PKT_BUF);
        return 0;
}

int cmd_uptime(struct words *w)
{
        if (!take_end(w))
                return -1;
        u64 us = plat_uptime_us();
        u32 s = (u32)(us / 1000000), ms = (u32)(us / 1000 % 1000);
        out("up %u days %02u:%02u:%02u.%03u\n", s / 86400, s / 3600 % 24, s / 60 % 60, s % 60, ms);
        return 0;
}

int cmd_dmesg(struct words *w)
{
        char text[256];
        u32 from = 0, n;

        if (!take_end(w))
                return -1;
        while ((n = plat_dmesg(&from, text, sizeof(text))) && !stop_pressed())
                out_bytes(text, n);
        return 0;
}

/* "2026-11-20" or "10:30:00": numbers of given widths with a separator between. */
static bool digits(const char *s, const char *shape, u32 v[3])
{
        u32 field = 0;

        v[0] = v[1] = v[2] = 0;
        for (; *shape; s++, shape++) {
                if (*shape != '0') {
                        if (*s != *shape)
                                return false;
                        field++;
                } else if (*s < '0' || *s > '9') {
                        return false;
                } else {
                        v[field] = v[field] * 10 + (u32)(*s - '0');
                }
        }
        return *s == 0;
}

int cmd_date(struct words *w)
{
        const char *day, *time;
        struct calendar c = {0};
        u32 d[3], t[3];
        u64 unix_s;

        if (!words_more(w)) {
                calendar_of(plat_wall(), &c);
                out("%s %04u-%02u-%02u %02u:%02u:%02u UTC\n", calendar_weekday(c.weekday), c.year, c.month, c.day, c.hour,
                    c.minute, c.second);
                return 0;
        }
        if (!take_word(w, "YYYY-MM-DD hh:mm:ss", &day))
                return -1;
        bool right = digits(day, "0000-00-00", d);
        c = (struct calendar){(u16)d[0], (u8)d[1], (u8)d[2], 0, 0, 0, 0};
        if (!right || !calendar_unix(&c, &unix_s))
                return words_fail(w, "a day that exists, YYYY-MM-DD");
        if (!take_word(w, "hh:mm:ss", &time))
                return -1;
        right = digits(time, "00:00:00", t);
        c.hour = (u8)t[0], c.minute = (u8)t[1], c.second = (u8)t[2];
        if (!right || !calendar_unix(&c, &unix_s))
                return words_fail(w, "hh:mm:ss");
        if (!take_end(w))
                return -1;
        plat_wall_set(unix_s);
        return 0;
}

int cmd_reboot(struct words *w)
{
        if (!take_end(w))
                return -1;
        plat_reboot();
        return 0;
}

int cmd_halt(struct words *w)
{
        if (!take_end(w))
                return -1;
        plat_halt();
        return 0;
}
