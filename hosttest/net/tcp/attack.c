/* attack.c - traces of what strangers send to break or confuse: RFC 5961, refusals, loops of acknowledgements.
 * SPDX-License-Identifier: MIT */
#include "trace.h"

static void rfc_5961_rst_inside_the_window_draws_a_challenge(void **s)
{
        established();
        rx(T_RST, 2, 0, 0);
        expect_tx(T_ACK, 1, 1, 0);
        assert_int_equal(T.closed, 0);
        rx(T_RST, 70000, 0, 0);
        expect_none();
        assert_int_equal(T.closed, 0);
        trace_end();
}

static void rfc_5961_syn_draws_a_challenge_never_rst(void **s)
{
        established();
        rx(T_SYN, 1, 0, 0);
        expect_tx(T_ACK, 1, 1, 0);
        wait_ms(600);
        rx(T_SYN, 500000, 0, 0);
        expect_tx(T_ACK, 1, 1, 0);
        assert_int_equal(T.closed, 0);
        trace_end();
}

static void rfc_5961_acknowledgement_of_the_future_or_of_long_ago_is_refused(void **s)
{
        established();
        rx(T_ACK, 1, 5000, 100);
        expect_tx(T_ACK, 1, 1, 0);
        assert_int_equal(tcp_readable(T.t), 0);
        rx(T_ACK, 1, (u32)-100000, 100);
        expect_tx(T_ACK, 1, 1, 0);
        rx(T_ACK, 1, 2, 100); /* SND.NXT + 1 */
        expect_tx(T_ACK, 1, 1, 0);
        rx(T_ACK, 1, (u32)-65535, 100); /* SND.UNA - MAX.SND.WND - 1 */
        expect_tx(T_ACK, 1, 1, 0);
        assert_int_equal(tcp_readable(T.t), 0);
        rx(T_ACK, 1, (u32)-65534, 100);
        assert_int_equal(tcp_readable(T.t), 100);
        trace_end();
}

static void challenges_are_limited_per_connection(void **s)
{
        established();
        for (u32 i = 0; i < 100; i++)
                rx(T_SYN, 100 + i, 0, 0);
        for (u32 i = 0; i < TCP_CHALLENGES; i++)
                expect_tx(T_ACK, 1, 1, 0);
        expect_none();
        for (u32 i = 0; i < 3; i++) {
                wait_ms(505);
                rx(T_RST, 10, 0, 0);
                rx(T_RST, 11, 0, 0);
                expect_tx(T_ACK, 1, 1, 0);
                expect_none();
        }
        wait_ms(100000);
        for (u32 i = 0; i < 100; i++)
                rx(T_SYN, 100 + i, 0, 0);
        for (u32 i = 0; i < TCP_CHALLENGES; i++)
                expect_tx(T_ACK, 1, 1, 0);
        expect_none();
        trace_end();
}

static void two_hosts_that_disagree_do_not_talk_for_ever(void **s)
{
        established();
        for (u32 i = 0; i < 50; i++)
                rx(T_ACK, 100000, 1, 0);
        for (u32 i = 0; i < TCP_CHALLENGES; i++)
                expect_tx(T_ACK, 1, 1, 0);
        expect_none();
        trace_end();
}

static void acknowledgements_that_were_overtaken_draw_two(void **s)
{
        established();
        T.read_all = true;
        rx(T_ACK, 1, 1, 1460);
        rx(T_ACK, 1461, 1, 1460);
        expect_tx(T_ACK, 1, 2921, 0);
        for (u32 i = 0; i < 10; i++)
                rx(T_ACK, 1461, 1, 0);
        expect_tx(T_ACK, 1, 2921, 0);
        expect_tx(T_ACK, 1, 2921, 0);
        expect_none();
        trace_end();
}

static void keepalive_of_the_peer_is_always_answered(void **s)
{
        established();
        for (u32 i = 0; i < 5; i++) {
                rx(T_ACK, 0, 1, 0);
                expect_tx(T_ACK, 1, 1, 0);
        }
        trace_end();
}

static void must_10_11_refused_while_syn_received_by_active_open(void **s)
{
        syn_sent();
        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
        expect_tx(T_SYN | T_ACK, 0, 1, 0);
        rx(T_RST, 1, 0, 0);
        assert_int_equal(T.closed_err, E_REFUSED);
        trace_end();
}

static void must_11_rst_to_a_half_open_passive_connection_returns_to_listen(void **s)
{
        half_open();
        rx(T_RST, 2, 0, 0); /* RFC 5961 3.2 */
        expect_tx(T_ACK, 1, 1, 0);
        rx(T_RST, 0, 0, 0);
        expect_none();
        assert_int_equal(T.w->st->tcp->n_half, 1);
        rx(T_RST, 1, 0, 0);
        assert_int_equal(T.w->st->tcp->n_half, 0);
        expect_none();
        trace_end();
}

