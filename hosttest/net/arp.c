/* arp.c (test) - the neighbour table: resolution, retries, ageing, eviction, UNARP, what is not learnt.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "frames.h"

static const macaddr mac_a = {{2, 0, 0, 0, 0, 0xa}}, mac_b = {{2, 0, 0, 0, 0, 0xb}}, none;
#define HOST_A IPADDR(10, 0, 0, 10)
#define HOST_B IPADDR(10, 0, 0, 11)
static u8 f[FRAMES_MAX];

static int setup(void **state)
{
        struct stack_config cfg = {.n_arp = 4};
        *state = wire_new(&cfg, 0);
        return 0;
}

static int teardown(void **state)
{
        wire_free(*state);
        return 0;
}

static void send_to(struct wire *w, ipaddr dst) { icmp_ping(w->st, dst, 7, 1, "ping", 4, 0); }

/* An ARP packet from `mac` at `ip`. */
static void hear(struct wire *w, macaddr to, u16 op, macaddr mac, ipaddr ip, ipaddr target)
{
        wire_rx(w, f, build_arp(f, to, op, mac, ip, op == ARP_REPLY ? wire_mac_us : none, target));
}

static void expect_request(struct wire *w, macaddr to, ipaddr target)
{
        const struct frame *out = wire_tx(w);
        const struct arp_hdr *a = frame_arp(out);
        assert_non_null(a);
        assert_true(mac_eq(frame_eth(out)->dst, to));
        assert_int_equal(be16_get(a->op), ARP_REQUEST);
        assert_true(mac_eq(a->sha, wire_mac_us) && ipaddr_eq(a->spa, WIRE_US) && ipaddr_eq(a->tpa, target));
}

static void expect_ping(struct wire *w, macaddr to)
{
        const struct frame *out = wire_tx(w);
        assert_non_null(frame_icmp(out));
        assert_true(mac_eq(frame_eth(out)->dst, to));
}

static void resolve(struct wire *w, ipaddr ip, macaddr mac)
{
        send_to(w, ip);
        expect_request(w, MAC_BCAST, ip);
        hear(w, wire_mac_us, ARP_REPLY, mac, ip, WIRE_US);
        expect_ping(w, mac);
        assert_int_equal(wire_pending(w), 0);
}

static void unknown_hop_is_asked_and_the_packet_waits(void **state)
{
        resolve(*state, HOST_A, mac_a);
        assert_int_equal(wire_drops(*state, DROP_ARP_SOLICITED), 1);
        send_to(*state, HOST_A);
        expect_ping(*state, mac_a);
}

static void twelve_packets_wait_and_the_oldest_goes(void **state)
{
        struct wire *w = *state;
        for (u32 i = 0; i < 14; i++)
                send_to(w, HOST_A);
        assert_int_equal(wire_drops(w, DROP_ARP_QUEUE), 2);
        assert_int_equal(wire_pending(w), 1);
        hear(w, wire_mac_us, ARP_REPLY, mac_a, HOST_A, WIRE_US);
        assert_int_equal(wire_pending(w), 13);
}

static void one_packet_waits_when_buffers_are_short(void **state)
{
        struct wire *w = *state;
        struct pktq held;
        pktq_init(&held);
        for (u32 i = 0; i < w->st->pkts.n_total / 2; i++)
                pktq_put(&held, pkt_alloc(&w->st->pkts, PKT_HEADROOM));
        send_to(w, HOST_A);
        send_to(w, HOST_A);
        assert_int_equal(wire_drops(w, DROP_ARP_QUEUE), 1);
        while (held.n)
                pkt_free(pktq_get(&held));
        hear(w, wire_mac_us, ARP_REPLY, mac_a, HOST_A, WIRE_US);
}

static struct { u32 calls; int err; } told;
static void on_error(struct udp_sock *us, int err, ipaddr dst, u16 dport)
{
        told.calls++;
        told.err = err;
        assert_true(ipaddr_eq(dst, HOST_A));
        assert_int_equal(dport, 9);
}

static void silence_is_asked_three_times_then_reported(void **state)
{
        struct wire *w = *state;
        memset(&told, 0, sizeof told);
        struct udp_sock *us = udp_open(w->st, IPADDR_ANY, 0, NULL, NULL);
        udp_on_error(us, on_error);
        struct pkt *p = udp_alloc(w->st);
        pkt_append(p, "x", 1);
        assert_int_equal(udp_send(us, p, IPADDR_ANY, HOST_A, 9, NULL), 0);
        for (u32 i = 0; i < 3; i++) {
                expect_request(w, MAC_BCAST, HOST_A);
                wire_wait(w, i < 2 ? 1000 : 999);
        }
        assert_int_equal(told.calls, 0);
        wire_wait(w, 1);
        assert_int_equal(wire_drops(w, DROP_ARP_TIMEOUT), 1);
        assert_int_equal(told.calls, 1);
        assert_int_equal(told.err, E_UNREACH);
        assert_int_equal(wire_pending(w), 0);
}

