/* early.c - early clients through the handoff: the request came with the SYN, nobody answered the SYN yet, and the node does, as
 * if there were no front. Labels are the seed's. SPDX-License-Identifier: MIT */
#include "early.h"

static u32 at;

/* The next segment of the LAN from one machine to another; between them others may have passed. */
static struct heard *expect(int from, int to, ipaddr src, ipaddr dst, u8 flags, u32 n, const char *label)
{
        struct heard *e = NULL;
        for (; at < L.n_seen && !e; at++)
                if (L.seen[at].from == from && L.seen[at].to == to)
                        e = &L.seen[at];
        if (!e)
                fail_msg("%s did not come", label);
        if (!ipaddr_eq(e->src, src) || !ipaddr_eq(e->dst, dst) || (e->flags & ~T_PSH) != flags || e->n != n) {
                lan_print();
                fail_msg("%s is flags %x with %u bytes", label, e->flags, e->n);
        }
        return e;
}

static u32 segments(int from, int to)
{
        u32 n = 0;
        for (u32 i = 0; i < L.n_seen; i++)
                n += L.seen[i].from == from && L.seen[i].to == to;
        return n;
}

static void finished(u32 got)
{
        for (u32 i = 0; i < 100 && L.client; i++)
                lan_run(100);
        if (getenv("SHOW"))
                lan_print();
        assert_false(L.bad);
        assert_int_equal(L.got, got);
        assert_int_equal(L.err, 0);
        assert_int_equal(L.answers, 1);
}

static void end(void)
{
        lan_skip(100);
        for (int i = FRONT; i < MACHINES; i++) {
                const struct tcp_state *ts = L.m[i]->st->tcp;
                assert_int_equal(ts->n_tcbs + ts->n_fastopen + ts->conv->n_used, 0);
                assert_int_equal(counters(i).flows + counters(i).owned + counters(i).transfers, 0);
        }
        lan_end();
}

#define C_ lan_addr[CLIENT]
#define P_ lan_addr[FRONT]
#define S_ lan_addr[NODE1]

/* R69 to R71 with the client of R47: three packets, and the second comes from the node. */
static void qure_client_sees_three_packets_and_the_second_is_the_nodes(void **s)
{
        early_begin(QURE);
        at = 0;
        ask(QURE, 1000, 10);
        finished(1000);
        struct heard *e10 = expect(CLIENT, FRONT, C_, SERVICE, T_SYN | T_FIN, 10, "10");
        struct heard *e51 = expect(FRONT, NODE1, P_, S_, T_SYN | T_FIN, BLOCK_BYTES + 10, "51");
        assert_int_equal(e51->seq, e10->seq + 1 - 1 - BLOCK_BYTES);
        struct heard *e52 = expect(NODE1, FRONT, S_, P_, T_ACK, 0, "52");
        assert_int_equal(e52->ack, e10->seq + 12);
        expect(FRONT, NODE1, P_, S_, T_ACK, 0, "53");
        struct heard *e20 = expect(NODE1, CLIENT, SERVICE, C_, T_SYN | T_ACK | T_FIN, 1000, "20");
        assert_true(e20->option);
        assert_int_equal(e20->ack, e10->seq + 12);
        struct heard *e30 = expect(CLIENT, FRONT, C_, SERVICE, T_ACK, 0, "30");
        assert_int_equal(e30->ack, e20->seq + 1002);
        struct heard *f30 = expect(FRONT, NODE1, C_, SERVICE, T_ACK, 0, "30 forwarded");
        assert_int_equal(f30->seq, e30->seq);
        assert_int_equal(segments(CLIENT, FRONT), 2);
        assert_int_equal(segments(FRONT, CLIENT), 0);
        assert_int_equal(segments(NODE1, CLIENT), 1);
        end();
}

