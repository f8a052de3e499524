/* tunnel.c - a node behind a router: IP in IP between front and node, what the router says, what does not belong inside.
 * The router is the test: it owns 10.0.0.254 and 10.0.1.254, takes one hop away, and says "fragmentation needed".
 * SPDX-License-Identifier: MIT */
#include "lan.h"
#include "drop.h"
#include "icmp.h"
#include "route.h"

static const macaddr router_mac = {{2, 0, 0, 0, 0, 0xfe}};
static u32 router_mtu, reply_mtu, outer_seen, too_long, fragments, quote_max;
static struct { struct ip_hdr outer, inner; } last;

static int machine_at(ipaddr a)
{
        if (ipaddr_eq(a, (ipaddr){SERVICE.v4}))
                return FRONT;
        for (int i = 0; i < MACHINES; i++)
                if (ipaddr_eq(a, lan_addr[i]))
                        return i;
        return -1;
}

/* An IP packet to a machine, from the router. */
static void to_machine(int to, const u8 *ip, u32 n)
{
        u8 f[2048];
        memcpy(f, L.m[to]->nif.mac.b, 6);
        memcpy(f + 6, router_mac.b, 6);
        f[12] = 8, f[13] = 0;
        memcpy(f + 14, ip, n);
        wire_rx(L.m[to], f, n + 14);
}

/* ICMP about `ip`, whose bytes go with it as far as quote_max allows. */
static u32 icmp_about(u8 *out, ipaddr from, const struct ip_hdr *ip, u8 type, u8 code, u16 mtu)
{
        u32 n = min_u32(be16_get(ip->len), quote_max);
        u8 *c = out + 20;
        memset(c, 0, 8);
        c[0] = type, c[1] = code, c[6] = (u8)(mtu >> 8), c[7] = (u8)mtu;
        memcpy(c + 8, ip, n);
        u16 sum = (u16)~cksum_fold(cksum_add(0, c, n + 8));
        memcpy(c + 2, &sum, 2);
        build_ip(out, from, ip->src, 1, n + 8);
        return n + 28;
}

static void router(int from, struct frame *f)
{
        struct ip_hdr *ip = (struct ip_hdr *)(f->b + 14);
        if (memcmp(f->b, router_mac.b, 6) || f->b[12] != 8 || f->b[13])
                return;
        u32 n = be16_get(ip->len);
        int to = machine_at(ip->dst);
        f->n = 0;
        if (be16_get(ip->frag) & 0x3fff)
                fragments++;
        if (ip->proto == IPPROTO_IPIP_) {
                outer_seen++;
                memcpy(&last.outer, ip, 20);
                memcpy(&last.inner, ip + 1, 20);
        }
        u32 mtu = from == NODE1 ? reply_mtu : router_mtu;
        if (n > mtu && be16_get(ip->frag) & IP_DF) {
                u8 e[700];
                too_long++;
                u32 len = icmp_about(e, (ipaddr){IPADDR(10, 0, 0, 254).v4}, ip, ICMP_UNREACH, ICMP_FRAG_NEEDED, (u16)mtu);
                to_machine(machine_at(ip->src), e, len);
                return;
        }
        ip->ttl--;
        ip_set_cksum(ip);
        if (to >= 0 && !L.dead[to] && !(L.lose && L.lose(from, to, f, L.n_frames++)))
                to_machine(to, (u8 *)ip, n);
}

static void begin(u32 mtu)
{
        lan_addr[NODE1] = (ipaddr){IPADDR(10, 0, 1, 3).v4};
        lan_begin();
        router_mtu = mtu;
        reply_mtu = 1500;
        quote_max = 548;
        outer_seen = too_long = fragments = 0;
        L.beyond = router;
        for (int i = 0; i < MACHINES; i++) {
                ipaddr gw = i == NODE1 ? (ipaddr){IPADDR(10, 0, 1, 254).v4} : (ipaddr){IPADDR(10, 0, 0, 254).v4};
                arp_set(&L.m[i]->nif, gw, router_mac);
                assert_int_equal(route_add(L.m[i]->st, IPADDR_ANY, 0, gw, NULL, IFADDR_STATIC), 0);
        }
}

static void finish(void)
{
        lan_run(100000);
        lan_end();
}

