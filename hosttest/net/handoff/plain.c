/* plain.c - the handoff of a plain client, packet by packet with the labels of the seed (R69 to R72, R77, R78).
 * SPDX-License-Identifier: MIT */
#include "lan.h"

/* The next segment seen, retransmissions apart, is this. */
static u32 at;
static struct heard *expect(int from, int to, ipaddr src, ipaddr dst, u8 flags, u32 n, const char *label)
{
        if (at >= L.n_seen)
                fail_msg("%s: nothing more was sent", label);
        struct heard *e = &L.seen[at++];
        if (e->from != from || e->to != to || !ipaddr_eq(e->src, src) || !ipaddr_eq(e->dst, dst) ||
            (e->flags & 0x17) != (flags & 0x17) || e->n != n) {
                lan_print();
                fail_msg("%s: segment %u is another: %d>%d flags %x n %u", label, at - 1, e->from, e->to, e->flags, e->n);
        }
        return e;
}

static void compatible_sequence_of_a_lame_client(void **s)
{
        lan_begin();
        at = 0;
        connect_client(1000);
        lan_run(3000);
        if (getenv("SHOW"))
                lan_print();
        const ipaddr c = lan_addr[CLIENT], p = lan_addr[FRONT], n = lan_addr[NODE1], v = SERVICE;
        struct heard *e10 = expect(CLIENT, FRONT, c, v, T_SYN, 0, "10");
        struct heard *e20 = expect(FRONT, CLIENT, v, c, T_SYN | T_ACK, 0, "20");
        struct heard *e40 = expect(CLIENT, FRONT, c, v, T_ACK, 10, "30, 40");
        struct heard *e51 = expect(FRONT, NODE1, p, n, T_SYN, BLOCK_BYTES + 10, "51");
        assert_true(e51->option && (e51->flags & T_PSH));
        assert_int_equal(e51->seq, e10->seq + 1 - 1 - BLOCK_BYTES); /* so that replayed bytes carry the client's numbers */
        assert_int_equal(e51->sport, e10->sport);
        assert_int_equal(e51->dport, 80);
        struct heard *e52 = expect(NODE1, FRONT, n, p, T_ACK, 0, "52");
        assert_true(e52->option);
        assert_int_equal(e52->ack, e40->seq + 10);
        struct heard *e53 = expect(FRONT, NODE1, p, n, T_ACK, 0, "53");
        assert_true(e53->option);
        assert_int_equal(e53->ack, e52->seq);
        struct heard *e60 = expect(NODE1, CLIENT, v, c, T_ACK | T_FIN, 1000, "60, 70");
        assert_int_equal(e60->seq, e20->seq + 1);
        assert_int_equal(e60->ack, e40->seq + 10);
        struct heard *e80 = expect(CLIENT, FRONT, c, v, T_ACK | T_FIN, 0, "80 to the front");
        struct heard *f80 = expect(FRONT, NODE1, c, v, T_ACK | T_FIN, 0, "80 forwarded");
        assert_int_equal(e80->seq, f80->seq);
        expect(NODE1, CLIENT, v, c, T_ACK, 0, "90");
        assert_int_equal(L.got, 1000);
        assert_false(L.bad);
        assert_int_equal(counters(FRONT).handed, 1);
        assert_int_equal(counters(NODE1).confirmed, 1);
        assert_int_equal(counters(FRONT).flows, 1);
        /* TIME_WAIT on the node is over: the front is told */
        lan_run(10000);
        assert_int_equal(counters(FRONT).flows, 0);
        assert_int_equal(counters(FRONT).gone, 1);
        lan_run(30000);
        lan_end();
}


static void long_reply_with_acknowledgements_through_the_front(void **s)
{
        lan_begin();
        connect_client(300000);
        lan_run(3000);
        assert_int_equal(L.got, 300000);
        assert_false(L.bad);
        assert_true(L.closed && !L.err);
        assert_true(counters(FRONT).forwarded > 20);
        for (u32 i = 0; i < L.n_seen; i++)
                if (L.seen[i].n > 500)
                        assert_int_equal(L.seen[i].from, NODE1); /* the front sees no byte of the reply */
        lan_run(100000);
        lan_end();
}

static void node_without_listener_refuses_and_the_next_is_asked(void **s)
{
        lan_begin();
        tcp_unlisten(listener_find(L.m[NODE1]->st->tcp, SERVICE, 80));
        L.targets[1] = lan_addr[NODE2];
        connect_client(5000);
        lan_run(3000);
        assert_int_equal(L.got, 5000);
        assert_int_equal(counters(FRONT).refused[HANDOFF_LISTENER], 1);
        assert_int_equal(counters(NODE1).refusals[HANDOFF_LISTENER], 1);
        assert_int_equal(counters(NODE2).confirmed, 1);
        lan_run(100000);
        lan_end();
}

