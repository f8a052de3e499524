/* icmp.c (test) - echo, errors we send and when not, errors we believe.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "cksum.h"
#include "frames.h"

static u8 f[FRAMES_MAX];
static struct icmp_event ev;
static u32 events;

static void on_event(void *ctx, const struct icmp_event *e)
{
        events++;
        ev = *e;
}

static int setup(void **state)
{
        struct wire *w = wire_new(NULL, 0);
        events = 0;
        icmp_on_event(w->st, on_event, NULL);
        *state = w;
        return 0;
}

static int teardown(void **state)
{
        wire_free(*state);
        return 0;
}

static void dropped(struct wire *w, u32 n, enum drop why)
{
        u32 before = wire_drops(w, why);
        wire_rx(w, f, n);
        assert_int_equal(wire_drops(w, why), before + 1);
        assert_int_equal(wire_pending(w), 0);
}

static void echo_is_answered(void **state)
{
        struct wire *w = *state;
        for (u32 n = 0; n < 40; n++) {
                u8 data[40];
                memset(data, 0xf0 + (int)n, sizeof data);
                wire_rx(w, f, build_icmp(f, WIRE_PEER, WIRE_US, ICMP_ECHO, 0, (u16)(0xfff0 + n), (u16)(n * 999), data, n));
                const struct frame *out = wire_tx(w);
                const struct icmp_hdr *h = frame_icmp(out);
                assert_non_null(h);
                assert_int_equal(h->type, ICMP_ECHO_REPLY);
                assert_int_equal(be16_get(h->id), (u16)(0xfff0 + n));
                assert_int_equal(be16_get(h->seq), (u16)(n * 999));
                assert_memory_equal(h + 1, data, n);
                const struct ip_hdr *ip = frame_ip(out, IPPROTO_ICMP_);
                assert_true(ipaddr_eq(ip->src, WIRE_US) && ipaddr_eq(ip->dst, WIRE_PEER));
        }
}

static void echo_to_a_group_is_not_answered(void **state)
{
        struct wire *w = *state;
        dropped(w, build_icmp(f, WIRE_PEER, IPADDR(10, 0, 0, 255), ICMP_ECHO, 0, 1, 1, "x", 1), DROP_ICMP_GROUP_ECHO);
        dropped(w, build_icmp(f, WIRE_PEER, IPADDR(224, 0, 0, 1), ICMP_ECHO, 0, 1, 1, "x", 1), DROP_ICMP_GROUP_ECHO);
}

static void long_echo_is_put_together_and_cut_again(void **state)
{
        struct wire *w = *state;
        static u8 msg[3008];
        u32 len = 0;
        struct icmp_hdr h = {ICMP_ECHO, 0, be16_of(0), be16_of(1), be16_of(2)};
        memset(msg, 0x5a, sizeof msg);
        memcpy(msg, &h, sizeof h);
        u16 sum = (u16)~cksum_fold(cksum_add(0, msg, sizeof msg));
        memcpy(msg + 2, &sum, 2);
        for (u32 off = 0; off < sizeof msg; off += 1000) {
                u32 part = min_u32(1000, (u32)sizeof msg - off), n = build_ipv4(f, WIRE_PEER, WIRE_US, IPPROTO_ICMP_, msg + off, part);
                be16 field = be16_of((u16)(off / 8 | (part == 1000 ? IP_MF : 0)));
                memcpy(f + 20, &field, 2);
                resum(f + 14);
                wire_rx(w, f, n);
        }
        for (const struct frame *out; (out = wire_tx(w)); len += out->n - 34) {
                assert_non_null(frame_ip(out, IPPROTO_ICMP_));
                if (len == 0)
                        assert_int_equal(out->b[34], ICMP_ECHO_REPLY);
        }
        assert_int_equal(len, sizeof msg);
}

static void malformed_messages_have_their_reasons(void **state)
{
        struct wire *w = *state;
        dropped(w, build_ipv4(f, WIRE_PEER, WIRE_US, IPPROTO_ICMP_, "1234567", 7), DROP_ICMP_SHORT);
        u32 n = build_icmp(f, WIRE_PEER, WIRE_US, ICMP_ECHO, 0, 1, 1, "x", 1);
        f[n - 1] ^= 1;
        dropped(w, n, DROP_ICMP_CKSUM);
        dropped(w, build_icmp(f, WIRE_PEER, WIRE_US, 13, 0, 1, 1, "x", 1), DROP_ICMP_TYPE);
        dropped(w, build_icmp(f, WIRE_PEER, WIRE_US, ICMP_REDIRECT, 1, 1, 1, "12345678901234567890123456789", 28), DROP_ICMP_REDIRECT);
        dropped(w, build_icmp(f, WIRE_PEER, WIRE_US, ICMP_QUENCH, 0, 1, 1, "x", 1), DROP_ICMP_QUENCH);
}

/* An error around a datagram that we could have sent. */
static u32 quoting(u8 type, u8 code, u16 mtu, ipaddr src, u8 proto, const void *l4, u32 n)
{
        u8 q[64];
        memcpy(q + 20, l4, n);
        build_ip(q, src, WIRE_PEER, proto, n);
        return build_icmp(f, IPADDR(10, 0, 0, 9), WIRE_US, type, code, 0, mtu, q, 20 + n);
}

