/* holes.c - while something is missing, segments that carry data of ours say so, too (RFC 2018 4). Not here: blocks of
 * acknowledgements without data (sack.c). SPDX-License-Identifier: MIT */
#include "trace.h"

static const u8 sack_ts[] = {2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 1, 1, 1};

/* The segment sent last tells `n` blocks, the first one of which is from `start` to `end` of the peer's. */
static void tells(u32 n, u32 start, u32 end)
{
        const u8 *o = tx_option(5);
        assert_int_equal(o != NULL, n != 0);
        if (!n)
                return;
        assert_int_equal(o[-1], 2 + 8 * n);
        assert_int_equal(opt32(o), T.peer_isn + start);
        assert_int_equal(opt32(o + 4), T.peer_isn + end);
}

static void rfc_2018_4_data_segments_tell_the_holes(void **s)
{
        established_sack(NULL);
        T.read_all = true;
        rx(T_ACK, 1001, 1, 500);
        expect_tx(T_ACK, 1, 1, 0);
        tells(1, 1001, 1501);
        send_bytes(0, 200);
        expect_tx(T_ACK | T_PSH, 1, 1, 200);
        tells(1, 1001, 1501);
        rx(T_ACK, 2001, 201, 500);
        expect_tx(T_ACK, 201, 1, 0);
        send_bytes(200, 300);
        expect_tx(T_ACK | T_PSH, 201, 1, 300);
        tells(2, 2001, 2501);
        rx(T_ACK, 1, 501, 1000); /* up to the second hole */
        expect_tx(T_ACK, 501, 1501, 0);
        send_bytes(500, 100);
        expect_tx(T_ACK | T_PSH, 501, 1501, 100);
        tells(1, 2001, 2501);
        rx(T_ACK, 1501, 601, 500);
        expect_tx(T_ACK, 601, 2501, 0);
        send_bytes(600, 100);
        expect_tx(T_ACK | T_PSH, 601, 2501, 100);
        tells(0, 0, 0);
        trace_end();
}

/* MUST-16: options are taken off what a segment holds; the rest follows. */
static void must_16_blocks_are_taken_off_full_segments(void **s)
{
        established_sack(NULL);
        rx(T_ACK, 1001, 1, 500);
        expect_tx(T_ACK, 1, 1, 0);
        send_bytes(0, 2 * 1460);
        expect_tx(T_ACK, 1, 1, 1448);
        tells(1, 1001, 1501);
        expect_tx(T_ACK, 1449, 1, 1448);
        expect_tx(T_ACK | T_PSH, 2897, 1, 24);
        tells(1, 1001, 1501);
        wait_ms(199);
        expect_tx(T_ACK | T_PSH, 2897, 1, 24); /* tail loss probe */
        tells(1, 1001, 1501);
        rx_sack(1, 1, 1, 1449, 2921); /* the first one is lost */
        wait_ms(20);
        expect_tx(T_ACK, 1, 1, 1448);
        tells(1, 1001, 1501);
        trace_end();
}

static void rfc_2018_3_three_blocks_beside_a_timestamp(void **s)
{
        trace_begin(NULL);
        listen_with(NULL);
        T.ts = true, T.tsval = 9;
        handshake(sack_ts, sizeof sack_ts);
        for (u32 at = 1001; at < 9001; at += 2000) {
                rx(T_ACK, at, 1, 500);
                expect_tx(T_ACK, 1, 1, 0);
        }
        send_bytes(0, 1460);
        expect_tx(T_ACK, 1, 1, 1460 - 12 - 28);
        tells(3, 7001, 7501);
        assert_non_null(tx_option(8));
        expect_tx(T_ACK | T_PSH, 1421, 1, 40);
        trace_end();
}

