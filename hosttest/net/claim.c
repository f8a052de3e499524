/* claim.c (test) - our own addresses on the wire: announcement, probing beside service, defence, silence, leave.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "frames.h"

static const macaddr thief = {{2, 0, 0, 0, 0, 0xee}}, none;
#define NEW IPADDR(10, 0, 0, 50)
static u8 f[FRAMES_MAX];

static int setup(void **state)
{
        *state = wire_new(NULL, 0);
        return 0;
}

static int teardown(void **state)
{
        wire_free(*state);
        return 0;
}

/* Broadcast request with this sender and target address? */
static void expect_arp(struct wire *w, ipaddr spa, ipaddr tpa)
{
        const struct frame *out = wire_tx(w);
        const struct arp_hdr *a = frame_arp(out);
        assert_non_null(a);
        assert_true(mac_eq(frame_eth(out)->dst, MAC_BCAST));
        assert_int_equal(be16_get(a->op), ARP_REQUEST);
        assert_true(ipaddr_eq(a->spa, spa) && ipaddr_eq(a->tpa, tpa));
}

static void hear(struct wire *w, u16 op, ipaddr spa, ipaddr tpa) { wire_rx(w, f, build_arp(f, MAC_BCAST, op, thief, spa, none, tpa)); }

static void new_address_is_announced_at_once_and_probed_meanwhile(void **state)
{
        struct wire *w = *state;
        assert_int_equal(netif_addr_add(&w->nif, NEW, 24, IFADDR_STATIC, false), 0);
        expect_arp(w, NEW, NEW);
        expect_arp(w, IPADDR_ANY, NEW);
        assert_true(claim_probing(&w->nif, NEW));
        wire_rx(w, f, build_icmp(f, WIRE_PEER, NEW, ICMP_ECHO, 0, 1, 1, "x", 1)); /* serves already */
        assert_non_null(frame_icmp(wire_tx(w)));
        wire_wait(w, 2000);
        expect_arp(w, IPADDR_ANY, NEW);
        wire_wait(w, 2000);
        expect_arp(w, IPADDR_ANY, NEW);
        wire_wait(w, 2000);
        expect_arp(w, NEW, NEW);
        assert_false(claim_probing(&w->nif, NEW));
        wire_wait(w, 60000);
        assert_int_equal(wire_pending(w), 0);
}

static u32 conflicts;
static void on_conflict(struct netif *nif, ipaddr addr, macaddr by)
{
        conflicts++;
        assert_true(ipaddr_eq(addr, WIRE_US));
        assert_true(mac_eq(by, thief));
}

static void conflict_is_defended_once_in_ten_seconds_and_told(void **state)
{
        struct wire *w = *state;
        conflicts = 0;
        arp_on_conflict(w->st, on_conflict);
        hear(w, ARP_REPLY, WIRE_US, WIRE_PEER);
        expect_arp(w, WIRE_US, WIRE_US);
        hear(w, ARP_REQUEST, WIRE_US, WIRE_US);
        wire_wait(w, 9000);
        hear(w, ARP_REQUEST, WIRE_US, WIRE_US);
        assert_int_equal(wire_pending(w), 0);
        assert_int_equal(conflicts, 1);
        wire_wait(w, 1001);
        hear(w, ARP_REQUEST, WIRE_US, WIRE_US);
        expect_arp(w, WIRE_US, WIRE_US);
        assert_int_equal(conflicts, 2);
        assert_int_equal(wire_drops(w, DROP_ARP_CONFLICT), 4);
        assert_non_null(strstr(w->log, "eth0: address 10.0.0.1 is also used by 02:00:00:00:00:ee"));
        assert_non_null(netif_addr_find(&w->nif, WIRE_US)); /* a static address stays */
}

static void probe_of_another_for_our_address_is_answered(void **state)
{
        struct wire *w = *state;
        hear(w, ARP_REQUEST, IPADDR_ANY, WIRE_US);
        const struct arp_hdr *a = frame_arp(wire_tx(w));
        assert_non_null(a);
        assert_int_equal(be16_get(a->op), ARP_REPLY);
        assert_true(ipaddr_eq(a->spa, WIRE_US));
}

