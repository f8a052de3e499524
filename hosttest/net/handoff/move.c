/* move.c - export and adopt by themselves: a connection in the middle of its work goes to another machine, unacknowledged and
 * unsent bytes, unread bytes and FINs included, and the client's TCP notices nothing. SPDX-License-Identifier: MIT */
#include "lan.h"

/* Moves the only connection of FRONT to NODE1 without the wire in between. */
static struct tcb *server_tcb(int machine)
{
        struct tcp_state *ts = L.m[machine]->st->tcp;
        for (u32 i = 0; i < ts->n_pool; i++)
                if (ts->pool[i].ports && tcb_lport(&ts->pool[i]) == 80)
                        return &ts->pool[i];
        return NULL;
}

static void hand(struct tcb *t, u32 piece)
{
        struct control_block b, c;
        u8 wire[BLOCK_MAX];
        static u8 bytes[1 << 20];
        struct stack *st = L.m[NODE1]->st;
        struct tcb *n;
        assert_true(tcb_movable(t));
        tcb_freeze(t);
        tcb_export(t, &b);
        block_put(wire, &b);
        assert_true(block_get(wire, BLOCK_BYTES, &c));
        u32 all = b.snd_bytes + b.rcv_bytes;
        for (u32 off = 0; off < all; off += 333)
                tcb_export_bytes(t, off, bytes + off, min_u32(333, all - off));
        struct pktq q;
        pktq_init(&q);
        for (u32 off = 0; off < all; off += piece) {
                struct pkt *p = pkt_alloc(&st->pkts, PKT_HEADROOM);
                pkt_append(p, bytes + off, min_u32(piece, all - off));
                pktq_put(&q, p);
        }
        struct listener *l = listener_find(st->tcp, SERVICE, 80);
        assert_int_equal(tcb_adopt(st->tcp, l, &c, &q, &n), HANDOFF_OK);
        u32 tsval = tcb_now_ms(t) + t->ts_off;
        if (t->flags & TF_TS)
                assert_int_equal(tcb_now_ms(n) + n->ts_off, tsval + 1);
        assert_int_equal(n->rcv_adv, t->rcv_adv);
        assert_int_equal(n->rcv_scale, t->rcv_scale);
        assert_int_equal(n->state, t->state);
        assert_int_equal(n->snd_queued, t->snd_queued);
        assert_int_equal(tcp_unsent(n), tcp_unsent(t));
        assert_int_equal(n->flags & (TF_EOF | TF_FIN_QUEUED | TF_ACTIVE_CLOSE),
                         t->flags & (TF_EOF | TF_FIN_QUEUED | TF_ACTIVE_CLOSE));
        t->ev = &tcp_no_events;
        tcb_free(t);
        struct flow_table *f = &handoff_of(L.m[FRONT]->st)->flows;
        struct flow *e = flow_add(f, n->raddr, n->laddr, n->ports);
        e->state = FLOW_ACTIVE;
        e->node = (u8)handoff_node_index(handoff_of(L.m[FRONT]->st), lan_addr[NODE1]);
        tcb_start(n);
        stack_batch_end(st);
}

static u32 stop_at, moved;
static bool hold(int from, int to, const struct frame *f, u32 number) { return number >= stop_at; }

static void in_mid_reply(bool ts, u32 at, u32 piece)
{
        lan_begin();
        L.targets[0] = IPADDR_ANY;
        L.copts = (struct tcp_opts){.no_timestamps = !ts, .no_sack = !ts, .no_wscale = !ts, .rcvbuf = 20000};
        stop_at = at;
        L.lose = hold;
        connect_client(100000);
        lan_run(5);
        struct tcb *t = server_tcb(FRONT);
        if (t && tcb_movable(t)) {
                moved++;
                hand(t, piece);
                L.lose = NULL;
                lan_run(20000);
                assert_int_equal(counters(NODE1).unknown, 0);
        }
        L.lose = NULL;
        lan_run(20000);
        assert_false(L.bad);
        assert_int_equal(L.got, 100000);
        assert_true(L.closed && !L.err);
        for (u32 i = 0; i < L.n_seen; i++)
                assert_false(L.seen[i].flags & T_RST);
        lan_run(70000);
        lan_end();
}

static void reply_under_way_at_every_frame(void **s)
{
        for (u32 at = 3; at < 60; at += 3)
                in_mid_reply(at & 1, at, at % 2 ? 1400 : 700);
        assert_true(moved > 12);
}

static void unread_bytes_and_fin_of_the_client(void **s)
{
        lan_begin();
        L.targets[0] = IPADDR_ANY;
        L.no_close = true;
        int err;
        L.client = tcp_connect(L.m[CLIENT]->st, IPADDR_ANY, 0, SERVICE, 80, &client_events, NULL, &L.copts, &err);
        assert_int_equal(tcp_send(L.client, "G0000", 5), 5); /* no whole request: it stays unread */
        lan_run(100);
        struct tcb *t = server_tcb(FRONT);
        assert_int_equal(t->rcv_queued, 5);
        hand(t, 3);
        assert_int_equal(tcp_send(L.client, "0500\n", 5), 5);
        tcp_shutdown(L.client);
        lan_run(2000);
        assert_int_equal(L.got, 500);
        assert_false(L.bad);
        assert_true(L.closed && !L.err);
        lan_run(70000);
        lan_end();
}

static void connection_that_cannot_go_on_elsewhere_is_not_moved(void **s)
{
        lan_begin();
        L.targets[0] = IPADDR_ANY;
        L.no_close = true;
        connect_client(10);
        lan_run(100);
        struct tcb *t = server_tcb(FRONT);
        assert_true(tcb_movable(t));
        t->flags |= TF_URG_RX;
        assert_false(tcb_movable(t));
        t->flags &= ~(u32)TF_URG_RX;
        t->flags |= TF_APP_MODE;
        assert_int_equal(handoff_begin(handoff_of(L.m[FRONT]->st), t, lan_addr[NODE1], on_handed, NULL), HANDOFF_STATE);
        t->flags &= ~(u32)TF_APP_MODE;
        assert_int_equal(handoff_begin(handoff_of(L.m[FRONT]->st), t, IPADDR(10, 0, 0, 77), on_handed, NULL),
                         HANDOFF_UNREACHABLE);
        assert_string_equal(tcp_state_name(t), "ESTABLISHED");
        tcp_abort(L.client);
        L.client = NULL;
        lan_run(1000);
        lan_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(reply_under_way_at_every_frame), test(unread_bytes_and_fin_of_the_client),
                test(connection_that_cannot_go_on_elsewhere_is_not_moved),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
