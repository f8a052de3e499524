/* client.c - constructed segments and checked replies (see client.h).
 * SPDX-License-Identifier: MIT */
#include "client.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "arp.h"
#include "cksum.h"
#include "ip.h"
#include "step.h"

struct stack *bench_stack;
struct netif bench_nif;

static const ipaddr ours = {{{10, 0, 0, 1}}}, theirs = {{{10, 0, 0, 2}}};
static const macaddr our_mac = {{2, 0, 0, 0, 0, 1}}, their_mac = {{2, 0, 0, 0, 0, 2}};
static u8 out[2048];
static u32 out_len, n_out;
static u64 now_us = 1000000;
static u32 step_us = 1000;

static void fail(const char *what, u32 got)
{
        fprintf(stderr, "bench: %s (%u)\n", what, got);
        exit(1);
}

static void *give(void *ctx, size_t n, size_t align)
{
        void *p;
        if (posix_memalign(&p, align < 16 ? 16 : align, n ? n : 1))
                return NULL;
        return memset(p, 0, n);
}

/* The driver: keeps a copy to look at. A real one would gather. */
static __attribute__((noinline)) void drv_xmit(struct netif *nif, struct pkt *p)
{
        out_len = pkt_total(p);
        pkt_copy_out(p, 0, out, out_len < sizeof out ? out_len : sizeof out);
        pkt_free(p);
        n_out++;
}

static void put16(u8 *p, u32 v) { p[0] = (u8)(v >> 8); p[1] = (u8)v; }
static void put32(u8 *p, u32 v) { put16(p, v >> 16); put16(p + 2, v); }
static u32 get16(const u8 *p) { return (u32)p[0] << 8 | p[1]; }
static u32 get32(const u8 *p) { return get16(p) << 16 | get16(p + 2); }

static void harness_rx(const u8 *frame, u32 n, bool count)
{
        struct pkt *p = pkt_alloc(&bench_stack->pkts, 2);
        if (!p || !pkt_append(p, frame, n))
                fail("no buffer", n);
        stack_tick(bench_stack, now_us += step_us);
        n_out = 0;
        if (count) {
                step_begin();
                netif_rx(&bench_nif, p);
                stack_batch_end(bench_stack);
                step_end();
        } else {
                netif_rx(&bench_nif, p);
                stack_batch_end(bench_stack);
        }
}

static void arp_request(void)
{
        u8 f[60] = {0};
        memcpy(f, our_mac.b, 6);
        memcpy(f + 6, their_mac.b, 6);
        put16(f + 12, 0x806);
        put16(f + 14, 1);
        put16(f + 16, 0x800);
        put16(f + 18, 6 << 8 | 4);
        put16(f + 20, 1);
        memcpy(f + 22, their_mac.b, 6);
        memcpy(f + 28, &theirs, 4);
        memcpy(f + 38, &ours, 4);
        harness_rx(f, sizeof f, false);
}

void bench_make(u32 n_tcbs)
{
        struct stack_config c = {.n_pkts = 512, .n_tcbs = n_tcbs, .n_synq = 64, .n_timewait = 1024, .alloc = give, .seed = "instructions"};
        bench_stack = stack_new(&c, now_us);
        bench_nif = (struct netif){.name = "eth0", .driver = "bench", .mac = our_mac, .mtu = 1500, .caps = NETIF_SG, .xmit = drv_xmit};
        if (!bench_stack || !netif_add(bench_stack, &bench_nif, true) || netif_addr_add(&bench_nif, ours, 24, IFADDR_STATIC, false))
                fail("cannot make a stack", 0);
        for (u32 i = 0; i < 100; i++) /* announcements and probes of the address are over */
                stack_tick(bench_stack, now_us += 100000);
        arp_request();
}

void client_pace(u32 us) { step_us = us; }

void client_wait(u32 us) { stack_tick(bench_stack, now_us += us); }

void client_new(struct client *c, u16 dport, bool ts)
{
        static u32 isn = 1000;
        static u16 port = 1024;
        *c = (struct client){.snd = isn += 64013, .port = port++, .dport = dport, .ts = ts};
}