static void silent_address_appears_in_no_arp_field(void **state)
{
        struct wire *w = *state;
        assert_int_equal(netif_addr_add(&w->nif, NEW, 24, IFADDR_STATIC, true), 0);
        netif_link(&w->nif, false);
        netif_link(&w->nif, true);
        wire_wait(w, 10000);
        hear(w, ARP_REQUEST, IPADDR(10, 0, 0, 77), NEW);                /* no answer */
        assert_int_equal(wire_drops(w, DROP_ARP_SILENT), 1);
        hear(w, ARP_REQUEST, NEW, NEW);                                 /* no defence against the front that owns it */
        hear(w, ARP_REPLY, NEW, WIRE_PEER);
        assert_int_equal(wire_drops(w, DROP_ARP_CONFLICT), 0);
        netif_addr_del(&w->nif, WIRE_US);
        icmp_ping(w->st, IPADDR(10, 0, 0, 77), 1, 1, "x", 1, 0);        /* not asked with it either */
        netif_addr_del(&w->nif, NEW);
        wire_wait(w, 10000);
        for (const struct frame *out; (out = wire_tx(w));) {
                const struct arp_hdr *a = frame_arp(out);
                if (a)
                        assert_false(ipaddr_eq(a->spa, NEW) || ipaddr_eq(a->tpa, NEW));
        }
}

static void leaving_an_address_is_said(void **state)
{
        struct wire *w = *state;
        assert_int_equal(netif_addr_del(&w->nif, WIRE_US), 0);
        const struct frame *out = wire_tx(w);
        static const u8 un[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6,
                                0, 1, 8, 0, 0, 4, 0, 2, 10, 0, 0, 1, 255, 255, 255, 255};
        assert_int_equal(out->n, sizeof un);
        assert_memory_equal(out->b, un, sizeof un);
        assert_int_equal(netif_addr_add(&w->nif, WIRE_US, 24, IFADDR_STATIC, false), 0);
        hear(w, ARP_REPLY, WIRE_US, WIRE_PEER);
        wire_wait(w, 10000);
        wire_flush_out(w);
        netif_addr_del(&w->nif, WIRE_US);
        assert_int_equal(wire_pending(w), 0); /* contested: the other keeps his neighbours */
}

static void cable_back_announces_again(void **state)
{
        struct wire *w = *state;
        netif_link(&w->nif, false);
        wire_wait(w, 5000);
        assert_int_equal(wire_pending(w), 0);
        netif_link(&w->nif, true);
        expect_arp(w, WIRE_US, WIRE_US);
        expect_arp(w, IPADDR_ANY, WIRE_US);
}

static int verdict;
static void on_probed(void *ctx, bool unused) { verdict = unused ? 1 : 2; }

static void probe_without_objection_succeeds(void **state)
{
        struct wire *w = *state;
        verdict = 0;
        assert_int_equal(arp_probe(&w->nif, NEW, on_probed, NULL), 0);
        wire_wait(w, 9000);
        assert_int_equal(verdict, 1);
        for (u32 i = 0; i < 3; i++)
                expect_arp(w, IPADDR_ANY, NEW);
        assert_int_equal(wire_pending(w), 0);
}

static void probe_fails_at_use_or_probe_by_another(void **state)
{
        struct wire *w = *state;
        verdict = 0;
        arp_probe(&w->nif, NEW, on_probed, NULL);
        wire_wait(w, 2000);
        hear(w, ARP_REPLY, NEW, IPADDR_ANY);
        assert_int_equal(verdict, 2);
        verdict = 0;
        arp_probe(&w->nif, NEW, on_probed, NULL);
        hear(w, ARP_REQUEST, IPADDR_ANY, NEW);
        assert_int_equal(verdict, 2);
        verdict = 0;
        arp_probe(&w->nif, NEW, on_probed, NULL);
        arp_probe_stop(&w->nif, NEW);
        wire_wait(w, 9000);
        assert_int_equal(verdict, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(new_address_is_announced_at_once_and_probed_meanwhile), T(conflict_is_defended_once_in_ten_seconds_and_told),
                T(probe_of_another_for_our_address_is_answered), T(silent_address_appears_in_no_arp_field),
                T(leaving_an_address_is_said), T(cable_back_announces_again), T(probe_without_objection_succeeds),
                T(probe_fails_at_use_or_probe_by_another),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