static void node_behind_a_router_answers_the_client(void **s)
{
        begin(1500);
        connect_client(300000);
        lan_run(5000);
        assert_int_equal(L.got, 300000);
        assert_false(L.bad);
        assert_true(L.closed && !L.err);
        assert_true(counters(FRONT).tunnelled > 20);
        assert_int_equal(counters(NODE1).untunnelled, counters(FRONT).tunnelled);
        assert_string_equal(handoff_way_text(handoff_of(L.m[FRONT]->st), lan_addr[NODE1]), "IP in IP");
        assert_string_equal(handoff_way_text(handoff_of(L.m[FRONT]->st), lan_addr[NODE2]), "same LAN");
        assert_int_equal(fragments, 0);
        finish();
}

/* RFC 2003 3.1: outer TTL for the way to the exit, inner one hop less, DF and TOS copied. */
static void outer_header_is_as_rfc_2003_says(void **s)
{
        begin(1500);
        L.copts.tos = 0xb8;
        L.copts.ttl = 33;
        connect_client(3000);
        lan_run(5000);
        assert_true(outer_seen > 0);
        assert_true(ipaddr_eq(last.outer.src, lan_addr[FRONT]) && ipaddr_eq(last.outer.dst, lan_addr[NODE1]));
        assert_true(ipaddr_eq(last.inner.src, lan_addr[CLIENT]) && ipaddr_eq(last.inner.dst, (ipaddr){SERVICE.v4}));
        assert_int_equal(last.outer.ttl, 64);
        assert_int_equal(last.inner.ttl, 32);
        assert_int_equal(last.outer.tos, 0xb8);
        assert_int_equal(be16_get(last.outer.frag), IP_DF);
        assert_int_equal(be16_get(last.outer.len), be16_get(last.inner.len) + 20);
        finish();
}

/* Design 7: what the front offers leaves room for the outer header, as soon as some node is behind a router. */
static void mss_leaves_room_for_the_outer_header(void **s)
{
        begin(1500);
        L.no_close = true;
        connect_client(10);
        lan_run(500);
        assert_int_equal(L.client->peer_mss, 1500 - 60);
        assert_int_equal(tcp_lookup(L.m[NODE1]->st->tcp, be32_raw(lan_addr[CLIENT].v4), be32_raw(SERVICE.v4), L.client->ports << 16 | L.client->ports >> 16)->peer_mss,
                         1460); /* the node's own way to the client has no tunnel */
        assert_int_equal(handoff_node_del(handoff_of(L.m[FRONT]->st), lan_addr[NODE1]), 0);
        assert_int_equal(handoff_mss(handoff_of(L.m[FRONT]->st), SERVICE), HANDOFF_ROOM_MAX);
        assert_int_equal(handoff_mss(handoff_of(L.m[FRONT]->st), lan_addr[FRONT]), HANDOFF_ROOM_MAX);
        tcp_abort(L.client);
        finish();
}

/* The client sends n requests of 10 bytes when the first is answered. */
static void upload(u32 n)
{
        L.no_close = true;
        connect_client(10);
        lan_run(500);
        assert_int_equal(L.got, 10);
        for (u32 i = 0; i < n; i++)
                assert_int_equal(tcp_send(L.client, "G00000010\n", 10), 10);
        lan_run(8000);
        assert_int_equal(L.got, 10 * (n + 1));
        tcp_close(L.client);
}

static void client_hears_of_a_narrow_tunnel(void **s)
{
        begin(1000);
        upload(1000);
        assert_true(too_long >= 1);
        assert_true(counters(FRONT).tunnel_errors >= 1);
        struct handoff *h = handoff_of(L.m[FRONT]->st);
        assert_int_equal(node_mtu(h, lan_addr[NODE1], 1500), 1000);
        assert_int_equal(handoff_mss(h, SERVICE), 1000 - 60);
        lan_run(600000);
        assert_int_equal(node_mtu(h, lan_addr[NODE1], 1500), 1500); /* RFC 1191 6.3 */
        assert_int_equal(handoff_mss(h, SERVICE), 1500 - 60);
        finish();
}

/* RFC 2003 5.1: a router that quotes 8 bytes names no client; the front tells the next packet's. */
static void router_that_quotes_little_is_understood(void **s)
{
        begin(1000);
        quote_max = 28;
        upload(1000);
        assert_true(too_long >= 1);
        assert_true(wire_drops(L.m[FRONT], DROP_HANDOFF_TOO_BIG) >= 1);
        finish();
}

static void client_without_path_mtu_discovery_is_cut_into_fragments(void **s)
{
        begin(1500);
        L.no_close = true;
        connect_client(10);
        lan_run(500);
        L.client->flags |= TF_NO_DF;
        L.client->peer_mss = 1460; /* as if the clamp had not been there */
        tcb_set_mss(L.client);
        for (u32 i = 0; i < 1000; i++)
                tcp_send(L.client, "G00000010\n", 10);
        lan_run(3000);
        assert_int_equal(L.got, 10010);
        assert_true(fragments > 2);
        tcp_close(L.client);
        finish();
}

