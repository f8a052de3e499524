/* loss.c - traces about loss: fast retransmission with and without SACK, its undo, peers that renege.
 * SPDX-License-Identifier: MIT */
#include "segments.h"

static void three_duplicates_repeat_the_front_without_sack(void **s)
{
        out_segments(10, false, TCP_CC_NEWRENO);
        rx(T_ACK, 1, SEQ(1), 0);
        expect_tx(T_ACK, SEQ(11), 1, MSS); /* limited transmit (RFC 3042) */
        rx(T_ACK, 1, SEQ(1), 0);
        expect_tx(T_ACK, SEQ(12), 1, MSS);
        rx(T_ACK, 1, SEQ(1), 0);
        expect_tx(T_ACK, SEQ(1), 1, MSS);
        assert_int_equal(T.t->ssthresh, 5 * MSS);
        /* a partial acknowledgement names the next hole (RFC 6582) */
        for (u32 i = 0; i < 7; i++)
                rx(T_ACK, 1, SEQ(1), 0);
        wire_flush_out(T.w);
        rx(T_ACK, 1, SEQ(4), 0);
        expect_tx(T_ACK, SEQ(4), 1, MSS);
        rx(T_ACK, 1, SEQ(13), 0);
        assert_int_equal(T.t->flight->ca, CA_OPEN);
        assert_int_equal(T.t->cwnd, 5 * MSS); /* ssthresh, not more (RFC 6582 3.2) */
        trace_end();
}

static void half_closed_peer_that_sacks_no_more_is_heard_by_its_duplicates(void **s)
{
        out_segments(10, true, TCP_CC_CUBIC);
        rx(T_ACK | T_FIN, 1, SEQ(0) + MSS, 0);
        for (u32 i = 0; i < 2; i++)
                rx(T_ACK, 2, SEQ(1), 0);
        wire_flush_out(T.w); /* new data, by limited transmit */
        rx(T_ACK, 2, SEQ(1), 0);
        expect_tx(T_ACK, SEQ(1), 2, MSS);
        for (u32 i = 0; i < 7; i++)
                rx(T_ACK, 2, SEQ(1), 0);
        wire_flush_out(T.w);
        rx(T_ACK, 2, SEQ(4), 0); /* another hole */
        expect_tx(T_ACK, SEQ(4), 2, MSS);
        trace_end();
}

/* What answers a probe of a shut window has nothing to tell by blocks. */
static void half_closed_peer_whose_window_was_shut_sacks_still(void **s)
{
        established_sack(NULL);
        T.wnd = MSS;
        rx(T_ACK | T_FIN, 1, 1, 0);
        expect_tx(T_ACK, 1, 2, 0);
        send_bytes(0, 30 * MSS);
        expect_tx(T_ACK, 1, 2, MSS);
        T.wnd = 0;
        rx(T_ACK, 2, SEQ(1), 0);
        wait_ms(1000);
        expect_tx(T_ACK, SEQ(1), 2, 1);
        rx(T_ACK, 2, SEQ(1), 0); /* still shut */
        wire_flush_out(T.w);
        T.wnd = 65535;
        rx(T_ACK, 2, SEQ(1), 0);
        for (u32 i = 1; i < 11; i++)
                expect_tx(T_ACK, SEQ(i), 2, MSS);
        wait_ms(50);
        rx_sack(2, SEQ(1), 1, SEQ(2), SEQ(4));
        wire_flush_out(T.w);
        rx_sack(2, SEQ(1), 2, SEQ(5), SEQ(8), SEQ(2), SEQ(4));
        expect_tx(T_ACK, SEQ(4), 2, MSS);
        trace_end();
}

static void sack_repeats_exactly_the_holes(void **s)
{
        out_segments(10, true, TCP_CC_CUBIC);
        wait_ms(50);
        rx_sack(1, SEQ(1), 1, SEQ(2), SEQ(3));
        rx_sack(1, SEQ(1), 1, SEQ(2), SEQ(4));
        wire_flush_out(T.w);
        rx_sack(1, SEQ(1), 2, SEQ(5), SEQ(6), SEQ(2), SEQ(4)); /* 1 and 4 are missing */
        expect_tx(T_ACK, SEQ(1), 1, MSS);
        assert_int_equal(T.t->flight->ca, CA_RECOVERY);
        assert_int_equal(T.t->ssthresh, 10 * MSS / 10 * 7);
        rx_sack(1, SEQ(1), 2, SEQ(5), SEQ(9), SEQ(2), SEQ(4));
        expect_tx(T_ACK, SEQ(4), 1, MSS);
        rx(T_ACK, 1, SEQ(13), 0);
        assert_int_equal(T.t->flight ? T.t->flight->ca : CA_OPEN, CA_OPEN);
        assert_int_equal(T.t->cwnd, 7 * MSS);
        trace_end();
}

