/* conversation.c - whole conversations between two of our stacks that know each other: discovery, three packets, what is larger.
 * SPDX-License-Identifier: MIT */
#include "../../conversation/said.h"

/* R62:  10 SYN+opt  20 SYN,ACK+opt  30 ACK,data,PSH,FIN  40 ACK,data,PSH,FIN, and the client's ACK */
static void r62_discovery(void **s)
{
        talk_begin(5000, &talk_server_qure, 200);
        talk_connect(&talk_qure, get, GET, true);
        finished();
        expect_shown(0, C, TCP_SYN, 0, true);
        expect_shown(1, S, TCP_SYN | TCP_ACK, 0, true);
        expect_shown(2, C, TCP_ACK | TCP_PSH | TCP_FIN, GET, false);
        expect_shown(3, S, TCP_ACK | TCP_PSH | TCP_FIN, 200, false);
        expect_shown(4, C, TCP_ACK, 0, false);
        said_only(5);
        assert_int_equal(K.got_reply, 200);
        assert_int_equal(K.requests, 1);
        talk_end();
}

/* R47, R48, R63:  10 SYN,PSH,"GET /",FIN  20 SYN,ACK,PSH,"404",FIN  30 ACK */
static void r47_three_packets_from_the_second_conversation_on(void **s)
{
        talk_begin(5000, &talk_server_qure, 3);
        know_each_other();
        for (u32 i = 0; i < 5; i++) {
                K.d->n_said = 0;
                talk_connect(&talk_qure, "GET /", 5, true);
                finished();
                expect_shown(0, C, TCP_SYN | TCP_PSH | TCP_FIN, 5, true);
                expect_shown(1, S, TCP_SYN | TCP_ACK | TCP_PSH | TCP_FIN, 3, true);
                expect_shown(2, C, TCP_ACK, 0, false);
                said_only(3);
                assert_int_equal(K.d->said[1].ack - K.d->said[0].seq, 7); /* SYN + "GET /" + FIN */
                assert_int_equal(K.d->said[2].ack - K.d->said[1].seq, 5); /* SYN + "404" + FIN */
                assert_int_equal(K.got_reply, 3);
        }
        assert_int_equal(K.requests, 5);
        assert_int_equal(K.d->st[C]->tcp->tw_count, 6); /* who closed first */
        assert_int_equal(K.d->st[S]->tcp->tw_count, 0);
        talk_end();
}

/* Who is not late opens as its peer does, with nothing to say too; else the client would wait for an end that nobody tells. */
static void reply_of_no_bytes_is_told_with_syn_and_fin(void **s)
{
        talk_begin(5000, &talk_server_qure, 0);
        know_each_other();
        talk_connect(&talk_qure, "GET /", 5, true);
        finished();
        expect_shown(0, C, TCP_SYN | TCP_PSH | TCP_FIN, 5, true);
        expect_shown(1, S, TCP_SYN | TCP_ACK | TCP_PSH | TCP_FIN, 0, true);
        expect_shown(2, C, TCP_ACK, 0, false);
        said_only(3);
        assert_int_equal(K.eofs, 1);
        talk_end();
}

static void larger_requests_and_replies_go_on_after_the_first_flight(void **s)
{
        static u8 large[20000];
        talk_begin(5000, &talk_server_qure, 100000);
        know_each_other();
        memcpy(large, "GET ", 4);
        talk_connect(&talk_qure, large, sizeof large, true);
        finished();
        expect_shown(0, C, TCP_SYN | TCP_PSH, K.d->said[0].n, true);
        assert_true(K.d->said[0].n > 1300);
        assert_int_equal(K.got_reply, 100000);
        assert_int_equal(K.got, GET + 20000);
        talk_end();
}

