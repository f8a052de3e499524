/* strict.c - traces of clauses that a strict peer holds us to: timestamps once agreed on, ECN's order, small segments, who restarts
 * which timer, TIME_WAIT's length, simultaneous SYN,ACKs. SPDX-License-Identifier: MIT */
#include "trace.h"

/* 3.10.5: RST from CLOSE_WAIT and the states before, not from those in which both sides have closed. */
static void abort_of_a_closing_connection_says_nothing(void **s)
{
        static const struct { u32 fin_of_peer, ours; const char *state; } c[] = {
                {1, 0, "CLOSE_WAIT"}, {1, 1, "LAST_ACK"}, {0, 1, "FIN_WAIT_1"}, {2, 1, "CLOSING"}};
        for (u32 i = 0; i < COUNT_OF(c); i++) {
                established();
                if (c[i].fin_of_peer == 1)
                        rx(T_ACK | T_FIN, 1, 1, 0);
                if (c[i].ours) {
                        tcp_shutdown(T.t);
                        tcp_flush(T.t);
                }
                if (c[i].fin_of_peer == 2)
                        rx(T_ACK | T_FIN, 1, 1, 0);
                state_is(c[i].state);
                wire_flush_out(T.w);
                tcp_abort(T.t);
                T.t = NULL;
                if (c[i].ours && c[i].fin_of_peer)
                        expect_none();
                else
                        assert_true(next_tx(&trace_last) && trace_last.flags & T_RST);
                trace_end();
        }
}

static void fin_is_answered_however_often_it_comes(void **s)
{
        established();
        rx(T_ACK | T_FIN, 1, 1, 0);
        expect_tx(T_ACK, 1, 2, 0);
        for (u32 i = 0; i < 4; i++) { /* our acknowledgement is lost, and lost again */
                wait_ms(100);
                rx(T_ACK | T_FIN, 1, 1, 0);
                expect_tx(T_ACK, 1, 2, 0);
        }
        for (u32 i = 0; i < 8; i++) { /* beyond the window: FIN is repeated by a timer, so this is no war of acknowledgements */
                rx(T_ACK | T_FIN, 100000, 1, 0);
                expect_tx(T_ACK, 1, 2, 0);
        }
        trace_end();
}

/* RFC 9293 figure 8, line 6. */
static void simultaneous_open_is_complete_with_the_peers_syn_ack(void **s)
{
        syn_sent();
        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
        expect_tx(T_SYN | T_ACK, 0, 1, 0);
        rx_opts(T_SYN | T_ACK, 0, 1, 0, opt_mss1460, 4);
        state_is("ESTABLISHED");
        assert_int_equal(T.connected, 1);
        expect_tx(T_ACK, 1, 1, 0);
        trace_end();
}

/* RFC 5961 3.2: a restarted peer answers our acknowledgement by a RST with exactly its number, which is not RCV.NXT here. */
static void rst_counts_where_the_acknowledgement_waits_for_the_reader(void **s)
{
        static const struct tcp_opts o = {.ack_on_read = true};
        established_opts(&o);
        rx(T_ACK, 1, 1, 100);
        rx(T_RST, 1, 0, 0);
        assert_int_equal(T.closed, 1);
        assert_int_equal(T.closed_err, E_RESET);
        trace_end();
}

/* An option that our layout leaves out was not agreed on, though the peer offered it. */
static void what_a_layout_leaves_out_is_not_agreed_on(void **s)
{
        static const u8 all[] = {2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 100, 0, 0, 0, 0, 1, 3, 3, 7};
        static const struct tcp_opts o = {.syn_layout = {2}, .rcvbuf = 1 << 20}, full = {.syn_layout = {8, 8, 8, 2, 2, 8, 4, 3}};
        trace_begin(NULL);
        listen_with(&o);
        handshake(all, sizeof all);
        assert_int_equal(trace_last.n_opts, 4);
        state_is("ESTABLISHED");
        assert_int_equal(T.t->flags & (TF_TS | TF_SACK), 0);
        assert_int_equal(T.t->snd_scale | T.t->rcv_scale, 0);
        trace_end();
        syn_sent_opts(&full); /* the fourth timestamp has no room, nor has what is behind it */
        rx_opts(T_SYN | T_ACK, 0, 1, 0, all, sizeof all);
        assert_int_equal(T.t->flags & (TF_TS | TF_SACK), TF_TS | TF_SACK);
        assert_int_equal(T.t->rcv_scale, 0);
        trace_end();
}