/* RFC 7413 figure 2: the SYN,ACK and the data behind it are the node's. */
static void fast_open_client_is_answered_by_the_node(void **s)
{
        early_begin(FASTOPEN);
        at = 0;
        ask(FASTOPEN, 1000, 10);
        finished(1000);
        struct heard *e10 = expect(CLIENT, FRONT, C_, SERVICE, T_SYN, 10, "10");
        struct heard *e51 = expect(FRONT, NODE1, P_, S_, T_SYN, BLOCK_BYTES + 10, "51");
        assert_int_equal(e51->seq, e10->seq + 1 - 1 - BLOCK_BYTES);
        expect(NODE1, FRONT, S_, P_, T_ACK, 0, "52");
        expect(FRONT, NODE1, P_, S_, T_ACK, 0, "53");
        struct heard *e20 = expect(NODE1, CLIENT, SERVICE, C_, T_SYN | T_ACK, 0, "20");
        assert_int_equal(e20->ack, e10->seq + 11);
        struct heard *e60 = expect(NODE1, CLIENT, SERVICE, C_, T_ACK, 1000, "60"); /* FIN waits for the handshake */
        assert_int_equal(e60->seq, e20->seq + 1);
        assert_int_equal(segments(FRONT, CLIENT), 0);
        end();
}

/* Its first flight is a part of the request: the front needs the rest, so it answers the SYN. */
static void request_that_only_begins_in_the_syn(void **s)
{
        for (u32 kind = FASTOPEN; kind < CLIENT_KINDS; kind++) {
                early_begin(kind);
                ask(kind, 50000, 20000);
                finished(50000);
                assert_true(segments(FRONT, CLIENT) > 0);
                assert_int_equal(counters(NODE1).confirmed, 1);
                end();
        }
}

/* All of the request is in the SYN, the reply is long. */
static void long_reply_to_an_early_client(void **s)
{
        for (u32 kind = FASTOPEN; kind < CLIENT_KINDS; kind++) {
                early_begin(kind);
                ask(kind, 300000, 10);
                finished(300000);
                assert_int_equal(segments(FRONT, CLIENT), 0);
                end();
        }
}

static u32 cut_until;
static bool cut(int from, int to, const struct frame *f, u32 number)
{
        return (from == FRONT && to == NODE1) && (u32)(L.m[FRONT]->now_us / 1000) - cut_until > 1u << 31;
}

/* The node does not answer in time: the front answers the SYN, and the handoff goes on without the client waiting. */
static void slow_node_does_not_keep_the_clients_syn_waiting(void **s)
{
        for (u32 kind = FASTOPEN; kind < CLIENT_KINDS; kind++) {
                early_begin(kind);
                u64 began = L.m[FRONT]->now_us;
                cut_until = (u32)(began / 1000) + 400;
                L.lose = cut;
                ask(kind, 5000, 10);
                lan_run(149);
                assert_int_equal(segments(FRONT, CLIENT), 0);
                lan_run(2);
                assert_int_equal(segments(FRONT, CLIENT), 1);
                assert_int_equal(counters(FRONT).answered, 1);
                finished(5000);
                assert_int_equal(segments(CLIENT, FRONT) >= 2, 1);
                assert_int_equal(counters(NODE1).confirmed, 1);
                assert_int_equal(counters(FRONT).silent, 0);
                for (u32 i = 0; i < L.n_seen; i++)
                        if (L.seen[i].from == CLIENT && L.seen[i].flags & T_SYN)
                                assert_ptr_equal(&L.seen[i], &L.seen[0]); /* the client did not repeat itself */
                end();
        }
}

static void lost_52(int kind)
{
        early_begin(kind);
        L.targets[0] = lan_addr[NODE1];
        L.targets[1] = lan_addr[NODE2];
        ask(kind, 5000, 10);
}

static void node_that_refuses_then_the_next_and_the_syn_waits_for_it(void **s)
{
        for (u32 kind = FASTOPEN; kind < CLIENT_KINDS; kind++) {
                lost_52(kind);
                tcp_unlisten(listener_find(L.m[NODE1]->st->tcp, SERVICE, 80));
                finished(5000);
                assert_int_equal(counters(NODE2).confirmed, 1);
                assert_int_equal(segments(FRONT, CLIENT), 0);
                end();
        }
}