/* RFC 3168 6.1.1: asked by the client's SYN, answered beside the server's options, whether they come with its SYN or before. */
static void rfc_3168_conversations_negotiate_ecn(void **s)
{
        static const struct tcp_opts client = {.qure = true, .ecn = true};
        for (u32 late = 0; late < 2; late++) {
                const struct tcp_opts server = {.qure = true, .ecn = true, .idempotent = talk_idempotent, .optional_syn = late};
                talk_begin(5000, &server, 5000);
                for (u32 i = 0; i < 2; i++) {
                        K.d->n_said = 0;
                        talk_connect(&client, get, GET, true);
                        struct tcb *t = K.c;
                        u8 asked = K.d->said[0].flags, more = i ? TCP_PSH | TCP_FIN : 0;
                        assert_int_equal(asked, TCP_SYN | TCP_ECE | TCP_CWR | more);
                        duo_run(K.d, 12);
                        assert_true(K.d->said[1].flags & TCP_ECE);
                        if (K.c)
                                assert_true(t->flags & TF_ECN);
                        finished();
                        for (u32 k = 2; k < K.d->n_said; k++)
                                assert_false(K.d->said[k].flags & TCP_ECE);
                        K.closed = 0;
                }
                talk_end();
                talk_begin(5000, &talk_server_qure, 10); /* who does not want it says nothing */
                talk_connect(&client, get, GET, true);
                finished();
                assert_false(K.d->said[1].flags & TCP_ECE);
                talk_end();
        }
}

/* It asks somebody else first: the SYN waits for the reply as long as an acknowledgement may wait. */
static void server_that_answers_a_little_later_still_takes_three_packets(void **s)
{
        talk_begin(5000, &talk_server_qure, 200);
        know_each_other();
        K.later = true;
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 40);
        said_only(1);
        talk_answer(K.s);
        stack_batch_end(K.d->st[S]);
        finished();
        expect_shown(1, S, TCP_SYN | TCP_ACK | TCP_PSH | TCP_FIN, 200, true);
        said_only(3);
        talk_end();
}

/* While our SYN waits, its number is not among what is outstanding. */
static void nothing_is_unsent_while_the_syn_waits(void **s)
{
        talk_begin(5000, &talk_server_qure, 3);
        know_each_other();
        K.later = true;
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 10);
        assert_non_null(K.s);
        assert_int_equal(tcp_unqueue(K.s, 5), 0);
        assert_int_equal(tcp_send_queued(K.s), 0);
        talk_answer(K.s);
        finished();
        assert_int_equal(K.got_reply, 3);
        talk_end();
}

static void syn_with_only_a_part_of_the_request_is_answered_at_once(void **s)
{
        talk_begin(5000, &talk_server_qure, 200);
        know_each_other();
        talk_connect(&talk_qure, "GET ", 4, false);
        duo_run(K.d, 8);
        expect_shown(1, S, TCP_SYN | TCP_ACK, 0, true);
        tcp_send_ref(K.c, "/\r\n", 3, NULL);
        tcp_shutdown(K.c);
        stack_batch_end(K.d->st[C]);
        finished();
        assert_int_equal(K.got_reply, 200);
        talk_end();
}

static void reply_behind_a_syn_that_could_not_wait_is_sent_once(void **s)
{
        talk_begin(100000, &talk_server_qure, 200);
        know_each_other();
        K.later = true;
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 170);
        expect_shown(1, S, TCP_SYN | TCP_ACK, 0, true);
        talk_answer(K.s);
        stack_batch_end(K.d->st[S]);
        finished();
        expect_shown(2, S, TCP_ACK | TCP_PSH | TCP_FIN, 200, false);
        expect_shown(3, C, TCP_ACK, 0, false);
        expect_shown(4, C, TCP_ACK, 0, false);
        said_only(5);
        talk_end();
}

static void reply_larger_than_a_segment_begins_with_the_syn(void **s)
{
        talk_begin(5000, &talk_server_qure, 10000);
        know_each_other();
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 15);
        expect_shown(1, S, TCP_SYN | TCP_ACK | TCP_PSH, K.d->said[1].n, true);
        assert_true(K.d->said[1].n > 1300);
        expect_shown(2, S, TCP_ACK, K.d->said[2].n, false); /* the address is proven by the cookie: the window is the limit */
        finished();
        assert_int_equal(K.got_reply, 10000);
        talk_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(r62_discovery), test(r47_three_packets_from_the_second_conversation_on),
                test(reply_of_no_bytes_is_told_with_syn_and_fin),
                test(larger_requests_and_replies_go_on_after_the_first_flight), test(rfc_3168_conversations_negotiate_ecn),
                test(server_that_answers_a_little_later_still_takes_three_packets), test(nothing_is_unsent_while_the_syn_waits),
                test(syn_with_only_a_part_of_the_request_is_answered_at_once),
                test(reply_behind_a_syn_that_could_not_wait_is_sent_once),
                test(reply_larger_than_a_segment_begins_with_the_syn)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
