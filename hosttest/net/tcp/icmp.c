/* icmp.c - traces of ICMP errors: which are believed (RFC 5927), what they do, and path MTU discovery (RFC 1191) with its black
 * holes.
 * SPDX-License-Identifier: MIT */
#include "icmp.h"
#include "trace.h"

static void must_54_shld_26_hard_error_ends_an_open_in_progress(void **s)
{
        static const u8 hard[] = {ICMP_PROTO, ICMP_PORT, 9, 10, ICMP_ADMIN};
        for (u32 i = 0; i < COUNT_OF(hard); i++) {
                syn_sent();
                rx_icmp(ICMP_UNREACH, hard[i], 0, 1); /* not of what is in flight */
                rx_icmp(ICMP_UNREACH, hard[i], 0, (u32)-1);
                assert_int_equal(T.closed, 0);
                rx_icmp(ICMP_UNREACH, hard[i], 0, 0);
                assert_int_equal(T.closed_err, hard[i] == ICMP_PORT ? E_REFUSED : E_UNREACH);
                trace_end();
        }
}

static void must_56_soft_errors_do_not_abort_but_are_told(void **s)
{
        static const u8 soft[][2] = {{3, 0}, {3, 1}, {3, 5}, {11, 0}, {11, 1}, {12, 0}};
        for (u32 i = 0; i < COUNT_OF(soft); i++) {
                syn_sent();
                rx_icmp(soft[i][0], soft[i][1], 0, 0);
                state_is("SYN_SENT");
                assert_int_equal(tcp_soft_error(T.t), E_UNREACH); /* MUST-47, SHLD-25 */
                assert_int_equal(tcp_soft_error(T.t), 0);
                trace_end();
        }
}

static void rfc_5927_hard_error_does_not_end_an_established_connection(void **s)
{
        established();
        send_bytes(0, 100);
        rx_icmp(ICMP_UNREACH, ICMP_PORT, 0, 1);
        state_is("ESTABLISHED");
        assert_int_equal(tcp_soft_error(T.t), E_UNREACH);
        trace_end();
}

static void must_55_source_quench_is_ignored(void **s)
{
        established();
        send_bytes(0, 100);
        u32 cwnd = T.t->cwnd;
        rx_icmp(ICMP_QUENCH, 0, 0, 1);
        assert_int_equal(T.t->cwnd, cwnd);
        trace_end();
}

static void rfc_1191_segments_get_smaller_and_are_sent_again_at_once(void **s)
{
        established();
        send_bytes(0, 3000);
        expect_tx(T_ACK, 1, 1, 1460);
        expect_tx(T_ACK, 1461, 1, 1460);
        expect_tx(T_ACK, 2921, 1, 80);
        rx_icmp(ICMP_UNREACH, ICMP_FRAG_NEEDED, 1000, 1);
        expect_tx(T_ACK, 1, 1, 960);
        expect_tx(T_ACK, 961, 1, 500);
        expect_tx(T_ACK, 1461, 1, 960);
        expect_tx(T_ACK, 2421, 1, 500);
        assert_int_equal(T.t->mss, 960);
        trace_end();
}

static void rfc_1191_what_was_sacked_is_not_sent_again(void **s)
{
        established_sack(NULL);
        send_bytes(0, 4380);
        wire_flush_out(T.w);
        rx_sack(1, 1, 1, 1461, 2921);
        wire_flush_out(T.w);
        rx_icmp(ICMP_UNREACH, ICMP_FRAG_NEEDED, 1000, 1);
        struct seg g;
        u32 n = 0;
        while (next_tx(&g)) {
                assert_false(g.seq - T.our_isn >= 1461 && g.seq - T.our_isn < 2921);
                n += g.n;
        }
        assert_int_equal(n, 2920);
        trace_end();
}

