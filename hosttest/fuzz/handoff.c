/* handoff.c (fuzz) - what a node makes of control blocks, control segments and notices whose authenticator is right, and of those whose is
 * not. The first byte chooses; the input is the text of the segment, its block mended so far that it is looked at.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include "../../net/handoff/handoff_impl.h"
#include "arp.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ipaddr front = {{{10, 0, 0, 2}}}, node = {{{10, 0, 0, 1}}}, v = {{{10, 0, 0, 80}}};

static void on_closed(struct tcb *t, int err) { }
static void on_readable(struct tcb *t)
{
        u8 b[256];
        u32 n = tcp_copy(t, 0, b, sizeof b);
        tcp_send(t, b, n);
        tcp_consume(t, n);
        if (tcp_eof(t))
                tcp_close(t);
}
static bool on_place(struct tcb *t, const u8 *src, u32 n)
{
        tcp_set_user(t, (void *)(uintptr_t)(n + src[n - 1]));
        return src[0] & 1;
}
static const struct tcp_events events = {.readable = on_readable, .writable = on_readable, .closed = on_closed, .place_take = on_place};

/* What the front would send, as a frame for the node. */
static void put(struct wire *f, struct wire *w, struct ctl *c, const u8 *text, u32 n, int spoil)
{
        struct handoff *h = handoff_of(f->st);
        struct pkt *p = pkt_alloc(&f->st->pkts, PKT_HEADROOM);
        const struct frame *out;
        pkt_append(p, text, min_u32(n, 1400));
        ctl_send(h, c, p);
        while ((out = wire_tx(f)) != NULL) {
                if (spoil >= 0 && (u32)spoil + 34 < out->n)
                        out->b[34 + spoil]++;
                wire_rx(w, out->b, out->n);
        }
}

static struct wire *machine(ipaddr own, ipaddr other)
{
        struct stack_config cfg = {.n_pkts = 128, .n_tcbs = 8};
        struct wire *w = wire_new_bare(&cfg, 0);
        int err;
        netif_addr_add(&w->nif, own, 24, IFADDR_STATIC, false);
        wire_wait(w, 10000);
        wire_flush_out(w);
        arp_set(&w->nif, other, wire_mac_us);
        struct handoff *h = handoff_new(w->st, 16);
        handoff_secret(h, (const u8 *)"sixteen byte key", 16);
        handoff_node_add(h, other);
        handoff_service_add(h, &w->nif, v);
        tcp_listen(w->st, v, 80, &events, NULL, NULL, &err);
        return w;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        u8 text[1400];
        u32 n = (u32)size - 1, ports = 0x5000u | 0x500000u;
        struct control_block b;
        if (size < 2 || n > sizeof text)
                return 0;
        memcpy(text, data + 1, n);
        struct wire *f = machine(front, node), *w = machine(node, front);
        struct handoff *h = handoff_of(w->st);
        if (data[0] & 1) { /* a notice */
                u32 port = __builtin_bswap16(HANDOFF_PORT);
                struct ctl c = {.scope = {.kind = CTL_NOTICE, .flags = TCP_ACK, .src = front, .dst = node, .ports = port | port << 16}};
                put(f, w, &c, text, n, -1);
        } else if (n >= BLOCK_BYTES) { /* 51, more and 53 */
                text[0] = BLOCK_VERSION;
                u32 len = min_u32(n, BLOCK_BYTES + data[0] * 8u % (TCP_PLACE_MAX + 1));
                text[2] = (u8)(len >> 8);
                text[3] = (u8)len;
                memcpy(text + 12, &v, 4);
                memcpy(text + 20, "\0\120", 2);
                bool good = block_get(text, len, &b);
                u32 first = good ? block_first(&b) : 0, cut = good ? len + block_bytes(&b) : n;
                struct ctl c = {.scope = {.kind = CTL_51, .flags = TCP_SYN | TCP_PSH, .src = front, .dst = node, .ports = ports, .seq = first, .first = first},
                                .opt = {.has = O144_HANDOFF | O144_BLOCK | O144_PORT, .block = (u16)len}};
                if (good) {
                        c.opt.addr = b.client;
                        c.opt.port = b.client_port;
                }
                put(f, w, &c, text, min_u32(n, cut), data[0] & 2 ? data[0] >> 2 : -1);
                struct adoption *a = good ? adoption_of(h, be32_raw(b.client.v4), be32_raw(b.service.v4),
                                                        (u32)__builtin_bswap16(b.client_port) | (u32)__builtin_bswap16(b.service_port) << 16) : NULL;
                if (a && data[0] & 4) {
                        struct ctl more = {.scope = {.kind = CTL_MORE, .flags = TCP_PSH, .src = front, .dst = node, .ports = ports, .seq = first + 1 + a->got,
                                                     .first = first, .nonce = b.nonce}};
                        put(f, w, &more, text, n, -1);
                }
                a = a && a->state != ADOPTION_FREE ? a : NULL;
                if (a) {
                        struct ctl last = {.scope = {.kind = CTL_53, .flags = TCP_ACK, .src = front, .dst = node, .ports = ports, .seq = first, .ack = a->fresh,
                                                     .first = first, .nonce = b.nonce}};
                        put(f, w, &last, NULL, 0, -1);
                }
        }
        wire_wait(w, 3000);
        wire_discard(f);
        wire_discard(w);
        return 0;
}