/* Options: a SYN's as Linux lays them out, timestamps elsewhere when they are in use. */
static u32 put_options(const struct client *c, u32 flags, u8 *o)
{
        u32 n = 0;
        if (flags & C_SYN) {
                static const u8 first[] = {2, 4, 5, 0xb4, 4, 2}, last[] = {1, 3, 3, 7};
                static const u8 no_ts[] = {2, 4, 5, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7};
                if (!c->ts) {
                        memcpy(o, no_ts, sizeof no_ts);
                        return sizeof no_ts;
                }
                memcpy(o, first, 6);
                memcpy(o + 16, last, 4);
                o += 6;
                n = 20;
        } else if (c->ts) {
                o[0] = o[1] = 1;
                o += 2;
                n = 12;
        } else {
                return 0;
        }
        o[0] = 8;
        o[1] = 10;
        put32(o + 2, (u32)(now_us / 1000));
        put32(o + 6, c->tsecr);
        return n;
}

void client_send(struct client *c, u32 flags, const void *data, u32 n, bool count)
{
        static u8 f[2048];
        static u16 id;
        u8 *ip = f + 14, *t = ip + 20;
        memset(f, 0, 128);
        memcpy(f, our_mac.b, 6);
        memcpy(f + 6, their_mac.b, 6);
        put16(f + 12, 0x800);
        u32 hl = 20 + put_options(c, flags, t + 20), total = 20 + hl + n;
        ip[0] = 0x45;
        put16(ip + 2, total);
        put16(ip + 4, ++id);
        put16(ip + 6, 0x4000);
        ip[8] = 64;
        ip[9] = 6;
        memcpy(ip + 12, &theirs, 4);
        memcpy(ip + 16, &ours, 4);
        u16 sum = (u16)~cksum_fold(cksum_add(0, ip, 20));
        memcpy(ip + 10, &sum, 2);
        put16(t, c->port);
        put16(t + 2, c->dport);
        put32(t + 4, c->snd);
        put32(t + 8, flags & C_ACK ? c->rcv : 0);
        t[12] = (u8)(hl / 4 << 4);
        t[13] = (u8)flags;
        put16(t + 14, 64240);
        if (n)
                memcpy(t + hl, data, n);
        sum = (u16)~cksum_fold(cksum_add(ip_pseudo_sum(theirs, ours, 6, (u16)(hl + n)), t, hl + n));
        memcpy(t + 16, &sum, 2);
        c->snd += n + (flags & C_SYN ? 1 : 0) + (flags & C_FIN ? 1 : 0);
        harness_rx(f, 14 + total < 60 ? 60 : 14 + total, count);
}

void client_want(u32 n)
{
        if (n_out != n)
                fail("another number of frames came out than expected", n_out);
}

u32 client_take(struct client *c)
{
        const u8 *ip = out + 14, *t = ip + 20;
        u32 total = get16(ip + 2), hl = (u32)t[12] >> 4 << 2, n = total - 20 - hl;
        if (get16(out + 12) != 0x800 || memcmp(out, their_mac.b, 6) || get16(t + 2) != c->port)
                fail("reply is not for this client", get16(out + 12));
        if (cksum_fold(cksum_add(0, ip, 20)) != 0xffff ||
            cksum_fold(cksum_add(ip_pseudo_sum(ours, theirs, 6, (u16)(total - 20)), t, total - 20)) != 0xffff)
                fail("checksum of a reply", total);
        if ((t[13] & C_ACK) && get32(t + 8) != c->snd)
                fail("reply acknowledges something else", get32(t + 8));
        c->rcv = get32(t + 4) + n + (t[13] & C_SYN ? 1 : 0) + (t[13] & C_FIN ? 1 : 0);
        for (u32 i = 20; c->ts && i + 10 <= hl && t[i];)
                if (t[i] == 1) {
                        i++;
                } else {
                        if (t[i] == 8)
                                c->tsecr = get32(t + i + 2);
                        i += t[i + 1];
                }
        return n;
}
