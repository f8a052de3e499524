/* route.c (test) - longest prefix, order among equals, the interface of a next hop.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "frames.h"
#include "route.h"

static struct netif second;
static void swallow(struct netif *nif, struct pkt *p) { pkt_free(p); }

static int setup(void **state)
{
        struct stack_config cfg = {.n_routes = 6};
        struct wire *w = wire_new(&cfg, 0);
        second = (struct netif){.name = "eth1", .mac = {{2, 0, 0, 0, 1, 1}}, .mtu = 1500, .xmit = swallow};
        assert_true(netif_add(w->st, &second, true));
        assert_int_equal(netif_addr_add(&second, IPADDR(10, 0, 9, 1), 24, IFADDR_STATIC, false), 0);
        *state = w;
        return 0;
}

static int teardown(void **state)
{
        wire_free(*state);
        return 0;
}

static void expect_hop(struct wire *w, ipaddr dst, struct netif *nif, ipaddr hop, ipaddr src)
{
        struct ip_path path;
        assert_true(ip_route(w->st, dst, &path));
        assert_ptr_equal(path.nif, nif);
        assert_true(ipaddr_eq(path.hop, hop));
        assert_true(ipaddr_eq(path.src, src));
}

static void longest_prefix_wins(void **state)
{
        struct wire *w = *state;
        ipaddr gw = IPADDR(10, 0, 0, 254), gw2 = IPADDR(10, 0, 9, 254);
        assert_int_equal(route_add(w->st, IPADDR_ANY, 0, gw, NULL, IFADDR_STATIC), 0);
        assert_int_equal(route_add(w->st, IPADDR(192, 0, 2, 0), 24, gw2, NULL, IFADDR_STATIC), 0);
        assert_int_equal(route_add(w->st, IPADDR(192, 0, 2, 7), 32, gw, NULL, IFADDR_STATIC), 0);
        expect_hop(w, IPADDR(8, 8, 8, 8), &w->nif, gw, WIRE_US);
        expect_hop(w, IPADDR(192, 0, 2, 9), &second, gw2, IPADDR(10, 0, 9, 1));
        expect_hop(w, IPADDR(192, 0, 2, 7), &w->nif, gw, WIRE_US);
        expect_hop(w, WIRE_PEER, &w->nif, WIRE_PEER, WIRE_US);
        expect_hop(w, WIRE_US, &w->nif, WIRE_US, WIRE_US);
}

static void change_is_seen_at_once(void **state)
{
        struct wire *w = *state;
        struct ip_path path;
        ipaddr gw = IPADDR(10, 0, 0, 254), gw2 = IPADDR(10, 0, 0, 253), far = IPADDR(8, 8, 8, 8);
        assert_false(ip_route(w->st, far, &path));
        route_add(w->st, IPADDR_ANY, 0, gw, NULL, IFADDR_DHCP);
        expect_hop(w, far, &w->nif, gw, WIRE_US);
        route_add(w->st, IPADDR_ANY, 0, gw2, NULL, IFADDR_STATIC); /* static before DHCP */
        expect_hop(w, far, &w->nif, gw2, WIRE_US);
        assert_int_equal(route_del(w->st, IPADDR_ANY, 0, gw2), 0);
        expect_hop(w, far, &w->nif, gw, WIRE_US);
        route_flush(&w->nif, IFADDR_DHCP);
        assert_false(ip_route(w->st, far, &path));
        assert_int_equal(route_del(w->st, IPADDR_ANY, 0, gw2), E_NOENT);
}

static void interface_down_is_passed_over(void **state)
{
        struct wire *w = *state;
        ipaddr far = IPADDR(8, 8, 8, 8), gw2 = IPADDR(10, 0, 9, 254);
        route_add(w->st, IPADDR_ANY, 0, IPADDR(10, 0, 0, 254), NULL, IFADDR_STATIC);
        route_add(w->st, IPADDR_ANY, 0, gw2, NULL, IFADDR_DHCP);
        expect_hop(w, far, &w->nif, IPADDR(10, 0, 0, 254), WIRE_US);
        w->nif.up = false;
        netif_look(&w->nif);
        expect_hop(w, far, &second, gw2, IPADDR(10, 0, 9, 1));
        w->nif.up = true;
        netif_look(&w->nif);
        assert_ptr_equal(route_lookup_on(&second, far)->nif, &second);
}

