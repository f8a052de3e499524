/* dhcp_faults.c - addresses that somebody else has, cables that are pulled, and messages that lie.
 * SPDX-License-Identifier: MIT */
#include "dhcp_server.h"

static void conflict_while_checking_is_declined(void **state)
{
        struct wire *w = *state;
        static const macaddr thief = {{2, 0, 0, 0, 0, 0xee}}, none;
        dhcp_start(&w->nif, NULL);
        expect(w, DISCOVER);
        answer(w, OFFER, LEASED, 3600);
        expect(w, REQUEST);
        answer(w, ACK, LEASED, 3600);
        wire_rx(w, f, build_arp(f, wire_mac_us, ARP_REPLY, thief, LEASED, none, IPADDR_ANY));
        assert_null(netif_addr_find(&w->nif, LEASED));
        expect(w, DECLINE);
        assert_true(ipaddr_eq(said.requested, LEASED) && ipaddr_eq(said.server, SERVER) && ipaddr_is_any(said.ciaddr));
        assert_true(ipaddr_is_any(said.src) && ipaddr_is_bcast(said.dst));
        wire_wait(w, 9999);
        assert_false(hear(w));
        wire_wait(w, 1);
        expect(w, DISCOVER);
}

static void conflict_when_bound_is_defended_once(void **state)
{
        struct wire *w = *state;
        static const macaddr thief = {{2, 0, 0, 0, 0, 0xee}}, none;
        bind(w, 3600);
        wire_rx(w, f, build_arp(f, MAC_BCAST, ARP_REQUEST, thief, LEASED, none, LEASED));
        assert_non_null(netif_addr_find(&w->nif, LEASED));
        wire_wait(w, 5000);
        wire_rx(w, f, build_arp(f, MAC_BCAST, ARP_REQUEST, thief, LEASED, none, LEASED));
        assert_null(netif_addr_find(&w->nif, LEASED));
        expect(w, DECLINE);
}

static void cable_back_verifies_the_lease(void **state)
{
        struct wire *w = *state;
        bind(w, 3600);
        netif_link(&w->nif, false);
        wire_wait(w, 60000);
        assert_false(hear(w));
        netif_link(&w->nif, true);
        expect(w, REQUEST);
        assert_true(ipaddr_eq(said.requested, LEASED) && ipaddr_is_any(said.server) && ipaddr_is_any(said.ciaddr));
        assert_non_null(netif_addr_find(&w->nif, LEASED)); /* serves meanwhile */
        answer(w, ACK, LEASED, 3600);
        assert_int_equal(status(w).phase, DHCP_BOUND);
        arp_set(&w->nif, SERVER, wire_mac_peer);
        netif_link(&w->nif, false);
        netif_link(&w->nif, true);
        wire_wait(w, 40000); /* nobody answers: the lease still holds */
        assert_int_equal(status(w).phase, DHCP_BOUND);
        while (hear(w))
                ;
        netif_link(&w->nif, false);
        netif_link(&w->nif, true);
        expect(w, REQUEST);
        begin(NAK, IPADDR_ANY);
        send_msg(w); /* another network */
        assert_null(netif_addr_find(&w->nif, LEASED));
}

static void cable_back_without_lease_asks_at_once(void **state)
{
        struct wire *w = *state;
        netif_link(&w->nif, false);
        dhcp_start(&w->nif, NULL);
        wire_wait(w, 30000);
        assert_false(hear(w));
        netif_link(&w->nif, true);
        expect(w, DISCOVER);
}

static void lease_that_ran_out_without_cable_is_dropped(void **state)
{
        struct wire *w = *state;
        bind(w, 3600);
        netif_link(&w->nif, false);
        wire_wait(w, 3700 * 1000);
        netif_link(&w->nif, true);
        wire_wait(w, 40000);
        assert_null(netif_addr_find(&w->nif, LEASED));
}

static void overloaded_fields_are_read(void **state)
{
        struct wire *w = *state;
        ipaddr server = SERVER;
        u8 three = 3;
        dhcp_start(&w->nif, NULL);
        expect(w, DISCOVER);
        begin(OFFER, LEASED);
        opt(52, &three, 1);
        memcpy(msg.b + 108, "\x36\x04\x0a\x00\x00\x02\xff", 7);         /* file: server id */
        memcpy(msg.b + 44, "\x33\x04\x00\x00\x0e\x10\xff", 7);          /* sname: lease */
        send_msg(w);
        expect(w, REQUEST);
        assert_true(ipaddr_eq(said.server, server));
        begin(OFFER, LEASED);
        opt(52, &three, 1);
        memset(msg.b + 108, 0x36, 128);                                 /* runs over the field */
        send_msg(w);
        assert_int_equal(wire_drops(w, DROP_DHCP_OPTION), 1);
}

