/* window.c - traces about windows: zero, shrinking, silly ones on both sides, Nagle, cork, message mode.
 * SPDX-License-Identifier: MIT */
#include "trace.h"

static void must_1_window_is_unsigned(void **s)
{
        established();
        assert_int_equal(T.t->snd_wnd, 65535);
        T.wnd = 1000;
        rx(T_ACK, 1, 1, 0);
        T.wnd = 65535;
        rx(T_ACK, 1, 1, 0); /* the window alone */
        assert_int_equal(T.t->snd_wnd, 65535);
        T.wnd = 32768;
        rx(T_ACK, 1, 1, 10); /* beside text */
        assert_int_equal(T.t->snd_wnd, 32768);
        T.wnd = 32769;
        rx(T_ACK, 51, 1, 10); /* beside text ahead of its turn */
        assert_int_equal(T.t->snd_wnd, 32769);
        trace_end();
}

static void must_34_shld_15_16_shrunk_window_sends_nothing_new_but_repeats_what_fits(void **s)
{
        established();
        T.wnd = 4000;
        rx(T_ACK, 1, 1, 0);
        send_bytes(0, 8000);
        expect_tx(T_ACK, 1, 1, 1460);
        expect_tx(T_ACK, 1461, 1, 1460);
        expect_none();
        T.wnd = 1000; /* the right edge moves left, of what is out, too */
        rx(T_ACK, 1, 1461, 0);
        expect_none();
        T.wnd = 2000;
        rx(T_ACK, 1, 1461, 0);
        expect_none();
        wait_ms(T.t->rto_ms + 1);
        expect_tx(T_ACK, 1461, 1, 1460);
        T.wnd = 500;
        rx(T_ACK, 1, 1461, 0);
        wait_ms(T.t->rto_ms + 1);
        expect_tx(T_ACK, 1461, 1, 500); /* not a byte beyond the edge */
        T.wnd = 20000;
        rx(T_ACK, 1, 1961, 0);
        expect_tx(T_ACK, 1961, 1, 960);
        rx(T_ACK, 1, 2921, 0);
        expect_tx(T_ACK, 2921, 1, 1460);
        trace_end();
}

/* RFC 7323 2.3: a unit of the scale is no more than half of the buffer, so that an empty one is never told as none. */
static void scale_that_is_too_large_for_the_buffer_does_not_close_the_window(void **s)
{
        static const struct tcp_opts o = {.rcvbuf = 100, .wscale = 15};
        static const u8 scaled[] = {2, 4, 5, 180, 1, 3, 3, 0};
        struct seg g;
        trace_begin(NULL);
        T.read_all = true;
        listen_with(&o);
        handshake(scaled, sizeof scaled);
        for (u32 i = 0; i < 100; i++) {
                rx(T_ACK | T_PSH, 1 + 5 * i, 1, 5);
                wait_ms(50);
                while (next_tx(&g))
                        assert_true(g.wnd > 0);
        }
        assert_int_equal(T.got, 500);
        trace_end();
}

static void must_38_sender_avoids_silly_windows(void **s)
{
        established();
        T.wnd = 4000;
        rx(T_ACK, 1, 1, 0);
        send_bytes(0, 20000);
        expect_tx(T_ACK, 1, 1, 1460);
        expect_tx(T_ACK, 1461, 1, 1460);
        expect_none();                  /* 1080 bytes of window left: not a segment, not half of the largest window */
        T.wnd = 1000;
        rx(T_ACK, 1, 2921, 0);
        expect_none();
        wait_ms(201);                   /* the override time-out */
        expect_tx(T_ACK, 2921, 1, 1000);
        trace_end();
        trace_begin(NULL); /* half of the largest window goes at once, a byte less does not */
        T.wnd = 2000;
        listen_with(NULL);
        handshake(opt_mss1460, 4);
        send_bytes(0, 20000);
        expect_tx(T_ACK, 1, 1, 1460);
        T.wnd = 999;
        rx(T_ACK, 1, 1461, 0);
        expect_none();
        T.wnd = 1000;
        rx(T_ACK, 1, 1461, 0);
        expect_tx(T_ACK, 1461, 1, 1000);
        trace_end();
}