static void rfc_5927_message_about_what_is_not_in_flight_is_ignored(void **s)
{
        established();
        send_bytes(0, 3000);
        wire_flush_out(T.w);
        rx_icmp(ICMP_UNREACH, ICMP_FRAG_NEEDED, 1000, 5000);
        rx_icmp(ICMP_UNREACH, ICMP_FRAG_NEEDED, 1000, 3001); /* SND.NXT */
        rx_icmp(ICMP_UNREACH, ICMP_FRAG_NEEDED, 1000, 0);
        assert_int_equal(T.t->mss, 1460);
        rx_icmp(ICMP_UNREACH, ICMP_FRAG_NEEDED, 60000, 1);
        assert_int_equal(T.t->pmtu, 1500);
        rx_icmp(ICMP_UNREACH, ICMP_FRAG_NEEDED, 1500, 1); /* what it is already */
        assert_int_equal(T.t->mss, 1460);
        assert_int_equal(T.t->pmtu, 1500);
        expect_none();
        rx_icmp(ICMP_UNREACH, ICMP_FRAG_NEEDED, 100, 1); /* absurdly small: not below 552, and routers may fragment */
        assert_int_equal(T.t->mss, 512);
        trace_end();
}

static u32 df_of(const struct frame *f) { return f->b[20] & 0x40; }

static void rfc_1191_df_on_everything_unless_the_user_or_a_black_hole_says_no(void **s)
{
        static const struct tcp_opts o = {.no_pmtud = true};
        established();
        send_bytes(0, 100);
        assert_int_not_equal(df_of(wire_tx(T.w)), 0);
        rx(T_RST, 5, 0, 0);
        assert_int_not_equal(df_of(wire_tx(T.w)), 0);
        T.sport++;
        rx(T_ACK, 1, 1, 0); /* nobody's: RST */
        assert_int_not_equal(df_of(wire_tx(T.w)), 0);
        trace_end();
        established_opts(&o);
        send_bytes(0, 100);
        assert_int_equal(df_of(wire_tx(T.w)), 0);
        trace_end();
}

static void path_mtu_black_hole_is_found(void **s)
{
        established();
        send_bytes(0, 1460);
        expect_tx(T_ACK, 1, 1, 1460);
        wait_ms(10000);
        struct seg g, last = {0};
        const struct frame *f;
        while ((f = wire_tx(T.w)) != NULL && parse_tcp(T.w, f, &g)) {
                assert_int_equal(f->b[20] & 0x40, g.n == 1460 ? 0x40 : 0); /* what a router may cut from there on gets through */
                last = g;
        }
        assert_true(last.n < 600 && last.n > 400);
        rx(T_ACK, 1, 1 + last.n, 0);
        assert_int_equal(T.w->st->tcp->count.blackholes, 2);
        trace_end();
}

static void router_that_does_not_say_its_mtu(void **s)
{
        established();
        send_bytes(0, MSS);
        wire_flush_out(T.w);
        tcp_enter(T.t);
        pmtu_learn(T.t, 0);
        tcp_leave(T.t);
        assert_int_equal(T.t->pmtu, 1492); /* RFC 1191 7: the next plateau */
        expect_tx(T_ACK, 1, 1, 1452);
        tcp_enter(T.t);
        pmtu_learn(T.t, 0);
        tcp_leave(T.t);
        assert_int_equal(T.t->pmtu, 1006);
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(must_54_shld_26_hard_error_ends_an_open_in_progress), test(must_56_soft_errors_do_not_abort_but_are_told),
                test(rfc_5927_hard_error_does_not_end_an_established_connection), test(must_55_source_quench_is_ignored),
                test(rfc_1191_segments_get_smaller_and_are_sent_again_at_once), test(rfc_1191_what_was_sacked_is_not_sent_again),
                test(rfc_5927_message_about_what_is_not_in_flight_is_ignored),
                test(rfc_1191_df_on_everything_unless_the_user_or_a_black_hole_says_no), test(path_mtu_black_hole_is_found),
                test(router_that_does_not_say_its_mtu),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