/* The good offer with one byte changed. */
static void changed(struct wire *w, u32 at, u8 byte, enum drop why)
{
        ipaddr server = SERVER;
        u32 before = wire_drops(w, why);
        begin(OFFER, LEASED);
        opt(54, &server, 4);
        msg.b[at] = byte;
        send_msg(w);
        assert_int_equal(wire_drops(w, why), before + 1);
        assert_int_equal(status(w).phase, DHCP_SELECTING);
}

static void malformed_offers_have_their_reasons(void **state)
{
        struct wire *w = *state;
        dhcp_start(&w->nif, NULL);
        expect(w, DISCOVER);
        changed(w, 0, 1, DROP_DHCP_BAD);        /* a request */
        changed(w, 1, 6, DROP_DHCP_BAD);
        changed(w, 2, 8, DROP_DHCP_BAD);
        changed(w, 5, (u8)~(said.xid >> 16), DROP_DHCP_BAD);
        changed(w, 33, 9, DROP_DHCP_BAD);       /* another machine */
        changed(w, 239, 9, DROP_DHCP_BAD);      /* cookie */
        changed(w, 16, 0, DROP_DHCP_OFFER);     /* yiaddr 0.0.0.77 */
        changed(w, 16, 127, DROP_DHCP_OFFER);
        changed(w, 16, 239, DROP_DHCP_OFFER);
        changed(w, 245, 224, DROP_DHCP_OFFER);  /* server 224.0.0.2 */
        changed(w, 243, 55, DROP_DHCP_OFFER);   /* server missing */
        changed(w, 244, 40, DROP_DHCP_OPTION);  /* option beyond the end */
        changed(w, 242, 9, DROP_DHCP_TYPE);
        changed(w, 242, NAK, DROP_DHCP_TYPE);   /* nothing was requested */
        changed(w, 242, ACK, DROP_DHCP_STATE_ACK);
        msg.n = 239;
        send_from(w, 67);
        assert_int_equal(wire_drops(w, DROP_DHCP_BAD), 7);
        begin(OFFER, LEASED);
        send_from(w, 68);
        assert_int_equal(wire_drops(w, DROP_DHCP_UNASKED), 1);
        answer(w, OFFER, LEASED, 3600);
        expect(w, REQUEST);
        answer(w, OFFER, LEASED, 3600);
        assert_int_equal(wire_drops(w, DROP_DHCP_STATE), 1);
        answer(w, ACK, IPADDR(10, 0, 0, 78), 3600);
        assert_int_equal(wire_drops(w, DROP_DHCP_ACK), 1);
        answer(w, ACK, LEASED, 0);
        assert_int_equal(wire_drops(w, DROP_DHCP_ACK), 2);
}

static void mask_with_holes_counts_as_none(void **state)
{
        struct wire *w = *state;
        static const u32 masks[] = {0xff00ff00, 0, 0x7fffffff};
        for (u32 i = 0; i < COUNT_OF(masks); i++, dhcp_stop(&w->nif)) {
                ipaddr server = SERVER;
                wire_flush_out(w);
                dhcp_start(&w->nif, NULL);
                expect(w, DISCOVER);
                answer(w, OFFER, LEASED, 3600);
                expect(w, REQUEST);
                begin(ACK, LEASED);
                opt(54, &server, 4);
                opt32(51, 3600);
                opt32(1, masks[i]);
                opt(15, "bad domain!", 11);
                send_msg(w);
                assert_int_equal(status(w).plen, 8);
                assert_string_equal(status(w).domain, "");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(conflict_while_checking_is_declined), T(conflict_when_bound_is_defended_once),
                T(cable_back_verifies_the_lease), T(cable_back_without_lease_asks_at_once),
                T(lease_that_ran_out_without_cable_is_dropped), T(overloaded_fields_are_read),
                T(malformed_offers_have_their_reasons), T(mask_with_holes_counts_as_none)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