static void used_entry_is_verified_by_unicast(void **state)
{
        struct wire *w = *state;
        resolve(w, HOST_A, mac_a);
        wire_wait(w, 30000);
        send_to(w, HOST_A);
        expect_ping(w, mac_a);
        wire_wait(w, 30000);
        expect_request(w, mac_a, HOST_A);
        send_to(w, HOST_A); /* still served meanwhile */
        expect_ping(w, mac_a);
        hear(w, wire_mac_us, ARP_REPLY, mac_a, HOST_A, WIRE_US);
        wire_wait(w, 59000);
        assert_int_equal(wire_pending(w), 0);
}

static void verification_without_answer_deletes(void **state)
{
        struct wire *w = *state;
        macaddr m;
        resolve(w, HOST_A, mac_a);
        wire_wait(w, 30000);
        send_to(w, HOST_A);
        wire_wait(w, 33000);
        assert_int_equal(wire_pending(w), 1 + 3);
        assert_false(arp_lookup(&w->nif, HOST_A, &m));
}

static void unused_entry_is_forgotten_without_asking(void **state)
{
        struct wire *w = *state;
        macaddr m;
        resolve(w, HOST_A, mac_a);
        assert_true(arp_lookup(&w->nif, HOST_A, &m));
        wire_wait(w, 60001);
        assert_int_equal(wire_pending(w), 0);
        assert_false(arp_lookup(&w->nif, HOST_A, &m));
}

static void confirmation_from_above_replaces_asking(void **state)
{
        struct wire *w = *state;
        resolve(w, HOST_A, mac_a);
        for (u32 i = 0; i < 5; i++) {
                wire_wait(w, 30000);
                send_to(w, HOST_A);
                expect_ping(w, mac_a);
                arp_confirm(&w->nif, HOST_A);
        }
        assert_int_equal(wire_pending(w), 0);
}

static void request_for_us_is_answered_and_teaches(void **state)
{
        struct wire *w = *state;
        macaddr m;
        hear(w, MAC_BCAST, ARP_REQUEST, mac_a, HOST_A, WIRE_US);
        const struct frame *out = wire_tx(w);
        const struct arp_hdr *a = frame_arp(out);
        assert_non_null(a);
        assert_true(mac_eq(frame_eth(out)->dst, mac_a));
        assert_int_equal(be16_get(a->op), ARP_REPLY);
        assert_true(mac_eq(a->sha, wire_mac_us) && ipaddr_eq(a->spa, WIRE_US));
        assert_true(mac_eq(a->tha, mac_a) && ipaddr_eq(a->tpa, HOST_A));
        assert_int_equal(out->n, 42);
        assert_true(arp_lookup(&w->nif, HOST_A, &m) && mac_eq(m, mac_a));
}

static void asker_from_another_network_is_answered_but_not_learnt(void **state)
{
        struct wire *w = *state;
        macaddr m;
        hear(w, MAC_BCAST, ARP_REQUEST, mac_a, IPADDR(192, 168, 7, 7), WIRE_US);
        assert_non_null(frame_arp(wire_tx(w)));
        assert_false(arp_lookup(&w->nif, IPADDR(192, 168, 7, 7), &m));
}

static void talk_of_others_updates_but_never_teaches(void **state)
{
        struct wire *w = *state;
        macaddr m;
        hear(w, MAC_BCAST, ARP_REQUEST, mac_a, HOST_A, HOST_B);
        assert_int_equal(wire_drops(w, DROP_ARP_NOT_OURS), 1);
        assert_false(arp_lookup(&w->nif, HOST_A, &m));
        resolve(w, HOST_A, mac_a);
        hear(w, MAC_BCAST, ARP_REQUEST, mac_b, HOST_A, HOST_A); /* a takeover announces itself */
        assert_int_equal(wire_drops(w, DROP_ARP_DONE), 1);
        assert_true(arp_lookup(&w->nif, HOST_A, &m) && mac_eq(m, mac_b));
}

