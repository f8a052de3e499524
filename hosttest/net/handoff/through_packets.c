/* through_packets.c - what the transparent proxy does to each packet of a connection that was let through, ICMP's quotes included,
 * and which packets are none of its business. SPDX-License-Identifier: MIT */
#include "through.h"

static void resets_pass_in_both_directions(void **s)
{
        for (u32 i = 0; i < 2; i++) {
                begin();
                L.keep_open = true;
                ask(100);
                run(300);
                u32 ports = L.client->ports;
                struct tcb *t = tcp_lookup(L.t->st->tcp, be32_raw(C.v4), be32_raw(T.v4), ports << 16 | ports >> 16);
                assert_non_null(t);
                tcp_abort(i ? t : L.client);
                run(100);
                assert_null(tcp_lookup(L.t->st->tcp, be32_raw(C.v4), be32_raw(T.v4), ports << 16 | ports >> 16));
                assert_true(!L.client || !i);
                L.client = NULL;
                finish();
        }
}

/* Another path MTU behind the gateway: errors about either side's packets are understood by that side. */
static void icmp_passes_in_the_numbers_of_its_reader(void **s)
{
        begin();
        L.keep_open = true;
        ask(100);
        run(300);
        u32 ports = L.client->ports;
        struct tcb *t = tcp_lookup(L.t->st->tcp, be32_raw(C.v4), be32_raw(T.v4), ports << 16 | ports >> 16);
        L.harm = lose_one;
        lose_at = L.n_frames + 1;
        tcp_send_ref(t, "hello", 5, NULL);
        run(2); /* lost between gateway and client: a router there says so, with what it saw */
        L.harm = NULL;
        u8 f[200] = {0}, *ip = f + 14, *c = ip + 20, *q = c + 8;
        build_eth(f, mac_g0, mac_c, 0x800);
        u32 tp = t->ports << 16 | t->ports >> 16, seen = __builtin_bswap32(L.client->rcv_nxt);
        memcpy(q + 20, &tp, 4);
        memcpy(q + 24, &seen, 4);
        build_ip(q, T, C, 6, 1400);
        c[0] = 3, c[1] = 4, c[6] = 900 >> 8, c[7] = 900 & 255;
        u16 sum = (u16)~cksum_fold(cksum_add(0, c, 36));
        memcpy(c + 2, &sum, 2);
        build_ip(ip, C, T, 1, 36);
        assert_int_equal(t->pmtu, 1500);
        wire_rx(L.g, f, 70);
        run(1);
        assert_int_equal(t->pmtu, 900);
        run(500);
        assert_int_equal(L.got, 105);
        tcp_close(L.client);
        finish();
}

/* The gateway's own word: the link to the target takes less than the client was told. */
static void too_large_for_the_target_is_told_to_the_client(void **s)
{
        begin();
        L.keep_open = true;
        L.topts.mss = 1000;
        ask(10);
        run(200);
        for (u32 k = 0; k < 1000; k++)
                tcp_send(L.client, "G00000010\n", 10);
        run(3000);
        assert_int_equal(L.got, 10010);
        assert_int_equal(L.client->pmtu, 1040);
        assert_true(wire_drops(L.g, DROP_FWD_TOO_BIG) > 0);
        tcp_close(L.client);
        finish();
}

/* A segment with timestamps 300 and 400 and one SACK block, 5000 to 6000. */
static u32 segment(u8 *f, macaddr to, ipaddr src, ipaddr dst, u32 ports)
{
        static const u8 opts[24] = {1, 1, 8, 10, 0, 0, 1, 44, 0, 0, 1, 144, 1, 1, 5, 10, 0, 0, 19, 136, 0, 0, 23, 112};
        u32_any *h = (u32_any *)(f + 34);
        memset(f, 0, 78);
        build_eth(f, to, mac_c, 0x800);
        build_ip(f + 14, src, dst, 6, 44);
        h[0] = ports;
        h[1] = __builtin_bswap32(70000);
        h[2] = __builtin_bswap32(90000);
        h[3] = __builtin_bswap32(11u << 28 | T_ACK << 16 | 800);
        memcpy(h + 5, opts, 24);
        ((u16_any *)h)[8] = (u16)~cksum_fold(cksum_add(ip_pseudo_sum(src, dst, 6, 44), h, 44));
        return 78;
}

/* A target that says an MSS of 1, and segments that a device joined: the pieces have their headers, and some text. */
static void joined_segments_for_a_target_that_takes_nothing(void **s)
{
        enum { TEXT = 3000, HEADS = 64 };
        static u8 f[78 + TEXT];
        begin();
        L.keep_open = true;
        L.topts.mss = 1;
        ask(10);
        run(1000);
        assert_int_equal(L.th->passages.n_used, 1);
        u32 ports = L.client->ports << 16 | L.client->ports >> 16, text = 0;
        bool from;
        assert_int_equal(passage_find(L.th, be32_raw(C.v4), be32_raw(T.v4), ports, &from)->most, 41);
        segment(f, mac_g0, C, T, ports);
        build_ip(f + 14, C, T, 6, 44 + TEXT);
        struct pkt *first = NULL, **end = &first;
        for (u32 made = 0; made < sizeof f; end = &(*end)->chain) {
                *end = pkt_alloc(&L.g->st->pkts, 2);
                assert_true(pkt_append(*end, f + made, min_u32(1700, sizeof f - made)));
                made += (*end)->len;
        }
        first->flags = PKT_CSUM_OK | PKT_CSUM_PARTIAL;
        L.tail1 = L.head1;
        netif_rx(&L.g->nif, first);
        for (; L.tail1 != L.head1; L.tail1++) {
                struct frame *out = &L.out1[L.tail1 % COUNT_OF(L.out1)];
                assert_in_range(out->n, 14 + HEADS + 1, 14 + HEADS + 64);
                text += out->n - 14 - HEADS;
                free(out->b);
        }
        assert_int_equal(text, TEXT);
        tcp_close(L.client);
        finish();
}

