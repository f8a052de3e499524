/* udp.c (test) - demultiplexing, checksums, random ports, errors.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "frames.h"

static u8 f[FRAMES_MAX];
static struct { struct udp_sock *us; u32 calls, n; u8 data[64]; struct udp_from from; } seen;

static void on_recv(struct udp_sock *us, struct pkt *p, const struct udp_from *from)
{
        seen.calls++;
        seen.us = us;
        seen.n = pkt_copy_out(p, 0, seen.data, sizeof seen.data);
        seen.from = *from;
        pkt_free(p);
}

static int setup(void **state)
{
        struct stack_config cfg = {.n_udp = 8};
        *state = wire_new(&cfg, 0);
        memset(&seen, 0, sizeof seen);
        return 0;
}

static int teardown(void **state)
{
        wire_free(*state);
        return 0;
}

static void dropped(struct wire *w, u32 n, enum drop why)
{
        u32 before = wire_drops(w, why), calls = seen.calls;
        wire_rx(w, f, n);
        assert_int_equal(wire_drops(w, why), before + 1);
        assert_int_equal(seen.calls, calls);
}

static void datagram_reaches_its_port(void **state)
{
        struct wire *w = *state;
        struct udp_sock *us = udp_open(w->st, IPADDR_ANY, 7, on_recv, &seen);
        assert_ptr_equal(udp_user(us), &seen);
        assert_int_equal(udp_port(us), 7);
        wire_rx(w, f, build_udp(w, f, WIRE_PEER, 999, WIRE_US, 7, "hello", 5));
        assert_int_equal(seen.calls, 1);
        assert_int_equal(seen.n, 5);
        assert_memory_equal(seen.data, "hello", 5);
        assert_int_equal(seen.from.sport, 999);
        assert_true(ipaddr_eq(seen.from.src, WIRE_PEER) && ipaddr_eq(seen.from.dst, WIRE_US));
        assert_ptr_equal(seen.from.nif, &w->nif);
        dropped(w, build_udp(w, f, WIRE_PEER, 999, WIRE_US, 8, "hello", 5), DROP_UDP_PORT);
        udp_close(us);
        dropped(w, build_udp(w, f, WIRE_PEER, 999, WIRE_US, 7, "hello", 5), DROP_UDP_PORT);
}

static void exact_address_before_any(void **state)
{
        struct wire *w = *state;
        struct udp_sock *any = udp_open(w->st, IPADDR_ANY, 7, on_recv, NULL), *own = udp_open(w->st, WIRE_US, 7, on_recv, NULL);
        assert_null(udp_open(w->st, IPADDR_ANY, 7, on_recv, NULL));
        wire_rx(w, f, build_udp(w, f, WIRE_PEER, 999, WIRE_US, 7, "x", 1));
        assert_ptr_equal(seen.us, own);
        wire_rx(w, f, build_udp(w, f, WIRE_PEER, 999, IPADDR(10, 0, 0, 255), 7, "x", 1));
        assert_ptr_equal(seen.us, any);
        assert_true(ipaddr_eq(seen.from.dst, IPADDR(10, 0, 0, 255)));
}

static void checksum_is_verified_but_may_be_absent(void **state)
{
        struct wire *w = *state;
        udp_open(w->st, IPADDR_ANY, 7, on_recv, NULL);
        u32 n = build_udp(w, f, WIRE_PEER, 999, WIRE_US, 7, "odd", 3);
        f[n - 1] ^= 0x40;
        dropped(w, n, DROP_UDP_CKSUM);
        f[40] = f[41] = 0;
        wire_rx(w, f, n);
        assert_int_equal(seen.calls, 1);
}

static void lengths_are_checked(void **state)
{
        struct wire *w = *state;
        udp_open(w->st, IPADDR_ANY, 7, on_recv, NULL);
        dropped(w, build_ipv4(f, WIRE_PEER, WIRE_US, IPPROTO_UDP_, "1234567", 7), DROP_UDP_SHORT);
        u32 n = build_udp(w, f, WIRE_PEER, 999, WIRE_US, 7, "hello", 5);
        f[39] = 7;
        dropped(w, n, DROP_UDP_SHORT);
        f[39] = 14;
        dropped(w, n, DROP_UDP_SHORT);
        f[39] = 10; /* shorter than IP carries is legal: the rest is not data */
        f[40] = f[41] = 0;
        wire_rx(w, f, n);
        assert_int_equal(seen.n, 2);
}