static void unasked_reply_teaches_nothing(void **state)
{
        struct wire *w = *state;
        macaddr m;
        hear(w, wire_mac_us, ARP_REPLY, mac_a, HOST_A, WIRE_US);
        assert_int_equal(wire_drops(w, DROP_ARP_UNASKED), 1);
        assert_false(arp_lookup(&w->nif, HOST_A, &m));
}

static void static_entry_is_not_moved(void **state)
{
        struct wire *w = *state;
        macaddr m;
        hear(w, MAC_BCAST, ARP_REQUEST, mac_b, WIRE_PEER, WIRE_PEER);
        assert_true(arp_lookup(&w->nif, WIRE_PEER, &m) && mac_eq(m, wire_mac_peer));
        assert_int_equal(arp_set(&w->nif, HOST_A, (macaddr){{1, 0, 0, 0, 0, 1}}), E_INVAL);
        assert_int_equal(arp_set(&w->nif, IPADDR(224, 0, 0, 1), mac_a), E_INVAL);
}

static void static_entry_frees_the_waiting_packet(void **state)
{
        struct wire *w = *state;
        send_to(w, HOST_A);
        expect_request(w, MAC_BCAST, HOST_A);
        assert_int_equal(arp_set(&w->nif, HOST_A, mac_a), 0);
        expect_ping(w, mac_a);
        assert_true(arp_del(w->st, HOST_A));
        assert_false(arp_del(w->st, HOST_A));
}

static void malformed(struct wire *w, u32 at, u8 byte, u32 n, enum drop why)
{
        build_arp(f, wire_mac_us, ARP_REQUEST, mac_a, HOST_A, none, WIRE_US);
        f[at] = byte;
        u32 before = wire_drops(w, why);
        wire_rx(w, f, n);
        assert_int_equal(wire_drops(w, why), before + 1);
        assert_int_equal(wire_pending(w), 0);
}

static void malformed_packets_have_their_reasons(void **state)
{
        struct wire *w = *state;
        malformed(w, 0, 2, 41, DROP_ARP_SHORT);
        malformed(w, 0, 2, 21, DROP_ARP_SHORT);
        malformed(w, 14, 9, 42, DROP_ARP_FORMAT);       /* hardware type */
        malformed(w, 16, 9, 42, DROP_ARP_FORMAT);       /* protocol type */
        malformed(w, 18, 5, 42, DROP_ARP_FORMAT);       /* hardware length */
        malformed(w, 19, 3, 42, DROP_ARP_FORMAT);       /* protocol length */
        malformed(w, 21, 3, 42, DROP_ARP_FORMAT);       /* operation */
        malformed(w, 18, 255, 42, DROP_ARP_SHORT);
        malformed(w, 18, 0, 42, DROP_ARP_FORMAT);       /* UNARP is a reply */
        malformed(w, 22, 1, 42, DROP_ARP_SENDER);       /* group as sender hardware address */
        malformed(w, 28, 224, 42, DROP_ARP_SENDER);
        malformed(w, 28, 127, 42, DROP_ARP_SENDER);
}

static void own_packet_is_recognised(void **state)
{
        struct wire *w = *state;
        u32 n = build_arp(f, MAC_BCAST, ARP_REQUEST, wire_mac_us, WIRE_US, none, WIRE_US);
        wire_rx(w, f, n);
        assert_int_equal(wire_drops(w, DROP_ARP_OWN), 1);
        assert_int_equal(wire_pending(w), 0);
}

/* Four entries in all, one of them the static peer. */
static void entry_in_use_is_never_evicted(void **state)
{
        struct wire *w = *state;
        macaddr m;
        for (u8 i = 0; i < 3; i++)
                resolve(w, IPADDR(10, 0, 0, 20 + i), mac_a);
        send_to(w, HOST_A);
        assert_int_equal(wire_drops(w, DROP_ARP_FULL), 1);
        wire_wait(w, 15000);
        send_to(w, IPADDR(10, 0, 0, 20));
        expect_ping(w, mac_a);
        wire_wait(w, 5000); /* 21 and 22 are idle for 20 s now, 20 is not */
        resolve(w, HOST_A, mac_b);
        resolve(w, HOST_B, mac_b);
        send_to(w, IPADDR(10, 0, 0, 99));
        assert_int_equal(wire_drops(w, DROP_ARP_FULL), 2);
        assert_true(arp_lookup(&w->nif, IPADDR(10, 0, 0, 20), &m));
        assert_true(arp_lookup(&w->nif, WIRE_PEER, &m));
}

