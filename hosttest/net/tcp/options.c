/* options.c - traces about the header and its options: RFC 9293 3.1, 3.2, 3.7.1; RFC 7323; what a SYN offers and a SYN,ACK
 * answers.
 * SPDX-License-Identifier: MIT */
#include "trace.h"

static void must_3_wrong_checksum_is_dropped(void **s)
{
        established();
        u8 f[200];
        struct seg g = {T.sport, T.dport, T.peer_isn + 1, T.our_isn + 1, T_ACK, 1000, NULL, 0, bytes_at(0), 50, 0};
        u32 n = build_tcp(T.w, f, &g);
        f[n - 1] ^= 1;
        wire_rx(T.w, f, n);
        assert_int_equal(wire_drops(T.w, DROP_TCP_CKSUM), 1);
        assert_int_equal(tcp_readable(T.t), 0);
        trace_end();
}

static void door_drops_what_is_too_short_for_its_header(void **s)
{
        established();
        for (u32 kind = 0; kind < 4; kind++) {
                u8 f[200];
                struct seg g = {T.sport, T.dport, T.peer_isn + 1, T.our_isn + 1, T_ACK, 1000, NULL, 0, bytes_at(0), 50, 0};
                build_tcp(T.w, f, &g);
                u32 n = kind == 0 ? 19 : kind == 1 ? 20 : 70; /* bytes of TCP */
                f[46] = kind == 0 ? 0x50 : kind == 1 ? 0x60 : kind == 2 ? 0x40 : 0x00;
                memset(f + 50, 0, 2);
                u16 sum = (u16)~cksum_fold(cksum_add(ip_pseudo_sum(WIRE_PEER, WIRE_US, 6, (u16)n), f + 34, n));
                memcpy(f + 50, &sum, 2);
                build_ip(f + 14, WIRE_PEER, WIRE_US, 6, n);
                wire_rx(T.w, f, 34 + n);
                assert_int_equal(wire_drops(T.w, DROP_TCP_SHORT), kind + 1);
        }
        assert_int_equal(tcp_readable(T.t), 0);
        expect_none();
        trace_end();
}

static void must_4_5_6_7_64_68_options_of_any_kind_length_and_alignment(void **s)
{
        static const u8 odd[][12] = {
                {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},       /* only NOP */
                {1, 2, 4, 5, 180, 1, 200, 5, 1, 2, 3, 0},   /* MSS at an odd address, an unknown option */
                {200, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},     /* length 0 */
                {200, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},     /* length 1 */
                {200, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},   /* beyond the header */
                {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2},       /* kind without length at the very end */
                {2, 3, 5, 8, 9, 0, 0, 0, 0, 0, 0, 0},       /* MSS and TS of the wrong length */
                {5, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},      /* SACK of nothing we sent */
                {0, 2, 4, 0, 1, 8, 10, 1, 1, 1, 1, 1},      /* garbage behind EOL */
        };
        for (u32 i = 0; i < COUNT_OF(odd); i++) {
                established();
                T.read_all = true;
                rx_opts(T_ACK | T_PSH, 1, 1, 10, odd[i], 12);
                assert_int_equal(T.got, 10);
                trace_end();
                trace_begin(NULL);
                listen_with(NULL);
                rx_opts(T_SYN, 0, 0, 0, odd[i], 12);
                T.our_isn = 0;
                struct seg g;
                assert_true(next_tx(&g));
                assert_int_equal(g.flags & 0x3f, T_SYN | T_ACK);
                wait_ms(200000);
                trace_end();
        }
}

static void must_5_6_7_64_68_options_are_read_where_they_stand(void **s)
{
        static const struct { u8 o[12], n; u16 mss; } syn[] = {
                {{1, 2, 4, 3, 232, 0, 0, 0}, 8, 1000},               /* at an odd address */
                {{1, 1, 1, 1, 2, 4, 3, 232}, 8, 1000},               /* to the very end */
                {{200, 5, 1, 2, 3, 2, 4, 3, 232, 0, 0, 0}, 12, 1000},/* behind one that nobody knows */
                {{0, 2, 2, 4, 3, 232, 0, 0}, 8, 536},                /* behind the end */
                {{200, 1, 2, 4, 3, 232, 0, 0}, 8, 536},              /* behind a length that is none */
                {{200, 0, 2, 4, 3, 232, 0, 0}, 8, 536},
                {{2, 5, 3, 232, 9, 0, 0, 0}, 8, 536},                /* of another length than its own */
                {{2, 3, 3, 1, 2, 4, 3, 232}, 8, 1000},
                {{2, 4, 3, 232, 8, 10, 0, 0}, 8, 1000},              /* in front of one that ends behind the header */
                {{2, 4, 3, 232, 8, 4, 0, 0}, 8, 1000},
                {{8, 11, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}, 12, 536},
                {{4, 3, 0, 3, 4, 0, 0, 2, 4, 3, 232}, 12, 1000},
        };
        for (u32 i = 0; i < COUNT_OF(syn); i++) {
                trace_begin(NULL);
                listen_with(NULL);
                handshake(syn[i].o, syn[i].n);
                assert_int_equal(T.t->peer_mss, syn[i].mss);
                assert_int_equal(T.t->flags & (TF_TS | TF_SACK), 0);
                assert_int_equal(T.t->snd_scale, 0);
                trace_end();
        }
}

