/* clauses.c - traces for the clauses of RFC 9293 that no other file has for its subject: names, IP's part, merging, reports.
 * SPDX-License-Identifier: MIT */
#include "trace.h"
#include "route.h"

static void must_41_42_listen_beside_half_open_and_open_connections(void **s)
{
        established();
        struct tcb *first = T.t;
        T.sport++;
        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
        wire_flush_out(T.w);
        int err;
        tcp_unlisten(T.l);
        wire_flush_out(T.w);
        T.l = tcp_listen(T.w->st, IPADDR_ANY, OUR_PORT, &trace_events, NULL, NULL, &err);
        assert_non_null(T.l);
        assert_null(tcp_listen(T.w->st, IPADDR_ANY, OUR_PORT, &trace_events, NULL, NULL, &err));
        assert_int_equal(err, E_INUSE);
        T.sport--;
        rx(T_ACK | T_PSH, 1, 1, 10);
        assert_int_equal(tcp_readable(first), 10);
        assert_null(tcp_listener(first));
        T.sport++;
        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
        assert_true(next_tx(&trace_last));
        assert_non_null(tcp_listen(T.w->st, WIRE_US, OUR_PORT, &trace_events, NULL, NULL, &err));
        assert_non_null(tcp_listen(T.w->st, IPADDR_ANY, OUR_PORT + 1, &trace_events, NULL, NULL, &err));
        assert_int_equal(T.w->st->tcp->n_half, 1);
        T.our_isn = trace_last.seq;
        rx(T_ACK, 1, 1, 0);
        assert_int_equal(T.accepted, 2);
        tcp_abort(T.t);
        wire_flush_out(T.w);
        T.t = first;
        trace_end();
}

static void must_43_listener_on_one_address_wins_over_any(void **s)
{
        for (u32 i = 0; i < 6; i++) { /* in every order, beside one on another address, by the usual SYN and by another */
                struct listener *l[3];
                static const u8 order[3][3] = {{0, 1, 2}, {1, 2, 0}, {2, 0, 1}};
                const ipaddr at[3] = {IPADDR_ANY, WIRE_US, IPADDR(10, 0, 0, 77)};
                int err;
                trace_begin(NULL);
                for (u32 k = 0; k < 3; k++) {
                        u8 which = order[i / 2][k];
                        l[which] = tcp_listen(T.w->st, at[which], OUR_PORT, &trace_events, NULL, NULL, &err);
                        assert_non_null(l[which]);
                }
                for (u32 k = 0; k < 2; k++) { /* without it, any is next */
                        T.sport++;
                        rx_opts(T_SYN | (i & 1 ? T_PSH : 0), 0, 0, 0, opt_mss1460, 4);
                        assert_true(next_tx(&trace_last));
                        T.our_isn = trace_last.seq;
                        rx(T_ACK, 1, 1, 0);
                        assert_ptr_equal(tcp_listener(T.t), l[1 - k]);
                        tcp_abort(T.t);
                        wire_flush_out(T.w);
                        if (!k)
                                tcp_unlisten(l[1]);
                }
                trace_end();
        }
}

static void must_44_45_source_address_is_ips_choice_and_stays(void **s)
{
        struct tcp_names n;
        syn_sent();
        tcp_names(T.t, &n);
        assert_true(ipaddr_eq(n.laddr, WIRE_US));
        netif_addr_add(&T.w->nif, IPADDR(10, 0, 0, 77), 24, IFADDR_STATIC, false);
        rx_opts(T_SYN | T_ACK, 0, 1, 0, opt_mss1460, 4);
        expect_tx(T_ACK, 1, 1, 0); /* parse_tcp: the checksum names 10.0.0.1 */
        send_bytes(0, 10);
        wait_ms(20000); /* and when IP is asked again for the way (R1) */
        tcp_names(T.t, &n);
        assert_true(ipaddr_eq(n.laddr, WIRE_US));
        tcp_abort(T.t);
        wait_ms(3000); /* the new address is announced */
        trace_end();
}