static u32 at(const u8 *b) { return (u32)b[0] << 24 | (u32)b[1] << 16 | (u32)b[2] << 8 | b[3]; }

static void numbers_move_by_constants(void **s)
{
        u8 f[80];
        struct seg g;
        begin();
        struct passage *e = passage_add(L.th, be32_raw(C.v4), be32_raw(T.v4), 0x5000a00f);
        e->seq = 1000;
        e->ts_client = 7;
        e->ts_target = 50;
        e->most = 1500;
        e->shift = -2;
        e->state = PASSAGE_OPEN;
        wire_rx(L.g, f, segment(f, mac_g0, C, T, 0x5000a00f));
        assert_int_equal(L.head1 - L.tail1, 1);
        struct frame out = L.out1[L.tail1++ % COUNT_OF(L.out1)];
        assert_true(parse_tcp(L.t, &out, &g)); /* checks both sums */
        assert_int_equal(g.seq, 70000);
        assert_int_equal(g.ack, 89000);
        assert_int_equal(g.wnd, 800);
        assert_int_equal(at(g.opts + 4), 307);
        assert_int_equal(at(g.opts + 8), 350);
        assert_int_equal(at(g.opts + 16), 4000);
        assert_int_equal(at(g.opts + 20), 5000);
        free(out.b);
        into_eth1(f, segment(f, mac_g1, T, C, 0xa00f5000));
        assert_true(parse_tcp(L.c, wire_tx(L.g), &g));
        assert_int_equal(g.seq, 71000);
        assert_int_equal(g.ack, 90000);
        assert_int_equal(g.wnd, 200);
        assert_int_equal(at(g.opts + 4), 350);
        assert_int_equal(at(g.opts + 8), 393);
        assert_int_equal(at(g.opts + 16), 5000);
        finish();
}

static void older_connections_and_other_ports_pass(void **s)
{
        int err;
        begin();
        L.keep_open = true;
        assert_int_equal(through_leave(L.th, 80, IPADDR_ANY, 0), 0);
        ask(100);
        run(300);
        assert_int_equal(L.got, 100);
        assert_int_equal(counters().taken, 0);
        assert_int_equal(through_intercept(L.th, 80, IPADDR(10, 1, 0, 0), 16), 0);
        tcp_send(L.client, "G00000100\n", 10); /* it began before */
        L.got = 0;
        run(300);
        assert_int_equal(L.got, 100);
        tcp_close(L.client);
        run(100);
        assert_int_equal(through_leave(L.th, 80, IPADDR(10, 1, 0, 0), 16), 0);
        assert_int_equal(through_intercept(L.th, 80, IPADDR(10, 2, 0, 0), 16), 0); /* another network */
        L.got = 0;
        L.client = tcp_connect(L.c->st, IPADDR_ANY, 0, T, 80, &client_events, NULL, NULL, &err);
        tcp_send(L.client, "G00000100\n", 10);
        run(300);
        assert_int_equal(L.got, 100);
        assert_int_equal(counters().taken, 0);
        tcp_close(L.client);
        finish();
}

static void same_names_again_after_the_end(void **s)
{
        int err;
        begin();
        ask(100);
        u16 port = tcb_lport(L.client);
        run(70000);
        is_answered(100);
        L.closed = L.got = 0;
        L.client = tcp_connect(L.c->st, IPADDR_ANY, port, T, 80, &client_events, NULL, NULL, &err);
        assert_non_null(L.client);
        tcp_send(L.client, "G00000200\n", 10);
        run(300);
        is_answered(200);
        assert_int_equal(counters().taken, 2);
        finish();
}

static void table_that_is_full_takes_no_more(void **s)
{
        begin();
        for (u32 i = 0; i < 16; i++)
                assert_non_null(passage_add(L.th, i, 1, 2));
        assert_null(passage_add(L.th, 99, 1, 2));
        bool from;
        for (u32 i = 0; i < 16; i++)
                passage_at(L.th, i)->state = PASSAGE_OPEN;
        for (u32 i = 3; i < 9; i += 2) { /* make room */
                passage_at(L.th, i)->ends = END_RESET;
                passage_at(L.th, i)->seen_ms = stack_now_ms(L.th->st);
        }
        passage_at(L.th, 7)->seen_ms -= 250; /* this one first: a FIN may come again for the others */
        struct passage *e = passage_add(L.th, 99, 1, 2);
        assert_ptr_equal(e, passage_at(L.th, 7));
        assert_int_equal(L.th->passages.n_used, 16);
        assert_ptr_equal(passage_find(L.th, 1, 99, 2u << 16, &from), e);
        assert_false(from);
        e->state = PASSAGE_OPEN;
        assert_non_null(passage_add(L.th, 98, 1, 2)); /* without any that is quiet */
        assert_non_null(passage_add(L.th, 97, 1, 2));
        assert_null(passage_add(L.th, 96, 1, 2));
        for (u32 i = 0; i < 16; i++)
                passage_at(L.th, i)->state = PASSAGE_OPEN;
        finish();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(resets_pass_in_both_directions), test(icmp_passes_in_the_numbers_of_its_reader),
                test(too_large_for_the_target_is_told_to_the_client), test(joined_segments_for_a_target_that_takes_nothing), test(numbers_move_by_constants),
                test(older_connections_and_other_ports_pass), test(same_names_again_after_the_end),
                test(table_that_is_full_takes_no_more)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
