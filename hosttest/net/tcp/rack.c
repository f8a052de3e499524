/* rack.c - traces of RACK and its tail probe (RFC 8985): time tells what is lost, and what only came late.
 * SPDX-License-Identifier: MIT */
#include "segments.h"

static void rack_waits_a_little_for_reordering(void **s)
{
        out_segments(4, true, TCP_CC_CUBIC);
        wait_ms(50);
        rx_sack(1, SEQ(1), 1, SEQ(2), SEQ(3)); /* one only: may be reordered */
        struct seg g;
        while (next_tx(&g))
                assert_true(seq_ge(g.seq - T.our_isn, SEQ(5)));
        assert_int_equal(T.t->timer_kind, TT_REO);
        wait_ms(14); /* a quarter of the smallest round trip */
        expect_tx(T_ACK, SEQ(1), 1, MSS);
        trace_end();
}

/* New data, then the front again, at the same tick of the clock: that the new data arrived says nothing of the copy. */
static void rack_knows_the_order_within_a_tick(void **s)
{
        out_segments(6, true, TCP_CC_CUBIC);
        wait_ms(50);
        rx(T_ACK, 1, SEQ(2), 0);
        expect_tx(T_ACK, SEQ(7), 1, MSS);
        expect_tx(T_ACK, SEQ(8), 1, MSS);
        rx_sack(1, SEQ(2), 1, SEQ(3), SEQ(6));
        expect_tx(T_ACK, SEQ(2), 1, MSS);
        wire_flush_out(T.w);
        wait_ms(50);
        rx_sack(1, SEQ(2), 1, SEQ(3), SEQ(9));
        struct seg g;
        while (next_tx(&g))
                assert_int_not_equal(g.seq - T.our_isn, SEQ(2));
        wait_ms(1);
        rx_sack(1, SEQ(2), 1, SEQ(3), SEQ(10)); /* this one was sent after the copy */
        expect_tx(T_ACK, SEQ(2), 1, MSS);
        trace_end();
}

static void rack_reordered_segment_draws_nothing(void **s)
{
        out_segments(4, true, TCP_CC_CUBIC);
        wait_ms(50);
        rx_sack(1, SEQ(1), 1, SEQ(2), SEQ(3));
        wire_flush_out(T.w);
        wait_ms(5);
        rx(T_ACK, 1, SEQ(3), 0);
        assert_int_equal(T.t->flight->ca, CA_OPEN);
        assert_int_equal(T.w->st->tcp->count.retrans_segs, 0);
        trace_end();
}

/* 7.4.2: the probe repaired a loss when what is behind it is acknowledged and nothing came twice: the rate answers. */
static void rfc_8985_7_4_probe_that_repaired_a_loss_lowers_the_rate(void **s)
{
        for (u32 twice = 0; twice < 2; twice++) {
                out_segments(3, true, TCP_CC_CUBIC);
                tcp_unqueue(T.t, 200 * MSS);
                T.t->cwnd = 10 * MSS;
                wait_ms(103);
                expect_tx(T_ACK, SEQ(3), 1, MSS);
                expect_none();
                send_bytes(4 * MSS, MSS);
                expect_tx(T_ACK, SEQ(4), 1, MSS);
                if (twice) {
                        rx_sack(1, SEQ(4), 1, SEQ(3), SEQ(4));
                        rx_sack(1, SEQ(5), 0);
                } else {
                        rx_sack(1, SEQ(5), 0);
                }
                assert_int_equal(T.t->ssthresh == UINT32_MAX, twice);
                trace_end();
        }
}

/* 7.3: the last segment of what one buffer of the device took. */
static void rfc_8985_7_3_probe_is_the_last_segment_of_a_run(void **s)
{
        established_sack(NULL);
        T.t->srtt_us = 50000 << 3;
        T.w->nif.caps = NETIF_SG | NETIF_TSO | NETIF_CSUM_TX;
        send_bytes(0, 4 * MSS);
        wire_flush_out(T.w);
        assert_null(T.t->flight->first->next);
        T.w->nif.caps = 0;
        wait_ms(150);
        expect_tx(T_ACK, 1 + 3 * MSS, 1, MSS);
        trace_end();
}

static void tlp_probes_the_tail_before_the_rto(void **s)
{
        struct tcp_opts o = {.sndbuf = 1000000};
        established_sack(&o);
        send_bytes(0, MSS);
        expect_tx(T_ACK, 1, 1, MSS);
        wait_ms(50);
        rx(T_ACK, 1, 1 + MSS, 0);
        T.t->srtt_us = 50000 << 3;
        send_bytes(MSS, 3 * MSS);
        for (u32 i = 1; i <= 3; i++)
                expect_tx(T_ACK, SEQ(i), 1, MSS);
        wait_ms(98);
        expect_none();
        wait_ms(5);
        expect_tx(T_ACK, SEQ(3), 1, MSS); /* the last one, after two round trips */
        wait_ms(50);
        rx_sack(1, SEQ(1), 1, SEQ(3), SEQ(4));
        wait_ms(20);
        expect_tx(T_ACK, SEQ(1), 1, MSS); /* and the hole in front of it is found without an RTO */
        trace_end();
}