/* RFC 7323 2.4: 156 bytes less than one of its units of 256 are what the field cannot say. */
static void window_rounded_down_by_its_scale_is_not_a_shrunk_one(void **s)
{
        static const u8 o[] = {2, 4, 2, 0, 1, 3, 3, 8};
        trace_begin(NULL);
        listen_with(NULL);
        handshake(o, sizeof o);
        T.wnd = 10;
        rx(T_ACK, 1, 1, 0);
        send_bytes(0, 2560);
        for (u32 i = 0; i < 5; i++)
                expect_tx(T_ACK, 1 + 512 * i, 1, 512);
        T.wnd = 9;
        rx(T_ACK, 1, 101, 0);
        rx(T_ACK, 101, 101, 10); /* ahead of its turn: answered at once */
        expect_tx(T_ACK, 2561, 1, 0);
        T.wnd = 5; /* shrunk */
        rx(T_ACK, 1, 101, 0);
        rx(T_ACK, 201, 101, 10);
        expect_tx(T_ACK, 101 + 5 * 256, 1, 0);
        trace_end();
}

static void must_16_tiny_mss_of_the_peer_is_kept(void **s)
{
        static const u8 tiny[] = {2, 4, 0, 64};
        trace_begin(NULL);
        listen_with(NULL);
        handshake(tiny, 4);
        send_bytes(0, 128);
        expect_tx(T_ACK, 1, 1, 64);
        expect_tx(T_ACK, 65, 1, 64);
        trace_end();
}

static void shld_19_tiny_mss_of_ours_is_a_full_segment(void **s)
{
        static const struct tcp_opts o = {.mss = 100};
        established_opts(&o);
        T.read_all = true;
        rx(T_ACK, 1, 1, 100);
        expect_none();
        rx(T_ACK, 101, 1, 100);
        expect_tx(T_ACK, 1, 201, 0);
        trace_end();
}

static void rfc_2883_partial_duplicate_is_told(void **s)
{
        established_sack(NULL);
        T.read_all = true;
        rx(T_ACK, 1, 1, 1000);
        wait_ms(50);
        expect_tx(T_ACK, 1, 1001, 0);
        rx(T_ACK, 501, 1, 1000);
        expect_tx(T_ACK, 1, 1501, 0);
        const u8 *b = tx_option(5);
        assert_non_null(b);
        assert_int_equal(opt32(b), T.peer_isn + 501);
        assert_int_equal(opt32(b + 4), T.peer_isn + 1001);
        trace_end();
}