static void errors_must_quote_us(void **state)
{
        struct wire *w = *state;
        dropped(w, quoting(ICMP_UNREACH, 1, 0, IPADDR(10, 0, 0, 77), 17, "12345678", 8), DROP_ICMP_QUOTE);
        dropped(w, quoting(ICMP_UNREACH, 1, 0, WIRE_US, 17, "1234567", 7), DROP_ICMP_QUOTE);
        dropped(w, build_icmp(f, WIRE_PEER, WIRE_US, ICMP_UNREACH, 1, 0, 0, "x", 1), DROP_ICMP_QUOTE);
        dropped(w, build_icmp(f, WIRE_PEER, WIRE_US, ICMP_UNREACH, 1, 0, 0, "01234567890123456789012345678", 28), DROP_ICMP_QUOTE);
        assert_int_equal(events, 0);
}

static void fragment_quoted_is_not_believed(void **state)
{
        struct wire *w = *state;
        u32 n = quoting(ICMP_UNREACH, 1, 0, WIRE_US, 17, "12345678", 8);
        f[14 + 20 + 8 + 7] = 1; /* offset 8 */
        u16 sum = 0;
        memcpy(f + 36, &sum, 2);
        sum = (u16)~cksum_fold(cksum_add(0, f + 34, n - 34));
        memcpy(f + 36, &sum, 2);
        dropped(w, n, DROP_ICMP_QUOTE);
}

static struct { u32 calls; u8 type, code; u16 mtu; u8 l4[8]; } told;
static void on_proto_error(struct stack *st, u8 type, u8 code, u16 mtu, const struct ip_hdr *quoted, const u8 *l4)
{
        told.calls++;
        told.type = type;
        told.code = code;
        told.mtu = mtu;
        memcpy(told.l4, l4, 8);
        assert_true(ipaddr_eq(quoted->dst, WIRE_PEER));
}

static void errors_reach_the_protocol(void **state)
{
        struct wire *w = *state;
        memset(&told, 0, sizeof told);
        ip_proto_error(w->st, 253, on_proto_error);
        dropped(w, quoting(ICMP_UNREACH, ICMP_FRAG_NEEDED, 1400, WIRE_US, 253, "12345678", 8), DROP_ICMP_ERROR_DONE);
        assert_int_equal(told.calls, 1);
        assert_int_equal(told.mtu, 1400);
        assert_memory_equal(told.l4, "12345678", 8);
        dropped(w, quoting(ICMP_TIME_EXCEEDED, 0, 77, WIRE_US, 253, "12345678", 8), DROP_ICMP_ERROR_DONE);
        assert_int_equal(told.type, ICMP_TIME_EXCEEDED);
        assert_int_equal(told.mtu, 0);
        dropped(w, quoting(ICMP_PARAM, 0, 0, WIRE_US, 253, "12345678", 8), DROP_ICMP_ERROR_DONE);
        assert_int_equal(told.calls, 3);
}