static void must_48_49_shld_21_ttl_and_dscp_are_the_users(void **s)
{
        static const struct tcp_opts o = {.ttl = 17, .tos = 0x48};
        established_opts(&o);
        tcp_set_nodelay(T.t, true);
        assert_int_equal(tcp_send_ref(T.t, bytes_at(0), 10, NULL), 0);
        tcp_flush(T.t);
        const struct frame *f = wire_tx(T.w);
        assert_int_equal(f->b[15], 0x48);
        assert_int_equal(f->b[22], 17);
        for (u32 i = 0; i < 3; i++) { /* what is kept of the header follows each */
                struct seg g;
                if (i != 1)
                        tcp_set_tos(T.t, 0xb8);
                if (i != 0)
                        tcp_set_ttl(T.t, (u8)(200 + i));
                tcp_send_ref(T.t, bytes_at(10 + 10 * i), 10, NULL);
                tcp_flush(T.t);
                f = wire_tx(T.w);
                assert_int_equal(f->b[15], 0xb8);
                assert_int_equal(f->b[22], i ? 200 + i : 17);
                assert_true(parse_tcp(T.w, f, &g));
                rx(T_ACK, 1 + 10 * i, 21 + 10 * i, 0);
                rx(T_ACK, 1 + 10 * i, 21 + 10 * i, 10);
                wait_ms(41); /* a bare acknowledgement */
                f = wire_tx(T.w);
                assert_int_equal(f->b[15], 0xb8);
                assert_int_equal(f->b[22], i ? 200 + i : 17);
                assert_true(parse_tcp(T.w, f, &g));
        }
        trace_end();
}

static void rfc_3168_syn_ack_says_not_ect_whatever_the_listener_says(void **s)
{
        static const struct tcp_opts o = {.tos = 0x4b};
        trace_begin(NULL);
        listen_with(&o);
        for (u32 usual = 0; usual < 2; usual++) {
                T.sport++;
                rx_opts(T_SYN | (usual ? 0 : T_PSH), 0, 0, 0, opt_mss1460, 4);
                assert_int_equal(wire_tx(T.w)->b[15], 0x48);
        }
        trace_end();
}

static void must_50_ip_options_are_passed_over(void **s)
{
        static const u8 opts[][4] = {{1, 1, 1, 1}, {7, 3, 4, 0}, {1, 200, 3, 9}, {68, 4, 5, 0}, {0, 9, 9, 9}};
        established();
        for (u32 i = 0; i < COUNT_OF(opts); i++) {
                u8 f[200], g[200];
                struct seg in = {T.sport, T.dport, T.peer_isn + 1 + 20 * i, T.our_isn + 1, T_ACK, 1000, NULL, 0,
                                 bytes_at(20 * i), 20, 0};
                u32 n = build_tcp(T.w, f, &in);
                memcpy(g, f, 34);
                memcpy(g + 34, opts[i], 4);
                memcpy(g + 38, f + 34, n - 34);
                g[14] = 0x46;
                g[17] = (u8)(g[17] + 4);
                memset(g + 24, 0, 2);
                u16 sum = (u16)~cksum_fold(cksum_add(0, g + 14, 24));
                memcpy(g + 24, &sum, 2);
                wire_rx(T.w, g, n + 4);
                assert_int_equal(tcp_readable(T.t), 20 * (i + 1));
        }
        trace_end();
}

static void must_63_syn_from_an_impossible_source_is_ignored(void **s)
{
        static const ipaddr from[] = {IPADDR(255, 255, 255, 255), IPADDR(224, 0, 0, 5), IPADDR(10, 0, 0, 255),
                                      IPADDR(10, 0, 0, 1), IPADDR(127, 0, 0, 1)};
        trace_begin(NULL);
        listen_with(NULL);
        route_add(T.w->st, IPADDR_ANY, 0, WIRE_PEER, &T.w->nif, IFADDR_STATIC); /* there is a way to everybody */
        for (u32 i = 0; i < COUNT_OF(from); i++) {
                u8 f[200];
                struct seg g = {T.sport, T.dport, 1, 0, T_SYN, 1000, NULL, 0, NULL, 0, 0};
                u32 n = build_tcp(T.w, f, &g);
                build_ip(f + 14, from[i], WIRE_US, 6, 20);
                memset(f + 50, 0, 2);
                u16 sum = (u16)~cksum_fold(cksum_add(ip_pseudo_sum(from[i], WIRE_US, 6, 20), f + 34, 20));
                memcpy(f + 50, &sum, 2);
                wire_rx(T.w, f, n);
                assert_int_equal(T.w->st->tcp->count.in_segs, 0);
                expect_none();
        }
        trace_end();
}

