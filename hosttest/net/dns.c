/* dns.c (test) - the resolver against scripted servers: chains, memory, retries.
 * SPDX-License-Identifier: MIT */
#include "dns_server.h"

static void address_is_found(void **state)
{
        struct wire *w = *state;
        ask(w, "www.example.org");
        static const char q[] = "\x03www\x07" "example\x03org\x00\x00\x01\x00\x01";
        assert_int_equal(asked.n, 12 + sizeof q - 1);
        assert_memory_equal(asked.msg + 12, q, sizeof q - 1);
        assert_true(ipaddr_eq(asked.server, SERVER1));
        begin(0x8180);
        rr(QNAME, 2, 1, 300, "\xc0\x00\x02\x01", 4);
        rr(QNAME, 2, 1, 200, "\xc0\x00\x02\x02", 4);
        reply(w);
        assert_int_equal(calls, 1);
        assert_int_equal(got.err, 0);
        assert_int_equal(got.n, 2);
        assert_true(ipaddr_eq(got.addr[1], IPADDR(192, 0, 2, 2)));
        assert_int_equal(got.ttl_s, 200);
        assert_string_equal(got.name, "www.example.org");
        reply(w);
        assert_int_equal(calls, 1); /* the socket is gone */
}

static void answer_is_remembered_for_its_time(void **state)
{
        struct wire *w = *state;
        ask(w, "www.example.org");
        begin(0x8180);
        rr(QNAME, 2, 1, 300, "\xc0\x00\x02\x01", 4);
        reply(w);
        wire_wait(w, 299000);
        assert_int_equal(dns_query(w->st, "WWW.Example.ORG.", on_answer, NULL), 0);
        assert_int_equal(calls, 2);
        assert_in_range(got.ttl_s, 1, 2);
        assert_false(hear(w));
        wire_wait(w, 2000);
        ask(w, "www.example.org");
        begin(0x8183);
        reply(w);
        assert_int_equal(got.err, E_NOENT);
        assert_int_equal(dns_query(w->st, "www.example.org", on_answer, NULL), 0);
        assert_int_equal(got.err, E_NOENT); /* that nothing is there is remembered too */
        assert_false(hear(w));
        wire_wait(w, 31000);
        ask(w, "www.example.org");
        begin(0x8183);
        reply(w);
}

static void aliases_are_followed_in_any_order(void **state)
{
        struct wire *w = *state;
        ask(w, "a.example");
        begin(0x8180);
        rr("\x01" "c\xc0\x0e", 4, 1, 60, "\xc0\x00\x02\x07", 4);
        rr("\x01" "b\xc0\x0e", 4, 5, 50, "\x01" "c\xc0\x0e", 4);
        rr(QNAME, 2, 5, 70, "\x01" "b\xc0\x0e", 4);
        reply(w);
        assert_int_equal(got.err, 0);
        assert_int_equal(got.n, 1);
        assert_true(ipaddr_eq(got.addr[0], IPADDR(192, 0, 2, 7)));
        assert_int_equal(got.ttl_s, 50);
        assert_string_equal(got.name, "c.example");
}

static void alias_loop_ends(void **state)
{
        struct wire *w = *state;
        ask(w, "a.example");
        begin(0x8180);
        rr(QNAME, 2, 5, 70, "\x01" "b\xc0\x0e", 4);
        rr("\x01" "b\xc0\x0e", 4, 5, 50, QNAME, 2);
        reply(w);
        assert_int_equal(got.err, E_NOENT);
}

static void reverse_lookup(void **state)
{
        struct wire *w = *state;
        assert_int_equal(dns_query_ptr(w->st, IPADDR(192, 0, 2, 1), on_answer, NULL), 0);
        assert_true(hear(w));
        assert_int_equal(asked.type, 12);
        assert_memory_equal(asked.msg + 12, "\x01" "1\x01" "2\x01" "0\x03" "192\x07in-addr\x04" "arpa", 24);
        begin(0x8180);
        rr(QNAME, 2, 12, 60, "\x04host\x07" "example\x00", 14);
        reply(w);
        assert_int_equal(got.err, 0);
        assert_string_equal(got.name, "host.example");
        assert_int_equal(got.n, 0);
}

