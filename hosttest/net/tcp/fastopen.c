/* fastopen.c - traces of data on the SYN: Fast Open (RFC 7413) as server and as client, and the handshake's last
 * acknowledgement with data.
 * SPDX-License-Identifier: MIT */
#include "trace.h"

static void r43_data_with_the_handshakes_last_acknowledgement(void **s)
{
        half_open();
        T.read_all = T.echo = true;
        rx(T_ACK | T_PSH | T_FIN, 1, 1, 50); /* R51 */
        assert_int_equal(T.got, 50);
        expect_tx(T_ACK | T_PSH, 1, 52, 50);
        state_is("CLOSE_WAIT");
        trace_end();
}

static const u8 ask_cookie[] = {2, 4, 5, 180, 34, 2, 1, 1};

static void rfc_7413_server_gives_a_cookie_and_takes_data_with_it(void **s)
{
        static const struct tcp_opts o = {.fastopen = true};
        u8 with[16] = {2, 4, 5, 180, 34, 10};
        trace_begin(NULL);
        listen_with(&o);
        rx_opts(T_SYN, 0, 0, 0, ask_cookie, sizeof ask_cookie);
        assert_true(next_tx(&trace_last));
        assert_non_null(tx_option(34));
        memcpy(with + 6, tx_option(34), 8);
        with[14] = with[15] = 1;
        T.sport++;
        T.read_all = T.echo = true;
        u8 f[300];
        struct seg g = {T.sport, T.dport, T.peer_isn, 0, T_SYN, 65535, with, 16, bytes_at(0), 100, 0};
        wire_rx(T.w, f, build_tcp(T.w, f, &g));
        assert_true(next_tx(&trace_last));
        T.our_isn = trace_last.seq;
        assert_int_equal(trace_last.flags & 0x3f, T_SYN | T_ACK);
        assert_int_equal(trace_last.ack, T.peer_isn + 101);
        assert_int_equal(T.got, 100);
        expect_tx(T_ACK | T_PSH, 1, 101, 100); /* the answer does not wait for the handshake */
        state_is("SYN_RECEIVED");
        rx(T_ACK, 101, 101, 0);
        state_is("ESTABLISHED");
        assert_int_equal(T.w->st->tcp->n_fastopen, 0);
        trace_end();
}

static bool begins_a_pattern(const u8 *data, u32 n) { return n >= 2 && data[0] == pattern(0) && data[1] == pattern(1); }

/* 6.1: a SYN may come twice, so what must not run twice waits for the handshake. */
static void rfc_7413_request_that_must_not_run_twice_waits_for_the_handshake(void **s)
{
        static const struct tcp_opts o = {.fastopen = true, .idempotent = begins_a_pattern};
        u8 with[16] = {2, 4, 5, 180, 34, 10}, f[300];
        struct seg g;
        trace_begin(NULL);
        listen_with(&o);
        rx_opts(T_SYN, 0, 0, 0, ask_cookie, sizeof ask_cookie);
        assert_true(next_tx(&trace_last));
        memcpy(with + 6, tx_option(34), 8);
        with[14] = with[15] = 1;
        for (u32 good = 0; good < 2; good++) {
                T.sport++;
                T.accepted = 0;
                T.read_all = false;
                g = (struct seg){T.sport, T.dport, T.peer_isn, 0, T_SYN, 65535, with, 16, bytes_at(good ? 0 : 1), 100, 0};
                wire_rx(T.w, f, build_tcp(T.w, f, &g));
                assert_true(next_tx(&trace_last));
                assert_int_equal(trace_last.flags & 0x3f, T_SYN | T_ACK);
                assert_int_equal(trace_last.ack, T.peer_isn + 1 + 100 * good);
                assert_int_equal(T.accepted, good);
        }
        trace_end();
}

static void rfc_7413_wrong_cookie_is_an_ordinary_syn(void **s)
{
        static const struct tcp_opts o = {.fastopen = true};
        static const u8 bad[] = {34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1};
        trace_begin(NULL);
        listen_with(&o);
        u8 f[300];
        struct seg g = {T.sport, T.dport, T.peer_isn, 0, T_SYN, 65535, bad, 12, bytes_at(0), 100, 0};
        wire_rx(T.w, f, build_tcp(T.w, f, &g));
        assert_true(next_tx(&trace_last));
        assert_int_equal(trace_last.ack, T.peer_isn + 1);
        assert_non_null(tx_option(34));
        assert_int_equal(T.accepted, 0);
        struct tcp_state *ts = T.w->st->tcp;
        u8 theirs[8]; /* 4.1.2: nor is anybody else's good */
        tfo_cookie(ts, 0x0300000a, theirs);
        assert_true(tfo_cookie_ok(ts, 0x0300000a, theirs, 8));
        assert_false(tfo_cookie_ok(ts, 0x0200000a, theirs, 8));
        assert_false(tfo_cookie_ok(ts, 0x0300000a, theirs, 7));
        trace_end();
}

