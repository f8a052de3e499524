/* eth.c (test) - destination filter, VLAN tags, ethertype handlers.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "frames.h"

enum { TYPE = 0x88b5 }; /* IEEE 802: local experiments */
static struct { u32 calls, len; macaddr src; u16 flags; } seen;

static void note(struct netif *nif, struct pkt *p, const struct eth_hdr *eth, void *user)
{
        seen.calls++;
        seen.len = p->len;
        seen.src = eth->src;
        seen.flags = p->flags;
        assert_ptr_equal(user, &seen);
        assert_ptr_equal((const u8 *)eth + 14, p->data);
        pkt_free(p);
}

static int setup(void **state)
{
        struct wire *w = wire_new(NULL, 0);
        memset(&seen, 0, sizeof seen);
        assert_int_equal(eth_handler(w->st, TYPE, note, &seen), 0);
        *state = w;
        return 0;
}

static int teardown(void **state)
{
        wire_free(*state);
        return 0;
}

static void give(struct wire *w, macaddr dst, macaddr src, u32 n)
{
        u8 f[64] = {0};
        build_eth(f, dst, src, TYPE);
        wire_rx(w, f, n);
}

static void own_address_reaches_handler(void **state)
{
        give(*state, wire_mac_us, wire_mac_peer, 60);
        assert_int_equal(seen.calls, 1);
        assert_int_equal(seen.len, 46);
        assert_true(mac_eq(seen.src, wire_mac_peer));
        assert_int_equal(seen.flags & PKT_BCAST, 0);
}

static void broadcast_is_marked(void **state)
{
        give(*state, MAC_BCAST, wire_mac_peer, 60);
        assert_int_equal(seen.calls, 1);
        assert_true(seen.flags & PKT_BCAST);
}

static void foreign_address_is_dropped(void **state)
{
        give(*state, (macaddr){{2, 0, 0, 0, 0, 9}}, wire_mac_peer, 60);
        assert_int_equal(seen.calls, 0);
        assert_int_equal(wire_drops(*state, DROP_ETH_NOT_OURS), 1);
}

static void group_needs_joining(void **state)
{
        struct wire *w = *state;
        macaddr g = {{1, 0, 0x5e, 1, 2, 3}};
        give(w, g, wire_mac_peer, 60);
        assert_int_equal(wire_drops(w, DROP_ETH_NOT_OURS), 1);
        assert_true(netif_join(&w->nif, g));
        give(w, g, wire_mac_peer, 60);
        assert_int_equal(seen.calls, 1);
        assert_int_equal(w->nif.count.rx_mcast, 1);
}

static void group_source_is_refused(void **state)
{
        give(*state, wire_mac_us, (macaddr){{3, 0, 0, 0, 0, 2}}, 60);
        assert_int_equal(wire_drops(*state, DROP_ETH_SOURCE_GROUP), 1);
}

static void short_frame_is_dropped(void **state)
{
        give(*state, wire_mac_us, wire_mac_peer, 13);
        assert_int_equal(wire_drops(*state, DROP_ETH_SHORT), 1);
        give(*state, wire_mac_us, wire_mac_peer, 14);
        assert_int_equal(seen.calls, 1);
        assert_int_equal(seen.len, 0);
}

static void unknown_type_is_dropped(void **state)
{
        struct wire *w = *state;
        assert_int_equal(eth_handler(w->st, TYPE, NULL, NULL), 0);
        give(w, wire_mac_us, wire_mac_peer, 60);
        assert_int_equal(wire_drops(w, DROP_ETH_TYPE), 1);
}

