/* channel.c - directions that open late, run one way and close alone (R38 to R40, R46), between two of our stacks.
 * SPDX-License-Identifier: MIT */
#include "../../conversation/said.h"

static const struct tcp_opts late = {.qure = true, .optional_syn = true, .idempotent = talk_idempotent};

/* R46, R38:
 *      10 C tx SYN        20 S tx ACK             30 C tx PSH,FIN        40 S tx ACK,SYN
 *      50 C tx ACK        60 S tx PSH             70 S tx PSH,FIN        80 C tx ACK */
static void r46_split_handshake_page_load(void **s)
{
        talk_begin(5000, &late, 0);
        K.later = K.open_first = true; /* the server opens its direction, then thinks */
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 100);
        assert_int_equal(K.requests, 1);
        assert_int_equal(K.s->state, 0x3f);
        tcp_send_ref(K.s, talk_bytes, 1448, NULL);
        tcp_flush(K.s);
        duo_run(K.d, 10);
        K.reply = 500;
        talk_answer(K.s);
        duo_run(K.d, 3000);
        show();
        expect_said(0, C, TCP_SYN, 0);                              /* 10 */
        expect_said(1, S, TCP_ACK, 0);                              /* 20 */
        expect_said(2, C, TCP_ACK | TCP_PSH | TCP_FIN, GET);        /* 30 */
        expect_said(3, S, TCP_SYN | TCP_ACK, 0);                    /* 40 */
        expect_said(4, C, TCP_ACK, 0);                              /* 50 */
        expect_said(5, S, TCP_ACK | TCP_PSH, 1448);                 /* 60 */
        const struct said *last = &K.d->said[K.d->n_said - 1], *fin = &K.d->said[K.d->n_said - 2];
        assert_int_equal(fin->flags, TCP_ACK | TCP_PSH | TCP_FIN);  /* 70 */
        assert_int_equal(last->flags, TCP_ACK);                     /* 80 */
        /* 20 has the number that 40 takes, and 30 acknowledges exactly that: the proof of the client's address */
        assert_int_equal(K.d->said[1].seq, K.d->said[3].seq);
        assert_int_equal(K.d->said[2].ack, K.d->said[1].seq);
        assert_true(K.d->said[0].hello && K.d->said[1].hello);
        assert_int_equal(K.got_reply, 1948);
        assert_int_equal(K.closed, 1);
        assert_true(talk_clean());
        talk_end();
}

/* The same where there is something to say at once: the reply goes with the SYN. */
static void r38_late_syn_takes_the_reply_along(void **s)
{
        talk_begin(5000, &late, 200);
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 3000);
        show();
        expect_said(1, S, TCP_ACK, 0);
        expect_said(2, C, TCP_ACK | TCP_PSH | TCP_FIN, GET);
        expect_said(3, S, TCP_SYN | TCP_ACK | TCP_PSH | TCP_FIN, 200);
        expect_said(4, C, TCP_ACK, 0);
        assert_int_equal(K.d->n_said, 5);
        assert_int_equal(K.got_reply, 200);
        assert_true(talk_clean());
        /* and from the second on: three packets, or an ACK first where the server needs time */
        K.d->n_said = 0;
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 3000);
        expect_said(1, S, TCP_SYN | TCP_ACK | TCP_PSH | TCP_FIN, 200);
        assert_int_equal(K.d->n_said, 3);
        K.later = true;
        K.d->n_said = 0;
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 100);
        expect_said(0, C, TCP_SYN | TCP_PSH | TCP_FIN, GET);
        expect_said(1, S, TCP_ACK, 0);
        assert_int_equal(K.s->state, 0x33);
        assert_int_equal(K.c->state, 0xcc);
        talk_answer(K.s);
        duo_run(K.d, 3000);
        assert_int_equal(K.got_reply, 200);
        assert_int_equal(K.closed, 1);
        assert_true(talk_clean());
        talk_end();
}