static void rfc_6582_repeated_segment_that_is_lost_again_does_not_wait_for_another_time_out(void **s)
{
        out_segments(10, false, TCP_CC_NEWRENO);
        wait_ms(T.t->rto_ms + 1);
        expect_tx(T_ACK, SEQ(1), 1, MSS);
        for (u32 i = 0; i < 4; i++) /* of what was sent before: nothing is known to have been lost again */
                rx(T_ACK, 1, SEQ(1), 0);
        wire_flush_out(T.w);
        rx(T_ACK, 1, SEQ(2), 0);
        wire_flush_out(T.w);
        for (u32 i = 0; i < 2; i++)
                rx(T_ACK, 1, SEQ(2), 0);
        wire_flush_out(T.w);
        u32 ssthresh = T.t->ssthresh;
        rx(T_ACK, 1, SEQ(2), 0);
        expect_tx(T_ACK, SEQ(2), 1, MSS);
        assert_int_equal(T.t->flight->ca, CA_RECOVERY);
        assert_true(T.t->ssthresh <= ssthresh);
        trace_end();
}

static void rfc_6582_copies_of_what_had_arrived_draw_no_retransmission(void **s)
{
        out_segments(10, false, TCP_CC_NEWRENO);
        wait_ms(T.t->rto_ms + 1);
        expect_tx(T_ACK, SEQ(1), 1, MSS);
        rx(T_ACK, 1, SEQ(6), 0);
        wire_flush_out(T.w);
        for (u32 i = 0; i < 5; i++)
                rx(T_ACK, 1, SEQ(6), 0);
        assert_int_equal(T.t->flight->ca, CA_LOSS);
        struct seg g;
        while (next_tx(&g))
                assert_int_not_equal(g.seq - T.our_isn, SEQ(6));
        trace_end();
}

static void needless_fast_retransmission_is_undone_by_dsack(void **s)
{
        out_segments(10, true, TCP_CC_CUBIC);
        u32 cwnd = T.t->cwnd;
        u32 ssthresh = T.t->ssthresh = 2 * cwnd;
        T.t->w_max = 40 * MSS;
        wait_ms(50);
        rx_sack(1, SEQ(1), 1, SEQ(2), SEQ(5)); /* 1 is late, not lost */
        assert_int_equal(T.t->flight->ca, CA_RECOVERY);
        assert_true(T.t->ssthresh < cwnd);
        wire_flush_out(T.w);
        rx_sack(1, SEQ(5), 0);
        wire_flush_out(T.w);
        rx_sack(1, SEQ(6), 1, SEQ(1), SEQ(2)); /* and came twice */
        assert_int_equal(T.w->st->tcp->count.undos, 1);
        assert_true(T.t->cwnd >= cwnd);
        assert_int_equal(T.t->ssthresh, ssthresh);
        assert_int_equal(T.t->w_max, 40 * MSS); /* RFC 9438 4.9.2 */
        assert_int_equal(T.t->flight->ca, CA_OPEN);
        trace_end();
}

/* RFC 6937 3.1: while more is out than ssthresh, in proportion to what arrives; below it never a burst: what arrived, and one
 * segment more while the front moves. */
static u32 sent_now(void)
{
        struct seg g;
        u32 n = 0;
        while (next_tx(&g))
                n++;
        return n;
}

static void rfc_6937_reduction_is_in_proportion_and_never_a_burst(void **s)
{
        out_segments(20, true, TCP_CC_NEWRENO);
        wait_ms(50);
        u32 n = 0;
        for (u32 i = 1; i <= 13; i++) { /* the first is lost, the others arrive */
                rx_sack(1, SEQ(1), 1, SEQ(2), SEQ(2 + i));
                u32 now = sent_now();
                assert_true(now <= 1);
                n += i > 3 ? now : 0;
        }
        assert_int_equal(n, 4); /* ten arrived, of 22 that were out when it began; 10 may be; 1 went at once */
        trace_end();
        static const u8 want[] = {1, 1, 1, 1, 1, 2, 2, 2, 2, 2};
        out_segments(20, true, TCP_CC_NEWRENO);
        wait_ms(50);
        for (u32 i = 0; i < COUNT_OF(want); i++) { /* fifteen are lost */
                if (i < 5)
                        rx_sack(1, SEQ(1), 1, SEQ(16), SEQ(17 + i));
                else
                        rx_sack(1, SEQ(i - 3), 1, SEQ(16), SEQ(21));
                assert_int_equal(sent_now(), want[i]);
                wait_ms(i < 5 ? 0 : 5);
                assert_int_equal(sent_now(), 0);
        }
        trace_end();
}

/* Three are sent again; of one of them, and then of two, the peer says that it came twice: the last may have been needed. One
 * block lies beside a hole, inside the second (RFC 2883 4). */
