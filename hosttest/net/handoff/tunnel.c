/* tunnel.c - a node behind a router: IP in IP between front and node, and the path MTU of it.
 * SPDX-License-Identifier: MIT */
#include "tunnel.h"

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

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(node_behind_a_router_answers_the_client), test(outer_header_is_as_rfc_2003_says),
                test(mss_leaves_room_for_the_outer_header), test(client_hears_of_a_narrow_tunnel),
                test(router_that_quotes_little_is_understood), test(client_without_path_mtu_discovery_is_cut_into_fragments),
                test(handoff_itself_fits_a_narrow_way), test(joined_segments_are_cut_for_the_tunnel)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