static void must_40_a_delayed_acknowledgement_waits_less_than_half_a_second(void **s)
{
        established();
        rx(T_ACK, 1, 1, 1);
        expect_none();
        wait_ms(499);
        expect_tx(T_ACK, 1, 2, 0);
        trace_end();
}

static void shld_2_rst_may_carry_data(void **s)
{
        established();
        rx(T_RST | T_ACK, 1, 1, 20);
        assert_int_equal(T.closed_err, E_RESET);
        trace_end();
}

static void shld_9_silence_beyond_r1_is_reported(void **s)
{
        established();
        send_bytes(0, 10);
        assert_int_equal(tcp_soft_error(T.t), 0);
        wait_ms(10000);
        assert_int_equal(tcp_soft_error(T.t), E_TIMEDOUT);
        trace_end();
}

static void shld_17_no_time_out_for_what_lies_beyond_a_shrunk_window(void **s)
{
        established();
        T.wnd = 3000;
        rx(T_ACK, 1, 1, 0);
        send_bytes(0, 2920);
        expect_tx(T_ACK, 1, 1, 1460);
        expect_tx(T_ACK, 1461, 1, 1460);
        T.wnd = 0;
        rx(T_ACK, 1, 1461, 0);
        for (u32 i = 0; i < 20; i++) { /* ten minutes */
                wait_ms(30000);
                wire_flush_out(T.w);
                rx(T_ACK, 1, 1461, 0);
        }
        assert_int_equal(T.closed, 0);
        T.wnd = 3000;
        rx(T_ACK, 1, 1461, 0);
        u32 got = 1461;
        for (struct seg g; got < 2921 && next_tx(&g); got += g.n)
                assert_int_equal(g.seq - T.our_isn, got);
        assert_int_equal(got, 2921);
        trace_end();
}

static void shld_27_28_small_pieces_become_full_segments_with_one_psh(void **s)
{
        for (u32 ref = 0; ref < 2; ref++) {
                established();
                for (u32 i = 0; i < 100; i++) {
                        if (ref)
                                tcp_send_ref(T.t, bytes_at(i * 30), 30, NULL);
                        else
                                tcp_send(T.t, bytes_at(i * 30), 30);
                }
                tcp_flush(T.t);
                expect_tx(T_ACK, 1, 1, 1460);
                assert_false(trace_last.flags & T_PSH);
                expect_tx(T_ACK, 1461, 1, 1460);
                assert_false(trace_last.flags & T_PSH);
                expect_tx(T_ACK | T_PSH, 2921, 1, 80);
                send_bytes(3000, 1500); /* a full one goes beside a small one, the rest of it waits */
                expect_tx(T_ACK, 3001, 1, 1460);
                expect_none();
                trace_end();
        }
}

static void must_12_user_learns_how_it_ended(void **s)
{
        established();
        rx(T_RST, 1, 0, 0);
        assert_int_equal(T.closed_err, E_RESET);
        trace_end();
        established();
        rx(T_ACK | T_FIN, 1, 1, 0);
        tcp_close(T.t);
        wait_ms(1);
        rx(T_ACK, 2, 2, 0);
        assert_int_equal(T.closed, 1);
        assert_int_equal(T.closed_err, 0);
        trace_end();
}

