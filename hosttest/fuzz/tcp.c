/* tcp.c - fuzzer of the TCP engine that knows TCP: the input is a script of segments (their numbers near what the connection
 * expects), of what the user does, of time and of ICMP; after each step every connection is checked.
 * SPDX-License-Identifier: MIT */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cksum.h"
#include "icmp.h"
#include "tcb_check.h"
#include "wire.h"

static const u8 *in;
static size_t left;
static struct wire *W;
static struct tcb *C;           /* the connection under fire, NULL when it is gone */
static u8 filler[4096];
static u16 their_port, our_port;
static u32 their_isn, our_isn;
static unsigned long long packets;      /* that came in, over all inputs */

static u8 next8(void) { return left ? (left--, *in++) : 0; }
static u32 next16(void) { u32 v = next8(); return v << 8 | next8(); }

/* Every second length with its sum, as who keeps pages ready has it: only then may a reply be a calm run. */
static void send_ref(struct tcb *t, u32 n)
{
        u32 sum = n & 1 ? 0 : cksum_add(0, filler, n);
        tcp_send_ref(t, filler, n, n & 1 ? NULL : &sum);
}

static bool on_accept(struct tcb *t) { if (next8() % 8 == 7) return false; C = t; return true; }
static void on_readable(struct tcb *t)
{
        u8 what = next8();
        if (what % 4 == 0)
                tcp_consume(t, tcp_readable(t));
        else if (what % 16 == 1)
                tcp_close(t);
        else if (what % 16 == 2)
                tcp_abort(t), C = NULL;
        else if (what % 4 == 3)
                tcp_send(t, filler, what * 4u);
}
static void on_writable(struct tcb *t) { if (next8() % 4 == 0) send_ref(t, 1 + next16() % sizeof filler); }
static void on_closed(struct tcb *t, int err) { if (C == t) C = NULL; }
static const struct tcp_events events = {.accept = on_accept, .readable = on_readable, .writable = on_writable,
                                         .closed = on_closed};

/* Where the peer's next byte belongs, and what it may acknowledge. */
static u32 base_seq(void) { return C && (C->state & SYN_RX) ? C->rcv_nxt : their_isn; }
static u32 base_ack(void) { return C ? C->snd_una : our_isn + 1; }

static u32 options(u8 *o)
{
        u8 what = next8();
        u32 n = 0;
        if (what & 1) {
                be32 v = be32_of(stack_now_ms(W->st) + (u32)(s8)next8()),
                        e = be32_of(C ? stack_now_ms(W->st) + C->ts_off - next8() : 0);
                o[0] = o[1] = 1, o[2] = 8, o[3] = 10;
                memcpy(o + 4, &v, 4), memcpy(o + 8, &e, 4);
                n = 12;
        }
        if (what & 2) {
                u32 k = 1 + (what >> 2) % 3;
                o[n] = o[n + 1] = 1, o[n + 2] = 5, o[n + 3] = (u8)(2 + 8 * k);
                for (u32 i = 0; i < 2 * k; i++) {
                        be32 v = be32_of(base_ack() + (u32)(s8)next8() * 100);
                        memcpy(o + n + 4 + 4 * i, &v, 4);
                }
                n += n + 4 + 8 * k <= 40 ? 4 + 8 * k : 0;
        }
        if ((what & 0xc0) == 0xc0 && n <= 28) {
                for (u32 i = 0; i < 12; i++)
                        o[n + i] = next8();
                n += 12;
        }
        return n;
}

static u32 near(u32 base)
{
        u8 how = next8();
        switch (how % 8) {
        case 0: case 1: case 2: return base;
        case 3: return base + next8();
        case 4: return base - next8();
        case 5: return base + next16();
        case 6: return base - next16();
        default: return base + (next16() << 16 | next16());
        }
}

static void segment(void)
{
        static u8 f[4096];
        u8 o[64];
        u8 flags = next8();
        u32 seq = near(base_seq()), ack = near(base_ack()), n = next8() % 4 ? 0 : next16() % 1400, no = options(o);
        if (C && next8() % 2)
                ack = C->snd_nxt;
        if (flags % 4)
                flags = (u8)(T_ACK | (flags & 0xc8) | (flags % 16 == 1 ? T_FIN : 0));
        struct seg s = {their_port, our_port, seq, ack, flags, (u16)next16(), o, (u8)no, filler, n, (u16)next8()};
        u32 len = build_tcp(W, f, &s);
        packets++;
        if (next8() % 4)
                wire_rx(W, f, len);
        else
                wire_rx_part(W, f, len);
}

static void icmp(void)
{
        u8 f[100] = {0}, *m = f + 34, *q = m + 8;
        build_eth(f, wire_mac_us, wire_mac_peer, 0x800);
        m[0] = (u8)(next8() % 4 ? 3 : next8()), m[1] = (u8)(next8() % 16), m[6] = next8() % 8, m[7] = next8();
        build_ip(q, WIRE_US, WIRE_PEER, 6, 500);
        be16 ports[2] = {be16_of(our_port), be16_of(their_port)};
        be32 sq = be32_of(near(base_ack()));
        memcpy(q + 20, ports, 4), memcpy(q + 24, &sq, 4);
        u16 sum = (u16)~cksum_fold(cksum_add(0, m, 36));
        memcpy(m + 2, &sum, 2);
        build_ip(f + 14, WIRE_PEER, WIRE_US, 1, 36);
        packets++;
        wire_rx(W, f, 70);
}