static void rfc_7413_client_asks_keeps_and_uses_a_cookie(void **s)
{
        static const struct tcp_opts o = {.fastopen = true};
        static const u8 give[] = {2, 4, 5, 180, 34, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 1};
        int err;
        syn_sent_opts(&o);
        assert_non_null(tx_option(34));
        rx_opts(T_SYN | T_ACK, 0, 1, 0, give, sizeof give);
        wire_flush_out(T.w);
        tcp_abort(T.t);
        wire_flush_out(T.w);
        T.connected = 0;
        T.t = tcp_connect(T.w->st, IPADDR_ANY, 0, WIRE_PEER, OUR_PORT, &trace_events, NULL, &o, &err);
        tcp_send(T.t, bytes_at(0), 300);
        wait_ms(1);
        assert_true(next_tx(&trace_last));
        assert_int_equal(trace_last.flags, T_SYN);
        assert_int_equal(trace_last.n, 300);
        assert_memory_equal(tx_option(34), give + 6, 8);
        T.our_isn = trace_last.seq;
        T.dport = trace_last.sport;
        rx_opts(T_SYN | T_ACK, 0, 301, 0, opt_mss1460, 4);
        expect_tx(T_ACK, 301, 1, 0);
        assert_int_equal(T.connected, 1);
        assert_int_equal(T.t->snd_queued, 0);
        tcp_abort(T.t);
        wire_flush_out(T.w);
        T.t = tcp_connect(T.w->st, IPADDR_ANY, 0, WIRE_PEER, OUR_PORT, &trace_events, NULL, &o, &err);
        tcp_send(T.t, bytes_at(0), 300);
        wait_ms(1);
        assert_true(next_tx(&trace_last));
        T.our_isn = trace_last.seq;
        T.dport = trace_last.sport;
        rx_opts(T_SYN | T_ACK, 0, 1, 0, opt_mss1460, 4); /* who did not use it is sent it again at once */
        expect_tx(T_ACK, 1, 1, 300);
        trace_end();
}

static void rfc_7413_data_on_a_syn_fits_the_mtu(void **s)
{
        static const struct tcp_opts o = {.fastopen = true};
        int err;
        trace_begin(NULL);
        T.w->nif.mtu = 576;
        tfo_learn(T.w->st->tcp, be32_raw(WIRE_PEER.v4), (const u8 *)"abcdefgh", 8, 1460);
        T.t = tcp_connect(T.w->st, IPADDR_ANY, 0, WIRE_PEER, OUR_PORT, &trace_events, NULL, &o, &err);
        tcp_send(T.t, bytes_at(0), 2000);
        wait_ms(1);
        const struct frame *f = wire_tx(T.w);
        assert_non_null(f);
        assert_in_range(f->n, 14 + 540, 14 + 576);
        assert_int_equal(wire_pending(T.w), 0); /* not in pieces */
        trace_end();
}

static void syn_larger_than_the_mtu_goes_in_pieces(void **s)
{
        static const struct tcp_opts o = {.syn_layout = {8, 2, 4, 3, 8, 8}};
        static const u8 full[] = {8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 3, 3, 0, 4, 2, 1};
        int err;
        for (u32 passive = 0; passive < 2; passive++) {
                trace_begin(NULL);
                T.w->nif.mtu = 68;
                if (passive) {
                        listen_with(&o);
                        rx_opts(T_SYN, 0, 0, 0, full, sizeof full);
                } else {
                        T.t = tcp_connect(T.w->st, IPADDR_ANY, 0, WIRE_PEER, OUR_PORT, &trace_events, NULL, &o, &err);
                }
                for (u32 off = 0; off < 60; off += 48) {
                        const struct frame *f = wire_tx(T.w);
                        assert_non_null(f);
                        assert_int_equal((f->b[20] << 8 | f->b[21]) & 0x7fff, off ? 6 : 0x2000);
                        assert_int_equal(f->n, 34 + (off ? 12 : 48));
                }
                assert_null(wire_tx(T.w));
                trace_end();
        }
}

static void rfc_7413_data_that_the_syn_ack_left_out_is_sent_again_at_once(void **s)
{
        static const struct tcp_opts o = {.fastopen = true};
        int err;
        trace_begin(NULL);
        tfo_learn(T.w->st->tcp, be32_raw(WIRE_PEER.v4), (const u8 *)"abcdefgh", 8, 1460);
        T.t = tcp_connect(T.w->st, IPADDR_ANY, 0, WIRE_PEER, OUR_PORT, &trace_events, NULL, &o, &err);
        T.sport = OUR_PORT;
        tcp_send(T.t, bytes_at(0), 300);
        wait_ms(1);
        assert_true(next_tx(&trace_last));
        assert_int_equal(trace_last.n, 300);
        T.our_isn = trace_last.seq;
        T.dport = trace_last.sport;
        rx_opts(T_SYN | T_ACK, 0, 1, 0, opt_mss1460, 4);
        expect_tx(T_ACK, 1, 1, 300);
        rx(T_ACK, 1, 301, 0);
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(r43_data_with_the_handshakes_last_acknowledgement),
                test(rfc_7413_server_gives_a_cookie_and_takes_data_with_it), test(rfc_7413_wrong_cookie_is_an_ordinary_syn),
                test(rfc_7413_request_that_must_not_run_twice_waits_for_the_handshake),
                test(rfc_7413_client_asks_keeps_and_uses_a_cookie), test(rfc_7413_data_on_a_syn_fits_the_mtu),
                test(syn_larger_than_the_mtu_goes_in_pieces), test(rfc_7413_data_that_the_syn_ack_left_out_is_sent_again_at_once),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
