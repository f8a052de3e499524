/* line.c - one stack on a TAP device: clock, loop, and what passes. SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include "line.h"
#include "route.h"
#include "stack.h"
#include "tap.h"
#include "../../net/tcp/hdr.h"
#include "../../net/tcp/option144.h"

static bool client, drawing;
static u32 packets;
static u64 first_us;

u64 line_now_us(void)
{
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (u64)t.tv_sec * 1000000 + (u64)t.tv_nsec / 1000;
}

static void *take(void *ctx, size_t n, size_t align)
{
        void *p;
        if (posix_memalign(&p, align < sizeof(void *) ? sizeof(void *) : align, n))
                return NULL;
        return memset(p, 0, n);
}

static void die(const char *what, const char *which)
{
        fprintf(stderr, "%s: %s\n", what, which);
        exit(1);
}

bool line_addr(const char *text, ipaddr *out)
{
        return inet_pton(AF_INET, text, out) == 1;
}

static void say(void *ctx, const char *line) { fprintf(stderr, "# %s\n", line); }

static void passes(void *ctx, struct netif *nif, const struct pkt *p, bool sent)
{
        u8 b[14 + 60 + 60 + 32] = {0};
        u32 n = pkt_copy_out(p, 0, b, sizeof b);
        u32 ihl = (u32)(b[14] & 15) * 4;
        if (n < 54 || b[12] != 8 || b[13] != 0 || b[14 + 9] != 6)
                return;
        const struct tcp_hdr *h = (const struct tcp_hdr *)(b + 14 + ihl);
        u32 hlen = (u32)(h->off >> 4 << 2), bytes = (u32)(b[16] << 8 | b[17]), len = bytes - ihl - hlen;
        struct option144 x;
        bool hello = option144_find((const u8 *)(h + 1), hlen - 20, OPTION144, &x) && (x.has & O144_HELLO);
        if (!packets++)
                first_us = line_now_us();
        if (!drawing)
                return;
        u32 us = (u32)(line_now_us() - first_us);
        char text[80];
        snprintf(text, sizeof text, "%s%s%s%s%s%s", h->flags & TCP_SYN ? ",SYN" : "", h->flags & TCP_ACK ? ",ACK" : "",
                 h->flags & TCP_RST ? ",RST" : "",
                 h->flags & TCP_PSH ? ",PSH" : "", len ? ",data" : "", h->flags & TCP_FIN ? ",FIN" : "");
        fprintf(stderr, "\t%3u:  %s   %s%s  %u of %u bytes  %u.%03u ms\n", 10 * packets, sent == client ? "---->" : "<----",
                text + 1, hello ? ",opt=QuRe" : "", len,
                bytes, us / 1000, us % 1000);
}

struct stack *line_open(const char *tap, const char *address, const char *gateway)
{
        struct stack_config cfg = {.n_pkts = 1024, .n_tcbs = 256, .n_synq = 256, .n_timewait = 1024, .alloc = take, .log = say};
        char text[64];
        ipaddr addr, gw;
        snprintf(text, sizeof text, "%s", address);
        char *slash = strchr(text, '/');
        if (slash)
                *slash = 0;
        if (!slash || !line_addr(text, &addr))
                die("not an address/length", address);
        if (getrandom(cfg.seed, sizeof cfg.seed, 0) != sizeof cfg.seed)
                die("no entropy", "getrandom");
        struct stack *st = stack_new(&cfg, line_now_us());
        if (!st)
                die("out of memory", "stack");
        tap_open(st, tap);
        stack_watch(st, passes, NULL);
        if (netif_addr_add(st->nif[0], addr, (u8)atoi(slash + 1), IFADDR_STATIC, false) < 0)
                die("cannot take the address", address);
        if (gateway && (!line_addr(gateway, &gw) || route_add(st, IPADDR_ANY, 0, gw, st->nif[0], IFADDR_STATIC) < 0))
                die("not a gateway", gateway);
        for (u64 end = line_now_us() + 200000; line_now_us() < end;)
                line_turn(st, 20);
        return st;
}

void line_turn(struct stack *st, u32 ms)
{
        struct pollfd f[TAPS];
        u32 n = tap_fds(f);
        stack_tick(st, line_now_us());
        stack_batch_end(st);
        poll(f, n, (int)min_u32(ms, stack_next(st)));
        stack_tick(st, line_now_us());
        while (tap_poll(64))
                stack_batch_end(st);
        stack_batch_end(st);
}

void line_draw(struct stack *st, bool as_client)
{
        drawing = true;
        client = as_client;
}

u32 line_packets(void) { return packets; }
void line_again(void) { packets = 0; }