static void silly_window_that_stays_shut_is_asked_again(void **s)
{
        established();
        T.wnd = 500;
        rx(T_ACK, 1, 1, 0);
        send_bytes(0, 500);
        expect_tx(T_ACK, 1, 1, 500);
        T.wnd = 100;
        rx(T_ACK, 1, 501, 0);
        send_bytes(500, 5000);
        expect_none();
        T.wnd = 0; /* shut before the override time-out: now the probes begin (SHLD-29) */
        rx(T_ACK, 1, 501, 0);
        wait_ms(T.t->rto_ms + 1);
        expect_tx(T_ACK, 501, 1, 1);
        T.wnd = 20000;
        rx(T_ACK, 1, 501, 0);
        expect_tx(T_ACK, 501, 1, 1460);
        trace_end();
}

static void must_39_receiver_opens_the_window_by_a_segment_or_not_at_all(void **s)
{
        static const struct tcp_opts o = {.rcvbuf = 4380};
        established_opts(&o);
        rx(T_ACK, 1, 1, 1460);
        rx(T_ACK, 1461, 1, 1460);
        expect_tx(T_ACK, 1, 2921, 0);
        rx(T_ACK, 2921, 1, 1460);
        wait_ms(41);
        expect_tx(T_ACK, 1, 4381, 0);
        assert_int_equal(trace_last.wnd, 0);
        tcp_consume(T.t, 500);
        wait_ms(100);
        expect_none();
        tcp_consume(T.t, 959);
        wait_ms(100);
        expect_none();
        tcp_consume(T.t, 1);
        wait_ms(2);
        expect_tx(T_ACK, 1, 4381, 0);
        assert_int_equal(trace_last.wnd, 1460);
        trace_end();
}

static void must_39_buffer_of_one_byte_opens_by_it(void **s)
{
        static const struct tcp_opts o = {.rcvbuf = 1};
        established_opts(&o);
        for (u32 i = 1; i < 4; i++) {
                rx(T_ACK, i, 1, 5);
                expect_tx(T_ACK, 1, i + 1, 0);
                assert_int_equal(trace_last.wnd, 0);
                tcp_consume(T.t, 1);
                wait_ms(1);
                expect_tx(T_ACK, 1, i + 1, 0);
                assert_int_equal(trace_last.wnd, 1);
        }
        trace_end();
}

static void shld_14_window_never_shrinks(void **s)
{
        static const struct tcp_opts o = {.rcvbuf = 20000};
        established_opts(&o);
        u32 at = 1, edge = 0;
        for (u32 i = 0; i < 12; i++, at += 1460) {
                rx(T_ACK, at, 1, 1460);
                struct seg g;
                while (next_tx(&g)) {
                        u32 e = g.ack - T.peer_isn + g.wnd;
                        assert_true(e >= edge);
                        edge = e;
                }
        }
        trace_end();
        trace_begin(NULL); /* nor when buffers run short */
        listen_with(NULL);
        handshake(opt_mss1460, 4);
        edge = T.t->rcv_adv;
        struct pktpool *pool = &T.w->st->pkts;
        struct pkt *held = NULL, *p;
        while (pool->n_free > pool->n_short + 4 && (p = pkt_alloc(pool, 0)) != NULL)
                p->next = held, held = p;
        rx(T_ACK, 1, 1, 1460);
        rx(T_ACK, 1461, 1, 1460);
        expect_tx(T_ACK, 1, 2921, 0);
        assert_int_equal(trace_last.ack + trace_last.wnd, edge);
        for (; held; held = p) {
                p = held->next;
                pkt_free(held);
        }
        trace_end();
        static const struct tcp_opts coarse = {.rcvbuf = 4000, .wscale = 11}; /* nor by what a scale rounds off */
        static const u8 scaled[] = {2, 4, 5, 180, 1, 3, 3, 4};
        trace_begin(NULL);
        listen_with(&coarse);
        handshake(scaled, sizeof scaled);
        assert_true(T.t->rcv_scale > 8);
        rx(T_ACK, 1, 1, 1);
        wait_ms(41);
        expect_tx(T_ACK, 1, 2, 0);
        assert_true((u32)trace_last.wnd << T.t->rcv_scale < 3999);
        rx(T_ACK, 2, 1, 1460);
        rx(T_ACK, 1462, 1, 1460);
        rx(T_ACK, 2922, 1, 1079);
        assert_int_equal(tcp_readable(T.t), 4000);
        trace_end();
}

