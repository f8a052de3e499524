/* handoff.c (fuzz) - what a node makes of control blocks, control segments and notices whose authenticator is right, and of those whose is
 * not. The input: a choice; which block to begin with, and how many of its bytes to change; place and value of each; what follows the
 * block. Begun with a notice's choice, the rest is its text.
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

/* What an engine may write, in many states; all of it may then be changed. */
static u32 sample(u32 kind, u8 text[BLOCK_MAX])
{
        struct control_block b = {.nonce = {1, 2, 3}, .service = v, .client = IPADDR(192, 0, 2, 7), .service_port = 80, .client_port = 4000,
                                  .flags = TF_TS | TF_SACK, .state = TCP_B_ESTABLISHED, .snd_scale = 7, .rcv_scale = 3, .ttl = 64,
                                  .snd_una = 1000, .snd_nxt = 1000, .snd_wnd = 65535, .max_snd_wnd = 65535, .rcv_nxt = 5000, .rcv_adv = 70000,
                                  .rcv_acked = 5000, .rcv_space = 65000, .tsval = 8, .cwnd = 14600, .ssthresh = 0xffffffff,
                                  .srtt_us = 800, .rttvar_us = 400, .rto_ms = 200, .min_rtt_us = 90, .keepalive_ms = 60000,
                                  .peer_mss = 1460, .rcv_mss = 1448, .pmtu = 1500, .timewait_cs = 500, .our_mss = 1460};
        switch (kind) {
        case 1: b.snd_bytes = 60, b.snd_nxt += 20; break;
        case 2: b.rcv_bytes = 40, b.flags |= TF_PSHED; break;
        case 3: b.ahead[0].at = 5, b.ahead[0].n = 10, b.ahead[1].at = 30, b.ahead[1].n = 7; break;
        case 4: b.state = TCP_B_CLOSE_WAIT, b.flags |= TF_EOF, b.rcv_bytes = 9; break;
        case 5: b.state = TCP_B_FIN_WAIT_1, b.flags |= TF_USER_CLOSED | TF_FIN_QUEUED, b.snd_bytes = 30, b.snd_nxt += 31; break;
        case 6: b.flags |= TF_URG_TX | TF_URG_RX, b.snd_bytes = 50, b.snd_up = b.snd_una + 50, b.rcv_bytes = 5, b.rcv_up = b.rcv_nxt; break;
        case 7: b.flags |= TF_APP_MODE | TF_ACK_ON_READ, b.rcv_bytes = 25, b.rcv_acked -= 25; break;
        case 8: b.n_place = 20, b.place[0] = 1, b.scope.n = 7, b.scope.b[0] = 2, b.wish = node; break;
        case 9: b.n_place = TCP_PLACE_MAX, b.scope.n = HANDOFF_SCOPE, b.returned = true, b.snd_bytes = 300, b.snd_nxt += 300; break;
        case 10: b.state = 0xcf, b.flags |= TF_FIN_QUEUED | TF_ACTIVE_CLOSE; break;
        case 11: b.state = TCP_B_LAST_ACK, b.flags |= TF_EOF | TF_FIN_QUEUED, b.snd_nxt += 1; break;
        case 12: b.state = TCP_B_SYN_RECEIVED, b.flags |= TF_TFO_ACCEPTED | TF_SYN_PENDING, b.rcv_bytes = 30; break;
        case 13: b.state = SYN_RX | SYN_ACK_TX, b.flags |= TF_SYN_PENDING, b.conv_flags = CV_MET | CV_LATE, b.rcv_bytes = 12; break;
        case 14: b.conv_flags = CV_MET | CV_TOLD | CV_PROVEN, b.snd_bytes = 10; break;
        case 15: b.state = TCP_B_SYN_RECEIVED, b.flags |= TF_TFO_ACCEPTED, b.snd_nxt += 1; break;
        }
        block_put(text, &b);
        return block_len(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        u8 text[1400] = {0};
        u32 ports = 0x5000u | 0x500000u;
        struct control_block b;
        if (size < 2 || size > 900)
                return 0;
        struct wire *f = machine(front, node), *w = machine(node, front);
        struct handoff *h = handoff_of(w->st);
        if (data[0] & 1) { /* a notice */
                u32 port = __builtin_bswap16(HANDOFF_PORT);
                struct ctl c = {.scope = {.kind = CTL_NOTICE, .flags = TCP_ACK, .src = front, .dst = node, .ports = port | port << 16}};
                put(f, w, &c, data + 1, (u32)size - 1, -1);
        } else { /* 51, more and 53 */
                u32 len = sample(data[1] & 15, text), n = 2;
                for (u32 k = data[1] >> 4; k && n + 3 <= size; k--, n += 3)
                        text[(data[n] << 8 | data[n + 1]) % len] ^= data[n + 2];
                memcpy(text + len, data + n, size - n);
                bool good = block_get(text, len, &b);
                u32 first = good ? block_first(&b) : 0, all = good ? min_u32(len + block_bytes(&b), sizeof text) : len + (u32)(size - n);
                struct ctl c = {.scope = {.kind = CTL_51, .flags = TCP_SYN | TCP_PSH, .src = front, .dst = node, .ports = ports, .seq = first, .first = first},
                                .opt = {.has = O144_HANDOFF | O144_BLOCK | O144_PORT, .block = (u16)len}};
                if (good) {
                        c.opt.addr = b.client;
                        c.opt.port = b.client_port;
                }
                put(f, w, &c, text, all, data[0] & 2 ? data[0] >> 2 : -1);
                struct adoption *a = good ? adoption_of(h, be32_raw(b.client.v4), be32_raw(b.service.v4),
                                                        (u32)__builtin_bswap16(b.client_port) | (u32)__builtin_bswap16(b.service_port) << 16) : NULL;
                if (a && data[0] & 4) {
                        struct ctl more = {.scope = {.kind = CTL_MORE, .flags = TCP_PSH, .src = front, .dst = node, .ports = ports, .seq = first + 1 + a->got,
                                                     .first = first, .nonce = b.nonce}};
                        put(f, w, &more, data, (u32)size, -1);
                }
                a = a && a->state != ADOPTION_FREE ? a : NULL;
                if (a) {
                        bool gone = (data[0] & 8) != 0; /* elsewhere, instead of 53 */
                        struct ctl last = {.scope = {.kind = gone ? CTL_WITHDRAWN : CTL_53, .flags = gone ? TCP_RST | TCP_ACK : TCP_ACK, .src = front, .dst = node, .ports = ports, .seq = first, .ack = a->fresh,
                                                     .first = first, .nonce = b.nonce}};
                        put(f, w, &last, NULL, 0, -1);
                }
        }
        wire_wait(w, 3000);
        wire_discard(f);
        wire_discard(w);
        return 0;
}
