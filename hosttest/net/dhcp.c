/* dhcp.c (test) - the life of a lease, from DISCOVER to RELEASE. SPDX-License-Identifier: MIT */
#include "dhcp_server.h"

static void selecting_to_bound(void **state)
{
        struct wire *w = *state;
        struct ip_path path;
        ipaddr dns[DNS_SERVERS];
        assert_int_equal(dhcp_start(&w->nif, "alpha"), 0);
        assert_int_equal(dhcp_start(&w->nif, "alpha"), E_EXIST);
        expect(w, DISCOVER);
        assert_true(ipaddr_is_any(said.src) && ipaddr_is_bcast(said.dst) && ipaddr_is_any(said.ciaddr));
        assert_int_equal(said.flags, 0x8000);
        assert_string_equal(said.host, "alpha");
        assert_memory_equal(said.client_id, "\x01\x02\x00\x00\x00\x00\x01", 7);
        answer(w, OFFER, LEASED, 3600);
        expect(w, REQUEST);
        assert_true(ipaddr_eq(said.requested, LEASED) && ipaddr_eq(said.server, SERVER) && ipaddr_is_any(said.ciaddr));
        assert_true(ipaddr_is_any(said.src));
        assert_int_equal(status(w).phase, DHCP_REQUESTING);
        answer(w, ACK, LEASED, 3600);
        struct dhcp_info i = status(w);
        assert_int_equal(i.phase, DHCP_CHECKING);
        assert_true(ipaddr_eq(i.addr, LEASED) && ipaddr_eq(i.router, SERVER) && i.plen == 24);
        assert_string_equal(i.domain, "lab.example");
        assert_true(ip_route(w->st, IPADDR(8, 8, 8, 8), &path) && ipaddr_eq(path.hop, SERVER) && ipaddr_eq(path.src, LEASED));
        assert_int_equal(dns_servers(w->st, dns), 2);
        assert_true(ipaddr_eq(dns[1], IPADDR(10, 0, 0, 3)));
        wire_wait(w, 7000);
        assert_int_equal(status(w).phase, DHCP_BOUND);
        assert_int_equal(status(w).left_s, 3593);
        assert_non_null(strstr(w->log, "eth0: 10.0.0.77/24 from 10.0.0.2 for 3600 s"));
        assert_int_equal(wire_drops(w, DROP_DHCP_DONE), 2);
}

static void discover_backs_off(void **state)
{
        struct wire *w = *state;
        dhcp_start(&w->nif, NULL);
        expect(w, DISCOVER);
        u32 xid = said.xid;
        u64 last = w->now_us;
        for (u32 base = 4000; base <= 128000; base *= 2) {
                while (!hear(w))
                        wire_wait(w, 50);
                assert_int_equal(said.type, DISCOVER);
                assert_int_equal(said.xid, xid);
                assert_in_range(said.secs + 1, (w->now_us - 1000000) / 1000000, (w->now_us - 1000000) / 1000000 + 1);
                u32 ms = (u32)((w->now_us - last) / 1000), want = min_u32(base, 64000);
                assert_in_range(ms, want - 1000, want + 1050);
                last = w->now_us;
        }
}

static void renewing_by_unicast_at_half(void **state)
{
        struct wire *w = *state;
        bind(w, 3600);
        wire_wait(w, 1792 * 1000);
        assert_false(hear(w));
        wire_wait(w, 2000);
        expect(w, REQUEST);
        assert_int_equal(status(w).phase, DHCP_RENEWING);
        assert_true(ipaddr_eq(said.dst, SERVER) && ipaddr_eq(said.src, LEASED) && ipaddr_eq(said.ciaddr, LEASED));
        assert_true(ipaddr_is_any(said.requested) && ipaddr_is_any(said.server));
        assert_int_equal(said.flags, 0);
        answer(w, ACK, LEASED, 3600);
        assert_int_equal(status(w).phase, DHCP_BOUND);
        assert_in_range(status(w).left_s, 3598, 3600);
        wire_wait(w, 1790 * 1000);
        assert_false(hear(w));
}