/* A hole is filled by a repeated segment that acknowledges more and says how small the window has become meanwhile. */
static void a_repeated_segment_that_acknowledges_more_brings_its_window(void **s)
{
        established();
        send_bytes(0, 2000);
        while (next_tx(&trace_last)) {}
        T.wnd = 30000;
        rx(T_ACK, 1461, 1, 1460); /* ahead of the hole */
        while (next_tx(&trace_last)) {}
        T.wnd = 3000;
        rx(T_ACK, 1, 2001, 1460);
        expect_tx(T_ACK, 2001, 2921, 0);
        send_bytes(2000, 5000);
        expect_tx(T_ACK, 2001, 2921, 1460);
        expect_tx(T_ACK, 3461, 2921, 1460);
        expect_none();
        T.wnd = 30000;
        rx(T_ACK, 1, 1461, 1460); /* older than that: its window is not taken */
        assert_int_equal(T.t->snd_wnd, 3000);
        trace_end();
}

/* 3.10.7.4 fifth: SND.WL1 is then beyond the text that comes next, however straight its way. */
static void window_of_an_empty_segment_ahead_stays_until_its_number_is_reached(void **s)
{
        for (u32 acked = 0; acked < 2; acked++) {
                established();
                T.read_all = true;
                if (acked) {
                        send_bytes(0, 100);
                        expect_tx(T_ACK | T_PSH, 1, 1, 100);
                }
                T.wnd = 1000;
                rx(T_ACK, 1001, acked ? 101 : 1, 0);
                assert_int_equal(T.t->snd_wnd, 1000);
                T.wnd = 60000;
                rx(T_ACK, 1, acked ? 101 : 1, 500);
                assert_int_equal(T.t->snd_wnd, 1000);
                T.wnd = 50000;
                rx(T_ACK, 501, acked ? 101 : 1, 500);
                assert_int_equal(T.t->snd_wnd, 1000);
                assert_int_equal(T.got, 1000);
                T.wnd = 40000;
                rx(T_ACK, 1001, acked ? 101 : 1, 500);
                assert_int_equal(T.t->snd_wnd, 40000);
                T.wnd = 30000;
                rx(T_ACK, 1501, acked ? 101 : 1, 500); /* the straight line again */
                assert_int_equal(T.t->snd_wnd, 30000);
                trace_end();
        }
}

static void must_66_zero_window_still_takes_ack_and_rst(void **s)
{
        static const struct tcp_opts o = {.rcvbuf = 1460};
        established_opts(&o);
        rx(T_ACK, 1, 1, 1460);
        wait_ms(41);
        expect_tx(T_ACK, 1, 1461, 0);
        assert_int_equal(trace_last.wnd, 0);
        send_bytes(0, 100);
        expect_tx(T_ACK, 1, 1461, 100);
        rx(T_ACK, 1461, 101, 1); /* a window probe that also acknowledges */
        expect_tx(T_ACK, 101, 1461, 0);
        assert_int_equal(T.t->snd_una - T.our_isn, 101);
        assert_int_equal(tcp_readable(T.t), 1460);
        rx(T_ACK, 1461, 101, 0); /* says nothing new, and draws nothing */
        expect_none();
        rx(T_ACK | T_FIN, 1461, 101, 0); /* takes room that is not there */
        expect_tx(T_ACK, 101, 1461, 0);
        state_is("ESTABLISHED");
        struct seg g = {T.sport, T.dport, T.peer_isn + 1461, T.our_isn + 101, T_ACK | T_URG, 65535, NULL, 0, bytes_at(1460), 1, 1};
        u8 f[100];
        wire_rx(T.w, f, build_tcp(T.w, f, &g));
        expect_tx(T_ACK, 101, 1461, 0);
        assert_int_equal(T.urgent, 1);
        assert_int_equal(tcp_urgent_left(T.t), 1461);
        rx(T_RST, 1461, 0, 0);
        assert_int_equal(T.closed, 1);
        trace_end();
}

