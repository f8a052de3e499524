/* conversation_proof.c - conversations with who may not be where it says, or says the same twice; and the server that speaks first.
 * SPDX-License-Identifier: MIT */
#include "../../conversation/said.h"

static u8 captured[2048];
static u32 captured_n;
static bool capture_syn(struct duo *d, const struct said *s, u8 *ip)
{
        if (s->from == C && (s->flags & TCP_SYN) && !captured_n) {
                captured_n = s->bytes;
                memcpy(captured, ip, captured_n);
        }
        return false;
}

/* Three-packet SYNs from addresses that never answer; proof cookies of somebody else. */
static void spoofed_sources_never_get_more_than_three_times(void **s)
{
        static const u32 replies[] = {3, 100, 500, 5000, 100000};
        for (u32 r = 0; r < COUNT_OF(replies); r++) {
                u32 in = 0, out = 0;
                talk_begin(1000, &talk_server_qure, replies[r]);
                captured_n = 0;
                know_each_other();
                K.d->eat = capture_syn;
                talk_connect(&talk_qure, get, GET, true);
                finished();
                K.d->eat = NULL;
                assert_true(captured_n != 0);
                for (u32 i = 0; i < 20; i++) {
                        u32 from = K.d->n_said, plain = 0, mine = 0;
                        captured[15] = (u8)(100 + i); /* source 10.0.0.100 and on: not their cookie, and nobody is there */
                        duo_resum(captured, captured_n);
                        captured[10] = captured[11] = 0;
                        u16 sum = (u16)~cksum_fold(cksum_add(0, captured, 20));
                        memcpy(captured + 10, &sum, 2);
                        duo_inject(K.d, C, captured, captured_n);
                        mine += captured_n;
                        duo_run(K.d, 250000);
                        for (u32 k = from; k < K.d->n_said; k++) {
                                const struct said *x = &K.d->said[k];
                                if (x->from != S)
                                        continue;
                                if (x->flags == (TCP_SYN | TCP_ACK) && !x->n)
                                        plain++; /* exempt, and few */
                                else
                                        out += x->bytes;
                        }
                        assert_in_range(plain, 0, CONV_SYNACK_TRIES + 1);
                        in += mine;
                        assert_true(out <= 3 * in);
                        K.d->n_said = from;
                }
                assert_int_equal(K.d->st[S]->tcp->conv->count.unproven, 20);
                assert_int_equal(K.d->st[S]->tcp->n_tcbs, 0); /* given up */
                assert_int_equal(K.d->st[S]->tcp->n_fastopen, 0);
                talk_end();
        }
}

static void without_a_cookie_a_small_reply_still_takes_three_packets(void **s)
{
        talk_begin(5000, &talk_server_qure, 100);
        tcp_peer_member(K.d->st[C], DUO_ADDR(S), TALK_PORT); /* R49: known by membership, not by its option */
        talk_connect(&talk_qure, get, GET, true);
        finished();
        said_only(3);
        assert_int_equal(K.d->st[S]->tcp->conv->count.unproven, 1);
        talk_end();
}

static void without_a_cookie_a_large_reply_waits_for_the_proof(void **s)
{
        talk_begin(5000, &talk_server_qure, 5000);
        tcp_peer_member(K.d->st[C], DUO_ADDR(S), TALK_PORT);
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 9);
        assert_int_equal(K.d->n_said, 2);
        assert_true(K.d->said[1].bytes <= 3 * K.d->said[0].bytes);
        finished();
        assert_int_equal(K.got_reply, 5000);
        talk_end();
}

static void syn_acks_to_one_unproven_source_are_limited_in_rate(void **s)
{
        u32 answered = 0;
        talk_begin(1000, &talk_server_qure, 100);
        captured_n = 0;
        K.d->eat = capture_syn;
        talk_connect(&talk_qure, get, GET, true);
        finished();
        K.d->n_said = 0;
        for (u32 i = 0; i < 200; i++) { /* ports of one source, within a moment */
                captured[15] = 77;
                captured[20] = (u8)(64 + i / 256);
                captured[21] = (u8)i;
                captured[10] = captured[11] = 0;
                u16 sum = (u16)~cksum_fold(cksum_add(0, captured, 20));
                memcpy(captured + 10, &sum, 2);
                duo_resum(captured, captured_n);
                duo_inject(K.d, C, captured, captured_n);
        }
        for (u32 i = 0; i < K.d->n_said; i++)
                answered += K.d->said[i].from == S;
        assert_in_range(answered, 1, 2 * SYNACK_PER_SECOND);
        assert_true(K.d->st[S]->tcp->conv->count.refused_rate > 100);
        talk_end();
}

static void cookies_live_through_one_change_of_keys(void **s)
{
        u8 proof[8];
        talk_begin(1000, &talk_server_qure, 100);
        struct tcp_state *ts = K.d->st[S]->tcp;
        proof_make(ts, 7, proof);
        assert_true(proof_good(ts, 7, proof));
        assert_false(proof_good(ts, 8, proof));
        duo_run(K.d, PROOF_KEY_MS + 1000);
        assert_true(proof_good(ts, 7, proof));
        duo_run(K.d, PROOF_KEY_MS + 1000);
        assert_false(proof_good(ts, 7, proof));
        talk_end();
}

