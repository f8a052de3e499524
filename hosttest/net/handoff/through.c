/* through.c - the transparent proxy: connections that are let through to their target, on good and bad wires, and what ends them.
 * SPDX-License-Identifier: MIT */
#include "through.h"

static void let_through_with_the_clients_own_numbers(void **s)
{
        begin();
        ask(1000);
        u32 iss = L.client->iss;
        run(500);
        is_answered(1000);
        assert_int_equal(L.target_saw[0].flags, T_SYN);
        assert_int_equal(L.target_saw[0].seq, iss); /* the client's own */
        assert_int_equal(counters().taken, 1);
        assert_int_equal(counters().through, 1);
        assert_int_equal(L.g->st->tcp->n_tcbs, 0); /* no socket of its own */
        finish();
}

static void large_reply_without_timestamps_or_scale(void **s)
{
        for (u32 i = 0; i < 16; i++) {
                begin();
                L.copts.no_timestamps = i & 1;
                L.copts.no_sack = i & 2;
                L.copts.no_wscale = i & 4;
                L.copts.rcvbuf = i & 8 ? 1 << 20 : 0;
                ask(400000);
                run(4000);
                is_answered(400000);
                finish();
        }
}

/* The target's scale is another than the one that the client was told. */
static void windows_are_scaled(void **s)
{
        for (u32 i = 0; i < 3; i++) {
                begin();
                L.keep_open = true;
                L.topts.rcvbuf = i == 0 ? 30000 : i == 1 ? 1 << 22 : 1 << 20;
                L.topts.no_wscale = i == 2;
                ask(10);
                run(200);
                for (u32 k = 0; k < 10000; k++)
                        if (tcp_send(L.client, "G00000010\n", 10) != 10)
                                run(20), k--;
                run(5000);
                assert_int_equal(L.got, 100010);
                tcp_close(L.client);
                finish();
        }
}

static void answered_here_first_then_let_through(void **s)
{
        int err;
        begin();
        L.keep_open = true;
        tcp_listen(L.t->st, IPADDR_ANY, 80, &target_events, NULL, NULL, &err);
        L.client = tcp_connect(L.c->st, IPADDR_ANY, 0, T, 80, &client_events, NULL, NULL, &err);
        tcp_send(L.client, "L00000500\n", 10);
        run(300);
        assert_int_equal(L.local, 1);
        assert_int_equal(L.got, 500);
        L.got = 0;
        tcp_send(L.client, "G00000700\n", 10);
        run(300);
        assert_int_equal(L.got, 700);
        assert_false(L.bad);
        tcp_close(L.client);
        finish();
}

static void half_closed_client_is_let_through_with_his_fin(void **s)
{
        begin();
        ask(30000);
        tcp_shutdown(L.client);
        run(1000);
        is_answered(30000);
        finish();
}

static void each_frame_lost_in_turn(void **s)
{
        u32 most = 40;
        for (lose_at = 0; lose_at < most; lose_at++) {
                begin();
                L.harm = lose_one;
                ask(5000);
                for (u32 k = 0; k < 20 && !L.closed; k++)
                        run(1000);
                is_answered(5000);
                assert_int_equal(counters().through, 1);
                finish();
        }
}

static u32 storm_state, storm_rate;
static u32 storm(u32 number)
{
        storm_state = storm_state * 1664525 + 1013904223;
        return (storm_state >> 16) % 100 < storm_rate;
}

static void over_a_bad_wire(void **s)
{
        u32 opened = 0;
        for (u32 seed = 1; seed <= 60; seed++) {
                begin();
                storm_state = seed * 7919;
                storm_rate = seed % 4 * 3 + 2;
                L.harm = storm;
                L.dup = seed & 1;
                ask(20000);
                for (u32 k = 0; k < 300 && !L.closed; k++)
                        run(1000);
                assert_int_equal(L.got, 20000);
                assert_false(L.bad);
                opened += counters().through;
                finish();
        }
        assert_int_equal(opened, 60);
}