static void shld_7_nagle_holds_a_small_segment_while_one_is_out(void **s)
{
        established();
        send_bytes(0, 10);
        expect_tx(T_ACK | T_PSH, 1, 1, 10);
        send_bytes(10, 10);
        send_bytes(20, 10);
        expect_none();
        rx(T_ACK, 1, 11, 0);
        expect_tx(T_ACK | T_PSH, 11, 1, 20);
        rx(T_ACK, 1, 31, 0);
        send_bytes(30, 1470); /* a full one that is out holds nothing back */
        expect_tx(T_ACK, 31, 1, 1460);
        expect_tx(T_ACK | T_PSH, 1491, 1, 10);
        send_bytes(1500, 10);
        expect_none();
        trace_end();
}

/* The byte of the probe was not taken, either: what was stuck goes out from there. */
static void window_that_opens_again_gets_the_probes_byte_with_the_rest(void **s)
{
        for (u32 shrunk = 0; shrunk < 2; shrunk++) {
                established();
                send_bytes(0, 4 * 1460);
                for (u32 i = 0; i < 4; i++)
                        expect_tx(T_ACK, 1 + i * 1460, 1, 1460);
                if (shrunk) { /* it was repeated before the window closed */
                        wait_ms(T.t->rto_ms + 1);
                        expect_tx(T_ACK, 1, 1, 1460);
                }
                T.wnd = 0;
                rx(T_ACK, 1, 1461, 0);
                wait_ms(4000);
                u32 n = 0;
                for (struct seg g; next_tx(&g); n++)
                        assert_true(g.seq - T.our_isn == 1461 && g.n == 1);
                assert_true(n > 1);
                T.wnd = 65535;
                rx(T_ACK, 1, 1461, 0);
                expect_tx(T_ACK, 1461, 1, 1460);
                trace_end();
        }
}

/* A telnet's interrupt is small, and follows something small. */
static void urgent_data_does_not_wait_for_nagle(void **s)
{
        established();
        send_bytes(0, 10);
        expect_tx(T_ACK | T_PSH, 1, 1, 10);
        send_bytes(10, 1);
        expect_none();
        tcp_send_urgent(T.t);
        tcp_flush(T.t);
        expect_tx(T_ACK | T_PSH | T_URG, 11, 1, 1);
        trace_end();
}

static void must_17_nagle_can_be_switched_off(void **s)
{
        established();
        tcp_set_nodelay(T.t, true);
        send_bytes(0, 10);
        expect_tx(T_ACK | T_PSH, 1, 1, 10);
        send_bytes(10, 10);
        expect_tx(T_ACK | T_PSH, 11, 1, 10);
        tcp_set_nodelay(T.t, false);
        send_bytes(20, 10);
        expect_none();
        tcp_set_nodelay(T.t, true); /* and what waits goes */
        wait_ms(1);
        expect_tx(T_ACK | T_PSH, 21, 1, 10);
        trace_end();
}

static void cork_holds_until_uncorked_full_segments_go(void **s)
{
        established();
        tcp_cork(T.t, true);
        send_bytes(0, 100);
        expect_none();
        send_bytes(100, 1400);
        expect_tx(T_ACK, 1, 1, 1460);
        expect_none();
        tcp_cork(T.t, false);
        wait_ms(1);
        expect_tx(T_ACK | T_PSH, 1461, 1, 40);
        trace_end();
}

static void must_60_corked_data_is_not_held_for_ever(void **s)
{
        established();
        tcp_cork(T.t, true);
        send_bytes(0, 100);
        wait_ms(201);
        expect_tx(T_ACK, 1, 1, 100);
        trace_end();
}