static void quad_needs_no_server(void **state)
{
        struct wire *w = *state;
        assert_int_equal(dns_query(w->st, "192.0.2.99", on_answer, NULL), 0);
        assert_int_equal(calls, 1);
        assert_true(ipaddr_eq(got.addr[0], IPADDR(192, 0, 2, 99)));
        assert_false(hear(w));
        static const char *const not_quads[] = {"192.0.2.256", "1.2.3", "1.2.3.4.5", "1.2.3.4x", "1..2.3"};
        for (u32 i = 0; i < COUNT_OF(not_quads); i++)
                dns_query(w->st, not_quads[i], on_answer, NULL);
        assert_int_equal(calls, 1);
        wire_wait(w, 30000);
}

static void impossible_names_are_refused(void **state)
{
        struct wire *w = *state;
        char label[70], name[300];
        memset(label, 'a', sizeof label);
        label[64] = 0;
        assert_int_equal(dns_query(w->st, label, on_answer, NULL), E_INVAL);
        assert_int_equal(dns_query(w->st, "", on_answer, NULL), E_INVAL);
        assert_int_equal(dns_query(w->st, ".", on_answer, NULL), E_INVAL);
        assert_int_equal(dns_query(w->st, "a..b", on_answer, NULL), E_INVAL);
        assert_int_equal(dns_query(w->st, "a b", on_answer, NULL), E_INVAL);
        for (u32 i = 0; i < 254; i++)
                name[i] = i % 50 == 49 ? '.' : 'x';
        name[254] = 0;
        assert_int_equal(dns_query(w->st, name, on_answer, NULL), E_INVAL);
        name[253] = 0;
        ask(w, name); /* 253 characters fit */
        assert_int_equal(asked.n, 12 + 255 + 4);
        dns_server_del(w->st, SERVER1);
        assert_int_equal(dns_query(w->st, "other.example", on_answer, NULL), E_UNREACH);
        wire_wait(w, 30000);
        assert_int_equal(calls, 1);
}

static void silent_servers_are_asked_in_rounds(void **state)
{
        struct wire *w = *state;
        dns_server_add(w->st, SERVER2, IFADDR_DHCP);
        ask(w, "a.example");
        u64 begin_us = w->now_us;
        u16 port = asked.port, id = asked.id;
        for (u32 i = 1; i < 6; i++) {
                wire_wait(w, 1000u << (i - 1) / 2);
                assert_true(hear(w));
                assert_true(ipaddr_eq(asked.server, i % 2 ? SERVER2 : SERVER1));
                assert_true(asked.port == port && asked.id == id);
        }
        wire_wait(w, 3999);
        assert_int_equal(calls, 0);
        wire_wait(w, 1);
        assert_int_equal(calls, 1);
        assert_int_equal(got.err, E_TIMEDOUT);
        assert_int_equal((w->now_us - begin_us) / 1000, 14000);
}

static void late_answer_of_the_first_server_counts(void **state)
{
        struct wire *w = *state;
        dns_server_add(w->st, SERVER2, IFADDR_DHCP);
        ask(w, "a.example");
        begin(0x8180);
        rr(QNAME, 2, 1, 60, "\xc0\x00\x02\x01", 4);
        reply_from(w, SERVER2, 53); /* not asked yet */
        assert_int_equal(wire_drops(w, DROP_DNS_UNASKED), 1);
        wire_wait(w, 1000);
        assert_true(hear(w));
        assert_true(ipaddr_eq(asked.server, SERVER2));
        reply_from(w, SERVER1, 53);
        assert_int_equal(calls, 1);
        assert_int_equal(got.err, 0);
}

