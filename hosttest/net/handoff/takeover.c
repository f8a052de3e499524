/* takeover.c - what nodes of a cluster share beside the handoff: cookies of every kind and the keys of sequence numbers, so that
 * what one of them gave to a client another takes back; and what they know of each other. SPDX-License-Identifier: MIT */
#include "lan.h"

enum { ADDR = 0x0100000a, SECOND = 1000 };
static const u8 second_secret[16] = "the next secret.", third_secret[16] = "the third secret";

static struct tcp_state *ts_of(int i) { return L.m[i]->st->tcp; }
static void secret(int i, const u8 *s) { assert_int_equal(handoff_secret(handoff_of(L.m[i]->st), s, 16), 0); }

/* What `from` gave to a client is good at `to`: address proof and Fast Open cookie. */
static bool takes(int to, const u8 proof[8], const u8 tfo[8])
{
        bool good = proof_good(ts_of(to), ADDR, proof);
        assert_int_equal(tfo_cookie_ok(ts_of(to), ADDR, tfo, 8), good);
        return good;
}

static void cookies_of_one_node_are_good_at_all_others_and_through_one_change(void **s)
{
        u8 proof[8], tfo[8];
        lan_begin();
        proof_make(ts_of(FRONT), ADDR, proof);
        tfo_cookie(ts_of(FRONT), ADDR, tfo);
        assert_true(takes(NODE1, proof, tfo));
        assert_false(takes(CLIENT, proof, tfo)); /* it is not of the cluster */
        assert_memory_not_equal(proof, tfo, 8);
        for (int i = 0; i < MACHINES; i++)
                L.m[i]->now_us += 3ull * PROOF_KEY_MS * 1000; /* hours do not change them */
        lan_run(10);
        assert_true(takes(NODE1, proof, tfo));
        secret(NODE1, second_secret);
        assert_true(takes(NODE1, proof, tfo)); /* one change */
        proof_make(ts_of(NODE1), ADDR, proof);
        tfo_cookie(ts_of(NODE1), ADDR, tfo);
        assert_false(takes(NODE2, proof, tfo));
        secret(NODE2, second_secret);
        assert_true(takes(NODE2, proof, tfo));
        secret(NODE2, third_secret);
        assert_true(takes(NODE2, proof, tfo));
        secret(NODE2, lan_secret);
        assert_false(takes(NODE2, proof, tfo)); /* two changes */
        lan_end();
}

/* A SYN cookie of `from`, and what `to` says of the acknowledgement, ms later. */
static bool syn_cookie(int from, int to, u32 ms)
{
        struct listener *l = listener_find(ts_of(from), SERVICE, 80);
        struct synq q = {.raddr = ADDR, .laddr = be32_raw(SERVICE.v4), .ports = 0x50001234, .irs = 77, .peer_mss = 1460, .l = l};
        u32 iss = cookie_make(ts_of(from), &q);
        struct tcp_seg ack = {.seq = 78, .ack = iss + 1};
        lan_run(ms);
        q.l = listener_find(ts_of(to), SERVICE, 80);
        return cookie_check(ts_of(to), &q, &ack) && q.peer_mss == 1460;
}

static void syn_cookie_lives_through_a_takeover(void **s)
{
        lan_begin();
        L.m[NODE1]->now_us += 1000u * SECOND * 1000; /* clocks of nodes have nothing in common */
        lan_run(10);
        assert_true(syn_cookie(FRONT, FRONT, 1000));
        assert_false(syn_cookie(FRONT, NODE1, 1000)); /* its secret was set long ago: it owns the address as long */
        tcp_takeover(L.m[NODE1]->st);
        assert_true(syn_cookie(FRONT, NODE1, 1000));
        struct synq q = {.raddr = ADDR, .laddr = be32_raw(SERVICE.v4), .ports = 0x50001234, .irs = 77,
                         .l = listener_find(ts_of(NODE1), SERVICE, 80)};
        struct tcp_seg guess = {.seq = 78, .ack = 0x12345678};
        assert_false(cookie_check(ts_of(NODE1), &q, &guess));
        lan_run(140000);
        assert_false(syn_cookie(FRONT, NODE1, 10));
        lan_end();
}

/* RFC 6528: the same names give the same F on every node; the clock is each node's own. */
static void sequence_numbers_differ_by_the_clocks_alone(void **s)
{
        u32 off[2], isn[2];
        lan_begin();
        for (int i = 0; i < 2; i++)
                isn[i] = tcp_isn(ts_of(NODE1 + i), 1, 2, 3, &off[i]) - (u32)(L.m[NODE1 + i]->st->now_us >> 2);
        assert_int_equal(isn[0], isn[1]);
        assert_int_equal(off[0], off[1]);
        assert_int_not_equal(tcp_isn(ts_of(CLIENT), 1, 2, 3, &off[0]) - (u32)(L.m[CLIENT]->st->now_us >> 2), isn[0]);
        lan_end();
}

/* Nobody here knows which SYNs the other machine used: their data waits, until none of them can come again. */
static void data_on_syns_waits_for_a_minute_after_a_takeover(void **s)
{
        lan_begin();
        struct tcp_state *ts = ts_of(FRONT);
        lan_run(REPLAY_MS);
        assert_int_equal(replay_note(ts, 1, 2, 3, 4), REPLAY_NEW);
        tcp_takeover(L.m[FRONT]->st);
        assert_int_equal(replay_note(ts, 1, 2, 3, 4), REPLAY_SEEN);
        assert_int_equal(replay_note(ts, 1, 2, 3, 5), REPLAY_FULL);
        lan_run(REPLAY_MS);
        assert_int_equal(replay_note(ts, 1, 2, 3, 5), REPLAY_NEW);
        secret(FRONT, second_secret); /* is no takeover */
        assert_int_equal(replay_note(ts, 1, 2, 3, 6), REPLAY_NEW);
        lan_end();
}

static void nodes_are_known_to_speak_qure_until_they_leave(void **s)
{
        lan_begin();
        u32 node = be32_raw(lan_addr[NODE1].v4);
        const struct peer *p = peer_find(ts_of(FRONT), node, 80);
        assert_true(p && p->kind == PEER_MEMBER);
        peer_learn(ts_of(FRONT), node, 25, PEER_PLAIN, NULL, 536); /* one of its services does not */
        assert_int_equal(peer_find(ts_of(FRONT), node, 25)->kind, PEER_PLAIN);
        assert_int_equal(peer_find(ts_of(FRONT), node, 80)->kind, PEER_MEMBER);
        assert_int_equal(handoff_node_del(handoff_of(L.m[FRONT]->st), lan_addr[NODE1]), 0);
        assert_null(peer_find(ts_of(FRONT), node, 80));
        assert_int_equal(handoff_node_add(handoff_of(L.m[FRONT]->st), lan_addr[NODE1]), 0);
        assert_non_null(peer_find(ts_of(FRONT), node, 8080));
        lan_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(cookies_of_one_node_are_good_at_all_others_and_through_one_change),
                test(syn_cookie_lives_through_a_takeover),
                test(sequence_numbers_differ_by_the_clocks_alone), test(data_on_syns_waits_for_a_minute_after_a_takeover),
                test(nodes_are_known_to_speak_qure_until_they_leave),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