static void rebinding_by_broadcast_then_expiry(void **state)
{
        struct wire *w = *state;
        struct ip_path path;
        ipaddr dns[DNS_SERVERS];
        bind(w, 3600);
        wire_wait(w, (3150 - 7) * 1000 + 1000);
        u32 renewals = 0;
        while (hear(w) && ipaddr_eq(said.dst, SERVER))
                renewals++;
        assert_in_range(renewals, 3, 6); /* 1800, 2475, 2812, 2981, 3065 s */
        assert_int_equal(said.type, REQUEST);
        assert_true(ipaddr_is_bcast(said.dst) && ipaddr_eq(said.ciaddr, LEASED));
        assert_int_equal(status(w).phase, DHCP_REBINDING);
        assert_non_null(netif_addr_find(&w->nif, LEASED));
        wire_wait(w, 450 * 1000);
        assert_null(netif_addr_find(&w->nif, LEASED));
        assert_false(ip_route(w->st, IPADDR(8, 8, 8, 8), &path));
        assert_int_equal(dns_servers(w->st, dns), 0);
        assert_int_equal(status(w).phase, DHCP_SELECTING);
        assert_non_null(strstr(w->log, "lease lost: expired"));
        while (hear(w) && said.type == REQUEST)
                ;
        assert_int_equal(said.type, DISCOVER);
}

static void rebinding_answer_of_another_server_is_taken(void **state)
{
        struct wire *w = *state;
        bind(w, 3600);
        wire_wait(w, 3200 * 1000);
        while (hear(w))
                ;
        ipaddr other = IPADDR(10, 0, 0, 4);
        begin(ACK, LEASED);
        opt(54, &other, 4);
        opt32(51, 7200);
        opt32(1, 0xffffff00);
        send_msg(w);
        assert_int_equal(status(w).phase, DHCP_BOUND);
        assert_true(ipaddr_eq(status(w).server, other));
}

static void server_times_are_kept_when_in_order(void **state)
{
        struct wire *w = *state;
        ipaddr server = SERVER;
        dhcp_start(&w->nif, NULL);
        expect(w, DISCOVER);
        answer(w, OFFER, LEASED, 1000);
        expect(w, REQUEST);
        begin(ACK, LEASED);
        opt(54, &server, 4);
        opt32(51, 1000);
        opt32(58, 100);
        opt32(59, 200);
        send_msg(w);
        assert_int_equal(status(w).plen, 8); /* no mask: class A */
        wire_wait(w, 101 * 1000);
        assert_int_equal(status(w).phase, DHCP_RENEWING);
        wire_wait(w, 100 * 1000);
        assert_int_equal(status(w).phase, DHCP_REBINDING);
}

static void infinite_lease_never_renews(void **state)
{
        struct wire *w = *state;
        bind(w, 0xffffffff);
        for (u32 day = 0; day < 40; day++)
                wire_wait(w, 86400 * 1000u);
        assert_false(hear(w));
        assert_int_equal(status(w).left_s, 0xffffffff);
}

static void long_lease_outlives_the_wheel(void **state)
{
        struct wire *w = *state;
        bind(w, 60 * 86400);
        for (u32 day = 0; day < 29; day++)
                wire_wait(w, 86400 * 1000u);
        assert_int_equal(status(w).phase, DHCP_BOUND);
        wire_wait(w, 86400 * 1000u);
        assert_int_equal(status(w).phase, DHCP_RENEWING);
}

static void nak_starts_over(void **state)
{
        struct wire *w = *state;
        bind(w, 3600);
        dhcp_renew(&w->nif);
        expect(w, REQUEST);
        begin(NAK, IPADDR_ANY);
        send_msg(w);
        assert_null(netif_addr_find(&w->nif, LEASED));
        wire_wait(w, 1000);
        expect(w, DISCOVER);
}

static void unanswered_request_falls_back(void **state)
{
        struct wire *w = *state;
        dhcp_start(&w->nif, NULL);
        expect(w, DISCOVER);
        answer(w, OFFER, LEASED, 3600);
        u32 requests = 0;
        wire_wait(w, 70000);
        while (hear(w) && said.type == REQUEST)
                requests++;
        assert_int_equal(requests, 4);
        assert_int_equal(said.type, DISCOVER);
}

static void stop_releases(void **state)
{
        struct wire *w = *state;
        struct dhcp_info info;
        bind(w, 3600);
        dhcp_stop(&w->nif);
        expect(w, RELEASE);
        assert_true(ipaddr_eq(said.dst, SERVER) && ipaddr_eq(said.ciaddr, LEASED) && ipaddr_eq(said.server, SERVER));
        assert_null(netif_addr_find(&w->nif, LEASED));
        assert_false(dhcp_status(&w->nif, &info));
        wire_wait(w, 100000);
        assert_false(hear(w));
        assert_int_equal(dhcp_start(&w->nif, NULL), 0);
        expect(w, DISCOVER);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(selecting_to_bound), T(discover_backs_off), T(renewing_by_unicast_at_half),
                T(rebinding_by_broadcast_then_expiry), T(rebinding_answer_of_another_server_is_taken),
                T(server_times_are_kept_when_in_order), T(infinite_lease_never_renews), T(long_lease_outlives_the_wheel),
                T(nak_starts_over), T(unanswered_request_falls_back), T(stop_releases)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
