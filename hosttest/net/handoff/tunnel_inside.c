/* tunnel_inside.c - what comes out of a tunnel, or quotes what went into one: ICMP, hop limits, congestion marks, forgeries.
 * SPDX-License-Identifier: MIT */
#include "tunnel.h"

/* What routers between the node and the client say comes to the front, and is the node's to judge. */
static void icmp_that_quotes_the_service_goes_to_the_node(void **s)
{
        begin(1500);
        reply_mtu = 900;
        connect_client(100000);
        lan_run(8000);
        assert_int_equal(L.got, 100000);
        assert_false(L.bad);
        assert_true(too_long >= 1);
        assert_int_equal(counters(FRONT).quoted, too_long);
        assert_int_equal(counters(NODE1).unknown, 0);
        finish();
}

/* A segment of V toward the client, as a router would quote it, with this sequence number. */
static void say(u16 mtu, u32 seq)
{
        u8 q[28 + 20], e[200];
        memset(q, 0, sizeof q);
        u32 ports = L.client->ports, be = __builtin_bswap32(seq);
        memcpy(q + 20, &ports, 4);
        memcpy(q + 24, &be, 4);
        build_ip(q, SERVICE, lan_addr[CLIENT], 6, 1400);
        quote_max = 28;
        to_machine(FRONT, e, icmp_about(e, (ipaddr){IPADDR(10, 0, 0, 254).v4}, (struct ip_hdr *)q, ICMP_UNREACH, ICMP_FRAG_NEEDED, mtu));
        lan_run(5);
}

static void node_on_the_lan_judges_icmp_by_its_sequence(void **s)
{
        begin(1500);
        L.targets[0] = lan_addr[NODE2];
        L.no_close = true;
        connect_client(100);
        lan_run(500);
        struct tcb *t = at_node(NODE2);
        assert_non_null(t);
        assert_int_equal(t->pmtu, 1500);
        say(900, t->snd_nxt); /* nothing is in flight there (RFC 5927 4.1) */
        assert_int_equal(t->pmtu, 1500);
        L.dead[CLIENT] = true;
        tcp_send(t, "more", 4);
        lan_run(2);
        say(900, t->snd_una);
        assert_int_equal(t->pmtu, 900);
        assert_int_equal(counters(FRONT).quoted, 2);
        L.dead[CLIENT] = false;
        tcp_abort(t);
        finish();
}

/* Nobody narrows the tunnel with a quote of what was not sent. */
static void icmp_about_no_flow_teaches_nothing(void **s)
{
        u8 q[60], e[200];
        begin(1500);
        memset(q, 0, sizeof q);
        build_ip(q + 20, lan_addr[CLIENT], SERVICE, 6, 20);
        build_ip(q, lan_addr[FRONT], lan_addr[NODE1], IPPROTO_IPIP_, 40);
        quote_max = 60;
        to_machine(FRONT, e, icmp_about(e, (ipaddr){IPADDR(10, 0, 0, 254).v4}, (struct ip_hdr *)q, ICMP_UNREACH, ICMP_FRAG_NEEDED, 600));
        assert_int_equal(wire_drops(L.m[FRONT], DROP_IPIP_ERROR_STRAY), 1);
        build_ip(q, lan_addr[FRONT], lan_addr[CLIENT], IPPROTO_IPIP_, 40); /* to no node */
        to_machine(FRONT, e, icmp_about(e, (ipaddr){IPADDR(10, 0, 0, 254).v4}, (struct ip_hdr *)q, ICMP_UNREACH, ICMP_FRAG_NEEDED, 600));
        assert_int_equal(wire_drops(L.m[FRONT], DROP_IPIP_ERROR_STRAY), 2);
        assert_int_equal(node_mtu(handoff_of(L.m[FRONT]->st), lan_addr[NODE1], 1500), 1500);
        finish();
}

static void last_hop_ends_at_the_front_and_says_so(void **s)
{
        begin(1500);
        L.no_close = true;
        connect_client(100);
        lan_run(500);
        L.client->ttl = 1;
        u32 dropped = wire_drops(L.m[FRONT], DROP_HANDOFF_TTL), errors = wire_drops(L.m[CLIENT], DROP_ICMP_ERROR_DONE);
        tcp_send(L.client, "G00000010\n", 10);
        lan_run(5);
        assert_int_equal(wire_drops(L.m[FRONT], DROP_HANDOFF_TTL), dropped + 1);
        assert_int_equal(wire_drops(L.m[CLIENT], DROP_ICMP_ERROR_DONE), errors + 1);
        L.client->ttl = 64;
        tcp_close(L.client);
        finish();
}

static u8 outer[128];
static struct ip_hdr *const o_ip = (struct ip_hdr *)outer, *const i_ip = (struct ip_hdr *)(outer + 20);

static void fresh(void)
{
        u32_any *t = (u32_any *)(outer + 40);
        memset(outer, 0, sizeof outer);
        t[0] = 0x5000a00f;
        t[3] = __builtin_bswap32(5u << 28 | T_ACK << 16 | 100);
        build_ip((u8 *)i_ip, lan_addr[CLIENT], SERVICE, 6, 20);
        u32 sum = cksum_add(ip_pseudo_sum(i_ip->src, i_ip->dst, 6, 20), t, 20);
        ((u16_any *)t)[8] = (u16)~cksum_fold(sum);
        build_ip(outer, lan_addr[FRONT], lan_addr[NODE1], IPPROTO_IPIP_, 40);
}

