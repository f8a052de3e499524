/* ip.c (test) - what the IP filter lets in, in its order, and each reason for which it does not.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "frames.h"
#include "igmp.h"
#include "route.h"

enum { PROTO = 253 }; /* RFC 3692: experiments */
static struct netif second;
static struct { u32 calls, len; u8 first; u16 l3, l4; } seen;
static u8 f[FRAMES_MAX];

static void take(struct stack *st, struct pkt *p, const struct ip_hdr *ip)
{
        seen.calls++;
        seen.len = pkt_total(p);
        seen.first = p->data[0];
        assert_ptr_equal(p->head + p->l3, ip);
        assert_ptr_equal(p->head + p->l4, p->data);
        pkt_free(p);
}

static void swallow(struct netif *nif, struct pkt *p) { pkt_free(p); }

static int setup(void **state)
{
        struct wire *w = wire_new(NULL, 0);
        second = (struct netif){.name = "eth1", .mac = {{2, 0, 0, 0, 1, 1}}, .mtu = 1500, .xmit = swallow};
        assert_true(netif_add(w->st, &second, true));
        assert_int_equal(netif_addr_add(&second, IPADDR(10, 0, 9, 1), 24, IFADDR_STATIC, false), 0);
        ip_proto(w->st, PROTO, take);
        memset(&seen, 0, sizeof seen);
        *state = w;
        return 0;
}

static int teardown(void **state)
{
        wire_free(*state);
        return 0;
}

static u32 frame(ipaddr src, ipaddr dst) { return build_ipv4(f, src, dst, PROTO, "payload.", 8); }

static void accepted(struct wire *w, u32 n)
{
        u32 before = seen.calls;
        wire_rx(w, f, n);
        assert_int_equal(seen.calls, before + 1);
}

static void dropped(struct wire *w, u32 n, enum drop why)
{
        u32 before = wire_drops(w, why), calls = seen.calls;
        wire_rx(w, f, n);
        assert_int_equal(wire_drops(w, why), before + 1);
        assert_int_equal(seen.calls, calls);
}

static void plain_datagram_arrives_trimmed(void **state)
{
        struct wire *w = *state;
        u32 n = frame(WIRE_PEER, WIRE_US);
        memset(f + n, 0xaa, 60 - n); /* Ethernet padding */
        accepted(w, 60);
        assert_int_equal(seen.len, 8);
        assert_int_equal(seen.first, 'p');
        accepted(w, n); /* now by the remembered path */
        assert_int_equal(seen.len, 8);
}

/* Sends the good datagram with one byte of the IP header changed; with its checksum mended or not. */
static void changed(struct wire *w, u32 at, u8 byte, bool mend, enum drop why)
{
        for (u32 warm = 0; warm < 2; warm++) {
                u32 n = frame(WIRE_PEER, WIRE_US);
                if (warm)
                        accepted(w, n);
                f[14 + at] = byte;
                if (mend)
                        resum(f + 14);
                dropped(w, n, why);
        }
}

static void header_is_checked_in_order(void **state)
{
        struct wire *w = *state;
        frame(WIRE_PEER, WIRE_US);
        dropped(w, 14 + 19, DROP_IP_SHORT);
        changed(w, 0, 0x65, false, DROP_IP_VERSION);
        changed(w, 0, 0x44, false, DROP_IP_HLEN);
        changed(w, 0, 0x4f, false, DROP_IP_HLEN);       /* 60 bytes of header in 28 */
        changed(w, 3, 19, false, DROP_IP_LENGTH);
        changed(w, 3, 29, true, DROP_IP_TRUNCATED);
        changed(w, 8, 63, false, DROP_IP_CKSUM);
}

