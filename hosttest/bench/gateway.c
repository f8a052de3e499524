/* gateway.c - instructions of a packet that passes through: forwarded, and rewritten for a connection that was let through.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include "arp.h"
#include "client.h"
#include "step.h"
#include "../../net/handoff/through_impl.h"

enum { TIMES = 16, TEXT = 1448, PORTS = 0x5000a00f /* 4000 to 80, as they lie */ };

static const ipaddr client = {{{10, 0, 0, 1}}}, target = {{{10, 1, 0, 1}}};
static struct netif nif[2];
static struct stack *st;

static void *give(void *ctx, size_t n, size_t align)
{
        void *p;
        if (posix_memalign(&p, align < 16 ? 16 : align, n ? n : 1))
                return NULL;
        return memset(p, 0, n);
}

static __attribute__((noinline)) void drv_gateway(struct netif *out, struct pkt *p) { pkt_free(p); }

/* A segment with timestamps, as the card left it. */
static struct pkt *packet(int to, ipaddr src, ipaddr dst, u32 ports, u32 text)
{
        struct pkt *p = pkt_alloc(&st->pkts, 26 - 14);
        u8 *b = p->data;
        p->len = (u16)(14 + 20 + 32 + text);
        memset(b, 0, p->len);
        memcpy(b, nif[to].mac.b, 6);
        b[6] = 2;
        b[12] = 8;
        struct ip_hdr *ip = (struct ip_hdr *)(b + 14);
        *ip = (struct ip_hdr){.vhl = 0x45, .len = be16_of((u16)(p->len - 14)), .frag = be16_of(IP_DF), .ttl = 64, .proto = 6, .src = src, .dst = dst};
        ip_set_cksum(ip);
        u32_any *w = (u32_any *)(ip + 1);
        w[0] = ports;
        w[1] = 0x01000000;
        w[2] = 0x02000000;
        w[3] = __builtin_bswap32(8u << 28 | TCP_ACK << 16 | 500);
        w[5] = TCP_TS_WORD;
        w[6] = 0x03000000;
        w[7] = 0x04000000;
        return p;
}

static void row(const char *name, u32 from, u32 ports, u32 text)
{
        for (u32 i = 0; i < TIMES + 2; i++) {
                struct pkt *p = packet((int)from, from ? target : client, from ? client : target, ports, text);
                if (i >= 2)
                        step_begin();
                netif_rx(&nif[from], p);
                stack_batch_end(st);
                if (i >= 2)
                        step_end();
        }
        step_row(name, TIMES, 0, 0);
}

void rows_of_a_gateway(void)
{
        struct stack_config cfg = {.alloc = give, .seed = "bench"};
        u32 swapped = (u32)PORTS << 16 | (u32)PORTS >> 16;
        st = stack_new(&cfg, 1000000);
        for (u32 i = 0; i < 2; i++) {
                nif[i] = (struct netif){.name = "eth0", .mtu = 1500, .mac = {{2, 0, 0, 0, 0, (u8)(16 + i)}}, .caps = NETIF_SG, .xmit = drv_gateway};
                netif_add(st, &nif[i], true);
                netif_addr_add(&nif[i], i ? IPADDR(10, 1, 0, 254) : IPADDR(10, 0, 0, 254), 24, IFADDR_STATIC, false);
                arp_set(&nif[i], i ? target : client, (macaddr){{2, 0, 0, 0, 0, (u8)(32 + i)}});
        }
        ip_forwarding(st, true);
        row("forwarded_segment", 1, swapped, TEXT);
        struct through *th = through_new(st, 1024);
        row("passing_segment_of_others", 1, swapped, TEXT);
        struct passage *e = passage_add(th, be32_raw(client.v4), be32_raw(target.v4), PORTS);
        *e = (struct passage){.raddr = e->raddr, .laddr = e->laddr, .ports = PORTS, .next = e->next, .seq = 12345, .ts_client = 99, .ts_target = 77,
                              .most = 1500, .state = PASSAGE_OPEN};
        row("translated_segment_to_client", 1, swapped, TEXT);
        row("translated_ack_to_target", 0, PORTS, 0);
}