static void r15_r35_syn_and_fin_count_as_one_octet_each_way(void **s)
{
        established(); /* SYN 0, first byte 1 */
        rx(T_ACK | T_FIN, 1, 1, 5);
        expect_tx(T_ACK, 1, 7, 0);
        send_bytes(0, 3);
        tcp_shutdown(T.t);
        tcp_flush(T.t);
        expect_tx(T_ACK, 1, 7, 3);
        expect_tx(T_ACK | T_FIN, 4, 7, 0);
        assert_int_equal(tcp_state_number(T.t), TCP_LAST_ACK);
        rx(T_ACK, 7, 4, 0);
        assert_int_equal(tcp_state_number(T.t), TCP_LAST_ACK); /* the FIN is not covered yet */
        tcp_consume(T.t, 5);
        rx(T_ACK, 7, 5, 0);
        assert_int_equal(T.closed, 1);
        trace_end();
}

static void sequence_numbers_wrap(void **s)
{
        static const struct tcp_opts o = {.fixed_isn = true, .isn = 0xffffff00u};
        trace_begin(NULL);
        T.peer_isn = 0xfffffe00u;
        listen_with(&o);
        handshake(opt_mss1460, 4);
        T.read_all = true;
        send_bytes(0, 3000);
        expect_tx(T_ACK, 1, 1, 1460);
        expect_tx(T_ACK, 1461, 1, 1460);
        expect_tx(T_ACK | T_PSH, 2921, 1, 80);
        rx(T_ACK, 1461, 3001, 1460);
        expect_tx(T_ACK, 3001, 1, 0);
        rx(T_ACK, 1, 3001, 1460);
        expect_tx(T_ACK, 3001, 2921, 0);
        assert_int_equal(T.got, 2920);
        assert_int_equal(T.t->snd_queued, 0);
        trace_end();
}

static void r40_half_close_by_the_peer_frees_its_side(void **s)
{
        established();
        rx(T_ACK, 11, 1, 10);
        expect_tx(T_ACK, 1, 1, 0);
        assert_non_null(T.t->reasm);
        T.read_all = true;
        rx(T_ACK, 1, 1, 10);
        rx(T_ACK | T_FIN, 21, 1, 0);
        assert_null(T.t->reasm);
        assert_int_equal(T.t->rcv_queued, 0);
        assert_null(T.t->flight);
        state_is("CLOSE_WAIT");
        trace_end();
}

static void r50_plain_eight_packet_client_is_served(void **s)
{
        trace_begin(NULL);
        T.read_all = T.echo = true;
        listen_with(NULL);
        handshake(opt_mss1460, 4);       /* 10 SYN, 20 SYN,ACK, 30 ACK */
        rx(T_ACK | T_PSH, 1, 1, 6);      /* 40 PSH */
        expect_tx(T_ACK | T_PSH, 1, 7, 6);   /* 60 PSH,ACK */
        rx(T_ACK | T_FIN, 7, 7, 0);      /* 50 FIN */
        tcp_close(T.t);
        wait_ms(1);
        expect_tx(T_ACK, 7, 8, 0);
        expect_tx(T_ACK | T_FIN, 7, 8, 0);   /* 70 FIN,ACK */
        rx(T_ACK, 8, 8, 0);              /* 80 ACK */
        assert_int_equal(T.closed, 1);
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(must_41_42_listen_beside_half_open_and_open_connections),
                test(must_43_listener_on_one_address_wins_over_any),
                test(must_44_45_source_address_is_ips_choice_and_stays), test(must_48_49_shld_21_ttl_and_dscp_are_the_users),
                test(rfc_3168_syn_ack_says_not_ect_whatever_the_listener_says),
                test(must_50_ip_options_are_passed_over), test(must_63_syn_from_an_impossible_source_is_ignored),
                test(must_40_a_delayed_acknowledgement_waits_less_than_half_a_second), test(shld_2_rst_may_carry_data),
                test(shld_9_silence_beyond_r1_is_reported), test(shld_17_no_time_out_for_what_lies_beyond_a_shrunk_window),
                test(shld_27_28_small_pieces_become_full_segments_with_one_psh), test(must_12_user_learns_how_it_ended),
                test(r15_r35_syn_and_fin_count_as_one_octet_each_way), test(sequence_numbers_wrap),
                test(r40_half_close_by_the_peer_frees_its_side),
                test(r50_plain_eight_packet_client_is_served),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