static void must_61_psh_on_the_last_segment_only(void **s)
{
        established();
        send_bytes(0, 4000);
        expect_tx(T_ACK, 1, 1, 1460);
        assert_false(trace_last.flags & T_PSH);
        expect_tx(T_ACK, 1461, 1, 1460);
        assert_false(trace_last.flags & T_PSH);
        expect_tx(T_ACK | T_PSH, 2921, 1, 1080);
        wait_ms(T.t->rto_ms + 1); /* so it is with what is sent again */
        expect_tx(T_ACK, 1, 1, 1460);
        assert_false(trace_last.flags & T_PSH);
        rx(T_ACK, 1, 1461, 0);
        expect_tx(T_ACK, 1461, 1, 1460);
        assert_false(trace_last.flags & T_PSH);
        expect_tx(T_ACK | T_PSH, 2921, 1, 1080);
        rx(T_ACK, 1, 4001, 0);
        for (u32 i = 0; i < 2; i++) { /* a whole reply, whose sum is known or not */
                u32 at = 4000 + 100 * i, sum = cksum_add(0, bytes_at(at), 100);
                assert_int_equal(tcp_send_ref(T.t, bytes_at(at), 100, i ? &sum : NULL), 0);
                tcp_flush(T.t);
                expect_tx(T_ACK | T_PSH, 1 + at, 1, 100);
                rx(T_ACK, 1, 101 + at, 0);
        }
        trace_end();
}

static void r53_r54_message_mode_delivers_at_psh(void **s)
{
        static const struct tcp_opts o = {.psh_message = true};
        established_opts(&o);
        rx(T_ACK, 1, 1, 100);
        rx(T_ACK, 101, 1, 100);
        assert_int_equal(T.readable, 0);
        rx(T_ACK | T_PSH, 201, 1, 100);
        assert_int_equal(T.readable, 1);
        assert_int_equal(tcp_readable(T.t), 300);
        tcp_consume(T.t, 300);
        rx(T_ACK, 301, 1, 10);
        assert_int_equal(T.readable, 1);
        rx(T_ACK | T_FIN, 311, 1, 0);
        assert_int_equal(T.readable, 2);
        trace_end();
        established_opts(&o);
        rx(T_ACK | T_PSH, 1, 1, 100); /* a message in one segment */
        assert_int_equal(T.readable, 1);
        tcp_consume(T.t, 100);
        rx(T_ACK | T_PSH, 111, 1, 10); /* and ahead of its turn */
        assert_int_equal(T.readable, 1);
        rx(T_ACK, 101, 1, 10);
        assert_int_equal(T.readable, 2);
        trace_end();
}

static void a_ring_that_is_nearly_full_gets_no_more_before_an_acknowledgement(void **s)
{
        established();
        T.w->nif.busy = true;
        assert_int_equal(tcp_send(T.t, bytes_at(0), 6 * 1460), 6 * 1460);
        wait_ms(1);
        expect_tx(T_ACK, 1, 1, 1460); /* nothing would call us back, were none on its way, and not soon, were it one */
        expect_tx(T_ACK, 1 + 1460, 1, 1460);
        expect_none();
        rx(T_ACK, 1, 1 + 1460, 0);
        expect_tx(T_ACK, 1 + 2 * 1460, 1, 1460);
        expect_none();
        T.w->nif.busy = false;
        rx(T_ACK, 1, 1 + 3 * 1460, 0);
        for (u32 i = 3; i < 6; i++)
                expect_tx(T_ACK, 1 + i * 1460, 1, 1460);
        trace_end();
}

static void text_beyond_the_window_is_cut(void **s)
{
        static const struct tcp_opts o = {.rcvbuf = 1460};
        established_opts(&o);
        rx(T_ACK, 1, 1, 1400);
        rx(T_ACK | T_FIN, 1401, 1, 100); /* 60 fit; the FIN lies outside */
        expect_tx(T_ACK, 1, 1461, 0);
        assert_int_equal(tcp_readable(T.t), 1460);
        assert_false(tcp_eof(T.t));
        trace_end();
}

static void a_tiny_window_is_as_configured(void **s)
{
        static const struct tcp_opts o = {.rcvbuf = 100};
        trace_begin(NULL);
        listen_with(&o);
        handshake(opt_mss1460, 4);
        assert_int_equal(trace_last.wnd, 100);
        rx(T_ACK, 1, 1, 150); /* fifty too many */
        expect_tx(T_ACK, 1, 101, 0);
        assert_int_equal(trace_last.wnd, 0);
        tcp_consume(T.t, 49);
        wait_ms(2);
        expect_none();
        tcp_consume(T.t, 51);
        wait_ms(2);
        expect_tx(T_ACK, 1, 101, 0);
        assert_int_equal(trace_last.wnd, 100);
        trace_end();
}

