/* sack.c - traces of what we tell a sender of the pieces that came: blocks of SACK (RFC 2018) and duplicates (RFC 2883).
 * SPDX-License-Identifier: MIT */
#include "trace.h"

/* Acknowledged when it is read: a block at the acknowledgement would be a plain one (RFC 2018 4), and the peer might forget it. */
static void rfc_2883_4_what_was_not_acknowledged_is_told_as_no_duplicate(void **s)
{
        established_sack(&(struct tcp_opts){.ack_on_read = true});
        rx(T_ACK, 1, 1, 100);
        expect_none();
        rx(T_ACK, 1, 1, 100);
        expect_tx(T_ACK, 1, 1, 0);
        assert_null(tx_option(5));
        tcp_consume(T.t, 50);
        wait_ms(50);
        expect_tx(T_ACK, 1, 51, 0);
        rx(T_ACK, 1, 1, 100);
        expect_tx(T_ACK, 1, 51, 0);
        const u8 *b = tx_option(5);
        assert_non_null(b);
        assert_int_equal(opt32(b) - T.peer_isn, 1);
        assert_int_equal(opt32(b + 4) - T.peer_isn, 51);
        trace_end();
}

static void dsack_is_sent_for_a_repeated_segment(void **s)
{
        established_sack(NULL);
        T.read_all = true;
        rx(T_ACK, 1, 1, 1000);
        wait_ms(41);
        expect_tx(T_ACK, 1, 1001, 0);
        rx(T_ACK, 1, 1, 1000);
        expect_tx(T_ACK, 1, 1001, 0);
        const u8 *o = tx_option(5);
        assert_non_null(o);
        assert_int_equal(opt32(o) - T.peer_isn, 1);
        assert_int_equal(opt32(o + 4) - T.peer_isn, 1001);
        rx(T_ACK, 11, 1, 20); /* of it, just what came */
        expect_tx(T_ACK, 1, 1001, 0);
        o = tx_option(5);
        assert_int_equal(opt32(o) - T.peer_isn, 11);
        assert_int_equal(opt32(o + 4) - T.peer_isn, 31);
        trace_end();
}

static void sack_blocks_newest_first(void **s)
{
        established_sack(NULL);
        rx(T_ACK, 1001, 1, 100);
        expect_tx(T_ACK, 1, 1, 0);
        rx(T_ACK, 3001, 1, 100);
        expect_tx(T_ACK, 1, 1, 0);
        rx(T_ACK, 2001, 1, 100);
        expect_tx(T_ACK, 1, 1, 0);
        const u8 *o = tx_option(5);
        static const u32 want[] = {2001, 2101, 3001, 3101, 1001, 1101};
        for (u32 i = 0; i < 6; i++)
                assert_int_equal(opt32(o + 4 * i) - T.peer_isn, want[i]);
        rx(T_ACK, 1101, 1, 900); /* joins two */
        expect_tx(T_ACK, 1, 1, 0);
        o = tx_option(5);
        assert_int_equal(opt32(o) - T.peer_isn, 1001);
        assert_int_equal(opt32(o + 4) - T.peer_isn, 2101);
        T.read_all = true;
        rx(T_ACK, 1, 1, 1000);
        expect_tx(T_ACK, 1, 2101, 0);
        assert_int_equal(T.got, 2100);
        trace_end();
}

static void rfc_2018_first_block_is_whole_though_older_ones_were_forgotten(void **s)
{
        established_sack(NULL);
        for (u32 i = 1; i <= 5; i++) { /* four are remembered */
                rx(T_ACK, 1 + 2000 * i, 1, 1000);
                expect_tx(T_ACK, 1, 1, 0);
        }
        rx(T_ACK, 3001, 1, 1000); /* between the forgotten one and the next */
        expect_tx(T_ACK, 1, 1, 0);
        const u8 *o = tx_option(5);
        assert_int_equal(opt32(o) - T.peer_isn, 2001);
        assert_int_equal(opt32(o + 4) - T.peer_isn, 5001);
        assert_int_equal(opt32(o + 8) - T.peer_isn, 10001);
        trace_end();
}

static void overlapping_out_of_order_data_is_taken_once(void **s)
{
        established_sack(NULL);
        T.read_all = true;
        rx(T_ACK, 501, 1, 500);
        rx(T_ACK, 301, 1, 400);
        rx(T_ACK, 801, 1, 600);
        rx(T_ACK, 601, 1, 50);
        rx(T_ACK, 201, 1, 1400);
        rx(T_ACK | T_FIN, 1601, 1, 10);
        assert_int_equal(T.got, 0);
        rx(T_ACK, 1, 1, 250);
        assert_int_equal(T.got, 1610);
        state_is("CLOSE_WAIT");
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
        established_sack(NULL);
        rx(T_ACK | T_FIN, 31, 1, 0); /* nor one that is all there is */
        expect_tx(T_ACK, 1, 1, 0);
        assert_null(tx_option(5));
        rx(T_ACK, 11, 1, 10);
        expect_tx(T_ACK, 1, 1, 0);
        assert_int_equal(tx_option(5)[-1], 2 + 8);
        rx(T_ACK, 1, 1, 10);
        expect_tx(T_ACK, 1, 21, 0);
        assert_null(tx_option(5));
        rx(T_ACK, 21, 1, 10);
        expect_tx(T_ACK, 1, 32, 0);
        state_is("CLOSE_WAIT");
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

static void out_of_order_room_goes_to_what_is_nearer(void **s)
{
        struct stack_config cfg = {.n_pkts = 64};
        static const u8 o[] = {2, 4, 5, 180, 4, 2, 1, 1};
        trace_begin(&cfg);
        listen_with(NULL);
        handshake(o, sizeof o);
        u32 max = T.t->rcv_space / 1024 > 16 ? T.t->rcv_space / 1024 : 16;
        for (u32 i = 0; i < max + 4; i++) /* every second 100 bytes, from far to near */
                rx(T_ACK, 1 + 200 * (max + 4 - i), 1, 100);
        assert_int_equal(T.t->reasm->n_pkts, max);
        assert_int_equal(wire_drops(T.w, DROP_TCP_OOO_EVICTED), 4);
        assert_int_equal(T.t->reasm->block[0].start - T.peer_isn, 201); /* newest first, and still true */
        rx(T_ACK, 1 + 200 * (max + 50), 1, 100); /* further away than all of them */
        assert_int_equal(wire_drops(T.w, DROP_TCP_OOO_FULL), 1);
        wire_flush_out(T.w);
        T.read_all = true;
        for (u32 i = 0; i < max + 5; i++)
                rx(T_ACK, 1 + 200 * i, 1, 200);
        assert_int_equal(T.got, 200 * (max + 5));
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(dsack_is_sent_for_a_repeated_segment), test(rfc_2883_4_what_was_not_acknowledged_is_told_as_no_duplicate), test(sack_blocks_newest_first),
                test(rfc_2018_first_block_is_whole_though_older_ones_were_forgotten),
                test(overlapping_out_of_order_data_is_taken_once), test(rfc_2883_partial_duplicate_is_told),
                test(rfc_2883_4_2_partial_duplicate_of_what_is_queued_is_told),
                test(rfc_2018_fin_inside_queued_data_makes_no_empty_block),
                test(acknowledgement_with_blocks_fits_the_smallest_path), test(out_of_order_room_goes_to_what_is_nearer),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