/* RFC 3522, RFC 8985 6.2 step 2: the echo tells that the first copy was acknowledged, which says nothing of what was sent before the second. */
static void rfc_8985_echo_of_the_first_copy_undoes_a_time_out_and_marks_nothing(void **s)
{
        static const u8 o[] = {2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 1, 1, 1};
        enum { N = 1448 };
        trace_begin(NULL);
        listen_with(NULL);
        T.ts = true, T.tsval = 9;
        rx_opts(T_SYN, 0, 0, 0, o, sizeof o);
        struct seg g;
        assert_true(next_tx(&g));
        T.our_isn = g.seq;
        wait_ms(100);
        rx(T_ACK, 1, 1, 0);
        send_bytes(0, 10 * N);
        for (u32 i = 0; i < 10; i++)
                expect_tx(T_ACK, 1 + i * N, 1, N);
        u32 first = opt32(tx_option(8)), cwnd = T.t->cwnd, ssthresh = T.t->ssthresh;
        wait_ms(600);
        expect_tx(T_ACK, 1 + 9 * N, 1, N); /* tail loss probe */
        expect_tx(T_ACK, 1, 1, N);
        assert_int_equal(T.t->cwnd, N);
        wait_ms(150); /* longer than the smallest round trip: without the echo it could be the second copy's */
        T.tsecr = first;
        rx(T_ACK, 1, 1 + N, 0);
        expect_none();
        assert_int_equal(T.t->flight->ca, CA_OPEN);
        assert_int_equal(T.t->flight->lost, 0);
        assert_true(T.t->cwnd >= cwnd && T.t->ssthresh == ssthresh);
        trace_end();
}

/* RFC 8985 6.3: but for the oldest one, what was sent within the last round trip is not lost by a time-out. */
static void rfc_8985_6_3_time_out_leaves_what_was_sent_a_moment_ago(void **s)
{
        out_segments(5, true, TCP_CC_NEWRENO);
        T.t->flight->tlp_out = true; /* no tail probe in this trace */
        tcp_timer_rearm(T.t);
        T.t->srtt_us = 8 * 50000;
        wait_ms(T.t->rto_ms - 20);
        T.t->cwnd = 7 * MSS;
        tcp_flush(T.t);
        expect_tx(T_ACK, SEQ(6), 1, MSS);
        expect_tx(T_ACK, SEQ(7), 1, MSS);
        expect_none();
        wait_ms(21);
        expect_tx(T_ACK, SEQ(1), 1, MSS);
        expect_none();
        assert_int_equal(T.t->flight->lost, 5 * MSS);
        assert_int_equal(T.t->cwnd, MSS);
        wait_ms(30); /* all but the first one arrived */
        rx_sack(1, SEQ(1), 1, SEQ(2), SEQ(8));
        wait_ms(20);
        rx(T_ACK, 1, SEQ(8), 0);
        while (next_tx(&trace_last))
                assert_true(trace_last.seq - T.our_isn >= SEQ(8));
        trace_end();
}

/* RFC 8985 7.2: the probe is due at the latest when the time-out would be. */
static void rfc_8985_new_data_does_not_put_off_the_time_out_behind_a_probe(void **s)
{
        static const struct tcp_opts o = {.nodelay = true};
        established_sack(&o);
        T.t->srtt_us = 100000 << 3;
        T.t->rttvar_us = 10000;
        T.t->rto_ms = 300;
        T.t->cwnd = 100 * MSS;
        u32 sent = 0, again = 0;
        for (u32 ms = 0; ms < 330 && !again; ms += 60) {
                send_bytes(sent, 100);
                sent += 100;
                wait_ms(60);
                while (next_tx(&trace_last))
                        again += trace_last.seq != T.our_isn + 1 + sent - 100;
        }
        assert_int_not_equal(again, 0);
        trace_end();
}

static void tail_loss_that_the_probe_repaired_lowers_the_rate(void **s)
{
        established_sack(NULL);
        send_bytes(0, MSS);
        expect_tx(T_ACK, 1, 1, MSS);
        wait_ms(20);
        rx(T_ACK, 1, 1 + MSS, 0);
        T.t->srtt_us = 20000 << 3;
        send_bytes(MSS, 2 * MSS);
        wire_flush_out(T.w);
        u32 cwnd = T.t->cwnd;
        wait_ms(60);
        expect_tx(T_ACK, 1 + 2 * MSS, 1, MSS); /* the probe */
        send_bytes(3 * MSS, MSS);
        expect_tx(T_ACK, 1 + 3 * MSS, 1, MSS);
        rx(T_ACK, 1, 1 + 4 * MSS, 0); /* beyond the probe, and no D-SACK: the first copy was lost */
        assert_true(T.t->ssthresh <= cwnd);
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(rack_waits_a_little_for_reordering), test(rack_knows_the_order_within_a_tick),
                test(rack_reordered_segment_draws_nothing), test(tlp_probes_the_tail_before_the_rto),
                test(rfc_8985_7_4_probe_that_repaired_a_loss_lowers_the_rate),
                test(rfc_8985_7_3_probe_is_the_last_segment_of_a_run),
                test(rfc_8985_6_3_time_out_leaves_what_was_sent_a_moment_ago),
                test(rfc_8985_echo_of_the_first_copy_undoes_a_time_out_and_marks_nothing),
                test(rfc_8985_new_data_does_not_put_off_the_time_out_behind_a_probe),
                test(tail_loss_that_the_probe_repaired_lowers_the_rate),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
