/* conversation.c - whole conversations between two of our stacks: discovery, three packets, what is larger, who is plain, who is
 * not where it says, who says it twice. The labels are the seed's. SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#define DUO_CHECK
#include "../../conversation/talk.h"

#define test(f) cmocka_unit_test(f)

enum { C = DUO_CLIENT, S = DUO_SERVER };
static const char get[] = "GET /\r\n";
enum { GET = sizeof get - 1 };

/* The i-th segment said since `from`: who, flags, bytes of payload, and whether it showed the option. */
#define expect_said(i, who, fl, len, opt) do { \
        assert_true((i) < K.d->n_said); const struct said *s_ = &K.d->said[i]; \
        if (s_->from != (who) || s_->flags != (fl) || s_->n != (u32)(len) || s_->hello != (opt)) \
                fail_msg("segment %u: %c %s %u bytes opt %d, expected %c %x %u opt %d", (unsigned)(i), \
                         s_->from ? 'S' : 'C', duo_flags(s_->flags), s_->n, \
                         s_->hello, (who) ? 'S' : 'C', (unsigned)(fl), (unsigned)(len), (opt)); } while (0)
#define said_only(n) assert_int_equal(K.d->n_said, n)

static void show(void)
{
        for (u32 i = 0; getenv("SHOW") && i < K.d->n_said; i++) {
                const struct said *s = &K.d->said[i];
                printf("# %8u us %c %s seq %u ack %u len %u wnd %u opts %u%s%s\n", (u32)s->at_us, s->from ? 'S' : 'C',
                       duo_flags(s->flags), s->seq, s->ack, s->n, s->wnd,
                       s->n_opts, s->hello ? " QuRe" : "", s->eaten ? " eaten" : "");
        }
}

static void finished(void)
{
        duo_run(K.d, 3000);
        show();
        assert_int_equal(K.closed, 1);
        assert_int_equal(K.err, 0);
        assert_int_equal(K.server_err, 0);
        assert_true(talk_clean());
}

/* The first conversation teaches the client; what follows starts with packet 0. */
static void know_each_other(void)
{
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 3000);
        assert_int_equal(K.closed, 1);
        K.requests = K.accepted = K.server_closed = 0;
        K.d->n_said = 0;
}

/* R62:  10 SYN+opt  20 SYN,ACK+opt  30 ACK,data,PSH,FIN  40 ACK,data,PSH,FIN, and the client's ACK */
static void r62_discovery(void **s)
{
        talk_begin(5000, &talk_server_qure, 200);
        talk_connect(&talk_qure, get, GET, true);
        finished();
        expect_said(0, C, TCP_SYN, 0, true);
        expect_said(1, S, TCP_SYN | TCP_ACK, 0, true);
        expect_said(2, C, TCP_ACK | TCP_PSH | TCP_FIN, GET, false);
        expect_said(3, S, TCP_ACK | TCP_PSH | TCP_FIN, 200, false);
        expect_said(4, C, TCP_ACK, 0, false);
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
                expect_said(0, C, TCP_SYN | TCP_PSH | TCP_FIN, 5, true);
                expect_said(1, S, TCP_SYN | TCP_ACK | TCP_PSH | TCP_FIN, 3, true);
                expect_said(2, C, TCP_ACK, 0, false);
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
        expect_said(0, C, TCP_SYN | TCP_PSH | TCP_FIN, 5, true);
        expect_said(1, S, TCP_SYN | TCP_ACK | TCP_PSH | TCP_FIN, 0, true);
        expect_said(2, C, TCP_ACK, 0, false);
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
        expect_said(0, C, TCP_SYN | TCP_PSH, K.d->said[0].n, true);
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
        expect_said(1, S, TCP_SYN | TCP_ACK | TCP_PSH | TCP_FIN, 200, true);
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
        expect_said(1, S, TCP_SYN | TCP_ACK, 0, true);
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
        expect_said(1, S, TCP_SYN | TCP_ACK, 0, true);
        talk_answer(K.s);
        stack_batch_end(K.d->st[S]);
        finished();
        expect_said(2, S, TCP_ACK | TCP_PSH | TCP_FIN, 200, false);
        expect_said(3, C, TCP_ACK, 0, false);
        expect_said(4, C, TCP_ACK, 0, false);
        said_only(5);
        talk_end();
}

static void reply_larger_than_a_segment_begins_with_the_syn(void **s)
{
        talk_begin(5000, &talk_server_qure, 10000);
        know_each_other();
        talk_connect(&talk_qure, get, GET, true);
        duo_run(K.d, 15);
        expect_said(1, S, TCP_SYN | TCP_ACK | TCP_PSH, K.d->said[1].n, true);
        assert_true(K.d->said[1].n > 1300);
        expect_said(2, S, TCP_ACK, K.d->said[2].n, false); /* the address is proven by the cookie: the window is the limit */
        finished();
        assert_int_equal(K.got_reply, 10000);
        talk_end();
}