static void thousands_of_tiny_segments_do_not_empty_the_pool(void **s)
{
        established();
        for (u32 i = 0; i < 4000; i++)
                rx(T_ACK | T_PSH, 1 + i, 1, 1);
        wire_flush_out(T.w);
        assert_int_equal(tcp_readable(T.t), 4000);
        assert_in_range(T.w->st->pkts.n_total - T.w->st->pkts.n_free, 2, 8);
        T.read_all = true;
        read_all();
        trace_end();
}

static void memory_pressure_stops_the_window_from_growing(void **s)
{
        established();
        struct pkt *held[256];
        u32 n = 0;
        while (T.w->st->pkts.n_free > T.w->st->pkts.n_total / 10)
                held[n++] = pkt_alloc(&T.w->st->pkts, 0);
        u32 adv = T.t->rcv_adv;
        rx(T_ACK, 1, 1, 1460);
        wait_ms(41);
        expect_tx(T_ACK, 1, 1461, 0);
        assert_int_equal(T.t->rcv_adv, adv);
        while (n)
                pkt_free(held[--n]);
        trace_end();
}

/* Both had shut their windows and both probes were taken. Each side's acknowledgement stands in front of its own probe, where the other
 * expects nothing more: if it were not looked at, they would answer each other for ever, and none would learn anything. */
static void probes_of_both_sides_that_crossed_are_acknowledged(void **s)
{
        for (u32 on_read = 0; on_read < 2; on_read++) {
                established_opts(&(struct tcp_opts){.ack_on_read = on_read});
                T.wnd = 0;
                rx(T_ACK, 1, 1, 0);
                send_bytes(0, 100);
                wait_ms(T.t->rto_ms + 1);
                expect_tx(T_ACK, 1, 1, 1);
                rx(T_ACK, 1, 1, 1);
                wait_ms(50);
                if (!on_read)
                        expect_tx(T_ACK, 1, 2, 0);
                rx(T_ACK, 1, 1, 0); /* nothing new: a keep-alive, or one of a peer that was not told yet */
                if (!on_read)
                        expect_tx(T_ACK, 1, 2, 0);
                expect_none();
                T.wnd = 1000;
                rx(T_ACK, 1, 2, 0);
                expect_tx(T_ACK, 2, on_read ? 1 : 2, 99);
                wire_flush_out(T.w);
                rx(T_ACK, 2, 101, 0); /* ours was heard */
                assert_int_equal(tcp_send_queued(T.t), 0);
                trace_end();
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(probes_of_both_sides_that_crossed_are_acknowledged),
                test(must_1_window_is_unsigned), test(must_34_shld_15_16_shrunk_window_sends_nothing_new_but_repeats_what_fits),
                test(scale_that_is_too_large_for_the_buffer_does_not_close_the_window), test(must_38_sender_avoids_silly_windows), test(silly_window_that_stays_shut_is_asked_again),
                        test(must_39_receiver_opens_the_window_by_a_segment_or_not_at_all), test(must_39_buffer_of_one_byte_opens_by_it),
                test(shld_14_window_never_shrinks), test(window_of_an_empty_segment_ahead_stays_until_its_number_is_reached), test(must_66_zero_window_still_takes_ack_and_rst),
                test(a_repeated_segment_that_acknowledges_more_brings_its_window),
                test(shld_7_nagle_holds_a_small_segment_while_one_is_out), test(window_that_opens_again_gets_the_probes_byte_with_the_rest), test(urgent_data_does_not_wait_for_nagle),
                test(must_17_nagle_can_be_switched_off),
                test(cork_holds_until_uncorked_full_segments_go), test(must_60_corked_data_is_not_held_for_ever),
                test(must_61_psh_on_the_last_segment_only), test(r53_r54_message_mode_delivers_at_psh),
                test(text_beyond_the_window_is_cut), test(a_ring_that_is_nearly_full_gets_no_more_before_an_acknowledgement),
                test(a_tiny_window_is_as_configured), test(thousands_of_tiny_segments_do_not_empty_the_pool),
                test(memory_pressure_stops_the_window_from_growing),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