static void rfc_3708_one_repetition_that_was_needed_undoes_nothing(void **s)
{
        out_segments(10, true, TCP_CC_CUBIC);
        wait_ms(50);
        rx_sack(1, SEQ(1), 1, SEQ(4), SEQ(8));
        for (u32 i = 1; i < 4; i++)
                if (T.t->flight->undo_rtx < i) {
                        wait_ms(30);
                        rx_sack(1, SEQ(1), 1, SEQ(4), SEQ(8 + i));
                }
        wire_flush_out(T.w);
        assert_int_equal(T.t->flight->undo_rtx, 3);
        rx_sack(1, SEQ(1), 2, SEQ(2), SEQ(3), SEQ(2), SEQ(9)); /* inside */
        assert_int_equal(T.t->flight->undo_rtx, 2);
        assert_int_equal(T.w->st->tcp->count.undos, 0);
        rx_sack(1, SEQ(3), 1, SEQ(1), SEQ(2)); /* below */
        assert_int_equal(T.t->flight->undo_rtx, 1);
        assert_int_equal(T.w->st->tcp->count.undos, 0);
        assert_int_equal(T.t->flight->ca, CA_RECOVERY);
        trace_end();
}

static void rfc_2018_block_of_what_was_never_sent_counts_for_nothing(void **s)
{
        out_segments(4, true, TCP_CC_CUBIC);
        wait_ms(50);
        rx_sack(1, SEQ(1), 3, SEQ(2), SEQ(50), SEQ(3), SEQ(3), SEQ(4), SEQ(3));
        assert_int_equal(T.t->flight->sacked, 0);
        rx_sack(1, SEQ(1), 1, SEQ(4), SEQ(5)); /* to SND.NXT */
        assert_int_equal(T.t->flight->sacked, MSS);
        trace_end();
}

static void sack_in_the_middle_of_a_run_cuts_it(void **s)
{
        established_sack(NULL);
        T.w->nif.caps = NETIF_SG | NETIF_TSO | NETIF_CSUM_TX;
        send_bytes(0, 10 * MSS);
        wire_flush_out(T.w);
        assert_null(T.t->flight->first->next); /* one run of ten segments */
        T.w->nif.caps = 0;
        T.t->flight->tlp_out = true; /* no tail probe in this trace */
        tcp_timer_rearm(T.t);
        wait_ms(50);
        T.t->flight->tlp_out = false;
        rx_sack(1, 1, 2, 1 + 3 * MSS, 1 + 4 * MSS, 1 + 6 * MSS, 1 + 10 * MSS);
        assert_int_equal(T.t->flight->sacked, 5 * MSS);
        for (u32 i = 0; i < 3; i++)
                expect_tx(T_ACK, 1 + i * MSS, 1, MSS);
        rx_sack(1, 1 + 3 * MSS, 2, 1 + 3 * MSS, 1 + 4 * MSS, 1 + 6 * MSS, 1 + 10 * MSS);
        rx_sack(1, 1 + 4 * MSS, 1, 1 + 6 * MSS, 1 + 10 * MSS);
        expect_tx(T_ACK, 1 + 4 * MSS, 1, MSS);
        expect_tx(T_ACK, 1 + 5 * MSS, 1, MSS);
        rx(T_ACK, 1, 1 + 10 * MSS, 0);
        assert_null(T.t->flight);
        trace_end();
}

static void reneging_is_survived(void **s)
{
        established_sack(NULL);
        send_bytes(0, 3 * MSS);
        wire_flush_out(T.w);
        rx_sack(1, 1, 1, 1 + MSS, 1 + 3 * MSS);
        wire_flush_out(T.w);
        rx(T_ACK, 1, 1 + MSS, 0); /* what was sacked is not acknowledged: the peer threw it away */
        wire_flush_out(T.w);
        wait_ms(1500);
        struct seg g;
        bool again = false;
        while (next_tx(&g))
                again |= g.seq == T.our_isn + 1 + MSS;
        assert_true(again);
        assert_int_equal(T.t->flight->sacked, 0);
        rx(T_ACK, 1, 1 + 3 * MSS, 0);
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(three_duplicates_repeat_the_front_without_sack),
                test(half_closed_peer_that_sacks_no_more_is_heard_by_its_duplicates),
                test(half_closed_peer_whose_window_was_shut_sacks_still), test(sack_repeats_exactly_the_holes),
                test(rfc_6582_repeated_segment_that_is_lost_again_does_not_wait_for_another_time_out),
                test(rfc_6582_copies_of_what_had_arrived_draw_no_retransmission),
                test(needless_fast_retransmission_is_undone_by_dsack), test(sack_in_the_middle_of_a_run_cuts_it),
                test(rfc_3708_one_repetition_that_was_needed_undoes_nothing),
                test(rfc_2018_block_of_what_was_never_sent_counts_for_nothing),
                test(rfc_6937_reduction_is_in_proportion_and_never_a_burst),
                test(reneging_is_survived),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