static void silent_node_then_the_next(void **s)
{
        lan_begin();
        L.dead[NODE1] = true;
        L.targets[1] = lan_addr[NODE2];
        connect_client(5000);
        lan_run(8000);
        assert_int_equal(L.got, 5000);
        assert_int_equal(counters(FRONT).silent, 1);
        assert_int_equal(counters(NODE2).confirmed, 1);
        lan_run(100000);
        lan_end();
}

/* Reply by reply, each on a connection of its own from one port, n of them; between() happens before the next. Each time the node
 * closes first and keeps the connection in TIME_WAIT. */
static void from_one_port(u32 n, void (*between)(const struct tcp_names *))
{
        struct tcp_names names;
        int err;
        connect_client(1000);
        tcp_names(L.client, &names);
        for (u32 i = 1;; i++) {
                lan_run(50); /* less than the client's second SYN would take */
                assert_int_equal(L.got, 1000);
                assert_int_equal(L.closed, i);
                assert_int_equal(counters(FRONT).handed, i);
                assert_int_equal(counters(NODE1).owned, 1);
                if (i == n)
                        return;
                if (between)
                        between(&names);
                L.got = L.asked = 0;
                L.client = tcp_connect(L.m[CLIENT]->st, IPADDR_ANY, names.lport, SERVICE, 80, &client_events, NULL, &L.copts, &err);
                assert_non_null(L.client);
                assert_int_equal(tcp_send(L.client, "G00001000\n", 10), 10);
        }
}

static void the_front_forgets(const struct tcp_names *n)
{
        struct tuples *f = &handoff_of(L.m[FRONT]->st)->flows;
        u32 ports = (u32)__builtin_bswap16(n->lport) | (u32)__builtin_bswap16(80) << 16;
        flow_del(f, flow_find(f, be32_raw(lan_addr[CLIENT].v4), be32_raw(SERVICE.v4), ports));
}

static void handoff_replaces_time_wait_and_what_was_known_of_it(void **s)
{
        lan_begin();
        from_one_port(20, the_front_forgets);
        lan_run(200000);
        assert_int_equal(counters(FRONT).flows + counters(NODE1).owned, 0);
        lan_end();
}

static void port_used_again_opens_at_once(void **s)
{
        lan_begin();
        from_one_port(20, NULL);
        lan_run(200000);
        assert_int_equal(counters(FRONT).flows + counters(FRONT).expired + counters(FRONT).stray, 0);
        lan_end();
}

static void no_node_at_all_and_the_front_answers_itself(void **s)
{
        lan_begin();
        L.dead[NODE1] = L.dead[NODE2] = true;
        L.targets[1] = lan_addr[NODE2];
        connect_client(5000);
        lan_run(10000);
        assert_int_equal(L.fallback, 1);
        assert_int_equal(L.got, 5000);
        assert_false(L.bad);
        lan_run(100000);
        lan_end();
}

static void without_the_secret_nothing_is_taken(void **s)
{
        static const u8 other[16] = "another 16 bytes";
        lan_begin();
        assert_int_equal(handoff_secret(handoff_of(L.m[NODE1]->st), other, 16), 0);
        assert_int_equal(handoff_secret(handoff_of(L.m[NODE1]->st), (const u8 *)"a third of sixteen", 16), 0);
        connect_client(100);
        lan_run(8000);
        assert_true(counters(NODE1).forged >= 1);
        assert_int_equal(counters(NODE1).adopted, 0);
        assert_int_equal(L.fallback, 1);
        assert_int_equal(L.got, 100);
        lan_run(100000);
        lan_end();
}

static void two_secrets_while_the_cluster_changes(void **s)
{
        static const u8 next[16] = "the next secret.";
        lan_begin();
        assert_int_equal(handoff_secret(handoff_of(L.m[NODE1]->st), next, 16), 0); /* the front still has the old one */
        connect_client(100);
        lan_run(20000);
        assert_int_equal(L.got, 100);
        assert_int_equal(counters(FRONT).gone, 1); /* notices, too */
        assert_int_equal(handoff_secret(handoff_of(L.m[FRONT]->st), next, 16), 0);
        L.got = L.asked = 0;
        connect_client(100);
        lan_run(20000);
        assert_int_equal(L.got, 100);
        assert_int_equal(counters(FRONT).handed, 2);
        assert_int_equal(counters(FRONT).gone, 2);
        assert_int_equal(counters(FRONT).retried + counters(FRONT).forged + counters(NODE1).forged, 0);
        lan_run(100000);
        lan_end();
}

