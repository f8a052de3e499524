/* dhcp.c (test) - the life of a lease against a scripted server, and messages that lie.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "dhcp.h"
#include "dns.h"
#include "frames.h"

enum { DISCOVER = 1, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE };
#define SERVER IPADDR(10, 0, 0, 2)
#define LEASED IPADDR(10, 0, 0, 77)

/* What the client said last. */
static struct { u8 type; u32 xid; u16 flags, secs; ipaddr ciaddr, requested, server, src, dst; char host[64]; u8 client_id[8]; } said;
static u8 f[FRAMES_MAX];

static const u8 *option(const u8 *o, const u8 *end, u8 code)
{
        while (o < end && *o != 255) {
                if (*o == code)
                        return o + 2;
                o += *o ? 2 + o[1] : 1;
        }
        return NULL;
}

/* Takes frames until a DHCP message; false when there is none. */
static bool hear(struct wire *w)
{
        const u8 *m, *v;
        u32 n;
        for (const struct frame *out; (out = wire_tx(w));) {
                const struct udp_hdr *h = frame_udp(out, &m, &n);
                if (!h || be16_get(h->dport) != 67)
                        continue;
                assert_int_equal(be16_get(h->sport), 68);
                assert_true(n >= 300);
                assert_memory_equal(m, "\x01\x01\x06\x00", 4);
                assert_memory_equal(m + 28, wire_mac_us.b, 6);
                assert_memory_equal(m + 236, "\x63\x82\x53\x63", 4);
                memset(&said, 0, sizeof said);
                said.xid = (u32)m[4] << 24 | (u32)m[5] << 16 | (u32)m[6] << 8 | m[7];
                said.secs = (u16)(m[8] << 8 | m[9]);
                said.flags = (u16)(m[10] << 8 | m[11]);
                memcpy(&said.ciaddr, m + 12, 4);
                said.src = frame_ip(out, IPPROTO_UDP_)->src;
                said.dst = frame_ip(out, IPPROTO_UDP_)->dst;
                said.type = *option(m + 240, m + n, 53);
                if ((v = option(m + 240, m + n, 50)))
                        memcpy(&said.requested, v, 4);
                if ((v = option(m + 240, m + n, 54)))
                        memcpy(&said.server, v, 4);
                if ((v = option(m + 240, m + n, 12)))
                        memcpy(said.host, v, v[-1]);
                v = option(m + 240, m + n, 61);
                assert_non_null(v);
                memcpy(said.client_id, v, 7);
                return true;
        }
        return false;
}

static void expect(struct wire *w, u8 type)
{
        assert_true(hear(w));
        assert_int_equal(said.type, type);
}

/* A server's message being made. */
static struct { u8 b[1400]; u32 n; } msg;

static void opt(u8 code, const void *v, u8 n)
{
        msg.b[msg.n++] = code;
        msg.b[msg.n++] = n;
        memcpy(msg.b + msg.n, v, n);
        msg.n += n;
}

static void opt32(u8 code, u32 v)
{
        be32 b = be32_of(v);
        opt(code, &b, 4);
}

static void begin(u8 type, ipaddr yiaddr)
{
        be32 xid = be32_of(said.xid);
        memset(&msg, 0, sizeof msg);
        memcpy(msg.b, "\x02\x01\x06\x00", 4);
        memcpy(msg.b + 4, &xid, 4);
        memcpy(msg.b + 16, &yiaddr, 4);
        memcpy(msg.b + 28, wire_mac_us.b, 6);
        memcpy(msg.b + 236, "\x63\x82\x53\x63", 4);
        msg.n = 240;
        opt(53, &type, 1);
}

static void send_from(struct wire *w, u16 port) { wire_rx(w, f, build_udp(w, f, SERVER, port, IPADDR_BCAST, 68, msg.b, msg.n)); }
static void send_msg(struct wire *w)
{
        msg.b[msg.n++] = 255;
        send_from(w, 67);
}

/* The usual offer or acknowledgement: /24, router .2, two name servers, a domain. */
static void answer(struct wire *w, u8 type, ipaddr yiaddr, u32 lease_s)
{
        ipaddr server = SERVER, dns[2] = {SERVER, IPADDR(10, 0, 0, 3)};
        begin(type, yiaddr);
        opt(54, &server, 4);
        opt32(51, lease_s);
        opt32(1, 0xffffff00);
        opt(3, &server, 4);
        opt(6, dns, 8);
        opt(15, "lab.example", 11);
        send_msg(w);
}

static struct dhcp_info status(struct wire *w)
{
        struct dhcp_info info;
        assert_true(dhcp_status(&w->nif, &info));
        return info;
}

static int setup(void **state)
{
        struct wire *w = wire_new_bare(NULL, 0);
        arp_set(&w->nif, SERVER, wire_mac_peer);
        *state = w;
        return 0;
}

static int teardown(void **state)
{
        wire_free(*state);
        return 0;
}

static void bind(struct wire *w, u32 lease_s)
{
        assert_int_equal(dhcp_start(&w->nif, "alpha"), 0);
        expect(w, DISCOVER);
        answer(w, OFFER, LEASED, lease_s);
        expect(w, REQUEST);
        answer(w, ACK, LEASED, lease_s);
        assert_int_equal(status(w).phase, DHCP_CHECKING);
        wire_wait(w, 7000);
        assert_int_equal(status(w).phase, DHCP_BOUND);
        wire_flush_out(w);
}

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
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(selecting_to_bound), T(discover_backs_off), T(renewing_by_unicast_at_half), T(rebinding_by_broadcast_then_expiry),
                T(rebinding_answer_of_another_server_is_taken), T(server_times_are_kept_when_in_order), T(infinite_lease_never_renews),
                T(long_lease_outlives_the_wheel), T(nak_starts_over), T(unanswered_request_falls_back),
                T(conflict_while_checking_is_declined), T(conflict_when_bound_is_defended_once), T(cable_back_verifies_the_lease),
                T(cable_back_without_lease_asks_at_once), T(lease_that_ran_out_without_cable_is_dropped), T(stop_releases),
                T(overloaded_fields_are_read), T(malformed_offers_have_their_reasons), T(mask_with_holes_counts_as_none),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