static void no_node_answers_and_the_front_serves_the_early_client(void **s)
{
        for (u32 kind = FASTOPEN; kind < CLIENT_KINDS; kind++) {
                lost_52(kind);
                L.dead[NODE1] = L.dead[NODE2] = true;
                finished(5000);
                assert_int_equal(L.fallback, 1);
                assert_int_equal(counters(FRONT).silent, 2);
                L.dead[NODE1] = L.dead[NODE2] = false;
                end();
        }
}

/* --- who is not where he says --- */

static void only_member(void)
{
        early_begin(PLAIN);
        tcp_peer_member(L.m[CLIENT]->st, SERVICE, 80); /* it speaks QuRe, but it gave no cookie */
}

/* A reply that fits three times what came goes out at once, and no more, whoever sends it. */
static void unproven_client_gets_three_times_at_most_from_the_node_too(void **s)
{
        for (u32 reply = 50; reply < 20000; reply = reply * 3 / 2) {
                u32 in;
                only_member();
                ask(QURE, reply, 200);
                finished(reply);
                u32 out = bytes_before_proof(0, &in);
                assert_in_range(out, 1, 3 * in);
                assert_int_equal(counters(NODE1).confirmed, 1);
                end();
        }
}

static bool deaf(int from, int to, const struct frame *f, u32 number)
{
        return to == CLIENT && f->b[13] == 0; /* IP */
}


/* It never hears an answer: it is not there. Repetitions count, those of the client's plain retry too. */
static void spoofed_syn_is_not_worth_sending(void **s)
{
        u32 in;
        only_member();
        ask(QURE, 400, 300);
        L.lose = deaf;
        lan_run(900); /* before the client itself tries again */
        tcp_abort(L.client);
        L.client = NULL;
        lan_skip(60);
        u32 out = bytes_before_proof(0, &in);
        assert_true(out > in);
        if (out > 3 * in + 3 * 60) /* SYN,ACKs without data are exempt, and few */
                fail_msg("%u bytes for %u", out, in);
        assert_int_equal(counters(NODE1).confirmed, 1);
        L.lose = NULL;
        end();
}

/* --- who says it twice --- */

static struct frame first;
static bool keep_first(int from, int to, const struct frame *f, u32 number)
{
        if (from == CLIENT && !first.b) {
                first = (struct frame){f->n, malloc(f->n)};
                memcpy(first.b, f->b, f->n);
        }
        return false;
}

static void again(int to)
{
        memcpy(first.b, L.m[to]->nif.mac.b, 6);
        wire_rx(L.m[to], first.b, first.n);
        lan_run(10);
}

static void replayed_syn_runs_its_request_once_wherever_it_is_sent(void **s)
{
        for (u32 kind = FASTOPEN; kind < CLIENT_KINDS; kind++) {
                early_begin(kind);
                first.b = NULL;
                L.lose = keep_first;
                ask(kind, 5000, 10);
                lan_run(1);
                again(FRONT);
                again(NODE1);
                finished(5000);
                for (u32 seconds = 0; seconds < 55; seconds += 5) { /* while the flow lives, and behind it */
                        for (int to = FRONT; to < MACHINES; to++)
                                again(to);
                        lan_skip(5);
                }
                assert_int_equal(L.answers, 1);
                assert_int_equal(counters(NODE1).confirmed + counters(NODE2).confirmed, 1);
                free(first.b);
                end();
        }
}

static bool keep_first_and_lose_replies(int from, int to, const struct frame *f, u32 number)
{
        keep_first(from, to, f, number);
        return deaf(from, to, f, number);
}