/* Frames that were on the LAN, told again. */
static struct frame old[8];
static u32 n_old;
static bool keep_51_and_53(int from, int to, const struct frame *f, u32 number)
{
        if (from == FRONT && to == NODE1 && f->b[12] == 8 && !memcmp(f->b + 26, &lan_addr[FRONT], 4) && n_old < 8) {
                old[n_old] = (struct frame){f->n, malloc(f->n)};
                memcpy(old[n_old++].b, f->b, f->n);
        }
        return false;
}

static void replayed_handoff_starts_nothing(void **s)
{
        lan_begin();
        n_old = 0;
        L.lose = keep_51_and_53;
        connect_client(1000);
        lan_run(20000);
        L.lose = NULL;
        assert_int_equal(L.got, 1000);
        u32 seen = L.n_seen;
        assert_true(n_old >= 2);
        for (u32 i = 0; i < n_old; i++) {
                wire_rx(L.m[NODE1], old[i].b, old[i].n);
                free(old[i].b);
        }
        lan_run(40000);
        assert_int_equal(counters(NODE1).confirmed, 1);
        assert_int_equal(counters(NODE1).abandoned, 1);
        for (u32 i = seen; i < L.n_seen; i++)
                assert_false(L.seen[i].to == CLIENT);
        lan_end();
}

static void handoff_from_a_stranger_is_dropped(void **s)
{
        lan_begin();
        assert_int_equal(handoff_node_del(handoff_of(L.m[NODE1]->st), lan_addr[FRONT]), 0);
        connect_client(100);
        lan_run(8000);
        assert_true(counters(NODE1).strangers >= 1);
        assert_int_equal(L.fallback, 1);
        lan_run(100000);
        lan_end();
}

static void packet_for_no_connection_draws_no_reset_from_a_silent_address(void **s)
{
        u8 f[200];
        lan_begin();
        struct seg g = {4000, 80, 5, 6, T_ACK, 1000, NULL, 0, "x", 1, 0};
        u32 n = build_tcp(L.m[CLIENT], f, &g);
        memcpy(f, L.m[NODE1]->nif.mac.b, 6);
        memcpy(f + 6, L.m[CLIENT]->nif.mac.b, 6);
        memcpy(f + 26, &lan_addr[CLIENT], 4);
        memcpy(f + 30, &(ipaddr){SERVICE.v4}, 4);
        f[24] = f[25] = 0;
        build_ip(f + 14, lan_addr[CLIENT], SERVICE, 6, n - 34);
        u8 *t = f + 34;
        t[16] = t[17] = 0;
        u32 sum = 0;
        u8 ph[12];
        memcpy(ph, &lan_addr[CLIENT], 4);
        ipaddr v = SERVICE;
        memcpy(ph + 4, &v, 4);
        ph[8] = 0, ph[9] = 6, ph[10] = 0, ph[11] = (u8)(n - 34);
        for (u32 i = 0; i < 12; i += 2)
                sum += (u32)(ph[i] << 8 | ph[i + 1]);
        for (u32 i = 0; i < n - 34; i += 2)
                sum += (u32)(t[i] << 8 | (i + 1 < n - 34 ? t[i + 1] : 0));
        while (sum >> 16)
                sum = (sum & 0xffff) + (sum >> 16);
        t[16] = (u8)(~sum >> 8);
        t[17] = (u8)~sum;
        wire_rx(L.m[NODE1], f, n);
        lan_run(100);
        assert_int_equal(counters(NODE1).unknown, 1);
        for (u32 i = 0; i < L.n_seen; i++)
                assert_false(L.seen[i].from == NODE1 && L.seen[i].flags & T_RST);
        lan_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(compatible_sequence_of_a_lame_client),
                test(long_reply_with_acknowledgements_through_the_front),
                test(node_without_listener_refuses_and_the_next_is_asked),
                test(silent_node_then_the_next),
                test(handoff_replaces_time_wait_and_what_was_known_of_it),
                test(port_used_again_opens_at_once),
                test(no_node_at_all_and_the_front_answers_itself),
                test(without_the_secret_nothing_is_taken),
                test(two_secrets_while_the_cluster_changes),
                test(replayed_handoff_starts_nothing),
                test(handoff_from_a_stranger_is_dropped),
                test(packet_for_no_connection_draws_no_reset_from_a_silent_address),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
