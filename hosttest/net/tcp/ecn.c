/* ecn.c - traces of explicit congestion notification (RFC 3168): who is asked, what is marked, echoed and obeyed, and until
 * when.
 * SPDX-License-Identifier: MIT */
#include "segments.h"

/* A segment of `n` bytes at seq whose datagram was marked on its way. */
static void rx_marked(u8 flags, u32 seq, u32 ack, u32 n)
{
        u8 f[2000];
        struct seg in = {T.sport, T.dport, T.peer_isn + seq, T.our_isn + ack, flags, 65535, NULL, 0, bytes_at(seq - 1), n, 0};
        u32 len = build_tcp(T.w, f, &in), sum = 0;
        f[15] = 3; /* congestion experienced */
        f[24] = f[25] = 0;
        for (u32 i = 14; i < 34; i += 2)
                sum += (u32)f[i] << 8 | f[i + 1];
        sum = (sum & 0xffff) + (sum >> 16);
        sum = ~(sum + (sum >> 16));
        f[24] = (u8)(sum >> 8), f[25] = (u8)sum;
        wire_rx(T.w, f, len);
}

/* A listener with these options has answered a SYN that asks for ECN. */
static void half_open_ecn(const struct tcp_opts *ours, const u8 *o, u8 n)
{
        struct seg g;
        trace_begin(NULL);
        listen_with(ours);
        rx_opts(T_SYN | T_ECE | T_CWR, 0, 0, 0, o, n);
        assert_true(next_tx(&g));
        assert_int_equal(g.flags, T_SYN | T_ACK | T_ECE);
        T.our_isn = g.seq;
}

static void established_ecn(void)
{
        static const struct tcp_opts o = {.ecn = true};
        static const u8 sack[] = {2, 4, 5, 180, 4, 2, 1, 1};
        half_open_ecn(&o, sack, sizeof sack);
        rx(T_ACK, 1, 1, 0);
}

static void rfc_3168_mark_on_the_segment_with_cwr_counts(void **s)
{
        established_ecn();
        rx_marked(T_ACK, 1, 1, MSS);
        expect_tx(T_ACK | T_ECE, 1, 1 + MSS, 0);
        rx_marked(T_ACK | T_CWR, 1 + MSS, 1, MSS);
        expect_tx(T_ACK | T_ECE, 1, 1 + 2 * MSS, 0);
        trace_end();
}

/* Where the reader's pace is the acknowledgement's, a mark is no reason to acknowledge what was not read. */
static void mark_does_not_acknowledge_what_waits_for_the_reader(void **s)
{
        static const struct tcp_opts o = {.ecn = true, .ack_on_read = true};
        half_open_ecn(&o, opt_mss1460, 4);
        rx(T_ACK, 1, 1, 0);
        rx_marked(T_ACK, 1, 1, MSS);
        expect_none();
        tcp_consume(T.t, MSS);
        wait_ms(50);
        expect_tx(T_ACK | T_ECE, 1, 1 + MSS, 0);
        trace_end();
}

static void rfc_3168_marks_outside_the_window_are_not_looked_at(void **s)
{
        established_ecn();
        T.read_all = true;
        rx(T_ACK, 1, 1, MSS);
        rx_marked(T_ACK, 1, 1, MSS); /* came already */
        expect_tx(T_ACK, 1, 1 + MSS, 0);
        rx_marked(T_ACK, 1 + MSS, 1, MSS);
        rx(T_ACK | T_CWR, 1, 1, MSS); /* an old reduction */
        expect_tx(T_ACK | T_ECE, 1, 1 + 2 * MSS, 0);
        trace_end();
}

