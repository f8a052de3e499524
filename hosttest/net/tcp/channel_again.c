/* channel_again.c - directions that open again (R37, R41, R42): with data at once, under loss, against old and forged segments.
 * SPDX-License-Identifier: MIT */
#include "../../conversation/said.h"

static const struct tcp_opts late = {.qure = true, .optional_syn = true, .idempotent = talk_idempotent};

static void close_both(void)
{
        if (K.s)
                tcp_close(K.s);
        duo_run(K.d, 1000);
        if (K.c)
                tcp_close(K.c);
}

static void ask_again(const char *request, u32 n)
{
        assert_int_equal(tcp_reopen(K.c), 0);
        tcp_send_ref(K.c, request, n, NULL);
        tcp_shutdown(K.c);
        stack_batch_end(K.d->st[C]);
        duo_run(K.d, 0);
}

/* R41: a second SYN with data on the same connection. */
static void r41_reopen_with_data_in_the_same_segment(void **s)
{
        talk_begin(5000, &talk_server_qure, 100);
        K.keep = K.stay = true;
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 1000);
        assert_int_equal(K.got_reply, 100);
        assert_int_equal(K.c->state, 0xcf); /* our direction closed, the server's open */
        for (u32 i = 0; i < 10; i++) {
                u32 nxt = K.c->snd_nxt;
                K.d->n_said = 0;
                ask_again(get, GET);
                assert_int_equal(K.c->state, 0x47); /* a new incarnation of our four bits; the server's did not notice */
                duo_run(K.d, 1000);
                expect_said(0, C, TCP_SYN | TCP_ACK | TCP_PSH | TCP_FIN, GET);
                expect_said(1, S, TCP_ACK | TCP_PSH, 100);
                assert_int_equal(K.d->said[0].seq, nxt);
                assert_int_equal(K.d->said[1].ack, nxt + 1 + GET + 1); /* the SYN, the data and the FIN at once */
                assert_int_equal(K.requests, 2 + i);
                assert_int_equal(K.got_reply, 100 * (2 + i));
                assert_int_equal(K.c->state, 0xcf);
        }
        assert_int_equal(K.d->st[S]->tcp->conv->count.reopened, 10);
        close_both();
        duo_run(K.d, 1000);
        assert_true(talk_clean());
        talk_end();
}

/* The user sees the end of the first message, and that there is another. */
static void r41_reopened_direction_is_not_at_its_end(void **s)
{
        talk_begin(5000, &talk_server_qure, 100);
        K.keep = K.stay = true;
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 1000);
        assert_true(tcp_eof(K.s));
        assert_int_equal(tcp_reopen(K.c), 0);
        tcp_send_ref(K.c, "GET", 3, NULL);
        tcp_flush(K.c);
        duo_run(K.d, 1000);
        assert_false(tcp_eof(K.s));
        assert_int_equal(tcp_readable(K.s), 3);
        assert_int_equal(K.s->state, 0x0f);
        assert_int_equal(tcp_reopen(K.c), 0); /* it is open: nothing to do */
        tcp_send_ref(K.c, " /\n", 3, NULL);
        tcp_shutdown(K.c);
        duo_run(K.d, 1000);
        assert_true(tcp_eof(K.s));
        assert_int_equal(K.requests, 2);
        assert_int_equal(K.got_reply, 200);
        talk_end();
}

/* R42: the server acknowledges the SYN but not yet the data; the client sends that again, without SYN. */
static void r42_syn_acknowledged_but_not_yet_the_data(void **s)
{
        static const struct tcp_opts o = {.qure = true, .idempotent = talk_idempotent, .hold_reopened = true};
        talk_begin(5000, &o, 100);
        K.keep = K.stay = true;
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 1000);
        K.d->n_said = 0;
        ask_again(get, GET);
        duo_run(K.d, 1000);
        show();
        expect_said(0, C, TCP_SYN | TCP_ACK | TCP_PSH | TCP_FIN, GET);
        expect_said(1, S, TCP_ACK, 0);
        assert_int_equal(K.d->said[1].ack, K.d->said[0].seq + 1);
        assert_true(K.d->said[1].wnd != 0); /* the window is there now */
        expect_said(2, C, TCP_ACK | TCP_PSH | TCP_FIN, GET);
        assert_int_equal(K.d->said[2].seq, K.d->said[0].seq + 1);
        assert_int_equal(K.d->said[2].at_us - K.d->said[1].at_us, 5000); /* at once, not after a time-out */
        assert_int_equal(K.requests, 2);
        assert_int_equal(K.got_reply, 200);
        talk_end();
}