static void refusals(void **state)
{
        struct wire *w = *state;
        assert_int_equal(route_add(w->st, IPADDR(10, 0, 0, 1), 24, WIRE_PEER, NULL, 0), E_INVAL); /* host bits */
        assert_int_equal(route_add(w->st, IPADDR_ANY, 33, WIRE_PEER, NULL, 0), E_INVAL);
        assert_int_equal(route_add(w->st, IPADDR_ANY, 0, IPADDR_ANY, NULL, 0), E_INVAL);
        assert_int_equal(route_add(w->st, IPADDR_ANY, 0, IPADDR(172, 16, 0, 1), NULL, 0), E_NOROUTE);
        assert_int_equal(route_add(w->st, IPADDR_ANY, 0, WIRE_PEER, NULL, 0), 0);
        assert_int_equal(route_add(w->st, IPADDR_ANY, 0, WIRE_PEER, NULL, 0), E_EXIST);
        for (u8 i = 0; i < 3; i++)
                assert_int_equal(route_add(w->st, IPADDR(172, i, 0, 0), 16, WIRE_PEER, NULL, 0), 0);
        assert_int_equal(route_add(w->st, IPADDR(172, 9, 0, 0), 16, WIRE_PEER, NULL, 0), E_NOMEM);
}

static bool descending(void *ctx, const struct route *r)
{
        u8 *last = ctx;
        assert_true(r->plen <= *last);
        *last = r->plen;
        return true;
}

static void walk_shows_longest_first(void **state)
{
        struct wire *w = *state;
        u8 last = 32;
        route_add(w->st, IPADDR_ANY, 0, WIRE_PEER, NULL, 0);
        route_add(w->st, IPADDR(172, 16, 0, 1), 32, WIRE_PEER, NULL, 0);
        route_add(w->st, IPADDR(172, 16, 0, 0), 12, WIRE_PEER, NULL, 0);
        route_walk(w->st, descending, &last);
        assert_int_equal(last, 0);
}

static void address_gone_takes_its_network_along(void **state)
{
        struct wire *w = *state;
        struct ip_path path;
        assert_int_equal(netif_addr_add(&w->nif, IPADDR(10, 0, 0, 5), 24, IFADDR_STATIC, false), 0);
        netif_addr_del(&w->nif, WIRE_US);
        expect_hop(w, WIRE_PEER, &w->nif, WIRE_PEER, IPADDR(10, 0, 0, 5)); /* the second address still needs it */
        netif_addr_del(&w->nif, IPADDR(10, 0, 0, 5));
        assert_false(ip_route(w->st, WIRE_PEER, &path));
        assert_false(ip_route(w->st, IPADDR_ANY, &path));
}

static void two_interfaces_in_one_network(void **state)
{
        struct wire *w = *state;
        struct ip_path path;
        assert_int_equal(netif_addr_add(&second, IPADDR(10, 0, 0, 200), 24, IFADDR_STATIC, false), 0);
        netif_addr_del(&second, IPADDR(10, 0, 0, 200));
        expect_hop(w, WIRE_PEER, &w->nif, WIRE_PEER, WIRE_US);
        assert_int_equal(netif_addr_add(&second, IPADDR(10, 0, 0, 200), 24, IFADDR_STATIC, false), 0);
        netif_addr_del(&w->nif, WIRE_US);
        expect_hop(w, WIRE_PEER, &second, WIRE_PEER, IPADDR(10, 0, 0, 200));
        netif_addr_del(&second, IPADDR(10, 0, 0, 200));
        assert_false(ip_route(w->st, WIRE_PEER, &path));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(longest_prefix_wins), T(change_is_seen_at_once), T(interface_down_is_passed_over), T(refusals),
                T(walk_shows_longest_first), T(address_gone_takes_its_network_along),
                T(two_interfaces_in_one_network),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
