/* uto.c - traces of RFC 5482: the user timeout is told, and the peer's adopted within limits. SPDX-License-Identifier: MIT */
#include "trace.h"

static u32 told(void)
{
        const u8 *o = tx_option(28);
        return o ? (u32)(o[0] << 8 | o[1]) : 0;
}

static void rx_uto(u16 field)
{
        u8 o[] = {28, 4, (u8)(field >> 8), (u8)field};
        rx_opts(T_ACK, 1, 1, 0, o, 4);
}

static void rfc_5482_nothing_is_told_or_adopted_unless_asked_for(void **s)
{
        established();
        assert_int_equal(told(), 0); /* of the SYN,ACK */
        rx_uto(1000);
        expect_none();
        assert_int_equal(T.t->user_timeout, 0);
        trace_end();
}

static void rfc_5482_listener_tells_in_syn_ack_and_the_first_segment_behind_it(void **s)
{
        static const struct tcp_opts o = {.uto = true, .user_timeout_ms = 120000};
        trace_begin(NULL);
        listen_with(&o);
        handshake(opt_mss1460, 4);
        assert_int_equal(told(), 120);
        expect_tx(T_ACK, 1, 1, 0);
        assert_int_equal(told(), 120);
        rx(T_ACK, 1, 1, 100);
        wait_ms(50);
        expect_tx(T_ACK, 1, 101, 0);
        assert_int_equal(told(), 0);
        rx_opts(T_ACK, 101, 1, 0, (const u8[]){28, 4, 3, 0xe8}, 4); /* the user's own counts */
        assert_int_equal(ms_unpack(T.t->user_timeout), 120000);
        trace_end();
}

static void rfc_5482_active_open_tells_and_adopts(void **s)
{
        static const struct tcp_opts o = {.uto = true};
        syn_sent_opts(&o);
        assert_int_equal(told(), 300); /* our default */
        static const u8 in[] = {2, 4, 5, 180, 28, 4, 3, 0xe8}; /* 1000 s */
        rx_opts(T_SYN | T_ACK, 0, 1, 0, in, sizeof in);
        expect_tx(T_ACK, 1, 1, 0);
        assert_int_equal(told(), 1000); /* what counts now */
        assert_in_range(ms_unpack(T.t->user_timeout), 1000000, 1001000);
        tcp_set_user_timeout(T.t, 400000); /* 3.2: a change is told at once */
        wait_ms(1);
        expect_tx(T_ACK, 1, 1, 0);
        assert_int_equal(told(), 400);
        trace_end();
}

static void adopts(u16 field, u32 s)
{
        static const struct tcp_opts o = {.uto = true};
        trace_begin(NULL);
        listen_with(&o);
        handshake(opt_mss1460, 4);
        wire_flush_out(T.w);
        rx_uto(field);
        if (s)
                assert_in_range(ms_unpack(T.t->user_timeout), s * 1000, s * 1002);
        else
                assert_int_equal(T.t->user_timeout, 0);
        trace_end();
}

static void rfc_5482_adopted_within_limits(void **s)
{
        adopts(1000, 1000);
        adopts(10, 300);              /* not shorter than ours */
        adopts(0x8000 | 30, 1800);    /* minutes */
        adopts(0x8000 | 1000, 7200);  /* not for ever */
        adopts(0, 0);                 /* reserved */
        adopts(0x8000, 0);
}

static void rfc_5482_a_change_is_told_at_once(void **s)
{
        static const struct tcp_opts o = {.uto = true};
        trace_begin(NULL);
        listen_with(&o);
        handshake(opt_mss1460, 4);
        expect_tx(T_ACK, 1, 1, 0);
        tcp_set_user_timeout(T.t, 40000000);
        wait_ms(1);
        expect_tx(T_ACK, 1, 1, 0);
        assert_int_equal(told(), 0x8000 | 667); /* minutes */
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(rfc_5482_nothing_is_told_or_adopted_unless_asked_for),
                test(rfc_5482_listener_tells_in_syn_ack_and_the_first_segment_behind_it), test(rfc_5482_active_open_tells_and_adopts),
                test(rfc_5482_adopted_within_limits), test(rfc_5482_a_change_is_told_at_once),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