/* R50: the same port serves who knows nothing of all this; nothing of it appears on the wire. */
static void r50_plain_clients_see_a_plain_server(void **s)
{
        static const struct tcp_opts plain;
        talk_begin(5000, &talk_server_qure, 200);
        talk_connect(&plain, get, GET, true);
        finished();
        for (u32 i = 0; i < K.d->n_said; i++)
                assert_false(K.d->said[i].hello);
        assert_int_equal(K.got_reply, 200);
        talk_end();
}

static void plain_servers_answer_and_are_remembered(void **s)
{
        static const struct tcp_opts plain;
        talk_begin(5000, &plain, 200);
        talk_connect(&talk_qure, get, GET, true);
        finished();
        expect_said(0, C, TCP_SYN, 0, true);
        expect_said(1, S, TCP_SYN | TCP_ACK, 0, false);
        assert_int_equal(K.got_reply, 200);
        talk_end();
}

/* A service that spoke QuRe last time and does not any more. */
static void known_peer_that_has_become_plain_gets_its_data_again(void **s)
{
        static const struct tcp_opts plain;
        int err;
        talk_begin(5000, &talk_server_qure, 200);
        know_each_other();
        tcp_unlisten(K.l);
        K.l = tcp_listen(K.d->st[S], IPADDR_ANY, TALK_PORT, &talk_server, NULL, &plain, &err);
        talk_connect(&talk_qure, get, GET, true);
        finished();
        expect_said(0, C, TCP_SYN | TCP_PSH | TCP_FIN, GET, true);
        expect_said(1, S, TCP_SYN | TCP_ACK, 0, false);
        assert_int_equal(K.got_reply, 200);
        assert_int_equal(K.requests, 1);
        K.d->n_said = 0;
        talk_connect(&talk_qure, get, GET, true);
        finished();
        expect_said(0, C, TCP_SYN, 0, false); /* remembered as plain */
        talk_end();
}

static bool eat_option(struct duo *d, const struct said *s, u8 *ip) { return s->hello; }

static void network_that_eats_the_option_meets_a_plain_retry_from_a_new_port(void **s)
{
        talk_begin(5000, &talk_server_qure, 200);
        K.d->eat = eat_option;
        talk_connect(&talk_qure, get, GET, true);
        finished();
        expect_said(0, C, TCP_SYN, 0, true);
        expect_said(1, C, TCP_SYN, 0, false);
        assert_int_not_equal(K.d->said[0].sport, K.d->said[1].sport);
        assert_in_range(K.d->said[1].at_us - K.d->said[0].at_us, 999000, 1010000); /* one RTO */
        assert_int_equal(K.got_reply, 200);
        K.d->n_said = 0;
        talk_connect(&talk_qure, get, GET, true);
        finished();
        expect_said(0, C, TCP_SYN, 0, false);
        /* the memory ages: after ten minutes the option is tried again */
        duo_run(K.d, PEER_PLAIN_MS);
        K.d->eat = NULL;
        K.d->n_said = 0;
        talk_connect(&talk_qure, get, GET, true);
        finished();
        expect_said(0, C, TCP_SYN, 0, true);
        talk_end();
}

static bool eat_syn_data(struct duo *d, const struct said *s, u8 *ip) { return (s->flags & TCP_SYN) && s->n; }

static void network_that_eats_data_on_a_syn_meets_a_plain_retry(void **s)
{
        talk_begin(5000, &talk_server_qure, 200);
        know_each_other();
        K.d->eat = eat_syn_data;
        talk_connect(&talk_qure, get, GET, true);
        finished();
        expect_said(0, C, TCP_SYN | TCP_PSH | TCP_FIN, GET, true);
        expect_said(1, C, TCP_SYN, 0, false);
        assert_int_equal(K.got_reply, 200);
        assert_int_equal(K.requests, 1);
        talk_end();
}

static u32 nth;
static bool eat_nth(struct duo *d, const struct said *s, u8 *ip) { return d->n_said == nth; }

static void each_of_the_three_may_be_lost(void **s)
{
        for (nth = 1; nth <= 3; nth++) {
                talk_begin(5000, &talk_server_qure, 200);
                know_each_other();
                K.d->eat = eat_nth;
                talk_connect(&talk_qure, get, GET, true);
                duo_run(K.d, 20000);
                show();
                assert_int_equal(K.closed, 1);
                assert_int_equal(K.err, 0);
                assert_int_equal(K.got_reply, 200);
                assert_in_range(K.requests, 1,
                                nth == 2 ? 2 : 1); /* a lost reply: the retry asks from a new port, as the design has it */
                duo_run(K.d, 200000);
                assert_true(talk_clean());
                talk_end();
        }
}

