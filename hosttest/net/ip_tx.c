/* ip_tx.c (test) - headers, paths to groups and to ourselves, fragments on the way out.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arp.h"
#include "frames.h"
#include "route.h"
#include "scarce.h"

enum { PROTO = 253 };
static struct { u32 calls, len; u8 bytes[8192]; ipaddr src, dst; } seen;

static void take(struct stack *st, struct pkt *p, const struct ip_hdr *ip)
{
        seen.calls++;
        seen.len = pkt_copy_out(p, 0, seen.bytes, sizeof seen.bytes);
        seen.src = ip->src;
        seen.dst = ip->dst;
        assert_true(p->flags & PKT_CSUM_OK);
        pkt_free(p);
}

static int setup(void **state)
{
        struct wire *w = wire_new(NULL, 0);
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

static u8 content[8192];

/* A packet of n bytes, gathered from a header and memory elsewhere when it is long. */
static struct pkt *packet(struct wire *w, u32 n)
{
        for (u32 i = 0; i < n; i++)
                content[i] = (u8)(i * 7);
        struct pkt *p = pkt_alloc(&w->st->pkts, PKT_HEADROOM);
        u32 own = min_u32(n, 11);
        pkt_append(p, content, own);
        if (n > own)
                assert_true(pkt_add_frag(p, content + own, n - own, NULL));
        return p;
}

static void header_says_what_was_asked(void **state)
{
        struct wire *w = *state;
        struct ip_opts o = {.ttl = 3, .tos = 0xb8, .df = true};
        assert_int_equal(ip_tx(w->st, packet(w, 30), IPADDR_ANY, WIRE_PEER, PROTO, &o), 0);
        const struct frame *f = wire_tx(w);
        const struct ip_hdr *ip = frame_ip(f, PROTO);
        assert_non_null(ip);
        assert_int_equal(ip->ttl, 3);
        assert_int_equal(ip->tos, 0xb8);
        assert_int_equal(be16_get(ip->frag), IP_DF);
        assert_true(ipaddr_eq(ip->src, WIRE_US) && ipaddr_eq(ip->dst, WIRE_PEER));
        assert_memory_equal(ip + 1, content, 30);
        assert_true(mac_eq(frame_eth(f)->dst, wire_mac_peer));
        u16 id = be16_get(ip->id);
        ip_tx(w->st, packet(w, 30), IPADDR_ANY, WIRE_PEER, PROTO, NULL);
        ip = frame_ip(wire_tx(w), PROTO);
        assert_int_equal(be16_get(ip->id), (u16)(id + 1));
        assert_int_equal(ip->ttl, 64);
        assert_int_equal(be16_get(ip->frag), 0);
}

static void groups_have_link_addresses(void **state)
{
        struct wire *w = *state;
        static const macaddr g = {{1, 0, 0x5e, 0x01, 0x02, 0x03}};
        assert_int_equal(ip_tx(w->st, packet(w, 8), IPADDR_ANY, IPADDR(239, 129, 2, 3), PROTO, NULL), 0);
        const struct frame *f = wire_tx(w);
        assert_true(mac_eq(frame_eth(f)->dst, g));
        assert_int_equal(frame_ip(f, PROTO)->ttl, 1);
        assert_int_equal(ip_tx(w->st, packet(w, 8), IPADDR_ANY, IPADDR(10, 0, 0, 255), PROTO, NULL), 0);
        assert_true(mac_eq(frame_eth(wire_tx(w))->dst, MAC_BCAST));
        assert_int_equal(ip_tx(w->st, packet(w, 8), IPADDR_ANY, IPADDR_BCAST, PROTO, NULL), 0);
        assert_true(mac_eq(frame_eth(wire_tx(w))->dst, MAC_BCAST));
}

static void no_route_is_an_error(void **state)
{
        struct wire *w = *state;
        assert_int_equal(ip_tx(w->st, packet(w, 8), IPADDR_ANY, IPADDR(8, 8, 8, 8), PROTO, NULL), E_NOROUTE);
        assert_int_equal(ip_tx(w->st, packet(w, 8), IPADDR_ANY, IPADDR_ANY, PROTO, NULL), E_NOROUTE);
        assert_int_equal(wire_drops(w, DROP_IP_NO_ROUTE), 2);
}

static void own_address_loops_back_at_batch_end(void **state)
{
        struct wire *w = *state;
        assert_int_equal(ip_tx(w->st, packet(w, 5000), IPADDR_ANY, WIRE_US, PROTO, NULL), 0);
        assert_int_equal(seen.calls, 0); /* no recursion */
        wire_batch_end(w);
        assert_int_equal(seen.calls, 1);
        assert_int_equal(seen.len, 5000);
        assert_memory_equal(seen.bytes, content, 5000);
        assert_true(ipaddr_eq(seen.src, WIRE_US) && ipaddr_eq(seen.dst, WIRE_US));
        assert_int_equal(wire_pending(w), 0);
        assert_int_equal(ip_tx(w->st, packet(w, 8), IPADDR_ANY, IPADDR(127, 0, 0, 1), PROTO, NULL), 0);
        wire_wait(w, 1); /* the clock alone delivers too */
        assert_int_equal(seen.calls, 2);
        assert_true(ipaddr_eq(seen.src, IPADDR(127, 0, 0, 1)));
}

static void loop_is_bounded(void **state)
{
        struct wire *w = *state;
        u32 n = 0;
        while (ip_tx(w->st, packet(w, 8), IPADDR_ANY, WIRE_US, PROTO, NULL) == 0)
                n++;
        assert_int_equal(n, 64);
        assert_int_equal(wire_drops(w, DROP_IP_LOOP_FULL), 1);
        wire_batch_end(w);
        assert_int_equal(seen.calls, 64);
}

