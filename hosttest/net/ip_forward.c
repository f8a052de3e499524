/* ip_forward.c - IPv4 between interfaces: who passes, what changes, what its sender is told (RFC 1812 5).
 * eth0 is 10.0.0.1/24 with the peer 10.0.0.2; eth1 is 10.0.2.1/24 with the neighbour 10.0.2.2. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "arp.h"
#include "icmp.h"
#include "route.h"
#include "scarce.h"
#include "wire.h"
#include "../../net/ip_state.h"

static struct wire *w;
static struct netif eth1;
static struct { u32 n, flags; u16 gso; u8 b[70000]; } got;
static u32 n_got, sizes[16];

static void capture(struct netif *nif, struct pkt *p)
{
        wire_check(p);
        got.n = pkt_copy_out(p, 0, got.b, sizeof got.b);
        got.flags = p->flags;
        got.gso = p->gso;
        sizes[n_got++ % 16] = got.n - 14;
        pkt_free(p);
}

static const macaddr mac1 = {{2, 0, 0, 0, 0, 0x11}}, mac2 = {{2, 0, 0, 0, 0, 0x22}};
static const ipaddr near = {{{10, 0, 0, 2}}}, far = {{{10, 0, 2, 2}}};

static void begin(void)
{
        w = wire_new(NULL, 0);
        eth1 = (struct netif){.name = "eth1", .driver = "test", .mac = mac1, .mtu = 1500, .xmit = capture};
        netif_add(w->st, &eth1, true);
        assert_int_equal(netif_addr_add(&eth1, IPADDR(10, 0, 2, 1), 24, IFADDR_STATIC, false), 0);
        arp_set(&eth1, far, mac2);
        wire_wait(w, 10000);
        wire_flush_out(w);
        ip_forwarding(w->st, true);
        n_got = 0;
}

static u8 f[3000];
static struct ip_hdr *const ip = (struct ip_hdr *)(f + 14);

/* n bytes of UDP from the peer to dst. */
static u32 make(ipaddr src, ipaddr dst, u32 n)
{
        memset(f, 0x5a, sizeof f);
        build_eth(f, w->nif.mac, wire_mac_peer, 0x800);
        build_ip((u8 *)ip, src, dst, 17, n);
        return n + 34;
}

static void goes(u32 n)
{
        u32 before = n_got;
        ip_set_cksum(ip);
        wire_rx(w, f, n);
        assert_int_equal(n_got, before + 1);
}

static void is_dropped(u32 n, enum drop why)
{
        u32 before = wire_drops(w, why), sent = n_got;
        ip_set_cksum(ip);
        wire_rx(w, f, n);
        assert_int_equal(wire_drops(w, why), before + 1);
        assert_int_equal(n_got, sent);
}

/* What the sender is told, if anything: ICMP type << 8 | code, and the MTU. */
static u32 told(u16 *mtu)
{
        const struct frame *t = wire_tx(w);
        if (!t || t->b[23] != 1)
                return 0;
        assert_memory_equal(t->b + 30, &near, 4);
        if (mtu)
                *mtu = (u16)(t->b[40] << 8 | t->b[41]);
        return (u32)t->b[34] << 8 | t->b[35];
}

static void passes_with_one_hop_less_and_a_right_sum(void **s)
{
        begin();
        u32 n = make(near, far, 100);
        ip->ttl = 9;
        ip->tos = 0x2b;
        goes(n);
        const struct ip_hdr *o = (const struct ip_hdr *)(got.b + 14);
        assert_memory_equal(got.b, mac2.b, 6);
        assert_memory_equal(got.b + 6, mac1.b, 6);
        assert_int_equal(o->ttl, 8);
        assert_int_equal(o->tos, 0x2b);
        assert_int_equal(ip_sum20(o), 0xffff);
        assert_memory_equal(got.b + 34, f + 34, 100);
        assert_int_equal(ip_forwarded(w->st), 1);
        wire_free(w);
}

/* A driver that leaves little room in front, and a link header with a tag. */
static void little_room_in_front_is_enough(void **s)
{
        begin();
        eth1.vlan = 7;
        eth1.caps = NETIF_SG;
        u32 n = make(near, far, 1000);
        ip_set_cksum(ip);
        for (u32 i = 0; i < 2; i++) { /* the second time the short way */
                struct pkt *p = pkt_alloc(&w->st->pkts, 0);
                pkt_append(p, f, n);
                netif_rx(&w->nif, p);
                wire_batch_end(w);
                assert_int_equal(n_got, i + 1);
                assert_int_equal(got.n, n + 4);
                assert_memory_equal(got.b + 38, f + 34, 1000);
        }
        wire_free(w);
}