static void replayed_request_never_runs_twice(void **s)
{
        talk_begin(1000, &talk_server_qure, 100);
        know_each_other();
        captured_n = 0;
        K.d->eat = capture_syn;
        talk_connect(&talk_qure, get, GET, true);
        finished();
        assert_int_equal(K.requests, 1);
        for (u32 i = 0; i < 30; i++) {
                duo_inject(K.d, C, captured, captured_n);
                duo_run(K.d, i < 15 ? 1 : 3000);
        }
        assert_int_equal(K.requests, 1);
        assert_true(K.d->st[S]->tcp->conv->count.replays >= 1);
        talk_end();
}

static void same_syn_twice_in_the_network_is_one_request(void **s)
{
        talk_begin(1000, &talk_server_qure, 100);
        know_each_other();
        captured_n = 0;
        K.d->eat = capture_syn;
        talk_connect(&talk_qure, get, GET, true);
        duo_inject(K.d, C, captured, captured_n);
        duo_inject(K.d, C, captured, captured_n);
        finished();
        assert_int_equal(K.requests, 1);
        assert_int_equal(K.got_reply, 100);
        talk_end();
}

static void full_table_holds_data_until_the_handshake(void **s)
{
        talk_begin(1000, &talk_server_qure, 100);
        know_each_other();
        struct tcp_state *ts = K.d->st[S]->tcp;
        for (u32 i = 0; replay_note(ts, i, 1, 2, 3) == REPLAY_NEW; i++)
                ;
        assert_int_equal(ts->conv->seen_count, ts->conv->n_seen);
        talk_connect(&talk_qure, get, GET, true);
        finished();
        expect_shown(0, C, TCP_SYN | TCP_PSH | TCP_FIN, GET, true);
        expect_shown(1, S, TCP_SYN | TCP_ACK, 0, true);
        expect_shown(2, C, TCP_ACK | TCP_PSH | TCP_FIN, GET, false);
        assert_int_equal(K.requests, 1);
        duo_run(K.d, REPLAY_MS); /* entries age: three packets again */
        K.d->n_said = 0;
        talk_connect(&talk_qure, get, GET, true);
        finished();
        said_only(3);
        talk_end();
}

static void table_knows_what_it_noted_and_forgets_in_time(void **s)
{
        talk_begin(1000, &talk_server_qure, 100);
        struct tcp_state *ts = K.d->st[S]->tcp;
        for (u32 round = 0; round < 5; round++) {
                for (u32 i = 0; i < ts->conv->n_seen; i++) {
                        assert_int_equal(replay_note(ts, i * 7, 1, i, round), REPLAY_NEW);
                        assert_int_equal(replay_note(ts, i * 7, 1, i, round), REPLAY_SEEN);
                }
                assert_int_equal(replay_note(ts, 1, 2, 3, 4), REPLAY_FULL);
                duo_run(K.d, REPLAY_MS + 10);
        }
        talk_end();
}

static void requests_that_are_not_idempotent_wait_for_the_handshake(void **s)
{
        talk_begin(1000, &talk_server_qure, 100);
        know_each_other();
        talk_connect(&talk_qure, "POST /\n", 7, true);
        duo_run(K.d, 1);
        assert_int_equal(K.requests, 0);
        finished();
        expect_shown(1, S, TCP_SYN | TCP_ACK, 0, true);
        expect_shown(2, C, TCP_ACK | TCP_PSH | TCP_FIN, 7, false);
        assert_int_equal(K.requests, 1);
        talk_end();
}

/* --- R43: the server that speaks first --- */

static void r43_refusal_before_the_request_is_sent(void **s)
{
        static const struct tcp_opts o = {.qure = true, .speaks_first = true};
        talk_begin(5000, &o, 60);
        K.refuses = true;
        talk_connect(&talk_qure, get, GET, false);
        finished();
        expect_shown(0, C, TCP_SYN, 0, true);
        expect_shown(1, S, TCP_SYN | TCP_ACK | TCP_PSH | TCP_FIN, 60, true);
        assert_int_equal(K.got_reply, 60);
        assert_int_equal(K.withdrawn, GET); /* the client never sent it */
        for (u32 i = 0; i < K.d->n_said; i++)
                assert_true(K.d->said[i].from == S || K.d->said[i].n == 0);
        talk_end();
}

static void r43_toward_a_plain_client_it_speaks_after_the_handshake(void **s)
{
        static const struct tcp_opts o = {.qure = true, .speaks_first = true}, plain;
        talk_begin(5000, &o, 60);
        K.refuses = true;
        talk_connect(&plain, "", 0, false);
        duo_run(K.d, 200);
        expect_shown(0, C, TCP_SYN, 0, false);
        expect_shown(1, S, TCP_SYN | TCP_ACK, 0, false);
        expect_shown(2, C, TCP_ACK, 0, false);
        expect_shown(3, S, TCP_ACK | TCP_PSH | TCP_FIN, 60, false);
        duo_run(K.d, 3000);
        assert_int_equal(K.got_reply, 60);
        talk_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(spoofed_sources_never_get_more_than_three_times),
                test(without_a_cookie_a_small_reply_still_takes_three_packets),
                test(without_a_cookie_a_large_reply_waits_for_the_proof),
                test(syn_acks_to_one_unproven_source_are_limited_in_rate), test(cookies_live_through_one_change_of_keys),
                test(replayed_request_never_runs_twice), test(same_syn_twice_in_the_network_is_one_request),
                test(full_table_holds_data_until_the_handshake), test(table_knows_what_it_noted_and_forgets_in_time),
                test(requests_that_are_not_idempotent_wait_for_the_handshake), test(r43_refusal_before_the_request_is_sent),
                test(r43_toward_a_plain_client_it_speaks_after_the_handshake)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