static void must_4_a_timestamp_counts_in_any_segment_wherever_it_stands(void **s)
{
        static const u8 at[][12] = {{8, 10, 0, 0, 0, 200, 0, 0, 0, 0, 0, 0}, {1, 8, 10, 0, 0, 0, 200, 0, 0, 0, 0, 1},
                                    {1, 1, 8, 10, 0, 0, 0, 200, 0, 0, 0, 0}};
        for (u32 i = 0; i < COUNT_OF(at); i++) {
                trace_begin(NULL);
                listen_with(NULL);
                T.ts = true;
                T.tsval = 100;
                handshake(opt_mss1460_ts, sizeof opt_mss1460_ts);
                rx_opts(T_ACK, 1, 1, 10, at[i], 12);
                assert_int_equal(T.t->ts_recent, 200);
                assert_int_equal(tcp_readable(T.t), 10);
                trace_end();
        }
}

/* A usual SYN, one that takes the long way, and our own. */
static void must_14_67_mss_is_announced_and_fits_the_mtu(void **s)
{
        static const u16 ours[][2] = {{0, 960}, {500, 500}, {961, 960}, {9000, 960}};
        for (u32 i = 0; i < 3 * COUNT_OF(ours); i++) {
                struct tcp_opts o = {.mss = ours[i / 3][0]};
                trace_begin(NULL);
                T.w->nif.mtu = 1000;
                if (i % 3 == 2) {
                        int err;
                        T.t = tcp_connect(T.w->st, IPADDR_ANY, 0, WIRE_PEER, OUR_PORT, &trace_events, NULL, &o, &err);
                } else {
                        listen_with(&o);
                        rx_opts(T_SYN | (i % 3 ? T_PSH : 0), 0, 0, 0, opt_mss1460, 4);
                }
                assert_true(next_tx(&trace_last));
                const u8 *m = tx_option(2);
                assert_non_null(m);
                assert_int_equal(m[0] << 8 | m[1], ours[i / 3][1]);
                trace_end();
        }
}

static void must_15_no_mss_option_means_536(void **s)
{
        for (u32 i = 0; i < 3; i++) {
                if (i == 2) {
                        syn_sent();
                        rx_opts(T_SYN | T_ACK, 0, 1, 0, NULL, 0);
                        expect_tx(T_ACK, 1, 1, 0);
                } else {
                        trace_begin(NULL);
                        listen_with(NULL);
                        rx_opts(T_SYN | (i ? T_PSH : 0), 0, 0, 0, NULL, 0);
                        assert_true(next_tx(&trace_last));
                        T.our_isn = trace_last.seq;
                        rx(T_ACK, 1, 1, 0);
                }
                send_bytes(0, 1000);
                expect_tx(T_ACK, 1, 1, 536);
                trace_end();
        }
}

static void must_16_segments_fit_peer_mss_path_and_options(void **s)
{
        static const u8 o[] = {2, 4, 3, 232, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1}; /* MSS 1000, timestamps */
        static const struct { u16 mtu, n, stamp, len; } want[] = {
                {1500, 4, 0, 1000}, {1500, sizeof o, 12, 988}, {1040, 4, 0, 1000}, {1039, 4, 0, 999}, {1039, sizeof o, 12, 987}};
        for (u32 i = 0; i < COUNT_OF(want); i++) {
                trace_begin(NULL);
                listen_with(NULL);
                T.w->nif.mtu = want[i].mtu;
                T.ts = want[i].stamp;
                T.tsval = 1;
                handshake(o, (u8)want[i].n);
                send_bytes(0, 3000);
                expect_tx(T_ACK, 1, 1, want[i].len);
                trace_end();
        }
}