static void is_dropped(enum drop why)
{
        u32 before = wire_drops(L.m[NODE1], why);
        if (why != DROP_IPIP_HEADER)
                ip_set_cksum(i_ip);
        ip_set_cksum(o_ip);
        to_machine(NODE1, outer, be16_get(o_ip->len));
        assert_int_equal(wire_drops(L.m[NODE1], why), before + 1);
        fresh();
}

static void whatever_else_comes_in_a_tunnel_is_dropped(void **s)
{
        begin(1500);
        fresh();
        is_dropped(DROP_HANDOFF_UNKNOWN); /* as it is, but for no connection */
        assert_int_equal(counters(NODE1).unknown, 1);
        lan_run(5); /* the front is told, and does not know it either */
        assert_int_equal(counters(FRONT).stray, 1);
        o_ip->src = lan_addr[CLIENT];
        is_dropped(DROP_IPIP_STRANGER);
        o_ip->dst = (ipaddr){SERVICE.v4};
        is_dropped(DROP_IPIP_OUTER);
        i_ip->vhl = 0x65;
        is_dropped(DROP_IPIP_HEADER);
        i_ip->cksum = be16_of(1);
        is_dropped(DROP_IPIP_HEADER);
        i_ip->len = be16_of(39);
        ip_set_cksum(i_ip);
        is_dropped(DROP_IPIP_HEADER);
        o_ip->len = be16_of(39);
        is_dropped(DROP_IPIP_HEADER);
        o_ip->len = be16_of(59);
        is_dropped(DROP_IPIP_HEADER);
        i_ip->frag = be16_of(IP_MF);
        is_dropped(DROP_IPIP_FRAGMENT);
        i_ip->dst = lan_addr[NODE1]; /* no service address */
        is_dropped(DROP_IPIP_ADDRESS);
        i_ip->src = (ipaddr){IPADDR(127, 0, 0, 1).v4};
        is_dropped(DROP_IPIP_SOURCE);
        i_ip->src = (ipaddr){IPADDR(224, 0, 0, 1).v4};
        is_dropped(DROP_IPIP_SOURCE);
        i_ip->src = lan_addr[NODE1];
        is_dropped(DROP_IPIP_SOURCE);
        i_ip->ttl = 0;
        is_dropped(DROP_IPIP_TTL);
        i_ip->proto = IPPROTO_IPIP_;
        is_dropped(DROP_IPIP_NESTED);
        i_ip->proto = IPPROTO_UDP_;
        is_dropped(DROP_IPIP_PROTO);
        i_ip->proto = IPPROTO_ICMP_;
        outer[40] = ICMP_ECHO;
        is_dropped(DROP_IPIP_PROTO);
        o_ip->tos = 3;
        is_dropped(DROP_IPIP_ECN);
        outer[41 + 3]++; /* the segment's own sum is checked, whatever a device says */
        is_dropped(DROP_TCP_CKSUM);
        /* the front holds the address, but not silently: nobody tunnels to it */
        o_ip->src = lan_addr[NODE1];
        o_ip->dst = lan_addr[FRONT];
        ip_set_cksum(o_ip);
        to_machine(FRONT, outer, 60);
        assert_int_equal(wire_drops(L.m[FRONT], DROP_IPIP_ADDRESS), 1);
        for (u32 i = 0; i < L.n_seen; i++)
                assert_false(L.seen[i].from == NODE1 && L.seen[i].flags & T_RST);
        finish();
}

/* RFC 6040 4.2 */
static void congestion_marked_outside_is_seen_inside(void **s)
{
        static const struct { u8 outer, inner, out; } row[] = {{3, 2, 3}, {3, 1, 3}, {3, 3, 3}, {1, 2, 1}, {2, 1, 1}, {0, 2, 2}, {2, 0, 0}, {1, 0, 0}, {1, 3, 3}};
        begin(1500);
        for (u32 i = 0; i < COUNT_OF(row); i++) {
                fresh();
                o_ip->tos = row[i].outer;
                i_ip->tos = row[i].inner;
                ip_set_cksum(i_ip);
                ip_set_cksum(o_ip);
                struct pkt *p = pkt_alloc(&L.m[NODE1]->st->pkts, PKT_HEADROOM);
                pkt_append(p, i_ip, 40);
                p->nif = &L.m[NODE1]->nif;
                pkt_hold(p);
                tunnel_rx(L.m[NODE1]->st, p, o_ip);
                const struct ip_hdr *ip = (const struct ip_hdr *)(p->head + p->l3);
                assert_int_equal(ip->tos & 3, row[i].out);
                assert_int_equal(ip_sum20(ip), 0xffff);
                pkt_free(p);
        }
        finish();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(icmp_that_quotes_the_service_goes_to_the_node), test(node_on_the_lan_judges_icmp_by_its_sequence),
                test(icmp_about_no_flow_teaches_nothing), test(last_hop_ends_at_the_front_and_says_so),
                test(whatever_else_comes_in_a_tunnel_is_dropped), test(congestion_marked_outside_is_seen_inside)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