static void sending_chooses_the_source(void **state)
{
        struct wire *w = *state;
        struct udp_sock *us = udp_open(w->st, IPADDR_ANY, 0, on_recv, NULL);
        struct pkt *p = udp_alloc(w->st);
        const u8 *data;
        u32 n;
        pkt_append(p, "question", 8);
        assert_int_equal(udp_send(us, p, IPADDR_ANY, WIRE_PEER, 53, NULL), 0);
        const struct frame *out = wire_tx(w);
        const struct udp_hdr *h = frame_udp(out, &data, &n);
        assert_non_null(h);
        assert_int_equal(be16_get(h->sport), udp_port(us));
        assert_int_equal(be16_get(h->dport), 53);
        assert_memory_equal(data, "question", 8);
        assert_true(ipaddr_eq(frame_ip(out, IPPROTO_UDP_)->src, WIRE_US));
        p = udp_alloc(w->st);
        assert_int_equal(udp_send(us, p, IPADDR_ANY, IPADDR(8, 8, 8, 8), 53, NULL), E_NOROUTE);
        assert_int_equal(wire_drops(w, DROP_UDP_NO_ROUTE), 1);
        p = udp_alloc(w->st);
        assert_int_equal(udp_send_ttl(us, p, IPADDR_ANY, WIRE_PEER, 33434, NULL, 1), 0);
        assert_int_equal(frame_ip(wire_tx(w), IPPROTO_UDP_)->ttl, 1);
        p = udp_alloc(w->st);
        assert_int_equal(udp_send_nameless(us, p, IPADDR_BCAST, 67, &w->nif), 0);
        out = wire_tx(w);
        assert_true(ipaddr_is_any(frame_ip(out, IPPROTO_UDP_)->src));
        assert_true(mac_eq(frame_eth(out)->dst, MAC_BCAST));
        static u8 big[65536];
        p = udp_alloc(w->st);
        pkt_add_frag(p, big, 65528, NULL);
        assert_int_equal(udp_send(us, p, IPADDR_ANY, WIRE_PEER, 53, NULL), E_MSGSIZE);
        assert_int_equal(wire_drops(w, DROP_UDP_TOO_LONG), 1);
}

/* A computed checksum of zero is sent as all ones (RFC 768). */
static void zero_checksum_is_sent_as_ones(void **state)
{
        struct wire *w = *state;
        struct udp_sock *us = udp_open(w->st, IPADDR_ANY, 4000, on_recv, NULL);
        bool met = false;
        for (u32 v = 0; v < 65536 && !met; v++) {
                u8 data[2] = {(u8)(v >> 8), (u8)v};
                struct pkt *p = udp_alloc(w->st);
                pkt_append(p, data, 2);
                udp_send(us, p, IPADDR_ANY, WIRE_PEER, 53, NULL);
                const struct frame *out = wire_tx(w);
                assert_false(out->b[40] == 0 && out->b[41] == 0);
                met = out->b[40] == 0xff && out->b[41] == 0xff;
        }
        assert_true(met);
}

static void ports_are_random_and_high(void **state)
{
        struct wire *w = *state;
        struct udp_sock *us[8];
        u32 ascending = 0;
        for (u32 i = 0; i < 8; i++) {
                us[i] = udp_open(w->st, IPADDR_ANY, 0, on_recv, NULL);
                assert_in_range(udp_port(us[i]), 49152, 65535);
                if (i && udp_port(us[i]) == udp_port(us[i - 1]) + 1)
                        ascending++;
        }
        assert_true(ascending < 3);
        assert_null(udp_open(w->st, IPADDR_ANY, 0, on_recv, NULL)); /* all sockets taken */
        udp_close(us[3]);
        assert_non_null(udp_open(w->st, IPADDR_ANY, 9, on_recv, NULL));
}

static struct { int err; u16 dport; } told;
static void on_error(struct udp_sock *us, int err, ipaddr dst, u16 dport)
{
        told.err = err;
        told.dport = dport;
}

static void errors_come_back_to_the_socket(void **state)
{
        struct wire *w = *state;
        struct udp_sock *us = udp_open(w->st, IPADDR_ANY, 4000, on_recv, NULL);
        udp_on_error(us, on_error);
        static const struct { u8 type, code; int err; } want[] = {
                {ICMP_UNREACH, ICMP_PORT, E_REFUSED}, {ICMP_UNREACH, ICMP_HOST, E_UNREACH},
                {ICMP_UNREACH, ICMP_FRAG_NEEDED, E_MSGSIZE}, {ICMP_TIME_EXCEEDED, ICMP_PORT, E_UNREACH},
        };
        for (u32 i = 0; i < COUNT_OF(want); i++) {
                u8 q[28];
                struct udp_hdr h = {be16_of(4000), be16_of((u16)(50 + i)), be16_of(8), be16_of(0)};
                memcpy(q + 20, &h, 8);
                build_ip(q, WIRE_US, WIRE_PEER, IPPROTO_UDP_, 8);
                wire_rx(w, f, build_icmp(f, WIRE_PEER, WIRE_US, want[i].type, want[i].code, 0, 0, q, 28));
                assert_int_equal(told.err, want[i].err);
                assert_int_equal(told.dport, 50 + i);
        }
}

static bool count(void *ctx, ipaddr addr, u16 port)
{
        *(u32 *)ctx += port;
        return true;
}

static void walk_shows_the_open_ones(void **state)
{
        struct wire *w = *state;
        u32 sum = 0;
        udp_open(w->st, IPADDR_ANY, 7, on_recv, NULL);
        udp_open(w->st, IPADDR_ANY, 39, on_recv, NULL);
        udp_walk(w->st, count, &sum);
        assert_int_equal(sum, 46);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(datagram_reaches_its_port), T(exact_address_before_any), T(checksum_is_verified_but_may_be_absent),
                T(lengths_are_checked), T(sending_chooses_the_source), T(zero_checksum_is_sent_as_ones), T(ports_are_random_and_high),
                T(errors_come_back_to_the_socket), T(walk_shows_the_open_ones),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