static void destination_must_be_of_this_interface(void **state)
{
        struct wire *w = *state;
        dropped(w, frame(WIRE_PEER, IPADDR(10, 0, 0, 3)), DROP_IP_NOT_OURS);
        dropped(w, frame(WIRE_PEER, IPADDR(0, 0, 0, 0)), DROP_IP_NOT_OURS);
        dropped(w, frame(WIRE_PEER, IPADDR(127, 0, 0, 1)), DROP_IP_NOT_OURS);
        dropped(w, frame(WIRE_PEER, IPADDR(10, 0, 9, 1)), DROP_IP_OTHER_NIF);
        accepted(w, frame(WIRE_PEER, IPADDR(255, 255, 255, 255)));
        accepted(w, frame(WIRE_PEER, IPADDR(10, 0, 0, 255)));
        dropped(w, frame(WIRE_PEER, IPADDR(10, 0, 9, 255)), DROP_IP_NOT_OURS);
}

static void group_must_be_joined(void **state)
{
        struct wire *w = *state;
        accepted(w, frame(WIRE_PEER, IPADDR(224, 0, 0, 1)));
        dropped(w, frame(WIRE_PEER, IPADDR(239, 1, 2, 3)), DROP_IP_GROUP);
        assert_int_equal(igmp_join(&w->nif, IPADDR(239, 1, 2, 3)), 0);
        accepted(w, frame(WIRE_PEER, IPADDR(239, 1, 2, 3)));
}

static void unicast_in_a_link_broadcast_is_refused(void **state)
{
        struct wire *w = *state;
        accepted(w, frame(WIRE_PEER, WIRE_US));
        u32 n = frame(WIRE_PEER, WIRE_US);
        memset(f, 0xff, 6);
        dropped(w, n, DROP_IP_LINK_BCAST);
}

static void source_must_be_possible(void **state)
{
        struct wire *w = *state;
        dropped(w, frame(IPADDR(224, 0, 0, 5), WIRE_US), DROP_IP_SOURCE);
        dropped(w, frame(IPADDR(127, 0, 0, 1), WIRE_US), DROP_IP_SOURCE);
        dropped(w, frame(IPADDR(240, 0, 0, 1), WIRE_US), DROP_IP_SOURCE);
        dropped(w, frame(IPADDR_BCAST, WIRE_US), DROP_IP_SOURCE);
        dropped(w, frame(IPADDR(10, 0, 0, 255), WIRE_US), DROP_IP_SOURCE);
        dropped(w, frame(WIRE_US, WIRE_US), DROP_IP_LAND);
        dropped(w, frame(IPADDR(10, 0, 9, 1), WIRE_US), DROP_IP_LAND);
        dropped(w, frame(IPADDR_ANY, WIRE_US), DROP_IP_SOURCE_ANY);
        dropped(w, frame(IPADDR_ANY, IPADDR_BCAST), DROP_IP_SOURCE_ANY);
        u32 n = build_udp(w, f, IPADDR_ANY, 68, IPADDR_BCAST, 67, "x", 1);
        dropped(w, n, DROP_UDP_PORT); /* a BOOTP request passes IP */
        assert_int_equal(wire_pending(w), 0);
}

static void source_must_have_a_way_back(void **state)
{
        struct wire *w = *state;
        dropped(w, frame(IPADDR(8, 8, 8, 8), WIRE_US), DROP_IP_UNROUTED);
        route_add(w->st, IPADDR_ANY, 0, WIRE_PEER, NULL, IFADDR_STATIC);
        accepted(w, frame(IPADDR(8, 8, 8, 8), WIRE_US));
        route_del(w->st, IPADDR_ANY, 0, WIRE_PEER);
        dropped(w, frame(IPADDR(8, 8, 8, 8), WIRE_US), DROP_IP_UNROUTED); /* the remembered path is forgotten */
}

static void address_given_up_is_not_ours_any_more(void **state)
{
        struct wire *w = *state;
        accepted(w, frame(WIRE_PEER, WIRE_US));
        netif_addr_del(&w->nif, WIRE_US);
        dropped(w, frame(WIRE_PEER, WIRE_US), DROP_IP_NOT_OURS);
}

