/* ipip.c (fuzz) - what comes in IP in IP to a node, and ICMP that quotes a tunnel or a flow. The first byte chooses: 1 the inner header is
 * mended so far that it is looked at, 2 it is an ICMP error to the front that quotes what follows, 4 that is IP in IP.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include "../../net/handoff/handoff_impl.h"
#include "arp.h"
#include "icmp.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ipaddr front = {{{10, 0, 0, 2}}}, node = {{{10, 0, 0, 1}}}, v = {{{10, 0, 0, 80}}}, client = {{{10, 0, 0, 9}}};

static void on_closed(struct tcb *t, int err) { }
static void on_readable(struct tcb *t) { tcp_consume(t, tcp_readable(t)); }
static const struct tcp_events events = {.readable = on_readable, .closed = on_closed};

static struct wire *machine(ipaddr own, ipaddr other, bool silent)
{
        struct stack_config cfg = {.n_pkts = 64, .n_tcbs = 8};
        struct wire *w = wire_new_bare(&cfg, 0);
        int err;
        netif_addr_add(&w->nif, own, 24, IFADDR_STATIC, false);
        if (!silent)
                netif_addr_add(&w->nif, v, 24, IFADDR_STATIC, false);
        wire_wait(w, 10000);
        wire_flush_out(w);
        arp_set(&w->nif, other, wire_mac_peer);
        arp_set(&w->nif, client, wire_mac_peer);
        struct handoff *h = handoff_new(w->st, 16);
        handoff_secret(h, (const u8 *)"sixteen byte key", 16);
        handoff_node_add(h, other);
        handoff_service_add(h, &w->nif, v);
        tcp_listen(w->st, v, 80, &events, NULL, NULL, &err);
        return w;
}

/* To w, with a right IP header of this protocol and these addresses. */
static void put(struct wire *w, ipaddr src, ipaddr dst, u8 proto, const u8 *what, u32 n)
{
        u8 f[1600];
        u32 at = build_eth(f, w->nif.mac, wire_mac_peer, 0x800);
        memcpy(f + at + 20, what, n);
        build_ip(f + at, src, dst, proto, n);
        wire_rx(w, f, at + 20 + n);
}

static void mend(u8 *b, u32 n, ipaddr src, ipaddr dst)
{
        struct ip_hdr *ip = (struct ip_hdr *)b;
        ip->vhl = 0x45;
        ip->len = be16_of((u16)n);
        ip->src = src;
        ip->dst = dst;
        ip_set_cksum(ip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        u8 b[1500] = {0};
        u32 n = (u32)size - 1, head = 0;
        if (size < 2 || n > 1400)
                return 0;
        struct wire *w = machine(data[0] & 2 ? front : node, data[0] & 2 ? node : front, !(data[0] & 2));
        struct handoff *h = handoff_of(w->st);
        struct flow *f = flow_add(&h->flows, be32_raw(client.v4), be32_raw(v.v4), 0x5000a00f);
        f->state = data[0] & 8 ? FLOW_PENDING : FLOW_ACTIVE;
        if (data[0] & 2) {
                b[0] = n & 1 ? ICMP_UNREACH : ICMP_TIME_EXCEEDED;
                b[1] = ICMP_FRAG_NEEDED;
                b[6] = data[0] >> 4;
                head = 8;
        }
        if (data[0] & 4) {
                build_ip(b + head, front, node, IPPROTO_IPIP_, n);
                head += 20;
        }
        memcpy(b + head, data + 1, n);
        if (data[0] & 1 && n >= 20)
                mend(b + head, n, data[0] & 2 && !(data[0] & 4) ? v : client, data[0] & 2 && !(data[0] & 4) ? client : v);
        if (data[0] & 2) {
                u16 sum = (u16)~cksum_fold(cksum_add(0, b, head + n));
                memcpy(b + 2, &sum, 2);
        }
        put(w, data[0] & 2 ? client : front, data[0] & 2 ? v : node, data[0] & 2 ? IPPROTO_ICMP_ : IPPROTO_IPIP_, b, head + n);
        wire_wait(w, 3000);
        f->state = FLOW_ACTIVE;
        wire_free(w);
        return 0;
}
