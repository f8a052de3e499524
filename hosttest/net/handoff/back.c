/* back.c - a connection goes back to the front and on from there, packet by packet and with what the client notices of it:
 * nothing. SPDX-License-Identifier: MIT */
#include "switching.h"

static u32 at;
static struct heard *expect(int from, int to, u8 flags, u32 n, const char *label)
{
        if (at >= L.n_seen)
                fail_msg("%s: nothing more was sent", label);
        struct heard *e = &L.seen[at++];
        if (e->from != from || e->to != to || (e->flags & 0x17) != (flags & 0x17) || e->n != n) {
                lan_print();
                fail_msg("%s: segment %u is another: %d>%d flags %x n %u", label, at - 1, e->from, e->to, e->flags, e->n);
        }
        return e;
}

static void no_reset(void)
{
        for (u32 i = 0; i < L.n_seen; i++)
                assert_false(L.seen[i].flags & T_RST && (L.seen[i].to == CLIENT || L.seen[i].from == CLIENT));
}

static void next_request_on_another_node(void **s)
{
        switching_begin(true);
        connect_switching();
        ask('1', 1000);
        lan_run(1000);
        assert_int_equal(L.got, 1000);
        at = L.n_seen;
        ask('2', 500);
        lan_run(1000);
        if (getenv("SHOW"))
                lan_print();
        struct heard *e40 = expect(CLIENT, FRONT, T_ACK, REQUEST, "40");
        expect(FRONT, NODE1, T_ACK, REQUEST, "40 forwarded");
        struct heard *e51 = expect(NODE1, FRONT, T_SYN, BLOCK_BYTES + REQUEST, "51 back");
        assert_true(e51->option && ipaddr_eq(e51->dst, lan_addr[FRONT]) && ipaddr_eq(e51->src, lan_addr[NODE1]));
        assert_int_equal(e51->seq + 1 + BLOCK_BYTES, e40->seq);
        struct heard *e52 = expect(FRONT, NODE1, T_ACK, 0, "52 back");
        assert_int_equal(e52->ack, e40->seq + REQUEST);
        struct heard *e53 = expect(NODE1, FRONT, T_ACK, 0, "53 back");
        assert_int_equal(e53->ack, e52->seq);
        struct heard *f51 = expect(FRONT, NODE2, T_SYN, BLOCK_BYTES + REQUEST, "51 on");
        assert_int_equal(f51->seq, e51->seq);
        expect(NODE2, FRONT, T_ACK, 0, "52 on");
        expect(FRONT, NODE2, T_ACK, 0, "53 on");
        struct heard *e60 = expect(NODE2, CLIENT, T_ACK, 500, "60");
        assert_int_equal(e60->ack, e40->seq + REQUEST);
        assert_int_equal(L.got, 1500);
        assert_false(L.bad);
        struct handoff_counters f = counters(FRONT), n = counters(NODE1);
        assert_int_equal(f.handed, 2);
        assert_int_equal(f.returned, 1);
        assert_int_equal(n.back, 1);
        assert_int_equal(n.owned, 0);
        assert_int_equal(f.flows, 1);
        tcp_close(L.client);
        lan_run(40000);
        assert_int_equal(counters(FRONT).flows, 0);
        assert_int_equal(counters(NODE1).flows, 0); /* its entry of what it gave back */
        assert_int_equal(counters(FRONT).gone, 1);  /* of the second stay alone */
        assert_true(L.closed && !L.err);
        no_reset();
        lan_run(60000);
        lan_end();
}

/* As many as one likes, on whatever machine, the same one again included; also while a reply is on its way. */
static void many_requests_here_and_there(bool ts, bool at_once)
{
        static const char whose[] = "12F112FF21F212";
        switching_begin(ts);
        connect_switching();
        for (const char *c = whose; *c; c++) {
                ask(*c, 7000);
                if (!at_once)
                        lan_run(300);
        }
        lan_run(5000);
        assert_false(L.bad);
        assert_int_equal(L.got, L.want);
        assert_int_equal(answered[FRONT], 4);
        assert_int_equal(answered[NODE1], 5);
        assert_int_equal(answered[NODE2], 5);
        assert_int_equal(refused_back, 0);
        tcp_close(L.client);
        lan_run(40000);
        assert_true(L.closed && !L.err);
        no_reset();
        for (int i = FRONT; i < MACHINES; i++) {
                assert_int_equal(counters(i).flows, 0);
                assert_int_equal(counters(i).owned, 0);
                assert_int_equal(counters(i).forged, 0);
        }
        lan_run(60000);
        lan_end();
}
static void requests_one_by_one(void **s) { many_requests_here_and_there(true, false); }
static void requests_sent_ahead(void **s) { many_requests_here_and_there(false, true); }

/* Only the node that the entry names may give back, and only what was given to it that time. */
static struct frame old[64];
static u32 n_old;
static bool keep_all_of_node1(int from, int to, const struct frame *f, u32 number)
{
        if (from == NODE1 && to == FRONT && f->b[12] == 8 && !memcmp(f->b + 26, &lan_addr[NODE1], 4) && n_old < 64) {
                old[n_old] = (struct frame){f->n, malloc(f->n)};
                memcpy(old[n_old++].b, f->b, f->n);
        }
        return false;
}

