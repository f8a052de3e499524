/* ping.c - ping and traceroute: echo requests, and the answers or errors they bring.
 * SPDX-License-Identifier: MIT */
#include "commands.h"
#include "icmp.h"
#include "mem.h"

enum { PING_MAX = 1400, PROBE_MS = 1000, HOPS = 30, TRIES = 3 };

/* The probe that is out, and what came back. The callback runs inside the stack and only notes. */
struct probe { u16 id, seq; u64 sent_us, back_us; volatile bool answered; struct icmp_event event; };

static void note(void *ctx, const struct icmp_event *e)
{
        struct probe *p = ctx;

        if (p->answered || e->id != p->id || e->seq != p->seq)
                return;
        p->back_us = plat_uptime_us();
        p->event = *e;
        p->answered = true;
}

/* Sends one request; 0 or a negative stack_err. */
static int probe_send(struct probe *p, ipaddr dst, u16 n, u8 ttl)
{
        u8 data[PING_MAX];

        for (u32 i = 0; i < n; i++)
                data[i] = (u8)i;
        p->seq++;
        p->answered = false;
        p->sent_us = plat_uptime_us();
        return icmp_ping(plat_stack(), dst, p->id, p->seq, data, n, ttl);
}

static void probe_begin(struct probe *p)
{
        memset(p, 0, sizeof(*p));
        p->id = (u16)stack_random(plat_stack());
        icmp_on_event(plat_stack(), note, p);
}

static void probe_end(void) { icmp_on_event(plat_stack(), NULL, NULL); }

static const char *unreach_name(const struct icmp_event *e)
{
        static const char *const code[] = {"network unreachable", "host unreachable", "protocol unreachable", "port unreachable",
                                           "fragmentation needed"};

        if (e->type == ICMP_TIME_EXCEEDED)
                return "time to live exceeded";
        if (e->type != ICMP_UNREACH)
                return "ICMP error";
        return e->code < COUNT_OF(code) ? code[e->code] : "prohibited";
}

static void print_answer(const struct probe *p)
{
        u32 us = (u32)(p->back_us - p->sent_us);

        if (p->event.type == ICMP_ECHO_REPLY)
                out("%u bytes from %I: seq %u ttl %u time %u.%03u ms\n", p->event.n, &p->event.from, p->seq, p->event.ttl,
                    us / 1000, us % 1000);
        else
                out("from %I: seq %u %s\n", &p->event.from, p->seq, unreach_name(&p->event));
}

int cmd_ping(struct words *w)
{
        u32 count = UINT32_MAX, size = 56, sent = 0, back = 0;
        ipaddr dst;
        struct probe p;

        if (!take_host(w, &dst))
                return -1;
        while (words_more(w)) {
                if (take_if(w, "count") ? !take_u32(w, "a count", 1, 1000000, &count)
                    : take_if(w, "size") ? !take_u32(w, "a size", 0, PING_MAX, &size) : !take_end(w))
                        return -1;
        }
        probe_begin(&p);
        while (sent < count && !stop_pressed()) {
                int e = probe_send(&p, dst, (u16)size, 0);

                sent++;
                if (e < 0)
                        out("seq %u: %s\n", p.seq, stack_strerror(e));
                else if (wait_for(&p.answered, PROBE_MS)) {
                        back += p.event.type == ICMP_ECHO_REPLY;
                        print_answer(&p);
                }
                u64 next = p.sent_us + (u64)PROBE_MS * 1000, now = plat_uptime_us();
                if (sent < count && now < next)
                        wait_ms((u32)(next - now) / 1000);
        }
        probe_end();
        out("%I: %u sent, %u received\n", &dst, sent, back);
        return back ? 0 : -1;
}

int cmd_traceroute(struct words *w)
{
        ipaddr dst, shown = IPADDR_ANY;
        struct probe p;
        bool there = false;

        if (!take_host(w, &dst) || !take_end(w))
                return -1;
        probe_begin(&p);
        for (u32 ttl = 1; ttl <= HOPS && !there && !stop_pressed(); ttl++) {
                out("%2u ", ttl);
                shown = IPADDR_ANY;
                for (u32 i = 0; i < TRIES && !stop_pressed(); i++) {
                        int e = probe_send(&p, dst, 32, (u8)ttl);

                        if (e < 0) {
                                out(" %s\n", stack_strerror(e));
                                probe_end();
                                return -1;
                        }
                        if (!wait_for(&p.answered, PROBE_MS)) {
                                out(" *");
                                continue;
                        }
                        if (!ipaddr_eq(shown, p.event.from))
                                out(" %I", &p.event.from);
                        shown = p.event.from;
                        out(" %u.%03u ms", (u32)(p.back_us - p.sent_us) / 1000, (u32)(p.back_us - p.sent_us) % 1000);
                        there = p.event.type != ICMP_TIME_EXCEEDED;
                        if (there && p.event.type != ICMP_ECHO_REPLY)
                                out(" (%s)", unreach_name(&p.event));
                }
                out("\n");
        }
        probe_end();
        return there ? 0 : -1;
}
