/* ip_frag.c (test) - reassembly in any order, its bounds, and fragments that lie.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "frames.h"
#include "tcp.h"

enum { PROTO = 253 };
static struct { u32 calls, len; u8 bytes[65536]; u16 total, frag; } seen;
static u8 content[65536], f[FRAMES_MAX];

static void take(struct stack *st, struct pkt *p, const struct ip_hdr *ip)
{
        seen.calls++;
        seen.len = pkt_copy_out(p, 0, seen.bytes, sizeof seen.bytes);
        seen.total = be16_get(ip->len);
        seen.frag = be16_get(ip->frag);
        pkt_free(p);
}

static int setup(void **state)
{
        struct stack_config cfg = {.n_reass = 2};
        struct wire *w = wire_new(&cfg, 0);
        ip_proto(w->st, PROTO, take);
        memset(&seen, 0, sizeof seen);
        for (u32 i = 0; i < sizeof content; i++)
                content[i] = (u8)(i * 13 + (i >> 8));
        *state = w;
        return 0;
}

static int teardown(void **state)
{
        wire_free(*state);
        return 0;
}

static void piece_of(struct wire *w, u8 proto, u16 id, u32 off, u32 n, bool more)
{
        u32 len = build_ipv4(f, WIRE_PEER, WIRE_US, proto, content + off, n);
        be16 v = be16_of(id), fr = be16_of((u16)(off / 8 | (more ? IP_MF : 0)));
        memcpy(f + 18, &v, 2);
        memcpy(f + 20, &fr, 2);
        resum(f + 14);
        wire_rx(w, f, len);
}

static void piece(struct wire *w, u16 id, u32 off, u32 n, bool more) { piece_of(w, PROTO, id, off, n, more); }

static void expect_whole(u32 calls, u32 n)
{
        assert_int_equal(seen.calls, calls);
        assert_int_equal(seen.len, n);
        assert_memory_equal(seen.bytes, content, n);
        assert_int_equal(seen.total, n + 20);
        assert_int_equal(seen.frag, 0);
}

static void every_order_gives_the_whole(void **state)
{
        struct wire *w = *state;
        static const u8 order[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
        for (u16 o = 0; o < 6; o++) {
                for (u32 i = 0; i < 3; i++) {
                        u32 k = order[o][i];
                        assert_int_equal(seen.calls, o);
                        piece(w, o, k * 1000, k < 2 ? 1000 : 77, k < 2);
                }
                expect_whole(o + 1u, 2077);
        }
}

static void two_datagrams_do_not_mix(void **state)
{
        struct wire *w = *state;
        piece(w, 1, 0, 800, true);
        piece(w, 2, 0, 800, true);
        piece(w, 2, 800, 8, false);
        expect_whole(1, 808);
        piece(w, 1, 800, 16, false);
        expect_whole(2, 816);
}

static void silence_ends_it_with_time_exceeded(void **state)
{
        struct wire *w = *state;
        piece(w, 1, 0, 800, true);
        wire_wait(w, 29999);
        assert_int_equal(wire_drops(w, DROP_IP_FRAG_TIMEOUT), 0);
        wire_wait(w, 1);
        assert_int_equal(wire_drops(w, DROP_IP_FRAG_TIMEOUT), 1);
        const struct icmp_hdr *h = frame_icmp(wire_tx(w));
        assert_non_null(h);
        assert_int_equal(h->type, ICMP_TIME_EXCEEDED);
        assert_int_equal(h->code, 1);
        piece(w, 1, 800, 8, false);
        wire_wait(w, 30000);
        assert_int_equal(wire_pending(w), 0); /* without the first fragment nobody is told (RFC 792) */
        assert_int_equal(seen.calls, 0);
}

static void repetition_is_ignored(void **state)
{
        struct wire *w = *state;
        piece(w, 1, 0, 800, true);
        piece(w, 1, 0, 800, true);
        assert_int_equal(wire_drops(w, DROP_IP_FRAG_DUP), 1);
        piece(w, 1, 800, 8, false);
        expect_whole(1, 808);
}

static void overlap_ends_the_datagram(void **state)
{
        struct wire *w = *state;
        piece(w, 1, 0, 800, true);
        piece(w, 1, 792, 800, true);
        assert_int_equal(wire_drops(w, DROP_IP_FRAG_OVERLAP), 2);
        piece(w, 2, 800, 800, true);
        piece(w, 2, 0, 808, true);
        assert_int_equal(wire_drops(w, DROP_IP_FRAG_OVERLAP), 4);
        piece(w, 3, 0, 800, true);
        piece(w, 3, 0, 400, true);
        assert_int_equal(wire_drops(w, DROP_IP_FRAG_OVERLAP), 6);
        assert_int_equal(w->st->pkts.n_free, w->st->pkts.n_total);
}

