/* conversation_plain.c - conversations with who does not speak QuRe, or not any more, over networks that eat its option or its data.
 * SPDX-License-Identifier: MIT */
#include "../../conversation/said.h"

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
        expect_shown(0, C, TCP_SYN, 0, true);
        expect_shown(1, S, TCP_SYN | TCP_ACK, 0, false);
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
        expect_shown(0, C, TCP_SYN | TCP_PSH | TCP_FIN, GET, true);
        expect_shown(1, S, TCP_SYN | TCP_ACK, 0, false);
        assert_int_equal(K.got_reply, 200);
        assert_int_equal(K.requests, 1);
        K.d->n_said = 0;
        talk_connect(&talk_qure, get, GET, true);
        finished();
        expect_shown(0, C, TCP_SYN, 0, false); /* remembered as plain */
        talk_end();
}

static bool eat_option(struct duo *d, const struct said *s, u8 *ip) { return s->hello; }

static void network_that_eats_the_option_meets_a_plain_retry_from_a_new_port(void **s)
{
        talk_begin(5000, &talk_server_qure, 200);
        K.d->eat = eat_option;
        talk_connect(&talk_qure, get, GET, true);
        finished();
        expect_shown(0, C, TCP_SYN, 0, true);
        expect_shown(1, C, TCP_SYN, 0, false);
        assert_int_not_equal(K.d->said[0].sport, K.d->said[1].sport);
        assert_in_range(K.d->said[1].at_us - K.d->said[0].at_us, 999000, 1010000); /* one RTO */
        assert_int_equal(K.got_reply, 200);
        K.d->n_said = 0;
        talk_connect(&talk_qure, get, GET, true);
        finished();
        expect_shown(0, C, TCP_SYN, 0, false);
        /* the memory ages: after ten minutes the option is tried again */
        duo_run(K.d, PEER_PLAIN_MS);
        K.d->eat = NULL;
        K.d->n_said = 0;
        talk_connect(&talk_qure, get, GET, true);
        finished();
        expect_shown(0, C, TCP_SYN, 0, true);
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
        expect_shown(0, C, TCP_SYN | TCP_PSH | TCP_FIN, GET, true);
        expect_shown(1, C, TCP_SYN, 0, false);
        assert_int_equal(K.got_reply, 200);
        assert_int_equal(K.requests, 1);
        talk_end();
}

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
        expect_shown(1, S, TCP_SYN | TCP_ACK, 0, false);
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
                test(r50_plain_clients_see_a_plain_server), test(plain_servers_answer_and_are_remembered),
                test(known_peer_that_has_become_plain_gets_its_data_again),
                test(network_that_eats_the_option_meets_a_plain_retry_from_a_new_port),
                test(network_that_eats_data_on_a_syn_meets_a_plain_retry), test(each_of_the_three_may_be_lost),
                test(peers_are_bounded_and_the_one_used_longest_ago_goes), test(option_kind_is_a_setting)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