/* --- proof --- */

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

/* --- replay --- */

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
        expect_said(0, C, TCP_SYN | TCP_PSH | TCP_FIN, GET, true);
        expect_said(1, S, TCP_SYN | TCP_ACK, 0, true);
        expect_said(2, C, TCP_ACK | TCP_PSH | TCP_FIN, GET, false);
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
        expect_said(1, S, TCP_SYN | TCP_ACK, 0, true);
        expect_said(2, C, TCP_ACK | TCP_PSH | TCP_FIN, 7, false);
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
        expect_said(0, C, TCP_SYN, 0, true);
        expect_said(1, S, TCP_SYN | TCP_ACK | TCP_PSH | TCP_FIN, 60, true);
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
        expect_said(0, C, TCP_SYN, 0, false);
        expect_said(1, S, TCP_SYN | TCP_ACK, 0, false);
        expect_said(2, C, TCP_ACK, 0, false);
        expect_said(3, S, TCP_ACK | TCP_PSH | TCP_FIN, 60, false);
        duo_run(K.d, 3000);
        assert_int_equal(K.got_reply, 60);
        talk_end();
}

static void peers_are_bounded_and_the_one_used_longest_ago_goes(void **s)
{
        talk_begin(1000, &talk_server_qure, 100);
        struct tcp_state *ts = K.d->st[C]->tcp;
        tcp_peer_member(K.d->st[C], IPADDR(1, 2, 3, 4), 80);
        for (u32 i = 1; i <= 10000; i++)
                peer_learn(ts, i, 80, PEER_QURE, NULL, 1460);
        u32 n = 0;
        for (u32 i = 1; i <= 10000; i++)
                n += peer_find(ts, i, 80) != NULL;
        assert_in_range(n, PEERS / 2, PEERS);
        assert_non_null(peer_find(ts, 10000, 80));
        assert_non_null(peer_find(ts, be32_raw(IPADDR(1, 2, 3, 4).v4), 80)); /* members stay */
        duo_run(K.d, PEER_QURE_MS);
        assert_null(peer_find(ts, 10000, 80));
        assert_non_null(peer_find(ts, be32_raw(IPADDR(1, 2, 3, 4).v4), 80));
        talk_end();
}

static void option_kind_is_a_setting(void **s)
{
        talk_begin(1000, &talk_server_qure, 100);
        tcp_option_kind(K.d->st[C], 253);
        talk_connect(&talk_qure, get, GET, true);
        finished();
        expect_said(1, S, TCP_SYN | TCP_ACK, 0, false);
        tcp_option_kind(K.d->st[S], 253);
        duo_run(K.d, PEER_PLAIN_MS);
        talk_connect(&talk_qure, get, GET, true);
        finished();
        K.d->n_said = 0;
        talk_connect(&talk_qure, get, GET, true);
        finished();
        said_only(3);
        talk_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(r62_discovery), test(r47_three_packets_from_the_second_conversation_on),
                        test(reply_of_no_bytes_is_told_with_syn_and_fin), test(nothing_is_unsent_while_the_syn_waits),
                        test(larger_requests_and_replies_go_on_after_the_first_flight),
                test(reply_larger_than_a_segment_begins_with_the_syn),
                        test(rfc_3168_conversations_negotiate_ecn),
                        test(server_that_answers_a_little_later_still_takes_three_packets),
                        test(syn_with_only_a_part_of_the_request_is_answered_at_once),
                        test(reply_behind_a_syn_that_could_not_wait_is_sent_once), test(r50_plain_clients_see_a_plain_server),
                        test(plain_servers_answer_and_are_remembered),
                test(known_peer_that_has_become_plain_gets_its_data_again),
                        test(network_that_eats_the_option_meets_a_plain_retry_from_a_new_port),
                test(network_that_eats_data_on_a_syn_meets_a_plain_retry), test(each_of_the_three_may_be_lost),
                test(spoofed_sources_never_get_more_than_three_times),
                        test(without_a_cookie_a_small_reply_still_takes_three_packets),
                test(without_a_cookie_a_large_reply_waits_for_the_proof),
                        test(syn_acks_to_one_unproven_source_are_limited_in_rate),
                test(cookies_live_through_one_change_of_keys), test(replayed_request_never_runs_twice),
                        test(same_syn_twice_in_the_network_is_one_request),
                test(full_table_holds_data_until_the_handshake), test(table_knows_what_it_noted_and_forgets_in_time),
                test(requests_that_are_not_idempotent_wait_for_the_handshake), test(r43_refusal_before_the_request_is_sent),
                test(r43_toward_a_plain_client_it_speaks_after_the_handshake),
                        test(peers_are_bounded_and_the_one_used_longest_ago_goes),
                test(option_kind_is_a_setting)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
