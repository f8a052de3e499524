/* time_wait.c - traces of TIME_WAIT: how long, what is answered, who may use its numbers again (RFC 6191, RFC 1337).
 * SPDX-License-Identifier: MIT */
#include "trace.h"

static void in_time_wait(void)
{
        established();
        tcp_close(T.t);
        wait_ms(1);
        expect_tx(T_ACK | T_FIN, 1, 1, 0);
        rx(T_ACK | T_FIN, 1, 2, 0);
        expect_tx(T_ACK, 2, 2, 0);
        assert_int_equal(T.w->st->tcp->tw_count, 1);
}

static void must_13_time_wait_lasts_two_msl_and_a_repeated_fin_begins_it_anew(void **s)
{
        in_time_wait();
        wait_ms(50000);
        rx(T_ACK | T_FIN, 1, 2, 0);
        expect_tx(T_ACK, 2, 2, 0);
        wait_ms(50000);
        rx(T_ACK, 1, 2, 1);
        expect_tx(T_ACK, 2, 2, 0);
        wait_ms(20000);
        rx(T_ACK, 2, 2, 0);
        expect_tx(T_RST, 2, 0, 0);
        trace_end();
        for (u32 i = 0; i < 3; i++) { /* to the millisecond; and a FIN that is not the one it had begins nothing anew */
                in_time_wait();
                wait_ms(40000);
                rx(i ? T_ACK | T_FIN : T_ACK, i == 2 ? 2 : 1, 2, 1);
                expect_tx(T_ACK, 2, 2, 0);
                wait_ms(19998);
                rx(T_ACK, 1, 2, 1);
                expect_tx(T_ACK, 2, 2, 0);
                wait_ms(2);
                rx(T_ACK, 1, 2, 1);
                expect_tx(T_RST, 2, 0, 0);
                trace_end();
        }
}

static void rfc_1337_rst_does_not_end_time_wait(void **s)
{
        in_time_wait();
        rx(T_RST, 2, 0, 0);
        expect_none();
        assert_int_equal(T.w->st->tcp->tw_count, 1);
        trace_end();
}

static void may_2_rfc_6191_new_syn_reuses_time_wait(void **s)
{
        in_time_wait();
        u32 old = T.our_isn;
        rx(T_SYN, 1, 0, 0); /* old sequence number: acknowledged, not opened */
        expect_tx(T_ACK, 2, 2, 0);
        T.peer_isn += 2; /* the next number is one that was not used */
        T.accepted = 0;
        handshake(opt_mss1460, 4);
        assert_true(seq_gt(T.our_isn, old + 2));
        state_is("ESTABLISHED");
        trace_end();
        established(); /* ours is beyond the old ones, too, though the clock of ISNs is not yet */
        old = T.our_isn;
        for (u32 at = 0; at < 200000; at += 1000) {
                send_bytes(at, 1000);
                expect_tx(T_ACK, 1 + at, 1, 1000);
                rx(T_ACK, 1, 1001 + at, 0);
        }
        tcp_close(T.t);
        wait_ms(1);
        expect_tx(T_ACK | T_FIN, 200001, 1, 0);
        rx(T_ACK | T_FIN, 1, 200002, 0);
        wire_flush_out(T.w);
        T.peer_isn += 100000;
        T.accepted = 0;
        handshake(opt_mss1460, 4);
        assert_true(seq_gt(T.our_isn, old + 200002));
        trace_end();
}

static void time_wait_answers_who_disagrees_twice_a_second(void **s)
{
        in_time_wait();
        for (u32 i = 0; i < 10; i++)
                rx(T_ACK, 100000 + i, 2, 0);
        expect_tx(T_ACK, 2, 2, 0);
        expect_none();
        wait_ms(501);
        rx(T_ACK, 2, 2, 0); /* what is to be expected is not answered */
        expect_none();
        rx(0, 100000, 0, 0); /* what is never answered, and what always is, take nobody's turn */
        expect_none();
        rx(T_ACK, 1, 2, 0);
        expect_tx(T_ACK, 2, 2, 0);
        rx(T_ACK, 100000, 2, 0);
        expect_tx(T_ACK, 2, 2, 0);
        trace_end();
}

static void may_2_new_syn_in_time_wait_is_refused_when_nobody_listens_any_more(void **s)
{
        in_time_wait();
        tcp_unlisten(T.l);
        rx(T_SYN, 1, 0, 0); /* old sequence number: acknowledged as before */
        expect_tx(T_ACK, 2, 2, 0);
        T.peer_isn += 100000;
        T.our_isn = 0;
        rx(T_SYN, 0, 0, 0);
        expect_tx(T_RST | T_ACK, 0, 1, 0);
        assert_int_equal(T.w->st->tcp->tw_count, 1);
        trace_end();
}

