/* basic.c - traces of the plain life of a connection: open, data both ways, close, in every order.
 * SPDX-License-Identifier: MIT */
#include "trace.h"

static void passive_open_data_both_ways_peer_closes_first(void **s)
{
        established();
        T.read_all = T.echo = true;
        rx(T_ACK | T_PSH, 1, 1, 100);
        expect_tx(T_ACK | T_PSH, 1, 101, 100);
        rx(T_ACK | T_FIN, 101, 101, 0);
        expect_tx(T_ACK, 101, 102, 0);
        state_is("CLOSE_WAIT");
        assert_true(tcp_eof(T.t));
        tcp_close(T.t);
        wait_ms(1);
        expect_tx(T_ACK | T_FIN, 101, 102, 0);
        state_is("LAST_ACK");
        rx(T_ACK, 102, 102, 0);
        assert_int_equal(T.closed, 1);
        assert_int_equal(T.closed_err, 0);
        expect_none();
        trace_end();
}

static void active_open_and_active_close_end_in_time_wait(void **s)
{
        syn_sent();
        rx_opts(T_SYN | T_ACK, 0, 1, 0, opt_mss1460, 4);
        expect_tx(T_ACK, 1, 1, 0);
        assert_int_equal(T.connected, 1);
        state_is("ESTABLISHED");
        send_bytes(0, 10);
        expect_tx(T_ACK | T_PSH, 1, 1, 10);
        tcp_close(T.t);
        wait_ms(1);
        expect_tx(T_ACK | T_FIN, 11, 1, 0);
        state_is("FIN_WAIT_1");
        rx(T_ACK, 1, 12, 0);
        state_is("FIN_WAIT_2");
        rx(T_ACK | T_FIN, 1, 12, 0);
        expect_tx(T_ACK, 12, 2, 0);
        assert_int_equal(T.closed, 1);
        assert_int_equal(T.w->st->tcp->tw_count, 1);
        rx(T_ACK | T_FIN, 1, 12, 0); /* our last acknowledgement was lost */
        expect_tx(T_ACK, 12, 2, 0);
        wait_ms(61000);
        assert_int_equal(T.w->st->tcp->tw_count, 0);
        trace_end();
}

static void simultaneous_open(void **s)
{
        syn_sent();
        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
        expect_tx(T_SYN | T_ACK, 0, 1, 0);
        state_is("SYN_RECEIVED");
        rx(T_SYN | T_ACK, 0, 7, 0); /* acknowledges what was never sent */
        expect_tx(T_ACK, 1, 1, 0);
        state_is("SYN_RECEIVED");
        rx(T_ACK, 1, 1, 0); /* the peer's SYN,ACK was lost, our own was not */
        state_is("ESTABLISHED");
        assert_int_equal(T.connected, 1);
        trace_end();
}

static void simultaneous_close(void **s)
{
        established();
        tcp_close(T.t);
        wait_ms(1);
        expect_tx(T_ACK | T_FIN, 1, 1, 0);
        rx(T_ACK | T_FIN, 1, 1, 0);
        expect_tx(T_ACK, 2, 2, 0);
        state_is("CLOSING");
        rx(T_ACK, 2, 2, 0);
        assert_int_equal(T.closed, 1);
        assert_int_equal(T.w->st->tcp->tw_count, 1);
        trace_end();
}

static void half_close_still_sends(void **s)
{
        established();
        rx(T_ACK | T_FIN, 1, 1, 0);
        expect_tx(T_ACK, 1, 2, 0);
        state_is("CLOSE_WAIT");
        send_bytes(0, 3000);
        expect_tx(T_ACK, 1, 2, 1460);
        expect_tx(T_ACK, 1461, 2, 1460);
        expect_tx(T_ACK | T_PSH, 2921, 2, 80);
        rx(T_ACK, 2, 3001, 0);
        tcp_shutdown(T.t);
        wait_ms(1);
        expect_tx(T_ACK | T_FIN, 3001, 2, 0);
        rx(T_ACK, 2, 3002, 0);
        assert_int_equal(T.closed, 1);
        trace_end();
}

static void out_of_order_is_acknowledged_at_once_and_delivered_in_order(void **s)
{
        established();
        T.read_all = true;
        rx(T_ACK, 1461, 1, 1460);
        expect_tx(T_ACK, 1, 1, 0);
        rx(T_ACK, 2921, 1, 1460);
        expect_tx(T_ACK, 1, 1, 0);
        rx(T_ACK, 1, 1, 1460);
        expect_tx(T_ACK, 1, 4381, 0);
        assert_int_equal(T.got, 4380);
        trace_end();
}

static void every_second_segment_is_acknowledged_at_once_a_single_one_after_40_ms(void **s)
{
        for (u32 i = 0; i < 4; i++) { /* read or not, by every way that text takes */
                struct tcp_opts o = {.psh_message = i > 1};
                established_opts(&o);
                T.read_all = !(i & 1);
                rx(T_ACK, 1, 1, 1460);
                expect_none();
                rx(T_ACK, 1461, 1, 1460);
                expect_tx(T_ACK, 1, 2921, 0);
                rx(T_ACK, 2921, 1, 1459);
                rx(T_ACK, 4380, 1, 1460); /* a byte less than two */
                wait_ms(39);
                expect_none();
                wait_ms(1);
                expect_tx(T_ACK, 1, 5840, 0);
                trace_end();
        }
}