/* Both directions close and open again in turn, over and over. */
static void r37_each_direction_by_itself(void **s)
{
        talk_begin(5000, &late, 50);
        K.later = K.stay = true;
        talk_connect(&talk_qure, get, GET, false);
        duo_run(K.d, 100);
        assert_int_equal(K.requests, 1);
        assert_int_equal(K.s->state, 0x03);
        for (u32 i = 0; i < 5; i++) {
                assert_int_equal(tcp_reopen(K.s), 0);
                tcp_send_ref(K.s, talk_bytes, 50, NULL);
                tcp_shutdown(K.s);
                stack_batch_end(K.d->st[S]);
                duo_run(K.d, 100);
                assert_int_equal(K.got_reply, 50 * (i + 1));
                assert_int_equal(K.eofs, (int)i + 1);
                assert_int_equal(K.s->state, 0xcf);
                assert_int_equal(K.c->state, 0x3f);
                tcp_send_ref(K.c, get, GET, NULL); /* the client's direction went on all the time */
                tcp_flush(K.c);
                duo_run(K.d, 100);
                assert_int_equal(K.requests, 2 + (int)i);
        }
        tcp_close(K.c);
        duo_run(K.d, 100);
        assert_true(talk_clean());
        talk_end();
}

/* Any one packet of a conversation with two requests lost, at every place. */
static void reopening_survives_the_loss_of_any_packet(void **s)
{
        for (nth = 1; nth <= 16; nth++) {
                talk_begin(5000, &talk_server_qure, 100);
                K.keep = K.stay = true;
                K.d->eat = nth > 2 ? eat_nth : NULL; /* 1 and 2: the plain retry, elsewhere */
                talk_connect(&talk_qure, get, GET, true);
                duo_run(K.d, 10000);
                assert_int_equal(K.got_reply, 100);
                for (u32 i = 0; i < 3; i++) {
                        ask_again(get, GET);
                        duo_run(K.d, 10000);
                        assert_int_equal(K.requests, 2 + i);
                        assert_int_equal(K.got_reply, 100 * (2 + i));
                }
                close_both();
                duo_run(K.d, 100000);
                show();
                assert_true(talk_clean());
                talk_end();
        }
}

static u32 dice;
static bool eat_some(struct duo *d, const struct said *x, u8 *ip)
{
        dice = dice * 1664525 + 1013904223;
        return d->n_said > 2 && (dice >> 16) % 8 == 0;
}

static void reopening_under_steady_loss(void **s)
{
        for (u32 seed = 1; seed <= 100; seed++) {
                dice = seed;
                talk_begin(5000, &talk_server_qure, 3000);
                K.keep = K.stay = true;
                K.d->eat = eat_some;
                talk_connect(&talk_qure, get, GET, true);
                duo_run(K.d, 100000);
                for (u32 i = 0; i < 6; i++) {
                        ask_again(get, GET);
                        duo_run(K.d, 100000);
                        assert_int_equal(K.requests, 2 + i);
                        assert_int_equal(K.got_reply, 3000 * (2 + i));
                }
                close_both();
                duo_run(K.d, 400000);
                assert_true(talk_clean());
                talk_end();
        }
}

static u8 captured[2048];
static u32 captured_n;
static bool capture_reopen(struct duo *d, const struct said *x, u8 *ip)
{
        if (x->from == C && (x->flags & TCP_SYN) && (x->flags & TCP_ACK) && !captured_n) {
                captured_n = x->bytes;
                memcpy(captured, ip, captured_n);
        }
        return false;
}

static void put_seq(u32 seq)
{
        be32 v = be32_of(seq);
        memcpy(captured + 24, &v, 4);
        duo_resum(captured, captured_n);
}

