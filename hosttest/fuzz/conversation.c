/* conversation.c - fuzzer of decoupled directions: the input is a script of segments, SYNs, data and FINs in any mixture with
 * option 144 or without, near the numbers that the connection expects; of what the user does; of time. After each step every
 * connection is checked. SPDX-License-Identifier: MIT */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include "tcb_check.h"
#include "wire.h"

static const u8 *in;
static size_t left;
static struct wire *W;
static struct tcb *C;
static u16 their_port, our_port;
static u32 their_isn, our_isn;
static u8 bytes[4096];

static u8 next8(void) { return left ? (left--, *in++) : 0; }

/* What a user may do with its connection at any time, from inside its events too. */
static void act(struct tcb *t, u8 what)
{
        switch (what % 16) {
        case 0: case 1: tcp_send_ref(t, bytes, 1 + what * 16u, NULL); break;
        case 2: tcp_shutdown(t); break;
        case 3: tcp_send_ref(t, bytes, 20, NULL); tcp_shutdown(t); break;
        case 4: tcp_close(t); break;
        case 5: tcp_reopen(t); break;
        case 6: tcp_reopen(t); tcp_send_ref(t, bytes, what, NULL); tcp_shutdown(t); break;
        case 7: tcp_withdraw(t); break;
        case 8: tcp_flush(t); break;
        case 9: if (what > 240) tcp_abort(t), C = NULL; break;
        default: tcp_consume(t, tcp_readable(t)); break;
        }
}

static bool on_accept(struct tcb *t)
{
        u8 what = next8();
        if (what % 16 == 15)
                return false;
        C = t;
        if (what > 128)
                act(t, what);
        return true;
}
static void on_readable(struct tcb *t) { act(t, next8()); }
static void on_closed(struct tcb *t, int err) { if (C == t) C = NULL; }
static const struct tcp_events events = {.accept = on_accept, .readable = on_readable, .closed = on_closed};
static bool idempotent(const u8 *p, u32 n) { return p[0] != 'P'; }

static u32 near(u32 base)
{
        u8 how = next8();
        return how < 160 ? base : how < 200 ? base + how % 8 : how < 240 ? base - how % 8 : base + next8() * 300u;
}

static u32 options(u8 *o, u8 what, u8 flags)
{
        u32 n = 0;
        if ((flags & T_SYN) && (what & 1)) {
                memcpy(o, "\x02\x04\x05\xb4\x04\x02\x03\x03\x02\x01\x01\x01", 12);
                n = 12;
        }
        if (what & 6) {
                struct option144 x = {.has = O144_HELLO | (what & 4 ? O144_PROOF : 0)};
                if (what & 8)
                        proof_make(W->st->tcp, be32_raw(WIRE_PEER.v4), x.proof);
                n += option144_put(o + n, 144, &x);
        }
        if (what & 16 && n + 10 <= 40) {
                be32 v = be32_of(stack_now_ms(W->st)), e = be32_of(C ? stack_now_ms(W->st) + C->ts_off : 0);
                o[n] = 8, o[n + 1] = 10;
                memcpy(o + n + 2, &v, 4), memcpy(o + n + 6, &e, 4);
                n += 10;
        }
        while (n % 4)
                o[n++] = 0;
        return n;
}

static void segment(void)
{
        static u8 f[4096];
        u8 o[64], how = next8(),
                flags = (u8)((how & 1 ? T_FIN : 0) | (how & 2 ? T_SYN : 0) | (how & 12 ? T_ACK : 0) |
                          ((how & 0xf0) == 0xf0 ? T_RST : 0) |
                                              (how & 16 ? T_PSH : 0));
        u32 seq = near(C && (C->state & SYN_RX) ? C->rcv_nxt : C && C->conv && C->rcv_nxt ? C->rcv_nxt : their_isn);
        u32 ack = near(C ? (how & 32 ? C->snd_una : C->snd_nxt) : our_isn + !(how & 32)), n = how & 64 ? next8() * 6u : 0;
        struct seg s = {their_port, our_port, seq, ack, flags, (u16)(next8() * 257), o, (u8)options(o, next8(), flags), bytes, n,
                        0};
        wire_rx(W, f, build_tcp(W, f, &s));
}

static void look(void)
{
        const struct frame *f;
        struct seg s;
        while ((f = wire_tx(W)) != NULL)
                if (parse_tcp(W, f, &s) && (s.sport == our_port || !our_port)) {
                        if (!C)
                                our_isn = s.seq;
                        if (s.flags & T_SYN)
                                our_port = s.sport;
                }
}

/* Made once; every run begins with the same memory (packet contents apart). */
static struct wire *begin(void)
{
        static const struct stack_config cfg = {.n_pkts = 48, .n_tcbs = 6, .n_synq = 2, .n_timewait = 2, .n_udp = 1, .n_arp = 4,
                                                .n_routes = 4, .n_reass = 2,
                                                .n_listeners = 2, .n_socks = 1};
        static struct wire *w, state;
        static u8 *copy[64];
        bool first = !w;
        if (first) {
                w = wire_new(&cfg, 0);
                state = *w;
        }
        for (u32 i = 0; i < w->n_blocks; i++) {
                size_t n = malloc_usable_size(w->blocks[i]);
                if (n == 48 * PKT_BUF)
                        continue;
                if (first)
                        copy[i] = memcpy(malloc(n), w->blocks[i], n);
                else
                        memcpy(w->blocks[i], copy[i], n);
        }
        *w = state;
        return w;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n);
int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
        int err;
        in = data, left = n;
        C = NULL;
        u8 bits = next8();
        struct tcp_opts o = {.qure = true, .optional_syn = bits & 1, .speaks_first = bits & 2, .hold_reopened = bits & 4,
                             .idempotent = bits & 8 ? NULL : idempotent,
                             .no_timestamps = bits & 16, .rcvbuf = bits & 32 ? 3000 : 0};
        W = begin();
        memcpy(bytes, "GET ", 4);
        their_isn = 1000;
        if (bits & 64) {
                their_port = 80;
                our_port = 5000;
                if (bits & 128)
                        tcp_peer_member(W->st, WIRE_PEER, 80);
                C = tcp_connect(W->st, IPADDR_ANY, 5000, WIRE_PEER, 80, &events, NULL, &o, &err);
                if (C)
                        act(C, next8());
                wire_batch_end(W);
        } else {
                their_port = 4000;
                our_port = 80;
                tcp_listen(W->st, IPADDR_ANY, 80, &events, NULL, &o, &err);
        }
        look();
        for (u32 steps = 0; left && steps < 300; steps++) {
                u8 what = next8();
                if (what < 170)
                        segment();
                else if (what < 220 && C)
                        act(C, next8());
                else
                        wire_wait(W, what < 245 ? next8() : next8() * 64u);
                wire_batch_end(W);
                tcp_check(W->st);
                look();
        }
        for (u32 i = 0; i < W->st->tcp->n_pool; i++)
                if (W->st->tcp->pool[i].ports)
                        tcp_abort(&W->st->tcp->pool[i]);
        wire_batch_end(W);
        look();
        tcp_check(W->st);
        if (W->st->pkts.n_free != W->st->pkts.n_total || W->st->tcp->conv->n_used || W->st->tcp->n_fastopen)
                abort(); /* something leaked */
        return 0;
}
