/* netdump.c - prints packets as they pass. The tap runs inside the stack and only writes a line into a ring; the
 * command prints the ring, so that a slow console loses lines (counted) rather than packets.
 * SPDX-License-Identifier: MIT */
#include "commands.h"
#include "fmt.h"
#include "ip.h"
#include "mem.h"

enum { RING = 64 };

struct filter { const struct netif *nif; ipaddr host; u32 port, proto; bool arp; }; /* any(), 0, UINT32_MAX, NULL = everything */

static struct dump {
        struct filter filter;
        u32           put, get, lost, n;
        u64           began_us;
        char          line[RING][DECODE_LINE];
} dump;

static bool passes(const struct filter *f, const struct netif *nif, const struct decoded *d)
{
        if (f->nif && f->nif != nif)
                return false;
        if (!ipaddr_is_any(f->host) && !(d->ip && (ipaddr_eq(d->src, f->host) || ipaddr_eq(d->dst, f->host))))
                return false;
        if (f->port && !(d->ports && (d->sport == f->port || d->dport == f->port)))
                return false;
        if (f->arp)
                return d->ip && d->proto == 0;
        return f->proto == UINT32_MAX || (d->ip && d->proto == f->proto);
}

static void tap(void *ctx, struct netif *nif, const struct pkt *p, bool sent)
{
        u8 bytes[DECODE_BYTES];
        char text[DECODE_LINE - 24];
        struct decoded d;
        u32 n = pkt_copy_out(p, 0, bytes, sizeof(bytes));

        decode_frame(bytes, n, pkt_total(p), !(nif->caps & NETIF_L3), &d, text, sizeof(text));
        if (!passes(&dump.filter, nif, &d))
                return;
        if (dump.put - dump.get == RING) {
                dump.lost++;
                return;
        }
        u32 ms = (u32)((plat_uptime_us() - dump.began_us) / 1000);
        fmt(dump.line[dump.put % RING], DECODE_LINE, "%4u.%03u %s %s %s", ms / 1000, ms % 1000, nif->name, sent ? ">" : "<",
            text);
        dump.put++;
}

static bool take_proto(struct words *w, struct filter *f)
{
        static const struct { const char *name; u8 proto; } names[] = {
                {"icmp", IPPROTO_ICMP_}, {"igmp", IPPROTO_IGMP_}, {"tcp", IPPROTO_TCP_}, {"udp", IPPROTO_UDP_}};

        f->arp = take_if(w, "arp");
        for (u32 i = 0; !f->arp && i < COUNT_OF(names); i++)
                if (take_if(w, names[i].name)) {
                        f->proto = names[i].proto;
                        return true;
                }
        return f->arp || take_u32(w, "arp, icmp, igmp, tcp, udp or a number", 0, 255, &f->proto);
}

static bool take_filter(struct words *w, struct filter *f, u32 *count)
{
        *f = (struct filter){.proto = UINT32_MAX};
        if (words_more(w) && (f->nif = nif_named(w->word[w->at])))
                w->at++;
        while (words_more(w)) {
                bool ok;

                if (take_if(w, "host"))
                        ok = take_addr(w, &f->host);
                else if (take_if(w, "port"))
                        ok = take_u32(w, "a port", 1, 65535, &f->port);
                else if (take_if(w, "proto"))
                        ok = take_proto(w, f);
                else if (take_if(w, "count"))
                        ok = take_u32(w, "a count", 1, 1000000, count);
                else {
                        words_miss(w, "an interface, host, port, proto or count");
                        return false;
                }
                if (!ok)
                        return false;
        }
        return true;
}

int cmd_netdump(struct words *w)
{
        struct stack *st = plat_stack();
        u32 count = UINT32_MAX, shown = 0;

        memset(&dump, 0, sizeof(dump));
        if (!take_filter(w, &dump.filter, &count))
                return -1;
        dump.began_us = plat_uptime_us();
        stack_watch(st, tap, NULL);
        while (shown < count && !stop_pressed()) {
                for (; dump.get != dump.put && shown < count; dump.get++, shown++)
                        out("%s\n", dump.line[dump.get % RING]);
                plat_wait(20);
        }
        stack_watch(st, NULL, NULL);
        out("%u packets shown", shown);
        out(dump.lost ? ", %u not: the console is too slow\n" : "\n", dump.lost);
        return 0;
}