static void rfc_3168_cwr_follows_every_reduction(void **s)
{
        established_ecn();
        send_bytes(0, 2 * MSS);
        wire_flush_out(T.w);
        wait_ms(5000); /* nothing comes: time-outs */
        wire_flush_out(T.w);
        rx(T_ACK, 1, 1 + 2 * MSS, 0);
        send_bytes(2 * MSS, 100);
        expect_tx(T_ACK | T_CWR, 1 + 2 * MSS, 1, 100);
        rx(T_ACK, 1, 101 + 2 * MSS, 0);
        send_bytes(2 * MSS + 100, 100); /* once */
        expect_tx(T_ACK, 101 + 2 * MSS, 1, 100);
        assert_false(trace_last.flags & T_CWR);
        trace_end();
}

/* 6.1.1: no ECT behind a SYN that did not ask, though another one did: something on the way may have lost that one for it. */
static void rfc_3168_repeated_syn_that_does_not_ask_ends_it(void **s)
{
        static const struct tcp_opts o = {.ecn = true};
        struct seg g;
        half_open_ecn(&o, opt_mss1460, 4);
        rx_opts(T_SYN, 0, 0, 0, opt_mss1460, 4);
        assert_true(next_tx(&g));
        assert_int_equal(g.flags, T_SYN | T_ACK);
        rx(T_ACK, 1, 1, 0);
        assert_false(T.t->flags & TF_ECN);
        trace_end();
}

/* 6.1.2: a window of a single segment is not widened by a mark. */
static void rfc_3168_mark_never_widens_the_window(void **s)
{
        established_ecn();
        T.t->cwnd = MSS;
        send_bytes(0, 3 * MSS);
        expect_tx(T_ACK, 1, 1, MSS);
        rx(T_ACK | T_ECE, 1, 1 + MSS, 0);
        assert_int_equal(T.t->cwnd, MSS);
        expect_tx(T_ACK | T_CWR, 1 + MSS, 1, MSS);
        expect_none();
        trace_end();
}

static bool is_ect(const struct frame *f) { return (f->b[15] & 3) == 2; }

/* 6.1.1: the peer answers our first SYN, which asked, when we have sent one that did not: it marks, so we echo, but do not say ECT. */
static void rfc_3168_marks_count_behind_a_syn_that_did_not_ask(void **s)
{
        static const struct tcp_opts o = {.ecn = true};
        const struct frame *f;
        u32 n = 0;
        syn_sent_opts(&o);
        assert_int_equal(trace_last.flags, T_SYN | T_ECE | T_CWR);
        wait_ms(1000);
        expect_tx(T_SYN, 0, 0, 0);
        rx_opts(T_SYN | T_ACK | T_ECE, 0, 1, 0, opt_mss1460, 4);
        expect_tx(T_ACK, 1, 1, 0);
        rx_marked(T_ACK, 1, 1, MSS);
        expect_tx(T_ACK | T_ECE, 1, 1 + MSS, 0);
        send_bytes(0, 1000);
        for (; (f = wire_tx(T.w)) != NULL; n++)
                assert_false(is_ect(f));
        assert_int_equal(n, 1);
        trace_end();
}

static void rfc_3168_window_probe_is_not_ect(void **s)
{
        const struct frame *f;
        u32 n = 0;
        established_ecn();
        T.wnd = 0;
        rx(T_ACK, 1, 1, 0);
        send_bytes(0, 1000);
        wait_ms(4000);
        while ((f = wire_tx(T.w)) != NULL) {
                assert_false(is_ect(f));
                n++;
        }
        assert_true(n >= 1);
        trace_end();
}

/* 6.1.4, 6.1.5: text that goes for the first time is ECT, nothing else is. */
static void rfc_3168_new_text_alone_is_ect(void **s)
{
        struct seg g;
        const struct frame *f;
        u32 end = 1;
        bool repeated = false, empty = false;
        established_ecn();
        send_bytes(0, 3 * MSS);
        wait_ms(2000);
        rx(T_ACK, 1, SEQ(3), MSS);
        wait_ms(50);
        tcp_shutdown(T.t);
        wait_ms(2000);
        while ((f = wire_tx(T.w)) != NULL) {
                bool ect = is_ect(f);
                parse_tcp(T.w, f, &g);
                u32 seq = g.seq - T.our_isn;
                assert_int_equal(ect, g.n && seq >= end);
                repeated |= g.n && seq < end;
                empty |= !g.n;
                end = g.n && seq >= end ? seq + g.n : end;
        }
        assert_true(repeated && empty && end == SEQ(3));
        trace_end();
}