static void handoff_itself_fits_a_narrow_way(void **s)
{
        begin(800);
        L.no_close = true;
        int err;
        L.client = tcp_connect(L.m[CLIENT]->st, IPADDR_ANY, 0, SERVICE, 80, &client_events, NULL, &L.copts, &err);
        for (u32 i = 0; i < 400; i++)
                tcp_send(L.client, "G00000010\n", 10);
        lan_run(5000);
        assert_int_equal(L.got, 4000);
        assert_true(wire_drops(L.m[FRONT], DROP_HANDOFF_NARROW) >= 1);
        assert_int_equal(counters(FRONT).silent, 0);
        tcp_close(L.client);
        finish();
}

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

static struct tcb *at_node(int i)
{
        struct tcp_state *ts = L.m[i]->st->tcp;
        return tcp_lookup(ts, be32_raw(lan_addr[CLIENT].v4), be32_raw(SERVICE.v4), L.client->ports << 16 | L.client->ports >> 16);
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

/* What the device joined, with the pseudo header's sum alone, is cut to what the tunnel takes. */
static void joined_segments_are_cut_for_the_tunnel(void **s)
{
        begin(1500);
        L.no_close = true;
        connect_client(100);
        lan_run(500);
        struct wire *w = L.m[FRONT];
        struct tcb *t = at_node(NODE1);
        u32 n = 4000, before = t->rcv_nxt, tunnelled = counters(FRONT).tunnelled, made = 0;
        u8 *all = (u8 *)calloc(1, n + 56) + 2;
        memcpy(all, w->nif.mac.b, 6);
        memcpy(all + 6, L.m[CLIENT]->nif.mac.b, 6);
        all[12] = 8;
        build_ip(all + 14, lan_addr[CLIENT], SERVICE, 6, n + 20);
        struct ip_hdr *ip = (struct ip_hdr *)(all + 14);
        ip->frag = be16_of(IP_DF);
        ip_set_cksum(ip);
        u32 *h = (u32 *)(all + 34), ports = L.client->ports << 16 | L.client->ports >> 16;
        h[0] = ports;
        h[1] = __builtin_bswap32(before);
        h[2] = __builtin_bswap32(t->snd_nxt);
        h[3] = __builtin_bswap32(5u << 28 | (T_ACK | T_PSH) << 16 | 1000);
        u16 pseudo = cksum_fold(ip_pseudo_sum(lan_addr[CLIENT], SERVICE, 6, (u16)(n + 20)));
        memcpy(&h[4], &pseudo, 2);
        if (t->flags & TF_TS)
                t->flags &= ~(u32)TF_TS;
        struct pkt *first = NULL, **at = &first;
        while (made < n + 54) {
                struct pkt *p = pkt_alloc(&w->st->pkts, 12);
                assert_true(pkt_append(p, all + made, min_u32(1500, n + 54 - made)));
                made += p->len;
                *at = p;
                at = &p->chain;
        }
        first->flags = PKT_CSUM_OK | PKT_CSUM_PARTIAL;
        L.dead[CLIENT] = true; /* it would wonder */
        netif_rx(&w->nif, first);
        wire_batch_end(w);
        lan_run(5);
        L.dead[CLIENT] = false;
        assert_int_equal(counters(FRONT).tunnelled, tunnelled + 3);
        assert_int_equal(t->rcv_nxt, before + n);
        free(all - 2);
        tcp_abort(t);
        lan_run(70000);
        L.client = NULL;
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

/* --- what does not belong into a tunnel --- */

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
                test(node_behind_a_router_answers_the_client),
                test(outer_header_is_as_rfc_2003_says),
                test(mss_leaves_room_for_the_outer_header),
                test(client_hears_of_a_narrow_tunnel),
                test(router_that_quotes_little_is_understood),
                test(client_without_path_mtu_discovery_is_cut_into_fragments),
                test(handoff_itself_fits_a_narrow_way),
                test(icmp_that_quotes_the_service_goes_to_the_node),
                test(node_on_the_lan_judges_icmp_by_its_sequence),
                test(icmp_about_no_flow_teaches_nothing),
                test(joined_segments_are_cut_for_the_tunnel),
                test(last_hop_ends_at_the_front_and_says_so),
                test(whatever_else_comes_in_a_tunnel_is_dropped),
                test(congestion_marked_outside_is_seen_inside),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