static void learnt_but_unused_entries_give_way(void **state)
{
        struct wire *w = *state;
        for (u8 i = 0; i < 20; i++)
                hear(w, MAC_BCAST, ARP_REQUEST, mac_a, IPADDR(10, 0, 0, 100 + i), WIRE_US);
        wire_flush_out(w);
        resolve(w, HOST_B, mac_b);
}

static void say_unarp(struct wire *w, macaddr from, ipaddr gone)
{
        u32 n = build_arp(f, MAC_BCAST, ARP_REPLY, from, gone, none, IPADDR_BCAST);
        f[18] = 0;
        memcpy(f + 22, &gone, 4);
        memset(f + 26, 0xff, 4);
        wire_rx(w, f, n - 12);
}

static void unarp_is_obeyed_from_the_host_itself(void **state)
{
        struct wire *w = *state;
        macaddr m;
        resolve(w, HOST_A, mac_a);
        say_unarp(w, mac_b, HOST_A);
        assert_true(arp_lookup(&w->nif, HOST_A, &m));
        say_unarp(w, mac_a, HOST_A);
        assert_false(arp_lookup(&w->nif, HOST_A, &m));
        say_unarp(w, wire_mac_peer, WIRE_PEER);
        assert_true(arp_lookup(&w->nif, WIRE_PEER, &m)); /* static */
        assert_int_equal(wire_drops(w, DROP_ARP_UNARP), 3);
}

static void cable_pulled_forgets_what_was_learnt(void **state)
{
        struct wire *w = *state;
        macaddr m;
        resolve(w, HOST_A, mac_a);
        send_to(w, HOST_B);
        netif_link(&w->nif, false);
        assert_int_equal(wire_drops(w, DROP_ARP_FLUSHED), 1);
        assert_false(arp_lookup(&w->nif, HOST_A, &m));
        assert_true(arp_lookup(&w->nif, WIRE_PEER, &m));
}

static void swallow(struct netif *nif, struct pkt *p) { pkt_free(p); }

static void address_of_another_interface_is_not_answered_for(void **state)
{
        static struct netif second;
        struct wire *w = *state;
        second = (struct netif){.name = "eth1", .mac = {{2, 0, 0, 0, 1, 1}}, .mtu = 1500, .xmit = swallow};
        assert_true(netif_add(w->st, &second, true));
        assert_int_equal(netif_addr_add(&second, IPADDR(10, 0, 9, 1), 24, IFADDR_STATIC, false), 0);
        hear(w, MAC_BCAST, ARP_REQUEST, mac_a, HOST_A, IPADDR(10, 0, 9, 1));
        assert_int_equal(wire_drops(w, DROP_ARP_NOT_OURS), 1);
        assert_int_equal(wire_pending(w), 0);
}

static void requests_in_all_are_limited(void **state)
{
        struct stack_config cfg = {.n_arp = 256, .n_pkts = 512};
        struct wire *w = wire_new(&cfg, 0);
        for (u8 i = 0; i < 200; i++)
                send_to(w, IPADDR(10, 0, 0, 20 + i));
        assert_in_range(wire_pending(w), 1, 50);
        wire_wait(w, 4000);
        wire_free(w);
}

static bool count(void *ctx, const struct arp_info *i)
{
        ++*(u32 *)ctx;
        return true;
}

static void walk_shows_every_entry(void **state)
{
        struct wire *w = *state;
        u32 n = 0;
        resolve(w, HOST_A, mac_a);
        send_to(w, HOST_B);
        arp_walk(w->st, count, &n);
        assert_int_equal(n, 3);
        arp_flush(&w->nif);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(unknown_hop_is_asked_and_the_packet_waits), T(twelve_packets_wait_and_the_oldest_goes),
                T(one_packet_waits_when_buffers_are_short),
                T(silence_is_asked_three_times_then_reported), T(used_entry_is_verified_by_unicast),
                T(verification_without_answer_deletes), T(unused_entry_is_forgotten_without_asking),
                T(confirmation_from_above_replaces_asking), T(request_for_us_is_answered_and_teaches),
                T(asker_from_another_network_is_answered_but_not_learnt), T(talk_of_others_updates_but_never_teaches),
                T(unasked_reply_teaches_nothing), T(static_entry_is_not_moved), T(static_entry_frees_the_waiting_packet),
                T(malformed_packets_have_their_reasons), T(own_packet_is_recognised), T(entry_in_use_is_never_evicted),
                T(learnt_but_unused_entries_give_way), T(unarp_is_obeyed_from_the_host_itself), T(cable_pulled_forgets_what_was_learnt),
                T(address_of_another_interface_is_not_answered_for), T(requests_in_all_are_limited), T(walk_shows_every_entry),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