static void refusal_of_the_target_reaches_the_client(void **s)
{
        int err;
        begin();
        L.client = tcp_connect(L.c->st, IPADDR_ANY, 0, T, 80, &client_events, NULL, NULL, &err);
        tcp_send(L.client, "G00000700\n", 10);
        run(300);
        assert_int_equal(L.err, (u32)-E_RESET);
        assert_int_equal(counters().refused, 1);
        finish();
}

static void silent_target_ends_in_reset(void **s)
{
        begin();
        L.dead_target = true;
        ask(10);
        run(30000);
        assert_int_equal(L.err, (u32)-E_RESET);
        assert_int_equal(counters().silent, 1);
        L.dead_target = false;
        finish();
}

/* Timestamps that the client was promised and the target does not have: reset once, never promised again. */
static void target_without_timestamps_is_remembered(void **s)
{
        int err;
        begin();
        L.topts.no_timestamps = true;
        ask(10);
        run(300);
        assert_int_equal(L.err, (u32)-E_RESET);
        assert_int_equal(counters().differs, 1);
        L.client = tcp_connect(L.c->st, IPADDR_ANY, 0, T, 80, &client_events, NULL, NULL, &err);
        L.closed = L.err = 0;
        tcp_send(L.client, "G00000700\n", 10);
        run(300);
        is_answered(700);
        finish();
}

/* The target is in TIME_WAIT each time, and must not be shown a timestamp again that it has seen pass (RFC 6191), however long letting
 * through took the last time. */
static void client_that_reuses_its_port_does_not_wait(void **s)
{
        begin();
        ask(100);
        run(20);
        is_answered(100);
        for (u32 i = 0; i < 20; i++) {
                int err;
                L.got = L.closed = L.n_frames = 0;
                lose_at = 4; /* our SYN to the target: frames are the client's SYN, ours, ACK, request */
                L.harm = i == 10 ? lose_one : NULL;
                L.slow = i & 1 ? 50 : 0;
                L.next_ms = L.ms + L.slow;
                L.client = tcp_connect(L.c->st, IPADDR_ANY, 5000, T, 80, &client_events, NULL, &L.copts, &err);
                tcp_send(L.client, "G00000100\n", 10);
                for (u32 k = 0; k < 2000 && L.got < 100; k++)
                        run(1);
                if (L.harm)
                        run(1000);
                L.slow = L.next_ms = 0;
                run(4);
                is_answered(100);
        }
        assert_int_equal(L.lost, 1);
        assert_int_equal(L.g->st->tcp->count.retrans_segs, 1);
        finish();
}

/* What he says after that must not look old to a target that was shown a later time than the client's own clock has come to. */
static void client_with_a_slow_clock_is_understood(void **s)
{
        begin();
        L.lazy = 10;
        lose_at = 4;
        L.harm = lose_one;
        ask(100);
        run(2500);
        is_answered(100);
        L.lazy = 0;
        finish();
}

/* Nothing is promised on behalf of the target that only this machine could keep. */
static void client_with_option_144_and_fast_open_is_let_through(void **s)
{
        begin();
        struct listener *l = listener_find(L.g->st->tcp, IPADDR_ANY, 80);
        l->opts.qure = l->opts.fastopen = true;
        L.copts.qure = L.copts.fastopen = true;
        ask(1000);
        run(5000);
        is_answered(1000);
        assert_int_equal(counters().through, 1);
        finish();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(let_through_with_the_clients_own_numbers), test(large_reply_without_timestamps_or_scale),
                test(windows_are_scaled), test(answered_here_first_then_let_through),
                test(half_closed_client_is_let_through_with_his_fin), test(each_frame_lost_in_turn), test(over_a_bad_wire),
                test(refusal_of_the_target_reaches_the_client), test(silent_target_ends_in_reset),
                test(target_without_timestamps_is_remembered), test(client_that_reuses_its_port_does_not_wait),
                test(client_with_a_slow_clock_is_understood),
                test(client_with_option_144_and_fast_open_is_let_through)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