static void off_at_first(void **s)
{
        begin();
        ip_forwarding(w->st, false);
        is_dropped(make(near, far, 10), DROP_IP_NOT_OURS);
        is_dropped(make(near, IPADDR(10, 0, 2, 1), 10), DROP_IP_OTHER_NIF);
        wire_free(w);
}

static void an_address_of_another_interface_is_ours(void **s)
{
        begin();
        u32 n = make(near, IPADDR(10, 0, 2, 1), 12);
        ip->proto = 1;
        memset(f + 34, 0, 12);
        f[34] = ICMP_ECHO;
        u16 sum = (u16)~cksum_fold(cksum_add(0, f + 34, 12));
        memcpy(f + 36, &sum, 2);
        ip_set_cksum(ip);
        wire_rx(w, f, n);
        const struct frame *r = wire_tx(w);
        assert_non_null(r);
        assert_int_equal(r->b[34], ICMP_ECHO_REPLY);
        wire_free(w);
}

static void last_hop_is_told(void **s)
{
        begin();
        u32 n = make(near, far, 10);
        ip->ttl = 1;
        is_dropped(n, DROP_FWD_TTL);
        assert_int_equal(told(NULL), ICMP_TIME_EXCEEDED << 8);
        wire_free(w);
}

static void no_route_is_told(void **s)
{
        begin();
        is_dropped(make(near, IPADDR(198, 51, 100, 1), 10), DROP_FWD_NO_ROUTE);
        assert_int_equal(told(NULL), ICMP_UNREACH << 8 | ICMP_NET);
        wire_free(w);
}

static void silent_neighbour_is_told(void **s)
{
        begin();
        u32 n = make(near, IPADDR(10, 0, 2, 77), 10);
        ip_set_cksum(ip);
        wire_rx(w, f, n);
        assert_null(wire_tx(w));
        wire_wait(w, 5000);
        assert_int_equal(wire_drops(w, DROP_ARP_TIMEOUT), 1);
        assert_int_equal(told(NULL), ICMP_UNREACH << 8 | ICMP_HOST);
        wire_free(w);
}

static void too_big_is_told_or_cut(void **s)
{
        u16 mtu = 0;
        begin();
        eth1.mtu = 1000;
        u32 n = make(near, far, 1400);
        ip->frag = be16_of(IP_DF);
        is_dropped(n, DROP_FWD_TOO_BIG);
        assert_int_equal(told(&mtu), ICMP_UNREACH << 8 | ICMP_FRAG_NEEDED);
        assert_int_equal(mtu, 1000);
        ip->frag = be16_of(0);
        ip_set_cksum(ip);
        wire_rx(w, f, n);
        assert_int_equal(n_got, 2);
        assert_int_equal(sizes[0], 996);
        assert_int_equal(sizes[1], 444);
        wire_free(w);
}

/* A fragment that is cut again keeps its place and its "more". */
static void fragments_of_fragments_keep_their_place(void **s)
{
        begin();
        eth1.mtu = 600;
        u32 n = make(near, far, 800);
        ip->frag = be16_of(IP_MF | 100);
        ip_set_cksum(ip);
        wire_rx(w, f, n);
        const struct ip_hdr *o = (const struct ip_hdr *)(got.b + 14);
        assert_int_equal(n_got, 2);
        assert_int_equal(be16_get(o->frag), IP_MF | (100 + 576 / 8));
        wire_free(w);
}