static void handler_table_says_why_not(void **state)
{
        struct wire *w = *state;
        assert_int_equal(eth_handler(w->st, TYPE, note, NULL), E_INUSE);
        assert_int_equal(eth_handler(w->st, 0x0800, note, NULL), E_INVAL);
        assert_int_equal(eth_handler(w->st, 0x8100, note, NULL), E_INVAL);
        assert_int_equal(eth_handler(w->st, 100, note, NULL), E_INVAL);
        assert_int_equal(eth_handler(w->st, 0x9999, NULL, NULL), E_NOENT);
        u16 t = 0x9000;
        while (eth_handler(w->st, t, note, NULL) == 0)
                t++;
        assert_int_equal(eth_handler(w->st, t, note, NULL), E_NOMEM);
        assert_int_equal(t - 0x9000, ETH_HANDLERS - 2); /* ARP and TYPE were there */
}

/* Tag control information, then the inner type. */
static void give_tagged(struct wire *w, u16 tci, u32 n)
{
        u8 f[64] = {0};
        build_eth(f, wire_mac_us, wire_mac_peer, 0x8100);
        be16 tag[2] = {be16_of(tci), be16_of(TYPE)};
        memcpy(f + 14, tag, 4);
        wire_rx(w, f, n);
}

static void priority_tag_counts_as_untagged(void **state)
{
        give_tagged(*state, 0xe000, 60);
        assert_int_equal(seen.calls, 1);
        assert_int_equal(seen.len, 42);
        assert_true(mac_eq(seen.src, wire_mac_peer));
        assert_true(seen.flags & PKT_VLAN);
}

static void foreign_vlan_is_dropped(void **state)
{
        give_tagged(*state, 7, 60);
        assert_int_equal(wire_drops(*state, DROP_ETH_VLAN), 1);
}

static void tag_cut_off_is_dropped(void **state)
{
        give_tagged(*state, 0, 17);
        assert_int_equal(wire_drops(*state, DROP_ETH_SHORT_TAG), 1);
}

static void vlan_interface_speaks_and_hears_its_tag_only(void **state)
{
        struct wire *w = *state;
        w->nif.vlan = 7;
        netif_look(&w->nif);
        give_tagged(w, 0x2007, 60);
        assert_int_equal(seen.calls, 1);
        give(w, wire_mac_us, wire_mac_peer, 60);
        assert_int_equal(wire_drops(w, DROP_ETH_UNTAGGED), 1);
        give_tagged(w, 0, 60);
        assert_int_equal(wire_drops(w, DROP_ETH_VLAN), 1);
        icmp_ping(w->st, WIRE_PEER, 1, 1, "x", 1, 0);
        const struct frame *f = wire_tx(w);
        static const u8 tag[6] = {0x81, 0x00, 0x00, 0x07, 0x08, 0x00};
        assert_non_null(f);
        assert_memory_equal(f->b + 12, tag, 6);
        assert_int_equal(f->n, 18 + 20 + 8 + 1);
}

static void checksum_is_summed_behind_a_tag(void **state)
{
        struct wire *w = *state;
        w->nif.vlan = 7;
        netif_look(&w->nif);
        struct udp_sock *us = udp_open(w->st, IPADDR_ANY, 5000, NULL, NULL);
        struct pkt *p = udp_alloc(w->st);
        pkt_append(p, "hello", 5);
        assert_int_equal(udp_send(us, p, IPADDR_ANY, WIRE_PEER, 6000, NULL), 0);
        const struct frame *f = wire_tx(w);
        memmove(f->b + 4, f->b, 12); /* take the tag out, then let the reader check the sums */
        struct frame plain = {f->n - 4, f->b + 4};
        const u8 *data;
        u32 n;
        memcpy(plain.b + 12, "\x08\x00", 2);
        assert_non_null(frame_udp(&plain, &data, &n));
        assert_memory_equal(data, "hello", 5);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(own_address_reaches_handler), T(broadcast_is_marked), T(foreign_address_is_dropped), T(group_needs_joining),
                T(group_source_is_refused), T(short_frame_is_dropped), T(unknown_type_is_dropped), T(handler_table_says_why_not),
                T(priority_tag_counts_as_untagged), T(foreign_vlan_is_dropped), T(tag_cut_off_is_dropped),
                T(vlan_interface_speaks_and_hears_its_tag_only), T(checksum_is_summed_behind_a_tag),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
