/* pmtu.c - traces of the way upward again: one larger segment after about ten minutes (RFC 1191 6.3, 4821). SPDX-License-Identifier: MIT */
#include "icmp.h"
#include "trace.h"

/* The next segment, bytes unseen. */
static void sent(u32 seq, u32 n)
{
        assert_true(next_tx(&trace_last));
        assert_int_equal(trace_last.seq - T.our_isn, seq);
        assert_int_equal(trace_last.n, n);
}

/* Segments of 1000 - 40 bytes after a router said so, and much later a lot to send: the first one is as long as our network takes. */
enum { LOW = 960, FULL = 1460 };
static void larger_again(bool sack)
{
        static const u8 o[] = {2, 4, 5, 180, 4, 2, 1, 1};
        trace_begin(NULL);
        listen_with(NULL);
        handshake(o, sack ? 8 : 4);
        send_bytes(0, 1400);
        expect_tx(T_ACK, 1, 1, 1400);
        rx_icmp(3, 4, 1000, 1);
        wait_ms(1);
        expect_tx(T_ACK, 1, 1, LOW);
        expect_tx(T_ACK, 1 + LOW, 1, 1400 - LOW);
        rx(T_ACK, 1, 1401, 0);
        send_bytes(1400, 8 * LOW); /* too early to ask */
        for (u32 i = 0; i < 8; i++)
                expect_tx(T_ACK, 1401 + i * LOW, 1, LOW);
        rx(T_ACK, 1, 1401 + 8 * LOW, 0);
        wait_ms(18 * 60000);
        send_bytes(1400 + 8 * LOW, 20 * LOW);
        T.our_isn += 1400 + 8 * LOW; /* numbers from here on */
        sent(1, FULL);
        for (u32 i = 0; i < 4; i++)
                sent(1 + FULL + i * LOW, LOW);
        wire_flush_out(T.w);
}
/* Whenever it was lowered, and our clock counts coarsely. */
static void rfc_1191_6_3_not_before_five_minutes(void **s)
{
        static const u32 at[] = {2000, (1 << 19) - 2000};
        for (u32 i = 0; i < COUNT_OF(at); i++) {
                trace_begin(NULL);
                wait_ms((at[i] - T.w->st->wheel.now_ms) & ((1 << 19) - 1));
                listen_with(NULL);
                handshake(opt_mss1460, 4);
                send_bytes(0, 1400);
                expect_tx(T_ACK, 1, 1, 1400);
                rx_icmp(3, 4, 1000, 1);
                rx(T_ACK, 1, 1401, 0);
                wire_flush_out(T.w);
                for (u32 later = 0; later < 2; later++) {
                        wait_ms((later ? 15 : 5) * 60000);
                        send_bytes(1400, 8 * LOW);
                        sent(1401, later ? FULL : LOW);
                        wire_flush_out(T.w);
                        rx(T_ACK, 1, 1401 + 8 * LOW, 0);
                        T.our_isn += 8 * LOW;
                }
                trace_end();
        }
}

static void rfc_1191_6_3_larger_segment_that_arrives_raises_the_path_mtu(void **s)
{
        larger_again(true);
        rx(T_ACK, 1, 1 + FULL, 0);
        assert_int_equal(T.t->pmtu, 1500);
        assert_int_equal(T.t->mss, FULL);
        trace_end();
}

static void rfc_1191_6_3_larger_segment_that_a_router_refuses_is_repeated_in_pieces(void **s)
{
        larger_again(true);
        u32 cwnd = T.t->cwnd, ssthresh = T.t->ssthresh;
        rx_icmp(3, 4, 1000, 1);
        wait_ms(1);
        sent(1, LOW);
        sent(1 + LOW, FULL - LOW);
        assert_int_equal(T.t->mss, LOW);
        assert_int_equal(T.t->cwnd, cwnd);
        assert_int_equal(T.t->ssthresh, ssthresh);
        wire_flush_out(T.w);
        trace_end();
}

static void rfc_4821_7_3_larger_segment_that_is_lost_does_not_lower_the_rate(void **s)
{
        larger_again(true);
        u32 cwnd = T.t->cwnd, ssthresh = T.t->ssthresh;
        for (u32 i = 1; i <= 3; i++)
                rx_sack(1, 1, 1, 1 + FULL, 1 + FULL + i * LOW);
        wait_ms(30);
        while (next_tx(&trace_last) && trace_last.seq != T.our_isn + 1)
                ;
        assert_int_equal(trace_last.n, LOW);
        sent(1 + LOW, FULL - LOW);
        assert_int_equal(T.t->mss, LOW);
        assert_true(T.t->cwnd >= cwnd && T.t->ssthresh == ssthresh);
        rx(T_ACK, 1, 1 + FULL + 4 * LOW, 0);
        assert_int_equal(T.t->pmtu, 1000);
        wire_flush_out(T.w);
        trace_end();
}

static void rfc_4821_larger_segment_that_times_out_is_repeated_in_pieces(void **s)
{
        larger_again(false);
        wait_ms(5000);
        wire_flush_out(T.w);
        rx(T_ACK, 1, 1 + FULL, 0);
        assert_true(T.t->pmtu <= 1000);
        wire_flush_out(T.w);
        trace_end();
}

/* A time-out left room for one segment of the old size; the router's answer to the larger one comes after it. */
static void larger_mtu_told_late_leaves_room_for_one_segment(void **s)
{
        larger_again(false);
        wait_ms(2 * T.t->rto_ms);
        assert_int_equal(T.t->cwnd, LOW);
        rx_icmp(3, 4, 1200, 1);
        assert_int_equal(T.t->mss, 1160);
        assert_int_equal(T.t->cwnd, 1160);
        wire_flush_out(T.w);
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(rfc_1191_6_3_not_before_five_minutes),
                test(rfc_1191_6_3_larger_segment_that_arrives_raises_the_path_mtu),
                test(rfc_1191_6_3_larger_segment_that_a_router_refuses_is_repeated_in_pieces),
                test(rfc_4821_7_3_larger_segment_that_is_lost_does_not_lower_the_rate),
                test(rfc_4821_larger_segment_that_times_out_is_repeated_in_pieces), test(larger_mtu_told_late_leaves_room_for_one_segment),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