static void contradicting_ends_are_refused(void **state)
{
        struct wire *w = *state;
        piece(w, 1, 800, 8, false);
        piece(w, 1, 1600, 8, false);
        assert_int_equal(wire_drops(w, DROP_IP_FRAG_END), 2);
        piece(w, 2, 800, 8, false);
        piece(w, 2, 808, 8, true);
        assert_int_equal(wire_drops(w, DROP_IP_FRAG_END), 4);
        piece(w, 3, 1600, 800, true);
        piece(w, 3, 800, 8, false);
        assert_int_equal(wire_drops(w, DROP_IP_FRAG_END), 6);
}

static void impossible_fragments_are_refused(void **state)
{
        struct wire *w = *state;
        piece(w, 1, 0, 0, true);
        piece(w, 1, 8, 0, false);
        piece(w, 1, 0, 801, true);
        piece(w, 1, 65528, 8, false); /* ends beyond 65535 with the header */
        assert_int_equal(wire_drops(w, DROP_IP_FRAG_BAD), 4);
}

static void tiny_tcp_fragments_are_refused(void **state)
{
        struct wire *w = *state;
        piece_of(w, IPPROTO_TCP_, 1, 0, 16, true);
        piece_of(w, IPPROTO_TCP_, 1, 8, 800, false);
        assert_int_equal(wire_drops(w, DROP_IP_FRAG_TINY), 2);
}

/* An MTU of 68 leaves 48 bytes: a SYN with 40 bytes of options is answered, though no fragment has its whole header. */
static void tcp_header_may_end_in_a_later_fragment(void **state)
{
        static const struct tcp_events ev;
        u8 opts[40], syn[200];
        int err;
        struct wire *w = *state;
        struct seg s;
        memset(opts, 1, sizeof opts);
        s = (struct seg){.sport = 4000, .dport = 80, .seq = 1, .flags = T_SYN, .wnd = 1000, .opts = opts, .n_opts = sizeof opts};
        for (u32 step = 24; step <= 48; step += 24) {
                struct listener *l = tcp_listen(w->st, IPADDR_ANY, 80, &ev, NULL, NULL, &err);
                u32 n = build_tcp(w, syn, &s) - 34;
                memcpy(content, syn + 34, n);
                for (u32 off = 0; off < n; off += step)
                        piece_of(w, 6, (u16)step, off, min_u32(step, n - off), off + step < n);
                const struct frame *f = wire_tx(w);
                assert_non_null(f);
                assert_true(parse_tcp(w, f, &s));
                assert_int_equal(s.flags, T_SYN | T_ACK);
                tcp_unlisten(l);
                wire_flush_out(w);
                s = (struct seg){.sport = 4000, .dport = 80, .seq = 1, .flags = T_SYN, .wnd = 1000, .opts = opts, .n_opts = sizeof opts};
        }
}

static void newest_datagram_displaces_the_oldest(void **state)
{
        struct wire *w = *state;
        for (u16 id = 1; id <= 3; id++) {
                piece(w, id, 0, 800, true);
                wire_wait(w, 10);
        }
        assert_int_equal(wire_drops(w, DROP_IP_FRAG_EVICTED), 1);
        piece(w, 2, 800, 8, false);
        piece(w, 3, 800, 8, false);
        expect_whole(2, 808);
        piece(w, 1, 800, 8, false);
        assert_int_equal(seen.calls, 2);
        wire_wait(w, 30000);
}

/* 256 buffers in all: reassembly may hold 64. */
static void buffers_held_are_bounded(void **state)
{
        struct wire *w = *state;
        for (u32 i = 0; i < 63; i++)
                piece(w, 1, i * 16, 8, true);
        piece(w, 2, 0, 8, true);
        assert_int_equal(w->st->pkts.n_free, 256 - 64);
        piece(w, 2, 16, 8, true); /* the older one makes room */
        assert_int_equal(wire_drops(w, DROP_IP_FRAG_EVICTED), 63);
        for (u32 i = 2; i < 70; i++)
                piece(w, 2, i * 16, 8, true);
        assert_int_equal(wire_drops(w, DROP_IP_FRAG_FULL), 6);
        assert_int_equal(w->st->pkts.n_free, 256 - 64);
        wire_wait(w, 30000);
}

static void largest_datagram_arrives(void **state)
{
        struct wire *w = *state;
        for (u32 off = 0; off < 65515; off += 1480)
                piece(w, 1, off, off + 1480 < 65515 ? 1480 : 65515 - off, off + 1480 < 65515);
        expect_whole(1, 65515);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(every_order_gives_the_whole), T(two_datagrams_do_not_mix), T(silence_ends_it_with_time_exceeded),
                T(repetition_is_ignored), T(overlap_ends_the_datagram), T(contradicting_ends_are_refused),
                T(impossible_fragments_are_refused), T(tiny_tcp_fragments_are_refused), T(tcp_header_may_end_in_a_later_fragment), T(newest_datagram_displaces_the_oldest),
                T(buffers_held_are_bounded), T(largest_datagram_arrives),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