/* 6.1.1: who reflects both bits did not understand; who sets one of them asks for nothing. */
static void rfc_3168_half_a_question_or_answer_is_none(void **s)
{
        static const struct tcp_opts o = {.ecn = true};
        static const u8 ask[] = {0, T_ECE, T_CWR};
        for (u32 i = 0; i < COUNT_OF(ask); i++) {
                trace_begin(NULL);
                listen_with(&o);
                rx_opts(T_SYN | ask[i], 0, 0, 0, opt_mss1460, 4);
                assert_true(next_tx(&trace_last));
                assert_int_equal(trace_last.flags, T_SYN | T_ACK);
                trace_end();
        }
        static const u8 answer[] = {0, T_CWR, T_ECE | T_CWR, T_ECE};
        for (u32 i = 0; i < COUNT_OF(answer); i++) {
                syn_sent_opts(&o);
                assert_int_equal(trace_last.flags, T_SYN | T_ECE | T_CWR);
                rx_opts(T_SYN | T_ACK | answer[i], 0, 1, 0, opt_mss1460, 4);
                assert_int_equal(!!(T.t->flags & TF_ECN), i == 3);
                trace_end();
        }
}

static void ecn_is_negotiated_echoed_and_obeyed(void **s)
{
        static const struct tcp_opts o = {.ecn = true};
        half_open_ecn(&o, opt_mss1460, 4);
        rx(T_ACK, 1, 1, 0);
        send_bytes(0, 4 * MSS);
        for (u32 i = 0; i < 4; i++)
                expect_tx(T_ACK, SEQ(i), 1, MSS);
        u32 cwnd = T.t->cwnd;
        rx(T_ACK | T_ECE, 1, SEQ(1), 0);
        assert_true(T.t->cwnd < cwnd);
        cwnd = T.t->cwnd;
        rx(T_ACK | T_ECE, 1, SEQ(2), 0); /* once a window */
        assert_int_equal(T.t->cwnd, cwnd);
        send_bytes(4 * MSS, 100);
        expect_tx(T_ACK | T_CWR, SEQ(4), 1, 100);
        /* a datagram marked on its way: we echo until CWR */
        rx_marked(T_ACK, 1, SEQ(2), MSS);
        expect_tx(T_ACK | T_ECE, SEQ(4) + 100, 1 + MSS, 0); /* at once: who was marked may be down to one segment */
        rx(T_ACK, 1 + MSS, SEQ(2), MSS);
        expect_none();
        rx(T_ACK, 1 + 2 * MSS, SEQ(2), MSS);
        expect_tx(T_ACK | T_ECE, SEQ(4) + 100, 1 + 3 * MSS, 0);
        rx(T_ACK | T_CWR, 1 + 3 * MSS, SEQ(2), MSS);
        expect_tx(T_ACK, SEQ(4) + 100, 1 + 4 * MSS, 0);
        assert_int_equal(trace_last.flags & T_ECE, 0);
        trace_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(rfc_3168_mark_on_the_segment_with_cwr_counts), test(rfc_3168_marks_outside_the_window_are_not_looked_at),
                test(mark_does_not_acknowledge_what_waits_for_the_reader), test(rfc_3168_cwr_follows_every_reduction),
                test(rfc_3168_mark_never_widens_the_window), test(rfc_3168_repeated_syn_that_does_not_ask_ends_it),
                test(rfc_3168_window_probe_is_not_ect), test(rfc_3168_new_text_alone_is_ect),
                test(rfc_3168_half_a_question_or_answer_is_none), test(rfc_3168_marks_count_behind_a_syn_that_did_not_ask),
                test(ecn_is_negotiated_echoed_and_obeyed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