/* Reads the fragments on the wire back into seen.bytes; their number. */
static u32 collect(struct wire *w, u32 mtu)
{
        u32 n = 0, end = 0;
        bool more = true;
        for (const struct frame *f; (f = wire_tx(w)); n++) {
                const struct ip_hdr *ip = frame_ip(f, PROTO);
                assert_non_null(ip);
                assert_true(f->n <= 14 + mtu);
                assert_true(more);
                u32 off = (be16_get(ip->frag) & IP_OFFSET) * 8u, len = f->n - 34;
                more = be16_get(ip->frag) & IP_MF;
                assert_int_equal(off, end);
                memcpy(seen.bytes + off, ip + 1, len);
                end = off + len;
        }
        assert_false(more);
        seen.len = end;
        return n;
}

static void too_long_is_cut(void **state)
{
        struct wire *w = *state;
        assert_int_equal(ip_tx(w->st, packet(w, 4000), IPADDR_ANY, WIRE_PEER, PROTO, NULL), 0);
        assert_int_equal(collect(w, 1500), 3);
        assert_int_equal(seen.len, 4000);
        assert_memory_equal(seen.bytes, content, 4000);
        w->nif.mtu = 576;
        assert_int_equal(ip_tx(w->st, packet(w, 557), IPADDR_ANY, WIRE_PEER, PROTO, NULL), 0);
        assert_int_equal(collect(w, 576), 2);
        assert_int_equal(ip_tx(w->st, packet(w, 556), IPADDR_ANY, WIRE_PEER, PROTO, NULL), 0);
        assert_int_equal(collect(w, 576), 1);
}

static void too_long_with_df_is_refused(void **state)
{
        struct wire *w = *state;
        struct ip_opts o = {.df = true};
        assert_int_equal(ip_tx(w->st, packet(w, 1481), IPADDR_ANY, WIRE_PEER, PROTO, &o), E_MSGSIZE);
        assert_int_equal(wire_drops(w, DROP_IP_DF), 1);
        assert_int_equal(ip_tx(w->st, packet(w, 1480), IPADDR_ANY, WIRE_PEER, PROTO, &o), 0);
}

static void cutting_without_buffers_sends_nothing(void **state)
{
        struct wire *w = *state;
        struct pkt *p = packet(w, 4000), *held = scarce_begin(&w->st->pkts, 2);
        assert_int_equal(ip_tx(w->st, p, IPADDR_ANY, WIRE_PEER, PROTO, NULL), E_NOMEM);
        assert_int_equal(wire_drops(w, DROP_IP_CUT_FULL), 1);
        assert_int_equal(wire_pending(w), 0);
        scarce_end(held);
}

static void cut_datagram_carries_its_checksum(void **state)
{
        struct wire *w = *state;
        struct udp_sock *us = udp_open(w->st, IPADDR_ANY, 4000, NULL, NULL);
        assert_int_equal(udp_send(us, packet(w, 3001), IPADDR_ANY, WIRE_PEER, 5000, NULL), 0);
        static u8 whole[4096];
        u32 total = 0;
        for (const struct frame *f; (f = wire_tx(w)); total += f->n - 34)
                memcpy(whole + 34 + total, f->b + 34, f->n - 34);
        build_eth(whole, wire_mac_peer, wire_mac_us, 0x0800);
        build_ip(whole + 14, WIRE_US, WIRE_PEER, IPPROTO_UDP_, total);
        const u8 *data;
        u32 n;
        assert_non_null(frame_udp(&(struct frame){34 + total, whole}, &data, &n));
        assert_int_equal(n, 3001);
        assert_memory_equal(data, content, 3001);
}

static struct pkt *in_ring[8];
static u32 n_in_ring;
static void into_ring(struct netif *nif, struct pkt *p) { in_ring[n_in_ring++] = p; }

/* The request for the neighbour takes the buffer that the last piece was to have, and its card keeps it. */
static void last_buffers_are_no_pieces_and_a_question(void **state)
{
        struct wire *w = *state;
        struct pkt *p = packet(w, 2000), *held = scarce_begin(&w->st->pkts, 2);
        w->nif.xmit = into_ring;
        ip_tx(w->st, p, IPADDR_ANY, IPADDR(10, 0, 0, 77), PROTO, NULL);
        assert_int_equal(n_in_ring, 1);
        assert_int_equal(wire_drops(w, DROP_POOL_EMPTY), 1);
        while (n_in_ring)
                pkt_free(in_ring[--n_in_ring]);
        scarce_end(held);
        arp_flush(&w->nif);
}

static void impossible_length_is_refused(void **state)
{
        struct wire *w = *state;
        static u8 big[65536];
        struct pkt *p = packet(w, 5);
        pkt_add_frag(p, big, sizeof big, NULL);
        assert_int_equal(ip_tx(w->st, p, IPADDR_ANY, WIRE_PEER, PROTO, NULL), E_MSGSIZE);
        assert_int_equal(wire_drops(w, DROP_IP_TOO_LONG), 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(header_says_what_was_asked), T(groups_have_link_addresses), T(no_route_is_an_error),
                T(own_address_loops_back_at_batch_end), T(loop_is_bounded), T(too_long_is_cut), T(too_long_with_df_is_refused),
                T(cutting_without_buffers_sends_nothing), T(last_buffers_are_no_pieces_and_a_question),
                T(cut_datagram_carries_its_checksum), T(impossible_length_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