/* The same of what is queued: the second block then tells all that lies around it. */
static void rfc_2883_4_2_partial_duplicate_of_what_is_queued_is_told(void **s)
{
        static const struct { u32 seq, len, dup, to; } at[] = {
                {1201, 800, 1201, 1501},        /* its front came already */
                {701, 500, 1001, 1201},         /* its end */
                {701, 1000, 1001, 1501},        /* what lies in it */
                {1201, 1400, 1201, 1501},       /* its front and its end: the first is told */
                {1101, 100, 1101, 1201},        /* all of it */
        };
        for (u32 i = 0; i < COUNT_OF(at); i++) {
                established_sack(NULL);
                rx(T_ACK, 1001, 1, 500);
                expect_tx(T_ACK, 1, 1, 0);
                rx(T_ACK, 2501, 1, 500);
                expect_tx(T_ACK, 1, 1, 0);
                rx(T_ACK, at[i].seq, 1, at[i].len);
                expect_tx(T_ACK, 1, 1, 0);
                const u8 *b = tx_option(5);
                assert_non_null(b);
                assert_int_equal(opt32(b), T.peer_isn + at[i].dup);
                assert_int_equal(opt32(b + 4), T.peer_isn + at[i].to);
                assert_true(opt32(b + 8) <= T.peer_isn + at[i].seq && opt32(b + 12) >= T.peer_isn + at[i].seq + at[i].len);
                trace_end();
        }
        established_sack(NULL);
        rx(T_ACK, 1001, 1, 500);
        expect_tx(T_ACK, 1, 1, 0);
        rx(T_ACK, 1, 1, 1200); /* in order, and into what is queued */
        expect_tx(T_ACK, 1, 1501, 0);
        const u8 *b = tx_option(5);
        assert_non_null(b);
        assert_int_equal(opt32(b), T.peer_isn + 1001);
        assert_int_equal(opt32(b + 4), T.peer_isn + 1201);
        trace_end();
}

static void rfc_2018_fin_inside_queued_data_makes_no_empty_block(void **s)
{
        established_sack(NULL);
        for (u32 i = 0; i < 5; i++) { /* one more than there are blocks to tell */
                rx(T_ACK, 1001 + 2000 * i, 1, 500);
                expect_tx(T_ACK, 1, 1, 0);
        }
        rx(T_ACK | T_FIN, 1201, 1, 0);
        expect_tx(T_ACK, 1, 1, 0);
        const u8 *b = tx_option(5);
        assert_int_equal(b[-1], 2 + 4 * 8);
        for (u32 i = 0; i < 4; i++)
                assert_int_equal(opt32(b + 8 * i + 4) - opt32(b + 8 * i), 500);
        trace_end();
}

/* RFC 791: every network carries 68 bytes, and DF is set. */
static void acknowledgement_with_blocks_fits_the_smallest_path(void **s)
{
        static const u8 o[] = {2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 100, 0, 0, 0, 0};
        trace_begin(NULL);
        T.w->nif.mtu = 68;
        listen_with(NULL);
        T.ts = true;
        T.tsval = 100;
        handshake(o, sizeof o);
        rx(T_ACK, 1001, 1, 16);
        expect_tx(T_ACK, 1, 1, 0);
        assert_int_equal(trace_last.n_opts, 12 + 12);
        rx(T_ACK, 2001, 1, 16);
        expect_tx(T_ACK, 1, 1, 0);
        trace_end();
}

static void user_timeout_ends_the_connection_at_its_time(void **s)
{
        static const struct tcp_opts o = {.user_timeout_ms = 10000};
        established_opts(&o);
        send_bytes(0, 100);
        wait_ms(9900);
        assert_int_equal(T.closed, 0);
        wait_ms(200);
        assert_int_equal(T.closed, 1);
        assert_int_equal(T.closed_err, E_TIMEDOUT);
        wire_flush_out(T.w);
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(abort_of_a_closing_connection_says_nothing), test(fin_is_answered_however_often_it_comes),
                test(simultaneous_open_is_complete_with_the_peers_syn_ack),
                test(rst_counts_where_the_acknowledgement_waits_for_the_reader), test(what_a_layout_leaves_out_is_not_agreed_on),
                test(window_rounded_down_by_its_scale_is_not_a_shrunk_one), test(must_16_tiny_mss_of_the_peer_is_kept),
                test(shld_19_tiny_mss_of_ours_is_a_full_segment), test(rfc_2883_partial_duplicate_is_told),
                test(rfc_2883_4_2_partial_duplicate_of_what_is_queued_is_told),
                test(rfc_2018_fin_inside_queued_data_makes_no_empty_block),
                test(acknowledgement_with_blocks_fits_the_smallest_path), test(user_timeout_ends_the_connection_at_its_time),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