static void must_65_mss_only_on_syn(void **s)
{
        established_sack(NULL);
        send_bytes(0, 100);
        expect_tx(T_ACK, 1, 1, 100);
        assert_null(tx_option(2));
        rx(T_ACK, 11, 101, 10);
        expect_tx(T_ACK, 101, 1, 0);
        assert_null(tx_option(2));
        send_bytes(100, 100);
        expect_tx(T_ACK, 101, 1, 100);
        assert_null(tx_option(2));
        tcp_shutdown(T.t);
        tcp_flush(T.t);
        expect_tx(T_ACK | T_FIN, 201, 1, 0);
        assert_null(tx_option(2));
        tcp_abort(T.t);
        expect_tx(T_RST | T_ACK, 202, 1, 0);
        assert_null(tx_option(2));
        trace_end();
}

static void must_69_bytes_behind_eol_are_zero(void **s)
{
        static const struct tcp_opts o = {.syn_layout = {2, 4, 3}};
        static const u8 offer[] = {2, 4, 5, 180, 4, 2, 3, 3, 7, 0, 0, 0};
        trace_begin(NULL);
        listen_with(&o);
        handshake(offer, sizeof offer);
        /* 4 + 2 + 3 bytes, then EOL to the next word */
        static const u8 want[] = {2, 4, 5, 180, 4, 2, 3, 3, 1, 0, 0, 0};
        assert_int_equal(trace_last.n_opts, sizeof want);
        assert_memory_equal(trace_last.opts, want, sizeof want);
        trace_end();
        for (u32 i = 0; i < 2; i++) { /* the usual ones without a timestamp, by either way */
                static const u8 usual[] = {2, 4, 5, 180, 4, 2, 1, 3, 3, 1, 0, 0};
                trace_begin(NULL);
                listen_with(NULL);
                rx_opts(T_SYN | (i ? T_PSH : 0), 0, 0, 0, offer, sizeof offer);
                assert_true(next_tx(&trace_last));
                assert_int_equal(trace_last.n_opts, sizeof usual);
                assert_memory_equal(trace_last.opts, usual, 9);
                assert_memory_equal(trace_last.opts + 10, usual + 10, 2);
                trace_end();
        }
}

static void syn_layout_is_as_configured(void **s)
{
        static const struct tcp_opts o = {.syn_layout = {4, 1, 1, 2}, .fixed_isn = true, .isn = 12345};
        syn_sent_opts(&o);
        static const u8 want[] = {4, 2, 1, 1, 2, 4, 5, 180};
        assert_int_equal(T.our_isn, 12345);
        assert_int_equal(trace_last.n_opts, sizeof want);
        assert_memory_equal(trace_last.opts, want, sizeof want);
        trace_end();
}

static void syn_offers_what_linux_offers(void **s)
{
        syn_sent();
        const u8 kinds[] = {2, 4, 8, 3};
        for (u32 i = 0; i < 4; i++)
                assert_non_null(tx_option(kinds[i]));
        assert_int_equal(trace_last.n_opts, 20);
        trace_end();
}

static void syn_ack_offers_only_what_the_syn_offered(void **s)
{
        trace_begin(NULL);
        listen_with(NULL);
        handshake(opt_mss1460, 4);
        assert_non_null(tx_option(2));
        assert_null(tx_option(3));
        assert_null(tx_option(4));
        assert_null(tx_option(8));
        trace_end();
}

static void window_scale_both_ways(void **s)
{
        static const struct tcp_opts o = {.rcvbuf = 1000000};
        static const u8 offer[] = {2, 4, 5, 180, 1, 3, 3, 3};
        trace_begin(NULL);
        listen_with(&o);
        T.wnd = 1000;
        handshake(offer, sizeof offer);
        assert_int_equal(*tx_option(3), 4); /* 1000000 >> 4 fits 16 bits */
        assert_int_equal(trace_last.wnd, 65535); /* of a SYN: not scaled */
        assert_int_equal(T.t->snd_wnd, 8000);
        send_bytes(0, 10000);
        for (u32 i = 0; i < 5; i++)
                expect_tx(T_ACK, 1 + i * 1460, 1, 1460);
        assert_int_equal(trace_last.wnd, 65535 >> 4);
        expect_none();
        trace_end();
}

static void receive_window_grows_with_use_up_to_the_buffer(void **s)
{
        static const struct tcp_opts o = {.rcvbuf = 200000};
        static const u8 offer[] = {2, 4, 5, 180, 1, 3, 3, 3};
        trace_begin(NULL);
        listen_with(&o);
        handshake(offer, sizeof offer);
        T.read_all = true;
        u32 at = 1;
        for (u32 i = 0; i < 200; i++, at += 1460)
                rx(T_ACK, at, 1, 1460);
        struct seg g;
        while (next_tx(&g))
                trace_last = g;
        assert_in_range((u32)trace_last.wnd << T.t->rcv_scale, 190000, 200000);
        trace_end();
}