static void what_never_passes_a_router(void **s)
{
        static const struct { ipaddr src, dst; enum drop why; } row[] = {
                {{{{10, 0, 0, 2}}}, {{{10, 0, 2, 255}}}, DROP_FWD_BROADCAST},  {{{{10, 0, 0, 2}}}, {{{127, 0, 0, 1}}}, DROP_FWD_MARTIAN},
                {{{{10, 0, 0, 2}}}, {{{0, 0, 0, 1}}}, DROP_FWD_MARTIAN},       {{{{10, 0, 0, 2}}}, {{{240, 0, 0, 1}}}, DROP_FWD_MARTIAN},
                {{{{10, 0, 0, 2}}}, {{{169, 254, 0, 1}}}, DROP_FWD_MARTIAN},   {{{{10, 0, 0, 2}}}, {{{224, 0, 0, 9}}}, DROP_IP_GROUP},
                {{{{127, 0, 0, 1}}}, {{{10, 0, 2, 2}}}, DROP_IP_SOURCE},       {{{{10, 0, 0, 255}}}, {{{10, 0, 2, 2}}}, DROP_IP_SOURCE},
                {{{{224, 0, 0, 1}}}, {{{10, 0, 2, 2}}}, DROP_IP_SOURCE},       {{{{10, 0, 2, 1}}}, {{{10, 0, 2, 2}}}, DROP_IP_LAND},
                {{{{0, 0, 0, 0}}}, {{{10, 0, 2, 2}}}, DROP_IP_SOURCE_ANY},     {{{{203, 0, 113, 9}}}, {{{10, 0, 2, 2}}}, DROP_IP_UNROUTED},
        };
        begin();
        for (u32 i = 0; i < COUNT_OF(row); i++)
                is_dropped(make(row[i].src, row[i].dst, 10), row[i].why);
        u32 n = make(near, far, 10);
        memset(f, 0xff, 6);
        is_dropped(n, DROP_FWD_LINK_BCAST);
        n = make(near, far, 14);
        ip->vhl = 0x46;
        memcpy(f + 34, "\203\004\004\000", 4);
        is_dropped(n, DROP_IP_SOURCE_ROUTE);
        assert_null(wire_tx(w));
        wire_free(w);
}

/* Segments with `text` bytes in all that a device joined. */
static struct pkt *joined(ipaddr dst, u16 text)
{
        u8 all[3054] = {0};
        u32 n = 54u + text;
        build_eth(all, w->nif.mac, wire_mac_peer, 0x800);
        build_ip(all + 14, near, dst, 6, 20u + text);
        all[46] = 0x50;
        all[47] = 0x18;
        u16 pseudo = cksum_fold(ip_pseudo_sum(near, dst, 6, (u16)(20 + text)));
        memcpy(all + 50, &pseudo, 2);
        struct pkt *first = NULL, **at = &first;
        for (u32 made = 0; made < n;) {
                struct pkt *p = pkt_alloc(&w->st->pkts, 26);
                pkt_append(p, all + made, min_u32(1700, n - made));
                made += p->len;
                *at = p;
                at = &p->chain;
        }
        first->flags = PKT_CSUM_OK | PKT_CSUM_PARTIAL;
        return first;
}

/* Cut by the next device, or here. */
static void joined_segments_are_cut_again(void **s)
{
        for (int tso = 0; tso < 2; tso++) {
                begin();
                eth1.caps = tso ? NETIF_TSO | NETIF_CSUM_TX | NETIF_SG : 0;
                netif_rx(&w->nif, joined(far, 3000));
                wire_batch_end(w);
                assert_int_equal(n_got, tso ? 1 : 3);
                if (tso) {
                        assert_int_equal(got.gso, 1460);
                        assert_true(got.flags & PKT_CSUM_TODO);
                } else {
                        assert_int_equal(sizes[0], 1500);
                        assert_int_equal(sizes[2], 40 + 80);
                        struct frame last = {got.n, got.b};
                        struct seg g;
                        assert_true(parse_tcp(w, &last, &g)); /* checks both sums */
                        assert_int_equal(g.seq, 2920);
                        assert_int_equal(g.flags, T_PSH | T_ACK);
                }
                wire_free(w);
        }
}

static struct pkt *in_ring[8];
static u32 n_in_ring;
static void into_ring(struct netif *nif, struct pkt *p) { in_ring[n_in_ring++] = p; }

/* The request for the neighbour takes the buffer that the last piece was to have, and its card keeps it. */
static void last_buffers_are_no_pieces_and_a_question(void **s)
{
        begin();
        struct pkt *p = joined(IPADDR(10, 0, 2, 77), 2000), *held = scarce_begin(&w->st->pkts, 2);
        eth1.xmit = into_ring;
        netif_rx(&w->nif, p);
        assert_int_equal(n_in_ring, 1);
        assert_int_equal(wire_drops(w, DROP_POOL_EMPTY), 1);
        while (n_in_ring)
                pkt_free(in_ring[--n_in_ring]);
        scarce_end(held);
        arp_flush(&eth1);
        wire_free(w);
}

#define test(f) cmocka_unit_test(f)
int main(void)
{
        const struct CMUnitTest tests[] = {
                test(passes_with_one_hop_less_and_a_right_sum), test(little_room_in_front_is_enough), test(off_at_first),     test(an_address_of_another_interface_is_ours),
                test(last_hop_is_told),                         test(no_route_is_told), test(too_big_is_told_or_cut), test(silent_neighbour_is_told),
                test(fragments_of_fragments_keep_their_place),  test(what_never_passes_a_router),
                test(joined_segments_are_cut_again), test(last_buffers_are_no_pieces_and_a_question),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