static void oldest_time_wait_goes_when_room_is_short(void **s)
{
        struct stack_config cfg = {.n_timewait = 4};
        trace_begin(&cfg);
        listen_with(NULL);
        for (u32 i = 0; i < 10; i++) {
                T.accepted = 0;
                T.sport = (u16)(3000 + i);
                handshake(opt_mss1460, 4);
                tcp_close(T.t);
                wait_ms(1);
                rx(T_ACK | T_FIN, 1, 2, 0);
                wire_flush_out(T.w);
        }
        assert_int_equal(T.w->st->tcp->tw_count, 4);
        assert_int_equal(T.w->st->tcp->count.timewait_evicted, 6);
        trace_end();
}

static void time_wait_ends(u32 ms, u32 again_at)
{
        struct tcp_opts o = {.timewait_ms = ms};
        established_opts(&o);
        tcp_close(T.t);
        wait_ms(1);
        expect_tx(T_ACK | T_FIN, 1, 1, 0);
        rx(T_ACK | T_FIN, 1, 2, 0);
        expect_tx(T_ACK, 2, 2, 0);
        wait_ms(again_at);
        rx(T_ACK | T_FIN, 1, 2, 0);
        expect_tx(T_ACK, 2, 2, 0);
        wait_ms(ms - ms / 100 - 10);
        rx(T_ACK, 1, 2, 1);
        expect_tx(T_ACK, 2, 2, 0); /* not over yet */
        wait_ms(ms / 100 + 600);
        rx(T_ACK, 1, 2, 1);
        expect_tx(T_RST, 2, 0, 0); /* over */
        trace_end();
}

static void time_wait_of_any_length_begins_anew_with_a_repeated_fin(void **s)
{
        time_wait_ends(60000, 50000);
        time_wait_ends(240000, 200000);
        time_wait_ends(500, 400);
}

/* RFC 6191 2: timestamps are new in this incarnation, so its SYN cannot be an old one. */
static void rfc_6191_first_timestamp_reuses_time_wait_whatever_the_sequence_number(void **s)
{
        for (u32 i = 0; i < 2; i++) { /* any: there is none that it could be older than */
                const u8 o[] = {2, 4, 5, 180, 8, 10, i ? 0xf0 : 0, 0, 0, 100, 0, 0, 0, 0, 1, 1};
                established();
                tcp_close(T.t);
                wait_ms(1);
                rx(T_ACK | T_FIN, 1, 2, 0);
                wire_flush_out(T.w);
                assert_int_equal(T.w->st->tcp->tw_count, 1);
                T.accepted = 0;
                T.peer_isn -= 5000;
                T.ts = true;
                T.tsval = 101 + (i ? 0xf0000000 : 0);
                handshake(o, sizeof o);
                state_is("ESTABLISHED");
                trace_end();
        }
}

static void time_wait_with_timestamps(void)
{
        static const u8 offer[] = {2, 4, 5, 180, 8, 10, 0, 0, 0, 100, 0, 0, 0, 0, 1, 1};
        trace_begin(NULL);
        listen_with(NULL);
        T.ts = true;
        T.tsval = 100;
        handshake(offer, sizeof offer);
        tcp_close(T.t);
        wait_ms(1);
        rx(T_ACK | T_FIN, 1, 2, 0);
        wire_flush_out(T.w);
}

static void rfc_6191_a_later_timestamp_reuses_time_wait_whatever_the_sequence_number(void **s)
{
        static const u8 same[] = {2, 4, 5, 180, 8, 10, 0, 0, 0, 100, 0, 0, 0, 0, 1, 1};
        static const u8 later[] = {2, 4, 5, 180, 8, 10, 0, 0, 0, 101, 0, 0, 0, 0, 1, 1};
        time_wait_with_timestamps();
        T.peer_isn -= 50000;
        rx_opts(T_SYN, 0, 0, 0, same, sizeof same); /* an older number: an old duplicate */
        assert_true(next_tx(&trace_last));
        assert_int_equal(trace_last.flags, T_ACK);
        assert_non_null(tx_option(8));
        rx_opts(T_SYN, 0, 0, 0, later, sizeof later);
        assert_true(next_tx(&trace_last));
        assert_int_equal(trace_last.flags & 0x3f, T_SYN | T_ACK);
        trace_end();
        time_wait_with_timestamps();
        T.peer_isn += 50000;
        const u8 earlier[] = {2, 4, 5, 180, 8, 10, 0, 0, 0, 99, 0, 0, 0, 0, 1, 1};
        rx_opts(T_SYN, 0, 0, 0, earlier, sizeof earlier); /* whatever its number */
        assert_true(next_tx(&trace_last));
        assert_int_equal(trace_last.flags, T_ACK);
        /* where the time is the same the number tells */
        rx_opts(T_SYN, 0, 0, 0, same, sizeof same);
        assert_true(next_tx(&trace_last));
        assert_int_equal(trace_last.flags & 0x3f, T_SYN | T_ACK);
        trace_end();
}

