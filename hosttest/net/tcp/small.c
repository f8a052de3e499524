/* small.c - traces of small segments and windows, and of options left out.
 * SPDX-License-Identifier: MIT */
#include "trace.h"

/* An option that our layout leaves out was not agreed on, though the peer offered it. */
static void what_a_layout_leaves_out_is_not_agreed_on(void **s)
{
        static const u8 all[] = {2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 100, 0, 0, 0, 0, 1, 3, 3, 7};
        static const struct tcp_opts o = {.syn_layout = {2}, .rcvbuf = 1 << 20}, full = {.syn_layout = {8, 8, 8, 2, 2, 8, 4, 3}};
        trace_begin(NULL);
        listen_with(&o);
        handshake(all, sizeof all);
        assert_int_equal(trace_last.n_opts, 4);
        state_is("ESTABLISHED");
        assert_int_equal(T.t->flags & (TF_TS | TF_SACK), 0);
        assert_int_equal(T.t->snd_scale | T.t->rcv_scale, 0);
        trace_end();
        syn_sent_opts(&full); /* the fourth timestamp has no room, nor has what is behind it */
        rx_opts(T_SYN | T_ACK, 0, 1, 0, all, sizeof all);
        assert_int_equal(T.t->flags & (TF_TS | TF_SACK), TF_TS | TF_SACK);
        assert_int_equal(T.t->rcv_scale, 0);
        trace_end();
}

/* RFC 7323 2.4: 156 bytes less than one of its units of 256 are what the field cannot say. */
static void window_rounded_down_by_its_scale_is_not_a_shrunk_one(void **s)
{
        static const u8 o[] = {2, 4, 2, 0, 1, 3, 3, 8};
        trace_begin(NULL);
        listen_with(NULL);
        handshake(o, sizeof o);
        T.wnd = 10;
        rx(T_ACK, 1, 1, 0);
        send_bytes(0, 2560);
        for (u32 i = 0; i < 5; i++)
                expect_tx(T_ACK, 1 + 512 * i, 1, 512);
        T.wnd = 9;
        rx(T_ACK, 1, 101, 0);
        rx(T_ACK, 101, 101, 10); /* ahead of its turn: answered at once */
        expect_tx(T_ACK, 2561, 1, 0);
        T.wnd = 5; /* shrunk */
        rx(T_ACK, 1, 101, 0);
        rx(T_ACK, 201, 101, 10);
        expect_tx(T_ACK, 101 + 5 * 256, 1, 0);
        trace_end();
}

static void must_16_tiny_mss_of_the_peer_is_kept(void **s)
{
        for (u8 mss = 46; mss < 65; mss++) {
                const u8 tiny[] = {2, 4, 0, mss}, n = mss > 48 ? mss : 48;
                trace_begin(NULL);
                listen_with(NULL);
                handshake(tiny, 4);
                send_bytes(0, 2u * n);
                expect_tx(T_ACK, 1, 1, n);
                expect_tx(T_ACK, 1 + n, 1, n);
                trace_end();
        }
}

static void shld_19_tiny_mss_of_ours_is_a_full_segment(void **s)
{
        static const struct tcp_opts o = {.mss = 100};
        established_opts(&o);
        T.read_all = true;
        rx(T_ACK, 1, 1, 100);
        expect_none();
        rx(T_ACK, 101, 1, 100);
        expect_tx(T_ACK, 1, 201, 0);
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(what_a_layout_leaves_out_is_not_agreed_on), test(window_rounded_down_by_its_scale_is_not_a_shrunk_one),
                test(must_16_tiny_mss_of_the_peer_is_kept), test(shld_19_tiny_mss_of_ours_is_a_full_segment),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