/* What the user may do at any time. */
static void user(void)
{
        if (!C)
                return;
        u8 what = next8();
        switch (what % 12) {
        case 0: tcp_send(C, filler, next16() % sizeof filler); break;
        case 1: send_ref(C, 1 + next16() % (sizeof filler - 1)); break;
        case 2: tcp_flush(C); break;
        case 3: tcp_consume(C, next16()); break;
        case 4: tcp_shutdown(C); break;
        case 5: tcp_close(C); break;
        case 6: if (what > 200) tcp_abort(C), C = NULL; break;
        case 7: tcp_cork(C, what & 16); break;
        case 8: tcp_set_nodelay(C, what & 16); break;
        case 9: tcp_send_urgent(C); break;
        case 10: pkt_free(tcp_take(C)); break;
        case 11: tcp_set_keepalive(C, next16()); break;
        }
}

static void open_something(const struct tcp_opts *o, u8 how)
{
        int err;
        struct seg s;
        const struct frame *f;
        their_isn = 1000;
        tcp_listen(W->st, IPADDR_ANY, 80, &events, NULL, o, &err);
        if (how & 1) {
                their_port = 80;
                C = tcp_connect(W->st, IPADDR_ANY, 5000, WIRE_PEER, 80, &events, NULL, o, &err);
                our_port = 5000;
        } else {
                static const u8 offer[] = {2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 2};
                u8 frame[200];
                their_port = 4000, our_port = 80;
                struct seg syn = {4000, 80, their_isn, 0, T_SYN, 65535, offer, how & 2 ? 20 : 4, NULL, 0, 0};
                wire_rx(W, frame, build_tcp(W, frame, &syn));
        }
        while ((f = wire_tx(W)) != NULL)
                if (parse_tcp(W, f, &s))
                        our_isn = s.seq;
        if (how & 4) {
                u8 frame[200], flags = how & 1 ? T_SYN | T_ACK : T_ACK;
                struct seg ack = {their_port, our_port, how & 1 ? their_isn : their_isn + 1, our_isn + 1, flags, 65535, NULL, 0,
                                  NULL, 0, 0};
                wire_rx(W, frame, build_tcp(W, frame, &ack));
        }
}

/* Two stacks, made once; every run begins with the same memory (packet contents apart). */
static struct { struct wire *w, state; u8 *copy[64]; } fresh[2];

static struct wire *begin(u32 which, u8 caps)
{
        static const struct stack_config cfg = {.n_pkts = 48, .n_tcbs = 3, .n_synq = 2, .n_timewait = 2, .n_udp = 1, .n_arp = 4,
                                                .n_routes = 4, .n_reass = 2,
                                                .n_listeners = 2, .n_socks = 1};
        struct wire *w = fresh[which].w;
        bool first = !w;
        if (first) {
                w = fresh[which].w = wire_new(&cfg, caps);
                fresh[which].state = *w;
        }
        for (u32 i = 0; i < w->n_blocks; i++) {
                size_t n = malloc_usable_size(w->blocks[i]);
                u8 **copy = &fresh[which].copy[i];
                if (n == 48 * PKT_BUF)
                        continue;
                if (first)
                        *copy = memcpy(malloc(n), w->blocks[i], n);
                else
                        memcpy(w->blocks[i], *copy, n);
        }
        *w = fresh[which].state;
        return w;
}

/* What fuzz.py reads, beside libFuzzer's own figures: an input is a script of many packets. */
static void say_packets(void) { fprintf(stderr, "stat::packets: %llu\n", packets); }

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv) { return atexit(say_packets); }

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);
int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
        in = data, left = n;
        C = NULL;
        u8 bits = next8(), how = next8();
        struct tcp_opts o = {.ecn = bits & 1, .no_sack = bits & 2, .no_timestamps = bits & 4, .app_mode = (bits & 24) == 8,
                             .ack_on_read = (bits & 24) == 16,
                             .psh_message = bits & 32, .cc = bits >> 6 & 1, .fastopen = bits & 128, .rcvbuf = how & 8 ? 3000 : 0,
                             .sndbuf = how & 16 ? 5000 : 0,
                             .user_timeout_ms = how & 32 ? 20000 : 0, .nodelay = how & 64};
        W = begin(how >> 7, how & 128 ? NETIF_SG : 0);
        open_something(&o, how);
        for (u32 steps = 0; left && steps < 300; steps++) {
                u8 what = next8();
                if (what < 150)
                        segment();
                else if (what < 210)
                        user();
                else if (what < 240)
                        wire_wait(W, what < 230 ? next8() : next16());
                else if (what < 248)
                        icmp();
                else
                        wire_batch_end(W);
                tcp_check(W->st);
                wire_flush_out(W);
        }
        for (u32 i = 0; i < W->st->tcp->n_pool; i++)
                if (W->st->tcp->pool[i].ports)
                        tcp_abort(&W->st->tcp->pool[i]);
        wire_batch_end(W);
        wire_flush_out(W);
        tcp_check(W->st);
        if (W->st->pkts.n_free != W->st->pkts.n_total)
                abort(); /* a buffer leaked */
        return 0;
}