static void traceroute_sees_quoted_probes(void **state)
{
        struct wire *w = *state;
        dropped(w, quoting(ICMP_TIME_EXCEEDED, 0, 0, WIRE_US, 17, "\x12\x34\x82\x9a\x00\x08\x00\x00", 8), DROP_ICMP_ERROR_DONE);
        assert_int_equal(events, 1);
        assert_int_equal(ev.id, 0x1234);
        assert_int_equal(ev.seq, 0x829a);
        assert_true(ipaddr_eq(ev.from, IPADDR(10, 0, 0, 9)) && ipaddr_eq(ev.dst, WIRE_PEER));
        dropped(w, quoting(ICMP_TIME_EXCEEDED, 0, 0, WIRE_US, 1, "\x08\x00\x00\x00\x00\x05\x00\x06", 8), DROP_ICMP_ERROR_DONE);
        assert_int_equal(ev.id, 5);
        assert_int_equal(ev.seq, 6);
}

static void ping_and_reply(void **state)
{
        struct wire *w = *state;
        assert_int_equal(icmp_ping(w->st, WIRE_PEER, 77, 5, "abcdef", 6, 9), 0);
        const struct frame *out = wire_tx(w);
        const struct icmp_hdr *h = frame_icmp(out);
        assert_int_equal(h->type, ICMP_ECHO);
        assert_int_equal(be16_get(h->id), 77);
        assert_int_equal(frame_ip(out, IPPROTO_ICMP_)->ttl, 9);
        dropped(w, build_icmp(f, WIRE_PEER, WIRE_US, ICMP_ECHO_REPLY, 0, 77, 5, "abcdef", 6), DROP_ICMP_DONE);
        assert_int_equal(events, 1);
        assert_int_equal(ev.type, ICMP_ECHO_REPLY);
        assert_int_equal(ev.id, 77);
        assert_int_equal(ev.seq, 5);
        assert_int_equal(ev.n, 6);
        assert_int_equal(ev.ttl, 64);
        assert_int_equal(icmp_ping(w->st, WIRE_PEER, 1, 1, f, ICMP_PING_MAX + 1, 0), E_MSGSIZE);
}

static void pinging_ourselves_works(void **state)
{
        struct wire *w = *state;
        assert_int_equal(icmp_ping(w->st, WIRE_US, 3, 4, "self", 4, 0), 0);
        wire_wait(w, 2);
        assert_int_equal(events, 1);
        assert_true(ipaddr_eq(ev.from, WIRE_US));
        assert_int_equal(wire_pending(w), 0);
}

/* A UDP datagram to a closed port draws an error, unless it is one of these. */
static void errors_not_sent(void **state)
{
        struct wire *w = *state;
        u32 n = build_udp(w, f, WIRE_PEER, 1, WIRE_US, 9, "0123456789", 10);
        wire_rx(w, f, n);
        const struct icmp_hdr *h = frame_icmp(wire_tx(w));
        assert_int_equal(h->type, ICMP_UNREACH);
        assert_int_equal(h->code, ICMP_PORT);
        assert_memory_equal(h + 1, f + 14, 38);
        dropped(w, build_udp(w, f, WIRE_PEER, 1, IPADDR(10, 0, 0, 255), 9, "0", 1), DROP_UDP_PORT);
        dropped(w, build_udp(w, f, WIRE_PEER, 1, IPADDR(224, 0, 0, 1), 9, "0", 1), DROP_UDP_PORT);
        dropped(w, build_udp(w, f, IPADDR_ANY, 1, IPADDR_BCAST, 9, "0", 1), DROP_UDP_PORT);
}

static void errors_are_limited_in_rate(void **state)
{
        struct wire *w = *state;
        u32 n = build_udp(w, f, WIRE_PEER, 1, WIRE_US, 9, "0", 1);
        for (u32 i = 0; i < 200; i++)
                wire_rx(w, f, n);
        assert_int_equal(wire_pending(w), ICMP_ERRORS_BURST);
        assert_int_equal(wire_drops(w, DROP_ICMP_RATE), 150);
        wire_flush_out(w);
        wire_wait(w, 100);
        for (u32 i = 0; i < 200; i++)
                wire_rx(w, f, n);
        assert_int_equal(wire_pending(w), ICMP_ERRORS_PER_S / 10);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(echo_is_answered), T(echo_to_a_group_is_not_answered), T(long_echo_is_put_together_and_cut_again),
                T(malformed_messages_have_their_reasons), T(errors_must_quote_us), T(fragment_quoted_is_not_believed),
                T(errors_reach_the_protocol), T(traceroute_sees_quoted_probes), T(ping_and_reply), T(pinging_ourselves_works),
                T(errors_not_sent), T(errors_are_limited_in_rate),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