/* Only RCV.NXT opens again; an old duplicate and a guess are acknowledged, and change nothing. */
static void syn_at_another_number_does_not_reopen(void **s)
{
        /* without timestamps, which would tell that it is old */
        static const struct tcp_opts o = {.qure = true, .idempotent = talk_idempotent, .no_timestamps = true};
        talk_begin(1000, &o, 100);
        K.keep = K.stay = true;
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 1000);
        K.d->eat = capture_reopen;
        captured_n = 0;
        ask_again(get, GET);
        duo_run(K.d, 1000);
        assert_int_equal(K.requests, 2);
        assert_true(captured_n != 0);
        duo_inject(K.d, C, captured, captured_n);
        put_seq(K.s->rcv_nxt + 1);
        duo_inject(K.d, C, captured, captured_n);
        put_seq(K.s->rcv_nxt - 1);
        duo_inject(K.d, C, captured, captured_n);
        duo_run(K.d, 1000);
        assert_int_equal(K.requests, 2);
        assert_int_equal(K.s->state, 0x3f);
        assert_int_equal(K.d->st[S]->tcp->conv->count.reopened, 1);
        put_seq(K.s->rcv_nxt);
        captured[28] ^= 0x40; /* acknowledges what was never sent */
        duo_resum(captured, captured_n);
        duo_inject(K.d, C, captured, captured_n);
        assert_int_equal(K.requests, 2);
        assert_int_equal(K.s->state, 0x3f);
        talk_end();
}

/* A plain connection knows none of this. */
static void toward_plain_peers_there_is_no_reopening(void **s)
{
        static const struct tcp_opts plain;
        talk_begin(1000, &late, 100);
        K.keep = K.stay = true;
        talk_connect(&plain, get, GET, true);
        duo_run(K.d, 1000);
        expect_said(1, S, TCP_SYN | TCP_ACK, 0); /* R45: no late SYN either */
        assert_int_equal(tcp_reopen(K.c), E_CLOSED);
        assert_int_equal(tcp_reopen(K.s), E_CLOSED);
        assert_int_equal(K.s->conv, 0);
        talk_end();
}

/* The server's direction was never open, and there is no memory for the client's second SYN for a while. */
static void reopening_waits_for_memory(void **s)
{
        talk_begin(5000, &late, 50);
        K.later = K.stay = true;
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 100);
        assert_int_equal(K.requests, 1);
        assert_int_equal(K.c->state, 0xcc);
        struct cellpool *flights = &K.d->st[C]->tcp->flights;
        struct cellpool all = *flights;
        flights->n_total -= flights->n_free;
        flights->free = NULL;
        flights->n_free = 0;
        ask_again(get, GET);
        assert_int_equal(K.c->state, 0x04);
        duo_run(K.d, 100);
        *flights = all;
        duo_run(K.d, 1000);
        assert_int_equal(K.requests, 2);
        talk_end();
}

static void message_not_yet_read_keeps_the_next_one_waiting(void **s)
{
        talk_begin(1000, &talk_server_qure, 100);
        K.keep = K.stay = true;
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 1000);
        tcp_set_events(K.s, &tcp_no_events); /* nobody reads */
        ask_again(get, GET);
        duo_run(K.d, 100);
        assert_int_equal(tcp_readable(K.s), GET);
        ask_again("again\n", 6);
        duo_run(K.d, 100);
        assert_int_equal(tcp_readable(K.s), GET);
        assert_true(tcp_eof(K.s));
        tcp_consume(K.s, GET);
        tcp_set_events(K.s, &talk_server);
        duo_run(K.d, 3000);
        assert_int_equal(K.got, 2 * GET + 6 - GET);
        assert_int_equal(K.requests, 2);
        talk_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(r41_reopen_with_data_in_the_same_segment), test(r41_reopened_direction_is_not_at_its_end),
                test(r42_syn_acknowledged_but_not_yet_the_data), test(r37_each_direction_by_itself),
                test(reopening_survives_the_loss_of_any_packet), test(reopening_under_steady_loss),
                test(syn_at_another_number_does_not_reopen), test(toward_plain_peers_there_is_no_reopening),
                test(reopening_waits_for_memory), test(message_not_yet_read_keeps_the_next_one_waiting)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