/* A whole reply has no room for blocks, before and behind others that went out as one. */
static void whole_reply_tells_them_too(void **s)
{
        u32 sum = cksum_add(0, bytes_at(0), 100);
        established_sack(NULL);
        wait_ms(10);
        tcp_send_ref(T.t, bytes_at(0), 100, &sum);
        tcp_flush(T.t);
        expect_tx(T_ACK | T_PSH, 1, 1, 100);
        wait_ms(10);
        rx(T_ACK, 1, 101, 0);
        rx(T_ACK, 1001, 101, 500);
        expect_tx(T_ACK, 101, 1, 0);
        sum = cksum_add(0, bytes_at(100), 100);
        tcp_send_ref(T.t, bytes_at(100), 100, &sum);
        tcp_flush(T.t);
        expect_tx(T_ACK | T_PSH, 101, 1, 100);
        tells(1, 1001, 1501);
        trace_end();
}

static void fin_tells_them_and_peers_without_sack_hear_nothing(void **s)
{
        established_sack(NULL);
        rx(T_ACK, 1001, 1, 500);
        expect_tx(T_ACK, 1, 1, 0);
        tcp_shutdown(T.t);
        tcp_flush(T.t);
        expect_tx(T_ACK | T_FIN, 1, 1, 0);
        tells(1, 1001, 1501);
        trace_end();
        established();
        rx(T_ACK, 1001, 1, 500);
        expect_tx(T_ACK, 1, 1, 0);
        send_bytes(0, 1460);
        expect_tx(T_ACK | T_PSH, 1, 1, 1460);
        tells(0, 0, 0);
        trace_end();
}

/* Six blocks, of which four can be told; those four become part of the stream. What is left must not be kept a secret. */
static void rfc_2018_4_blocks_that_were_forgotten_are_told_when_the_others_are_gone(void **s)
{
        static const u32 at[] = {9001, 11001, 7001, 5001, 3001, 1001}; /* in order of arrival */
        established_sack(NULL);
        for (u32 i = 0; i < COUNT_OF(at); i++) {
                rx(T_ACK, at[i], 1, 500);
                expect_tx(T_ACK, 1, 1, 0);
        }
        rx(T_ACK, 1, 1, 1000);
        for (u32 hole = 1501; hole < 7501; hole += 2000) {
                expect_tx(T_ACK, 1, hole, 0);
                rx(T_ACK, hole, 1, 1460);
                expect_tx(T_ACK, 1, hole + 1460, 0);
                rx(T_ACK, hole + 1460, 1, 40);
        }
        expect_tx(T_ACK, 1, 7501, 0);
        tells(2, 11001, 11501);
        assert_int_equal(opt32(tx_option(5) + 8), T.peer_isn + 9001);
        trace_end();
}

/* RFC 8985 7.4.2: the probe had no room for all of the last segment, and the duplicate that is told ends where the probe did. */
static void rfc_8985_7_4_probe_beside_blocks_arrived_twice(void **s)
{
        established_sack(NULL);
        wait_ms(50);
        send_bytes(0, 1460);
        expect_tx(T_ACK | T_PSH, 1, 1, 1460);
        wait_ms(50);
        rx(T_ACK, 1, 1461, 0);
        send_bytes(1460, 2 * 1460);
        expect_tx(T_ACK, 1461, 1, 1460);
        expect_tx(T_ACK | T_PSH, 2921, 1, 1460);
        rx(T_ACK, 1001, 1461, 500);
        expect_tx(T_ACK, 4381, 1, 0);
        u32 cwnd = T.t->cwnd;
        wait_ms(150);
        expect_tx(T_ACK, 2921, 1, 1448); /* tail loss probe */
        tells(1, 1001, 1501);
        send_bytes(4380, 1460);
        expect_tx(T_ACK, 4381, 1, 1448);
        rx_sack(1, 4381, 1, 2921, 4369);
        rx(T_ACK, 1, 5829, 0);
        assert_true(T.t->cwnd >= cwnd);
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(rfc_2018_4_data_segments_tell_the_holes),
                test(must_16_blocks_are_taken_off_full_segments),
                test(rfc_2018_3_three_blocks_beside_a_timestamp),
                test(whole_reply_tells_them_too),
                test(rfc_2018_4_blocks_that_were_forgotten_are_told_when_the_others_are_gone),
                test(rfc_8985_7_4_probe_beside_blocks_arrived_twice),
                test(fin_tells_them_and_peers_without_sack_hear_nothing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