/* R39: a request channel only. */
static void r39_one_way_conversation(void **s)
{
        talk_begin(5000, &late, 0);
        K.silent = true;
        talk_connect(&talk_qure, get, GET, false);
        tcp_close(K.c); /* nothing is wanted back */
        duo_run(K.d, 3000);
        show();
        expect_said(0, C, TCP_SYN, 0);
        expect_said(1, S, TCP_ACK, 0);
        expect_said(2, C, TCP_ACK | TCP_PSH | TCP_FIN, GET);
        expect_said(3, S, TCP_ACK, 0);
        assert_int_equal(K.d->n_said, 4);
        assert_int_equal(K.requests, 1);
        assert_int_equal(K.closed, 1);
        assert_int_equal(K.server_closed, 1);
        assert_true(talk_clean());
        /* the second time: SYN,PSH,data,FIN and its ACK; the server answers again if that ACK is lost */
        K.d->n_said = 0;
        talk_connect(&talk_qure, get, GET, true);
        tcp_close(K.c);
        duo_run(K.d, 3000);
        show();
        expect_said(0, C, TCP_SYN | TCP_PSH | TCP_FIN, GET);
        expect_said(1, S, TCP_ACK, 0);
        assert_int_equal(K.d->n_said, 2);
        assert_int_equal(K.requests, 2);
        assert_int_equal(K.closed, 1);
        assert_int_equal(K.err, 0);
        assert_true(talk_clean());
        talk_end();
}

static void r39_one_way_with_any_packet_lost(void **s)
{
        for (nth = 1; nth <= 6; nth++) {
                talk_begin(5000, &late, 0);
                K.silent = true;
                K.d->eat = eat_nth;
                talk_connect(&talk_qure, get, GET, false);
                tcp_close(K.c);
                duo_run(K.d, 30000);
                assert_int_equal(K.requests, 1);
                assert_int_equal(K.closed, 1);
                assert_int_equal(K.err, 0);
                talk_end();
        }
}

/* R40: the client's direction closes, the server's goes on; what belonged to the closed one is free at once. */
static void r40_half_close_frees_the_closed_sides_buffers(void **s)
{
        talk_begin(5000, &talk_server_qure, 0);
        K.later = true;
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 100);
        assert_int_equal(K.s->state, 0x3f);
        assert_int_equal(K.s->rcv_adv - K.s->rcv_nxt, 0);
        assert_int_equal(K.s->rcvbuf + K.s->rcv_space, 0);
        assert_null(K.s->reasm);
        assert_null(K.c->flight);
        assert_int_equal(K.c->snd_queued, 0);
        K.reply = 300000;
        K.keep = true;
        talk_answer(K.s);
        tcp_flush(K.s);
        duo_run(K.d, 1000);
        assert_int_equal(K.got_reply, 300000);
        for (u32 i = 0; i < K.d->n_said; i++)
                if (K.d->said[i].from == S && i > 2)
                        assert_int_equal(K.d->said[i].wnd, 0);
        tcp_close(K.s);
        duo_run(K.d, 1000);
        assert_int_equal(K.closed, 1);
        assert_true(talk_clean());
        talk_end();
}

static void data_on_a_late_channel_waits_for_the_proof(void **s)
{
        talk_begin(5000, &late, 100);
        tcp_peer_member(K.d->st[C], DUO_ADDR(S), TALK_PORT); /* known, but without a cookie */
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 9);
        assert_int_equal(K.requests, 0);
        expect_said(0, C, TCP_SYN | TCP_PSH | TCP_FIN, GET);
        expect_said(1, S, TCP_ACK, 0);
        duo_run(K.d, 3000);
        assert_int_equal(K.requests, 1);
        assert_int_equal(K.got_reply, 100);
        assert_true(talk_clean());
        talk_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(r46_split_handshake_page_load), test(r38_late_syn_takes_the_reply_along), test(r39_one_way_conversation),
                test(r39_one_way_with_any_packet_lost), test(r40_half_close_frees_the_closed_sides_buffers),
                test(data_on_a_late_channel_waits_for_the_proof)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