/* The connection ends by our FIN; a repeated one of the peer is answered by the clock that it had, `off` ahead of the stack's. */
static void time_wait_keeps(u32 off)
{
        tcp_close(T.t);
        wait_ms(1);
        rx(T_ACK | T_FIN, 1, 2, 0);
        wire_flush_out(T.w);
        wait_ms(300);
        rx(T_ACK | T_FIN, 1, 2, 0);
        assert_true(next_tx(&trace_last));
        assert_int_equal(be32_get(*(const be32 *)(tx_option(8))), stack_now_ms(T.w->st) + off);
}

/* RFC 7323 5.4: TIME_WAIT knows the connection's offset, the hashed one and the one of a listener with a fixed ISN. */
static void timestamps_of_time_wait_go_on_where_the_connection_was(void **s)
{
        static const u8 offer[] = {2, 4, 5, 180, 8, 10, 0, 0, 0, 100, 0, 0, 0, 0, 1, 1};
        static const struct tcp_opts own[] = {{.backlog = 1}, {.fixed_isn = true, .isn = 7}};
        for (u32 i = 0; i < COUNT_OF(own); i++) {
                trace_begin(NULL);
                listen_with(&own[i]);
                T.ts = true;
                T.tsval = 100;
                handshake(offer, sizeof offer);
                u32 off = T.t->ts_off;
                assert_int_equal(off != 0, !own[i].fixed_isn);
                time_wait_keeps(off);
                trace_end();
        }
}

static void timestamps_of_time_wait_go_on_behind_an_active_open_with_a_fixed_isn(void **s)
{
        static const u8 offer[] = {2, 4, 5, 180, 8, 10, 0, 0, 0, 100, 0, 0, 0, 0, 1, 1};
        static const struct tcp_opts own = {.fixed_isn = true, .isn = 7};
        syn_sent_opts(&own);
        T.ts = true;
        T.tsval = 100;
        rx_opts(T_SYN | T_ACK, 0, 1, 0, offer, sizeof offer);
        u32 off = T.t->ts_off;
        time_wait_keeps(off);
        trace_end();
}

static void short_time_wait_of_one_listener_ends_in_its_own_time(void **s)
{
        static const struct tcp_opts brief = {.timewait_ms = 1000};
        established();
        tcp_close(T.t);
        wait_ms(1);
        rx(T_ACK | T_FIN, 1, 2, 0);
        int err;
        struct listener *l2 = tcp_listen(T.w->st, IPADDR_ANY, 81, &trace_events, NULL, &brief, &err);
        assert_non_null(l2);
        wire_flush_out(T.w);
        T.accepted = 0;
        T.dport = 81;
        handshake(opt_mss1460, 4);
        tcp_close(T.t);
        wait_ms(1);
        rx(T_ACK | T_FIN, 1, 2, 0);
        wire_flush_out(T.w);
        wait_ms(1500);
        rx(T_ACK | T_FIN, 1, 2, 0); /* forgotten, though an older one still waits */
        expect_tx(T_RST, 2, 0, 0);
        T.dport = OUR_PORT;
        assert_int_equal(T.w->st->tcp->tw_count, 2);
        wait_ms(60000);
        assert_int_equal(T.w->st->tcp->tw_count, 0);
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(must_13_time_wait_lasts_two_msl_and_a_repeated_fin_begins_it_anew),
                test(rfc_1337_rst_does_not_end_time_wait), test(may_2_rfc_6191_new_syn_reuses_time_wait),
                test(time_wait_answers_who_disagrees_twice_a_second),
                test(may_2_new_syn_in_time_wait_is_refused_when_nobody_listens_any_more),
                test(oldest_time_wait_goes_when_room_is_short), test(time_wait_of_any_length_begins_anew_with_a_repeated_fin),
                test(rfc_6191_first_timestamp_reuses_time_wait_whatever_the_sequence_number),
                test(rfc_6191_a_later_timestamp_reuses_time_wait_whatever_the_sequence_number),
                test(timestamps_of_time_wait_go_on_where_the_connection_was),
                test(timestamps_of_time_wait_go_on_behind_an_active_open_with_a_fixed_isn),
                test(short_time_wait_of_one_listener_ends_in_its_own_time),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