static void giving_back_told_again_moves_nothing(void **s)
{
        switching_begin(true);
        n_old = 0;
        L.lose = keep_all_of_node1;
        connect_switching();
        ask('1', 100);
        lan_run(100);
        ask('2', 100);
        lan_run(100);
        ask('1', 100); /* it is there again, under another number */
        lan_run(100);
        L.lose = NULL;
        assert_true(n_old >= 4);
        u32 returned = counters(FRONT).returned;
        for (u32 i = 0; i < n_old; i++) {
                wire_rx(L.m[FRONT], old[i].b, old[i].n);
                free(old[i].b);
        }
        lan_run(100);
        ask('1', 100);
        lan_run(300);
        assert_int_equal(L.got, 400);
        assert_int_equal(counters(FRONT).returned, returned);
        assert_int_equal(counters(FRONT).flows, 1);
        tcp_close(L.client);
        lan_run(100000);
        lan_end();
}

static bool no_52(int from, int to, const struct frame *f, u32 number)
{
        struct option144 o;
        struct seg g;
        return from == FRONT && to == NODE1 && f->b[23] == 6 && !memcmp(f->b + 26, &lan_addr[FRONT], 4) &&
               parse_tcp(L.m[FRONT], f, &g) && option144_find(g.opts, g.n_opts, OPTION144, &o) && (g.flags & T_ACK) &&
               g.sport == 80;
}

/* 52 does not come through: the node says that it withdraws, goes on itself, and the front passes on what it had kept. */
static void front_that_is_not_heard(void **s)
{
        switching_begin(true);
        connect_switching();
        ask('1', 100);
        lan_run(100);
        L.lose = no_52;
        ask('2', 100);
        lan_run(4000);
        assert_int_equal(L.got, 200);
        assert_int_equal(answered[NODE1], 2);
        assert_int_equal(counters(NODE1).silent, 1);
        assert_int_equal(counters(FRONT).withdrawn, 1);
        L.lose = NULL;
        ask('1', 100);
        lan_run(400);
        assert_int_equal(L.got, 300);
        ask('F', 100);
        lan_run(400);
        assert_int_equal(L.got, 400);
        assert_int_equal(answered[FRONT], 1);
        no_reset();
        tcp_close(L.client);
        lan_run(100000);
        lan_end();
}

static bool dies_of_52(int from, int to, const struct frame *f, u32 number)
{
        L.dead[NODE1] |= no_52(from, to, f, number);
        return L.dead[to];
}

static void node_dies_while_it_gives_back(void **s)
{
        switching_begin(true);
        connect_switching();
        ask('1', 100);
        lan_run(100);
        L.lose = dies_of_52; /* 40, 51, 52: and 53 is never sent */
        ask('2', 100);
        lan_run(10000);
        assert_int_equal(counters(FRONT).adopted, 1);
        lan_run(20000);
        assert_int_equal(counters(FRONT).abandoned, 1);
        assert_int_equal(counters(FRONT).flows, 1); /* in doubt: it may still be the node's */
        lan_run(250000);
        assert_int_equal(counters(FRONT).flows, 0);
        assert_int_equal(L.got, 100);
        assert_true(L.closed && L.reset);
        assert_true(counters(FRONT).forwarded < 20);
        lan_end();
}

static bool no_word_of_node1(int from, int to, const struct frame *f, u32 number)
{
        bool syn = f->b[23] == 6 && (f->b[47] & 2);
        keep_all_of_node1(from, to, f, number);
        return from == NODE1 && to == FRONT && f->b[12] == 8 && !memcmp(f->b + 26, &lan_addr[NODE1], 4) && !syn;
}

/* Neither 53 nor any notice comes through: the front does not guess, and a late copy of 51 moves nothing (back_taken_while_in_doubt
 * of hosttest/spin). */
static void front_in_doubt_waits_for_the_nodes_word(void **s)
{
        switching_begin(true);
        connect_switching();
        ask('1', 100);
        lan_run(100);
        n_old = 0;
        L.lose = no_word_of_node1;
        ask('2', 100);
        lan_run(25000);
        u32 adopted = counters(FRONT).adopted, forwarded = counters(FRONT).forwarded;
        assert_int_equal(counters(FRONT).abandoned, 1);
        assert_true(n_old > 0);
        wire_rx(L.m[FRONT], old[0].b, old[0].n); /* 51 */
        lan_run(20000);
        assert_int_equal(counters(FRONT).adopted, adopted);
        assert_int_equal(counters(FRONT).forwarded, forwarded);
        L.lose = NULL;
        lan_run(60000); /* the client asks again, the front asks the node, and that has nothing */
        assert_int_equal(counters(FRONT).gone, 1);
        assert_true(L.closed && L.reset);
        for (u32 i = 0; i < n_old; i++)
                free(old[i].b);
        lan_run(60000);
        lan_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
            test(next_request_on_another_node),         test(requests_one_by_one),     test(requests_sent_ahead),
            test(giving_back_told_again_moves_nothing), test(front_that_is_not_heard), test(node_dies_while_it_gives_back),
            test(front_in_doubt_waits_for_the_nodes_word),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