static void receive_window_does_not_grow_for_a_user_who_does_not_keep_up(void **s)
{
        static const struct tcp_opts o = {.rcvbuf = 200000};
        static const u8 offer[] = {2, 4, 5, 180, 1, 3, 3, 3};
        trace_begin(NULL);
        listen_with(&o);
        handshake(offer, sizeof offer);
        for (u32 at = 1; at < 30000; at += 1460) {
                rx(T_ACK, at, 1, 1460);
                tcp_consume(T.t, 700);
        }
        wire_flush_out(T.w);
        assert_int_equal(T.t->rcv_space, 65535);
        trace_end();
}

static const u8 offer_ts[] = {2, 4, 5, 180, 8, 10, 0, 0, 0, 100, 0, 0, 0, 0, 1, 1};

static void established_ts(void)
{
        trace_begin(NULL);
        listen_with(NULL);
        T.ts = true;
        T.tsval = 100;
        handshake(offer_ts, sizeof offer_ts);
        T.read_all = true;
}

static void timestamp_is_echoed_from_the_segment_that_moved_the_window(void **s)
{
        established_ts();
        T.tsval = 200;
        rx(T_ACK, 1, 1, 100);
        T.tsval = 205;
        rx(T_ACK, 101, 1, 1400);
        wait_ms(41);
        expect_tx(T_ACK, 1, 1501, 0);
        assert_int_equal(opt32(tx_option(8) + 4), 200); /* RFC 7323 4.3: of the first segment since the last acknowledgement */
        trace_end();
}

static void paws_rejects_an_old_duplicate(void **s)
{
        established_ts();
        T.tsval = 200;
        rx(T_ACK, 1, 1, 100);
        wait_ms(50);
        expect_tx(T_ACK, 1, 101, 0);
        T.tsval = 150;
        rx(T_ACK, 101, 1, 100);
        expect_tx(T_ACK, 1, 101, 0);
        assert_int_equal(T.got, 100);
        assert_int_equal(wire_drops(T.w, DROP_TCP_PAWS), 1);
        T.tsval = 201;
        rx(T_ACK, 101, 1, 100);
        assert_int_equal(T.got, 200);
        T.tsval = 100; /* RFC 7323 5.2: of a RST nobody knows how old it may be */
        rx(T_RST | T_ACK, 201, 1, 0);
        assert_int_equal(T.closed_err, E_RESET);
        trace_end();
}

/* 4.3: what is echoed is of the segment acknowledged last, or of the first one behind it: not of one ahead of its turn. */
static void rfc_7323_4_3_echo_is_of_the_first_segment_not_yet_acknowledged(void **s)
{
        established_ts();
        T.tsval = 110;
        rx(T_ACK, 1, 1, 10);
        T.tsval = 120;
        rx(T_ACK, 11, 1, 10);
        wait_ms(41);
        expect_tx(T_ACK, 1, 21, 0);
        assert_int_equal(opt32(tx_option(8) + 4), 110);
        T.tsval = 130;
        rx(T_ACK, 31, 1, 10);
        expect_tx(T_ACK, 1, 21, 0);
        assert_int_equal(opt32(tx_option(8) + 4), 110);
        T.tsval = 140;
        rx(T_ACK, 21, 1, 10);
        expect_tx(T_ACK, 1, 41, 0);
        assert_int_equal(opt32(tx_option(8) + 4), 140);
        trace_end();
}

