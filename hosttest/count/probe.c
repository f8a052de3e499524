/* probe.c - takes the place of drivers/probe.c in build/qure-count.elf: one card without a wire, and a thread that plays
 * a client's side of a fixed exchange through it. What lies between count_begin and count_end is what `make count` counts:
 * from a frame in memory to every reply handed over.
 * SPDX-License-Identifier: MIT */
#include "cksum.h"
#include "ip.h"
#include "irq.h"
#include "mem.h"
#include "log.h"
#include "clock.h"
#include "nic.h"
#include "panic.h"
#include "power.h"
#include "thread.h"

enum { SYN = 2, PSH = 8, ACK = 16 };
static const macaddr mac_us = {{2, 0, 0, 0, 0, 1}}, mac_client = {{2, 0, 0, 0, 0, 2}};
static const ipaddr ip_us = {{{10, 9, 0, 2}}}, ip_client = {{{10, 9, 0, 1}}};
static const char get[] = "GET /1k HTTP/1.1\r\nHost: count\r\nUser-Agent: curl/7.88.1\r\nAccept: */*\r\n\r\n";

struct tcp_wire { be16 sport, dport; be32 seq, ack; u8 off, flags; be16 wnd, sum, urg; };

static struct nic wireless;
static struct { u32 seq, ack, n, bytes; struct pkt *got[4]; } client = { .seq = 1000 };

void count_begin(void);
void count_end(void);

static int poll_nothing(struct nic *n, int budget) { return 0; }
static bool irq_on(struct nic *n) { return false; }
static void irq_off(struct nic *n) { }

/* What came waits until the count is over: to look at it is the client's work. */
static void take(struct netif *nif, struct pkt *p)
{
        if (client.n == COUNT_OF(client.got))
                panic("count: more replies than the client takes");
        client.got[client.n++] = p;
}

/* The client's view of it: the next acknowledgement. */
static void look(struct pkt *p)
{
        u8 hdr[54];
        struct ip_hdr ip;
        struct tcp_wire t;
        client.bytes += pkt_total(p);
        if (pkt_copy_out(p, 0, hdr, sizeof hdr) == sizeof hdr) {
                memcpy(&ip, hdr + 14, 20);
                memcpy(&t, hdr + 34, 20);
                client.ack = be32_get(t.seq) + be16_get(ip.len) - 20u - (t.off >> 4) * 4u + (t.flags & SYN ? 1 : 0);
        }
        pkt_free(p);
}

static struct pkt *build(u8 flags, const char *data, u32 n)
{
        struct pkt *p = pkt_alloc(&wireless.nif.st->pkts, 2);
        u8 *f = p->data;
        memcpy(f, mac_us.b, 6);
        memcpy(f + 6, mac_client.b, 6);
        f[12] = 8;
        f[13] = 0;
        struct ip_hdr ip = {.vhl = 0x45, .len = be16_of((u16)(40 + n)), .frag = be16_of(IP_DF), .ttl = 64, .proto = IPPROTO_TCP_, .src = ip_client, .dst = ip_us};
        ip.cksum = be16_from_raw((u16)~cksum_fold(cksum_add(0, &ip, 20)));
        struct tcp_wire t = {be16_of(40000), be16_of(80), be32_of(client.seq), be32_of(client.ack), (flags & SYN ? 6 : 5) << 4, flags, be16_of(64240), {{0, 0}}, {{0, 0}}};
        memcpy(f + 14, &ip, 20);
        memcpy(f + 34, &t, 20);
        memcpy(f + 54, data, n);
        u16 sum = (u16)~cksum_fold(cksum_add(ip_pseudo_sum(ip_client, ip_us, IPPROTO_TCP_, (u16)(20 + n)), f + 34, 20 + n));
        memcpy(f + 50, &sum, 2);
        p->len = (u16)(n + 54 < 60 ? 60 : n + 54);
        client.seq += flags & SYN ? 1 : n;
        return p;
}

static void feed(const char *what, u8 flags, const char *data, u32 n)
{
        struct pkt *p = build(flags, data, n);
        client.bytes = client.n = 0;
        stack_tick(wireless.nif.st, clock_us());
        u32 f = irq_save();
        count_begin();
        netif_rx(&wireless.nif, p);
        stack_batch_end(wireless.nif.st);
        count_end();
        irq_restore(f);
        for (u32 i = 0; i < client.n; i++)
                look(client.got[i]);
        klog("count: %s: %u bytes answered", what, client.bytes);
}

static void replay(void *arg)
{
        thread_sleep(100);
        feed("fresh.syn", SYN, "\2\4\5\264", 4); /* its only option: a segment holds 1460 bytes */
        feed("fresh.ack", ACK, "", 0);
        feed("fresh.get", PSH | ACK, get, sizeof get - 1);
        feed("kept.get", PSH | ACK, get, sizeof get - 1);
        klog("count: done");
}

void drivers_probe(struct stack *st)
{
        wireless.poll = poll_nothing;
        wireless.irq_on = irq_on;
        wireless.irq_off = irq_off;
        wireless.nif.driver = "wireless";
        wireless.nif.mac = mac_us;
        wireless.nif.mtu = 1500;
        wireless.nif.caps = NETIF_SG;
        wireless.nif.xmit = take;
        nic_add(st, &wireless, true);
        thread_new("replay", replay, NULL, 4);
}
