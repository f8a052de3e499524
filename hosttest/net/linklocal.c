/* linklocal.c (test) - an address without a server: probing, use, conflict, and the lease that ends it.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "dhcp.h"
#include "frames.h"

static const macaddr thief = {{2, 0, 0, 0, 0, 0xee}}, none;
static u8 f[FRAMES_MAX];

static int setup(void **state)
{
        struct wire *w = wire_new_bare(NULL, 0);
        assert_int_equal(dhcp_start(&w->nif, "alpha"), 0);
        *state = w;
        return 0;
}

static int teardown(void **state)
{
        wire_free(*state);
        return 0;
}

static ipaddr own(struct wire *w) { return netif_addr_first(&w->nif); }

/* The address of the next ARP probe. */
static ipaddr probed(struct wire *w)
{
        for (const struct frame *out; (out = wire_tx(w));) {
                const struct arp_hdr *a = frame_arp(out);
                if (a && ipaddr_is_any(a->spa))
                        return a->tpa;
        }
        return IPADDR_ANY;
}

static void silence_gives_a_link_local_address(void **state)
{
        struct wire *w = *state;
        struct dhcp_info i;
        wire_wait(w, 9999);
        assert_true(ipaddr_is_any(probed(w)));
        wire_wait(w, 10000);
        ipaddr a = probed(w);
        assert_true(a.v4.b[0] == 169 && a.v4.b[1] == 254 && a.v4.b[2] >= 1 && a.v4.b[2] <= 254);
        assert_true(ipaddr_eq(own(w), a));
        assert_true(dhcp_status(&w->nif, &i));
        assert_int_equal(i.phase, DHCP_LINK_LOCAL);
        assert_true(ipaddr_eq(i.addr, a) && i.plen == 16);
        wire_flush_out(w);
        wire_wait(w, 70000); /* a server is still looked for, and without a name */
        const u8 *data;
        u32 n, discovers = 0;
        for (const struct frame *out; (out = wire_tx(w));)
                if (frame_udp(out, &data, &n)) {
                        assert_true(ipaddr_is_any(frame_ip(out, IPPROTO_UDP_)->src));
                        discovers++;
                }
        assert_true(discovers >= 1);
}

static void same_machine_same_address(void **state)
{
        struct wire *w = *state, *again = wire_new_bare(NULL, 0);
        dhcp_start(&again->nif, NULL);
        wire_wait(w, 20000);
        wire_wait(again, 20000);
        assert_true(ipaddr_eq(own(w), own(again)));
        wire_free(again);
}

static void taken_address_is_not_used(void **state)
{
        struct wire *w = *state;
        wire_wait(w, 11500);
        ipaddr a = probed(w);
        assert_false(ipaddr_is_any(a));
        wire_rx(w, f, build_arp(f, wire_mac_us, ARP_REPLY, thief, a, none, IPADDR_ANY));
        wire_wait(w, 12000);
        assert_false(ipaddr_is_any(own(w)));
        assert_false(ipaddr_eq(own(w), a));
}

static void second_conflict_moves_on(void **state)
{
        struct wire *w = *state;
        wire_wait(w, 20000);
        ipaddr a = own(w);
        wire_rx(w, f, build_arp(f, MAC_BCAST, ARP_REQUEST, thief, a, none, a));
        assert_true(ipaddr_eq(own(w), a));
        wire_rx(w, f, build_arp(f, MAC_BCAST, ARP_REQUEST, thief, a, none, a));
        assert_true(ipaddr_is_any(own(w)));
        wire_wait(w, 12000);
        assert_false(ipaddr_is_any(own(w)));
        assert_false(ipaddr_eq(own(w), a));
}

static void stop_and_cable_end_it(void **state)
{
        struct wire *w = *state;
        wire_wait(w, 20000);
        netif_link(&w->nif, false);
        assert_true(ipaddr_is_any(own(w)));
        netif_link(&w->nif, true);
        wire_wait(w, 20000);
        assert_false(ipaddr_is_any(own(w)));
        dhcp_stop(&w->nif);
        assert_true(ipaddr_is_any(own(w)));
        wire_wait(w, 60000);
        assert_true(ipaddr_is_any(own(w)));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(silence_gives_a_link_local_address), T(same_machine_same_address), T(taken_address_is_not_used),
                T(second_conflict_moves_on), T(stop_and_cable_end_it),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
