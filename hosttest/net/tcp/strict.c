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
                test(shld_19_tiny_mss_of_ours_is_a_full_segment), test(user_timeout_ends_the_connection_at_its_time),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