static void must_58_one_acknowledgement_for_a_batch(void **s)
{
        established();
        T.read_all = true;
        for (u32 i = 0; i < 8; i++)
                rx_part(T_ACK, 1 + i * 1460, 1, 1460);
        wire_batch_end(T.w);
        expect_tx(T_ACK, 1, 1 + 8 * 1460, 0);
        expect_none();
        trace_end();
}

/* Simultaneous close: their FIN is not answered yet when ours is acknowledged, for both came in one batch. */
static void fin_and_the_acknowledgement_of_ours_in_one_batch_are_answered(void **s)
{
        established();
        tcp_close(T.t);
        wire_batch_end(T.w);
        expect_tx(T_ACK | T_FIN, 1, 1, 0);
        rx_part(T_ACK | T_FIN, 1, 1, 0);
        rx_part(T_ACK, 2, 2, 0);
        wire_batch_end(T.w);
        expect_tx(T_ACK, 2, 2, 0);
        expect_none();
        trace_end();
}

static void lost_segment_is_sent_again_after_rto_and_backs_off(void **s)
{
        established();
        send_bytes(0, 100);
        expect_tx(T_ACK | T_PSH, 1, 1, 100);
        u32 rto = T.t->rto_ms;
        wait_ms(rto - 1);
        expect_none();
        wait_ms(2);
        expect_tx(T_ACK | T_PSH, 1, 1, 100);
        wait_ms(2 * rto - 2);
        expect_none();
        wait_ms(4);
        expect_tx(T_ACK | T_PSH, 1, 1, 100);
        rx(T_ACK, 1, 101, 0);
        expect_none();
        wait_ms(100000);
        expect_none();
        trace_end();
}

static void rst_at_rcv_nxt_resets(void **s)
{
        established();
        rx(T_RST, 1, 0, 0);
        assert_int_equal(T.closed, 1);
        assert_int_equal(T.closed_err, E_RESET);
        trace_end();
}

static void syn_to_closed_port_draws_rst(void **s)
{
        trace_begin(NULL);
        rx(T_SYN, 0, 0, 0);
        struct seg g;
        assert_true(next_tx(&g));
        assert_int_equal(g.flags, T_RST | T_ACK);
        assert_int_equal(g.seq, 0);
        assert_int_equal(g.ack, PEER_ISN + 1);
        trace_end();
}

static void refused_connection_sees_rst(void **s)
{
        trace_begin(NULL);
        T.refuse = true;
        listen_with(NULL);
        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
        struct seg g;
        assert_true(next_tx(&g));
        T.our_isn = g.seq;
        rx(T_ACK, 1, 1, 0);
        expect_tx(T_RST | T_ACK, 1, 1, 0);
        trace_end();
}

static void connect_refused(void **s)
{
        syn_sent();
        rx(T_RST | T_ACK, 0, 1, 0);
        assert_int_equal(T.closed_err, E_REFUSED);
        trace_end();
}

/* RFC 9293 figure 9: the peer's acknowledgement is of a connection that it still has, our RST ends that, our SYN follows. */
static void syn_goes_out_again_once_behind_the_rst_that_made_room_for_it(void **s)
{
        syn_sent();
        u32 cwnd = T.t->cwnd;
        rx(T_ACK, 700, 5000, 0);
        expect_tx(T_RST, 5000, 0, 0);
        expect_none();
        wait_ms(9);
        expect_none();
        wait_ms(1);
        expect_tx(T_SYN, 0, 0, 0);
        rx(T_ACK, 700, 5000, 0); /* it does not listen to our RST: no more often than the time-out says */
        expect_tx(T_RST, 5000, 0, 0);
        wait_ms(500);
        expect_none();
        rx_opts(T_SYN | T_ACK, 0, 1, 0, opt_mss1460, 4);
        expect_tx(T_ACK, 1, 1, 0);
        assert_true(T.t->cwnd > cwnd / 2 && T.t->cwnd > T.t->mss); /* nothing was lost */
        trace_end();
}

static void unread_data_at_close_draws_rst(void **s)
{
        established();
        rx(T_ACK, 1, 1, 100);
        tcp_close(T.t);
        expect_tx(T_RST | T_ACK, 1, 101, 0);
        assert_int_equal(T.closed, 1);
        trace_end();
}

static void data_after_close_draws_rst(void **s)
{
        established();
        tcp_close(T.t);
        wait_ms(1);
        expect_tx(T_ACK | T_FIN, 1, 1, 0);
        rx(T_ACK, 1, 2, 100);
        expect_tx(T_RST | T_ACK, 2, 1, 0);
        assert_int_equal(T.closed, 1);
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(passive_open_data_both_ways_peer_closes_first), test(active_open_and_active_close_end_in_time_wait),
                test(simultaneous_open),
                test(simultaneous_close), test(half_close_still_sends),
                test(out_of_order_is_acknowledged_at_once_and_delivered_in_order),
                test(every_second_segment_is_acknowledged_at_once_a_single_one_after_40_ms),
                test(must_58_one_acknowledgement_for_a_batch),
                test(fin_and_the_acknowledgement_of_ours_in_one_batch_are_answered),
                test(lost_segment_is_sent_again_after_rto_and_backs_off), test(rst_at_rcv_nxt_resets),
                test(syn_to_closed_port_draws_rst),
                test(refused_connection_sees_rst), test(connect_refused), test(syn_goes_out_again_once_behind_the_rst_that_made_room_for_it), test(unread_data_at_close_draws_rst),
                test(data_after_close_draws_rst),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