static void failing_server_passes_the_question_on(void **state)
{
        struct wire *w = *state;
        dns_server_add(w->st, SERVER2, IFADDR_DHCP);
        static const struct { u16 flags; enum drop why; } bad[] = {
                {0x8182, DROP_DNS_SERVER}, {0x8185, DROP_DNS_SERVER}, {0x8380, DROP_DNS_TRUNCATED}};
        ask(w, "a.example");
        for (u32 i = 0; i < COUNT_OF(bad); i++) {
                begin(bad[i].flags);
                reply(w);
                assert_int_equal(wire_drops(w, bad[i].why), i == 1 ? 2 : 1);
                assert_true(hear(w));
                assert_true(ipaddr_eq(asked.server, i % 2 ? SERVER1 : SERVER2));
        }
        for (u32 i = 0; i < 3; i++) {
                assert_int_equal(calls, 0);
                begin(0x8182);
                reply(w);
                hear(w);
        }
        assert_int_equal(calls, 1);
        assert_int_equal(got.err, E_UNREACH);
}

static void port_unreachable_passes_the_question_on(void **state)
{
        struct wire *w = *state;
        dns_server_add(w->st, SERVER2, IFADDR_DHCP);
        ask(w, "a.example");
        u8 q[28];
        struct udp_hdr h = {be16_of(asked.port), be16_of(53), be16_of(40), be16_of(0)};
        memcpy(q + 20, &h, 8);
        build_ip(q, WIRE_US, SERVER1, IPPROTO_UDP_, 8);
        wire_rx(w, f, build_icmp(f, SERVER1, WIRE_US, ICMP_UNREACH, ICMP_PORT, 0, 0, q, 28));
        assert_true(hear(w));
        assert_true(ipaddr_eq(asked.server, SERVER2));
        begin(0x8183);
        reply(w);
        assert_int_equal(got.err, E_NOENT);
}

static void no_route_to_any_server_ends_soon(void **state)
{
        struct wire *w = *state;
        dns_server_del(w->st, SERVER1);
        dns_server_add(w->st, IPADDR(8, 8, 8, 8), IFADDR_STATIC);
        assert_int_equal(dns_query(w->st, "a.example", on_answer, NULL), 0);
        wire_wait(w, 10);
        assert_int_equal(calls, 1);
        assert_int_equal(got.err, E_UNREACH);
}

static void servers_have_an_order(void **state)
{
        struct wire *w = *state;
        ipaddr s[DNS_SERVERS];
        assert_int_equal(dns_server_add(w->st, SERVER1, IFADDR_DHCP), E_EXIST);
        assert_int_equal(dns_server_add(w->st, IPADDR_ANY, IFADDR_DHCP), E_INVAL);
        for (u8 i = 0; i < 3; i++)
                assert_int_equal(dns_server_add(w->st, IPADDR(10, 0, 1, i), IFADDR_DHCP), 0);
        assert_int_equal(dns_server_add(w->st, IPADDR(10, 0, 1, 9), IFADDR_DHCP), E_NOMEM);
        assert_int_equal(dns_server_add(w->st, SERVER2, IFADDR_STATIC), 0); /* displaces the last learnt one */
        assert_int_equal(dns_servers(w->st, s), 4);
        assert_true(ipaddr_eq(s[0], SERVER1) && ipaddr_eq(s[1], SERVER2) && ipaddr_eq(s[3], IPADDR(10, 0, 1, 1)));
        dns_server_flush(w->st, IFADDR_DHCP);
        assert_int_equal(dns_servers(w->st, s), 2);
        assert_true(dns_server_del(w->st, SERVER1));
        assert_false(dns_server_del(w->st, SERVER1));
}

static void queries_at_once_are_bounded(void **state)
{
        struct wire *w = *state;
        char name[] = "a.example";
        for (u32 i = 0; i < DNS_QUERIES; i++, name[0]++)
                ask(w, name);
        assert_int_equal(dns_query(w->st, name, on_answer, NULL), E_NOMEM);
        wire_wait(w, 30000);
        assert_int_equal(calls, DNS_QUERIES);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(address_is_found), T(answer_is_remembered_for_its_time), T(aliases_are_followed_in_any_order),
                T(alias_loop_ends), T(reverse_lookup), T(quad_needs_no_server), T(impossible_names_are_refused),
                T(silent_servers_are_asked_in_rounds), T(late_answer_of_the_first_server_counts),
                T(failing_server_passes_the_question_on), T(port_unreachable_passes_the_question_on),
                T(no_route_to_any_server_ends_soon), T(servers_have_an_order), T(queries_at_once_are_bounded)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