/* 2.2, 2.3: agreed on by two, 14 at most, and nothing for the window of a SYN. */
static void rfc_7323_2_2_2_3_scale_is_agreed_on_by_two_and_14_at_most(void **s)
{
        static const u8 large[] = {2, 4, 5, 180, 1, 3, 3, 15}, seven[] = {2, 4, 5, 180, 1, 3, 3, 7},
                        strange[] = {3, 3, 15, 1, 2, 4, 5, 180};
        static const struct tcp_opts o = {.rcvbuf = 1 << 20};
        for (u32 i = 0; i < 8; i++) { /* active, passive by either way; no scale, or one that is too large */
                bool none = i & 1;
                if (i < 2) {
                        syn_sent_opts(&o);
                        assert_non_null(tx_option(3));
                        T.wnd = 1000;
                        rx_opts(T_SYN | T_ACK, 0, 1, 0, none ? opt_mss1460 : large, none ? 4 : 8);
                        assert_int_equal(T.t->snd_wnd, 1000);
                } else {
                        trace_begin(NULL);
                        listen_with(&o);
                        if (i > 5) /* the long way: asked twice */
                                rx_opts(T_SYN, 0, 0, 0, seven, 8);
                        rx_opts(T_SYN | (i > 3 ? T_PSH : 0), 0, 0, 0, none ? opt_mss1460 : i > 3 ? strange : large, none ? 4 : 8);
                        while (next_tx(&trace_last))
                                T.our_isn = trace_last.seq;
                        assert_int_equal(tx_option(3) == NULL, none);
                        rx(T_ACK, 1, 1, 0);
                }
                assert_int_equal(T.t->snd_scale, none ? 0 : i > 5 ? 7 : 14);
                assert_int_equal(T.t->rcv_scale == 0, none);
                trace_end();
        }
}

/* RFC 7323 5.5: by then the peer's clock may have gone half way round. What comes first begins anew, and what follows it is judged by that. */
static void rfc_7323_5_5_idle_connection_takes_what_comes_and_goes_on_from_there(void **s)
{
        for (u32 ahead = 0; ahead < 2; ahead++) {
                established_ts();
                T.tsval = 200;
                rx(T_ACK, 1, 1, 100);
                wait_ms(50);
                expect_tx(T_ACK, 1, 101, 0);
                wait_ms(25u * 24 * 3600 * 1000);
                T.tsval = 0x90000000; /* older than 200, modulo 2^32 */
                if (ahead) { /* what comes first came out of order */
                        rx(T_ACK, 201, 1, 100);
                        expect_tx(T_ACK, 1, 101, 0);
                }
                rx(T_ACK, 101, 1, 100);
                T.tsval += 10;
                rx(T_ACK, ahead ? 301 : 201, 1, 100);
                assert_int_equal(T.got, ahead ? 400 : 300);
                wait_ms(50);
                while (next_tx(&trace_last)) {}
                assert_int_equal(opt32(tx_option(8) + 4), 0x90000000 + 10 * ahead);
                T.tsval -= 11;
                rx(T_ACK, T.got + 1, 1, 100);
                assert_int_equal(wire_drops(T.w, DROP_TCP_PAWS), 1);
                trace_end();
        }
}

static void paws_does_not_stop_rst(void **s)
{
        established_ts();
        T.tsval = 1;
        rx(T_RST, 1, 0, 0);
        assert_int_equal(T.closed, 1);
        trace_end();
}

static void timestamps_time_a_retransmission(void **s)
{
        established_ts();
        send_bytes(0, 100);
        expect_tx(T_ACK, 1, 1, 100);
        wait_ms(1000);
        while (next_tx(&trace_last))
                ;
        T.tsecr = opt32(tx_option(8));
        T.tsval = 300;
        u32 srtt = T.t->srtt_us;
        rx(T_ACK, 1, 101, 0);
        assert_int_not_equal(T.t->srtt_us, srtt);
        assert_true(T.t->rto_ms < 1000);
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(must_3_wrong_checksum_is_dropped), test(door_drops_what_is_too_short_for_its_header),
                        test(must_4_5_6_7_64_68_options_of_any_kind_length_and_alignment),
                test(must_5_6_7_64_68_options_are_read_where_they_stand),
                test(must_4_a_timestamp_counts_in_any_segment_wherever_it_stands),
                test(must_14_67_mss_is_announced_and_fits_the_mtu), test(must_15_no_mss_option_means_536),
                test(must_16_segments_fit_peer_mss_path_and_options), test(must_65_mss_only_on_syn),
                test(must_69_bytes_behind_eol_are_zero),
                test(syn_layout_is_as_configured), test(syn_offers_what_linux_offers),
                test(syn_ack_offers_only_what_the_syn_offered),
                test(window_scale_both_ways), test(receive_window_grows_with_use_up_to_the_buffer),
                test(receive_window_does_not_grow_for_a_user_who_does_not_keep_up),
                        test(timestamp_is_echoed_from_the_segment_that_moved_the_window), test(paws_rejects_an_old_duplicate),
                test(rfc_7323_4_3_echo_is_of_the_first_segment_not_yet_acknowledged),
                test(rfc_7323_2_2_2_3_scale_is_agreed_on_by_two_and_14_at_most),
                test(paws_does_not_stop_rst), test(rfc_7323_5_5_idle_connection_takes_what_comes_and_goes_on_from_there), test(timestamps_time_a_retransmission),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