/* A datagram with these options (a multiple of 4). */
static u32 with_options(const void *o, u32 n)
{
        u8 *ip = f + 14;
        frame(WIRE_PEER, WIRE_US);
        memmove(ip + 20 + n, ip + 20, 8);
        memcpy(ip + 20, o, n);
        ip[0] = (u8)(0x45 + n / 4);
        ip[3] = (u8)(28 + n);
        resum(ip);
        return 14 + 28 + n;
}

static void options_are_stepped_over(void **state)
{
        struct wire *w = *state;
        accepted(w, with_options("\x94\x04\x00\x00", 4));                               /* router alert */
        assert_int_equal(seen.first, 'p');
        accepted(w, with_options("\x01\x01\x07\x03\x04\x00\xee\xee", 8));               /* NOP, record route, end */
        dropped(w, with_options("\x07\x00\x00\x00", 4), DROP_IP_OPTIONS);               /* length 0 */
        dropped(w, with_options("\x01\x01\x01\x07", 4), DROP_IP_OPTIONS);               /* length missing */
        dropped(w, with_options("\x07\x05\x00\x00", 4), DROP_IP_OPTIONS);               /* beyond the header */
        dropped(w, with_options("\x83\x03\x04\x00", 4), DROP_IP_SOURCE_ROUTE);
        dropped(w, with_options("\x01\x89\x03\x04", 4), DROP_IP_SOURCE_ROUTE);
}

static void unknown_protocol_is_reported(void **state)
{
        struct wire *w = *state;
        u32 n = build_ipv4(f, WIRE_PEER, WIRE_US, 254, "12345678", 8);
        dropped(w, n, DROP_IP_PROTO);
        const struct icmp_hdr *h = frame_icmp(wire_tx(w));
        assert_non_null(h);
        assert_int_equal(h->type, ICMP_UNREACH);
        assert_int_equal(h->code, ICMP_PROTO);
        assert_memory_equal(h + 1, f + 14, 28);
}

static void no_answer_to_our_own_network_trouble(void **state)
{
        struct wire *w = *state;
        u32 n = build_ipv4(f, WIRE_PEER, IPADDR(10, 0, 0, 255), 254, "12345678", 8);
        dropped(w, n, DROP_IP_PROTO);
        assert_int_equal(wire_pending(w), 0);
}

static void interface_down_receives_nothing(void **state)
{
        struct wire *w = *state;
        w->nif.up = false;
        netif_look(&w->nif);
        dropped(w, frame(WIRE_PEER, WIRE_US), DROP_NIF_DOWN);
}

static void network_of_two_has_no_broadcast(void **state)
{
        struct wire *w = *state;
        assert_int_equal(netif_addr_add(&w->nif, IPADDR(10, 1, 0, 0), 31, IFADDR_STATIC, false), 0);
        accepted(w, frame(IPADDR(10, 1, 0, 1), IPADDR(10, 1, 0, 0))); /* RFC 3021 */
        assert_false(ip_is_broadcast(&w->nif, IPADDR(10, 1, 0, 1)));
}

static void l3_wire_needs_no_link(void **state)
{
        struct wire *w = wire_new(NULL, NETIF_L3);
        ip_proto(w->st, PROTO, take);
        u32 n = frame(WIRE_PEER, WIRE_US), calls = seen.calls;
        wire_rx(w, f + 14, n - 14);
        assert_int_equal(seen.calls, calls + 1);
        icmp_ping(w->st, WIRE_PEER, 1, 1, "x", 1, 0);
        assert_int_equal(wire_tx(w)->n, 29);
        wire_free(w);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(plain_datagram_arrives_trimmed), T(header_is_checked_in_order), T(destination_must_be_of_this_interface),
                T(group_must_be_joined), T(unicast_in_a_link_broadcast_is_refused), T(source_must_be_possible),
                T(source_must_have_a_way_back), T(address_given_up_is_not_ours_any_more), T(options_are_stepped_over),
                T(unknown_protocol_is_reported), T(no_answer_to_our_own_network_trouble), T(interface_down_receives_nothing),
                T(network_of_two_has_no_broadcast), T(l3_wire_needs_no_link),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