static void syn_sent_wrong_acknowledgement_draws_rst(void **s)
{
        syn_sent();
        rx(T_SYN | T_ACK, 0, 5, 0);
        expect_tx(T_RST, 5, 0, 0);
        state_is("SYN_SENT");
        rx(T_RST | T_ACK, 0, 5, 0);
        rx(T_RST, 0, 0, 0);
        rx(T_ACK, 0, 1, 0);
        expect_none();
        state_is("SYN_SENT");
        trace_end();
}

static void half_open_wrong_acknowledgement_draws_rst(void **s)
{
        half_open();
        rx(T_ACK, 1, 2, 0);
        expect_tx(T_RST, 2, 0, 0);
        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4); /* again: SYN,ACK again (R156) */
        expect_tx(T_SYN | T_ACK, 0, 1, 0);
        rx(T_ACK, 1, 1, 0);
        assert_int_equal(T.accepted, 1);
        trace_end();
}

static void must_57_syn_to_a_broadcast_is_dropped_silently(void **s)
{
        static const struct { ipaddr to; bool link; enum drop why; } at[] = {
                {IPADDR(10, 0, 0, 255), true, DROP_TCP_GROUP}, {IPADDR(10, 0, 0, 255), false, DROP_TCP_GROUP},
                {IPADDR(255, 255, 255, 255), true, DROP_TCP_GROUP}, {IPADDR(255, 255, 255, 255), false, DROP_TCP_GROUP},
                {IPADDR(224, 0, 0, 1), true, DROP_TCP_GROUP}, {IPADDR(224, 0, 0, 1), false, DROP_TCP_GROUP},
                {IPADDR(10, 0, 0, 1), true, DROP_IP_LINK_BCAST}};
        for (u32 i = 0; i < 2 * COUNT_OF(at); i++) {
                ipaddr to = at[i / 2].to;
                trace_begin(NULL);
                if (i & 1)
                        listen_with(NULL); /* where nobody listens it draws no RST */
                u8 f[200];
                struct seg g = {T.sport, T.dport, 1, 0, T_SYN, 1000, NULL, 0, NULL, 0, 0};
                u32 n = build_tcp(T.w, f, &g);
                if (at[i / 2].link)
                        memset(f, 0xff, 6);
                build_ip(f + 14, WIRE_PEER, to, 6, 20);
                memset(f + 50, 0, 2);
                u16 sum = (u16)~cksum_fold(cksum_add(ip_pseudo_sum(WIRE_PEER, to, 6, 20), f + 34, 20));
                memcpy(f + 50, &sum, 2);
                wire_rx(T.w, f, n);
                expect_none();
                assert_int_equal(wire_drops(T.w, at[i / 2].why), 1);
                assert_int_equal(T.w->st->tcp->n_half, 0);
                trace_end();
        }
}

static void must_46_connect_to_nobody_in_particular_is_refused(void **s)
{
        static const ipaddr bad[] = {IPADDR(0, 0, 0, 0), IPADDR(255, 255, 255, 255), IPADDR(224, 0, 0, 1), IPADDR(10, 0, 0, 255)};
        trace_begin(NULL);
        int err;
        for (u32 i = 0; i < COUNT_OF(bad); i++) {
                assert_null(tcp_connect(T.w->st, IPADDR_ANY, 0, bad[i], 80, &trace_events, NULL, NULL, &err));
                assert_int_equal(err, E_INVAL);
        }
        assert_null(tcp_connect(T.w->st, IPADDR_ANY, 0, WIRE_PEER, 0, &trace_events, NULL, NULL, &err));
        assert_int_equal(err, E_INVAL);
        assert_null(tcp_connect(T.w->st, IPADDR(1, 2, 3, 4), 0, WIRE_PEER, 80, &trace_events, NULL, NULL, &err));
        assert_null(tcp_connect(T.w->st, IPADDR_ANY, 0, IPADDR(9, 9, 9, 9), 80, &trace_events, NULL, NULL, &err));
        assert_int_equal(err, E_NOROUTE);
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(rfc_5961_rst_inside_the_window_draws_a_challenge), test(rfc_5961_syn_draws_a_challenge_never_rst),
                test(rfc_5961_acknowledgement_of_the_future_or_of_long_ago_is_refused),
                test(challenges_are_limited_per_connection), test(two_hosts_that_disagree_do_not_talk_for_ever),
                test(acknowledgements_that_were_overtaken_draw_two), test(keepalive_of_the_peer_is_always_answered),
                test(must_10_11_refused_while_syn_received_by_active_open),
                test(must_11_rst_to_a_half_open_passive_connection_returns_to_listen),
                test(syn_sent_wrong_acknowledgement_draws_rst), test(half_open_wrong_acknowledgement_draws_rst),
                test(must_57_syn_to_a_broadcast_is_dropped_silently), test(must_46_connect_to_nobody_in_particular_is_refused),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
