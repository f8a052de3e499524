/* through.c (fuzz) - packets that pass through a gateway with the transparent proxy: TCP and ICMP of a connection that was let through, of
 * one that is being taken, and of strangers. The input is a row of packets: a byte that chooses, a length, and what is behind the IP
 * header. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include "../../net/handoff/through_impl.h"
#include "arp.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ipaddr client = {{{10, 0, 0, 2}}}, target = {{{10, 1, 0, 2}}};
static const macaddr mac1 = {{2, 0, 0, 0, 0, 0x11}};
static struct through *th;
enum { PORTS = 0x5000a00f };

static void to_eth1(struct netif *nif, struct pkt *p)
{
        wire_check(p);
        pkt_free(p);
}

static void on_closed(struct tcb *t, int err) { }
static void on_readable(struct tcb *t)
{
        if (tcp_readable(t) && through_begin(th, t))
                tcp_abort(t);
}
static const struct tcp_events events = {.readable = on_readable, .closed = on_closed};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct stack_config cfg = {.n_pkts = 128, .n_tcbs = 8};
        struct wire *w = wire_new(&cfg, 0);
        struct netif eth1 = {.name = "eth1", .driver = "fuzz", .mac = mac1, .mtu = 1500, .xmit = to_eth1};
        const struct tcp_opts opts = {.fixed_isn = true, .isn = 1000};
        int err;
        netif_add(w->st, &eth1, true);
        netif_addr_add(&eth1, IPADDR(10, 1, 0, 1), 24, IFADDR_STATIC, false);
        arp_set(&eth1, target, wire_mac_peer);
        ip_forwarding(w->st, true);
        th = through_new(w->st, 4);
        through_intercept(th, 80, IPADDR_ANY, 0);
        tcp_listen(w->st, IPADDR_ANY, 80, &events, NULL, &opts, &err);
        struct passage *e = passage_add(th, be32_raw(client.v4), be32_raw(target.v4), PORTS);
        e->seq = 99;
        e->ts_client = 7;
        e->most = size && data[0] & 8 ? (u16)(40 + data[0]) : 1400;
        e->shift = size ? (s8)((s32)(data[0] >> 4) - 8) : 0;
        e->state = PASSAGE_OPEN;
        while (size > 2) {
                u8 how = data[0], f[300] = {0};
                u32 n = min_u32(data[1], (u32)size - 2), at = how & 1 ? build_eth(f, mac1, wire_mac_peer, 0x800) : build_eth(f, w->nif.mac, wire_mac_peer, 0x800);
                memcpy(f + at + 20, data + 2, n);
                if (how & 2 && n >= 4) { /* of the passage */
                        u32 ports = how & 1 ? (u32)PORTS << 16 | (u32)PORTS >> 16 : (u32)PORTS;
                        memcpy(f + at + 20, &ports, 4);
                }
                if (how & 4 && n >= 32) { /* an error about it */
                        u32 ports = how & 1 ? (u32)PORTS : (u32)PORTS << 16 | (u32)PORTS >> 16;
                        build_ip(f + at + 28, how & 1 ? client : target, how & 1 ? target : client, 6, 20);
                        memcpy(f + at + 48, &ports, 4);
                }
                build_ip(f + at, how & 1 ? target : client, how & 1 ? client : target, how & 4 ? 1 : 6, n);
                struct pkt *p = pkt_alloc(&w->st->pkts, 2);
                pkt_append(p, f, at + 20 + n);
                p->flags = PKT_CSUM_OK; /* sums are not what is looked for */
                if (how & 16) { /* a device joined it from many */
                        u8 more[1800] = {0};
                        build_ip(p->data + at, how & 1 ? target : client, how & 1 ? client : target, how & 4 ? 1 : 6, n + sizeof more);
                        p->chain = pkt_alloc(&w->st->pkts, 0);
                        pkt_append(p->chain, more, sizeof more);
                }
                netif_rx(how & 1 ? &eth1 : &w->nif, p);
                wire_batch_end(w);
                data += 2 + n;
                size -= 2 + n;
        }
        wire_wait(w, 3000);
        wire_discard(w);
        return 0;
}