static void lost_answer_is_repeated_by_the_node_when_the_syn_is(void **s)
{
        for (u32 kind = FASTOPEN; kind < CLIENT_KINDS; kind++) {
                early_begin(kind);
                first.b = NULL;
                L.lose = keep_first_and_lose_replies;
                ask(kind, 500, 10);
                for (u32 n = 1; n < 4; n++) {
                        lan_run(20);
                        u32 answered = 0;
                        for (u32 i = 0; i < L.n_seen; i++)
                                answered += L.seen[i].from == NODE1 && (L.seen[i].flags & (T_SYN | T_ACK)) == (T_SYN | T_ACK);
                        assert_int_equal(answered, n);
                        again(FRONT);
                }
                assert_int_equal(L.answers, 1);
                free(first.b);
                tcp_abort(L.client);
                L.client = NULL;
                L.lose = NULL;
                lan_skip(200);
                end();
        }
}

/* The front started anew, or took the address over: it cannot know what was used. */
static void data_waits_while_the_front_is_new(void **s)
{
        for (u32 kind = FASTOPEN; kind < CLIENT_KINDS; kind++) {
                early_begin(kind);
                tcp_takeover(L.m[FRONT]->st);
                ask(kind, 5000, 10);
                finished(5000);
                assert_int_equal(segments(FRONT, CLIENT) > 0, 1);
                assert_int_equal(counters(NODE1).confirmed, 1);
                end();
        }
}

/* --- conversations that go on --- */

static u32 rounds;
static void talk(struct tcb *t)
{
        const u8 *p;
        u32 n;
        while ((n = tcp_peek(t, 0, &p)) != 0) {
                L.got += n;
                tcp_consume(t, n);
        }
        if (!tcp_eof(t) || L.got != L.want)
                return;
        if (!--rounds) {
                tcp_close(t);
                return;
        }
        L.want += 700;
        L.targets[0] = lan_addr[NODE1]; /* from the second request on */
        L.asked = 0;
        assert_int_equal(tcp_reopen(t), 0);
        assert_int_equal(tcp_send(t, "G00000700\n", 10), 10);
        tcp_shutdown(t);
        L.talk_on = rounds > 1;
}
static const struct tcp_events talk_events = {.readable = talk, .closed = client_closed};

/* R41, R52: the next request opens the channel again, and the rules send it elsewhere. */
static void follow_up_request_of_an_open_conversation_moves(void **s)
{
        early_begin(QURE);
        L.targets[0] = IPADDR_ANY;
        rounds = 3;
        L.talk_on = true;
        ask(QURE, 1000, 10);
        tcp_set_events(L.client, &talk_events);
        for (u32 i = 0; i < 100 && L.client; i++)
                lan_run(100);
        if (getenv("SHOW"))
                lan_print();
        assert_int_equal(L.got, 2400);
        assert_int_equal(L.err, 0);
        assert_int_equal(L.answers, 3);
        assert_int_equal(counters(NODE1).confirmed, 1); /* the third stays there */
        end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(qure_client_sees_three_packets_and_the_second_is_the_nodes),
                test(fast_open_client_is_answered_by_the_node),
                test(request_that_only_begins_in_the_syn),
                test(long_reply_to_an_early_client),
                test(slow_node_does_not_keep_the_clients_syn_waiting),
                test(node_that_refuses_then_the_next_and_the_syn_waits_for_it),
                test(no_node_answers_and_the_front_serves_the_early_client),
                test(unproven_client_gets_three_times_at_most_from_the_node_too),
                test(spoofed_syn_is_not_worth_sending),
                test(replayed_syn_runs_its_request_once_wherever_it_is_sent),
                test(lost_answer_is_repeated_by_the_node_when_the_syn_is),
                test(data_waits_while_the_front_is_new),
                test(follow_up_request_of_an_open_conversation_moves),
        };
        if (getenv("ONLY"))
                cmocka_set_test_filter(getenv("ONLY"));
        return cmocka_run_group_tests(tests, NULL, NULL);
}
