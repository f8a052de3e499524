/* move.c - export and adopt by themselves: a connection in the middle of its work goes to another machine, unacknowledged and
 * unsent bytes, unread bytes and FINs included, and the client's TCP notices nothing. SPDX-License-Identifier: MIT */
#include "cksum.h"
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
        u32 all = block_bytes(&b);
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
        st->nif[0]->flow = st->tcp->free_tcb;  /* the slot's last connection was the one heard of last, too */
        assert_int_equal(tcb_adopt(st->tcp, l, &c, &q, &n), HANDOFF_OK);
        assert_ptr_not_equal(st->nif[0]->flow, n); /* it is silent */
        assert_int_equal(tcp_unsent(n), tcp_unsent(t));
        /* handed on at once it is the same again, and its clock has ticked */
        struct control_block d;
        u8 again[BLOCK_MAX];
        tcb_export(n, &d);
        assert_int_equal(d.tsval, b.tsval + 1);
        d.tsval = b.tsval;
        assert_true(d.rcv_space >= b.rcv_space);
        d.rcv_space = b.rcv_space;
        memcpy(d.nonce, b.nonce, sizeof b.nonce);
        block_put(again, &d);
        assert_memory_equal(again, wire, BLOCK_BYTES);
        static u8 copied[1 << 20];
        tcb_export_bytes(n, 0, copied, all);
        assert_memory_equal(copied, bytes, all);
        t->ev = &tcp_no_events;
        tcb_free(t);
        struct tuples *f = &handoff_of(L.m[FRONT]->st)->flows;
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

static struct tcb *begin_quiet(const struct tcp_opts *o)
{
        lan_begin();
        L.targets[0] = IPADDR_ANY;
        int err;
        for (int i = FRONT; i < MACHINES; i++) {
                tcp_unlisten(listener_find(L.m[i]->st->tcp, SERVICE, 80));
                assert_non_null(tcp_listen(L.m[i]->st, SERVICE, 80, i == FRONT ? &front_events : &node_events, NULL, o, &err));
        }
        L.client = tcp_connect(L.m[CLIENT]->st, IPADDR_ANY, 0, SERVICE, 80, &client_events, NULL, &L.copts, &err);
        lan_run(100);
        L.n_seen = 0;
        return server_tcb(FRONT);
}

static void over(void)
{
        if (L.client)
                tcp_abort(L.client);
        L.client = NULL;
        lan_run(70000);
        lan_end();
}

static u32 data_seen;
static bool lose_second(int from, int to, const struct frame *f, u32 number)
{
        data_seen += from == CLIENT && f->n > 1000;
        return from == CLIENT && data_seen == 2;
}

/* The client was told by SACK that they arrived: they are not sent again. */
static void bytes_ahead_of_their_turn_go_along(void **s)
{
        static u8 text[20000], read[20000];
        for (u32 i = 0; i < sizeof text; i++)
                text[i] = (u8)(i % 251 + 11 + (i >> 11)) | 0x80;
        struct tcb *t = begin_quiet(&(struct tcp_opts){.rcvbuf = 60000});
        data_seen = 0;
        L.lose = lose_second;
        assert_int_equal(tcp_send(L.client, text, sizeof text), sizeof text);
        tcp_flush(L.client);
        while (!(t->reasm && t->reasm->bytes > 4000) && lan_step())
                ;
        L.lose = NULL;
        assert_non_null(t->reasm);
        u32 ahead = t->reasm->bytes;
        hand(t, 999);
        struct tcb *n = server_tcb(NODE1);
        assert_non_null(n->reasm);
        assert_int_equal(n->reasm->bytes, ahead);
        lan_run(3000);
        assert_int_equal(n->rcv_queued, sizeof text);
        tcp_copy(n, 0, read, sizeof read);
        assert_memory_equal(read, text, sizeof text);
        u32 bytes = 0;
        for (u32 i = 0; i < L.n_seen; i++)
                bytes += L.seen[i].from == CLIENT ? L.seen[i].n : 0;
        assert_true(bytes <= sizeof text + 3 * 1460); /* one was lost; a tail probe */
        over();
}

/* More runs than the block has places for: the farthest are forgotten. */
static bool lose_every_second(int from, int to, const struct frame *f, u32 number)
{
        data_seen += from == CLIENT && f->n > 500;
        return from == FRONT || (f->n > 500 && data_seen % 2 == 1); /* nor does the client hear of it */
}

static void only_so_many_runs_ahead_go_along(void **s)
{
        static u8 text[20000], read[20000];
        for (u32 i = 0; i < sizeof text; i++)
                text[i] = (u8)(i % 253) | 0x80;
        L.copts = (struct tcp_opts){0};
        struct tcb *t = begin_quiet(&(struct tcp_opts){.rcvbuf = 60000, .mss = 1000});
        data_seen = 0;
        L.lose = lose_every_second;
        tcp_send(L.client, text, sizeof text);
        tcp_flush(L.client);
        while (lan_step())
                ;
        L.lose = NULL;
        assert_true(t->reasm && t->reasm->n_pkts > BLOCK_AHEAD);
        u32 ahead = t->reasm->bytes;
        hand(t, 400);
        struct tcb *n = server_tcb(NODE1);
        assert_int_equal(n->reasm->n_blocks, BLOCK_AHEAD);
        assert_true(n->reasm->bytes < ahead);
        lan_run(5000);
        assert_int_equal(n->rcv_queued, sizeof text);
        tcp_copy(n, 0, read, sizeof read);
        assert_memory_equal(read, text, sizeof text);
        over();
}

static void options_and_measurements_go_along(void **s)
{
        struct tcb *t = begin_quiet(&(struct tcp_opts){.nodelay = true, .ttl = 33, .tos = 0x28, .cc = TCP_CC_NEWRENO, .psh_message = true,
                                                       .user_timeout_ms = 77000, .keepalive_ms = 90000, .timewait_ms = 3000});
        t->w_max = 12345;
        t->min_rtt_us = 99;
        lan_run(500);
        hand(t, 1000);
        struct tcb *n = server_tcb(NODE1);
        assert_int_equal(n->ttl, 33);
        assert_int_equal(n->tos, 0x28);
        assert_int_equal(n->cc, TCP_CC_NEWRENO);
        assert_int_equal(n->w_max, 12345);
        assert_int_equal(n->min_rtt_us, 99);
        assert_int_equal(n->keepalive_ms, 90000);
        assert_int_equal(n->user_timeout, ms_pack(77000));
        assert_int_equal(n->timewait_cs, 300);
        assert_int_equal(n->flags & (TF_NODELAY | TF_PSH_MESSAGE), TF_NODELAY | TF_PSH_MESSAGE);
        assert_true(tcb_now_ms(n) - n->last_rx_ms >= 500); /* keep-alive does not begin anew */
        assert_int_equal(n->timer_kind, TT_KEEPALIVE);
        over();
}

static void urgent_data_goes_along(void **s)
{
        struct tcb *t = begin_quiet(&(struct tcp_opts){0});
        tcp_send(L.client, "not a line", 10);
        tcp_send_urgent(L.client);
        lan_run(10);
        assert_int_equal(tcp_urgent_left(t), 10);
        hand(t, 3);
        struct tcb *n = server_tcb(NODE1);
        assert_int_equal(tcp_urgent_left(n), 10);
        tcp_consume(n, 4);
        assert_int_equal(tcp_urgent_left(n), 6);
        /* and the other way */
        tcp_send(n, "urgent!", 7);
        tcp_send_urgent(n);
        L.lose = hold;
        stop_at = 0;
        tcp_flush(n);
        assert_true(n->flags & TF_URG_TX);
        L.lose = NULL;
        over();
}

/* Application mode: nothing is acknowledged before it is read, here or there. */
static void unread_bytes_stay_unacknowledged(void **s)
{
        struct tcb *t = begin_quiet(&(struct tcp_opts){.app_mode = true});
        tcp_send(L.client, "no line yet", 11);
        lan_run(50);
        assert_int_equal(t->rcv_queued, 11);
        assert_int_equal(t->rcv_acked, t->rcv_nxt - 11);
        hand(t, 5);
        struct tcb *n = server_tcb(NODE1);
        lan_run(60);
        assert_int_equal(n->rcv_acked, n->rcv_nxt - 11);
        assert_true(n->flags & TF_APP_MODE);
        tcp_consume(n, 11);
        stack_batch_end(L.m[NODE1]->st);
        lan_run(10);
        assert_int_equal(n->rcv_acked, n->rcv_nxt);
        assert_int_equal(tcp_send_queued(L.client), 0);
        tcp_shutdown(L.client); /* a held FIN, too */
        tcp_send(n, "x", 1);
        lan_run(100);
        over();
}

/* Let go of by its service, with bytes and FIN still to be acknowledged: nobody is told there, and it ends well. */
static void what_its_service_let_go_of_is_sent_to_the_end(void **s)
{
        const u8 *bytes = reply_bytes();
        for (u32 step = 1; step < 12; step++) {
                struct tcb *t = begin_quiet(&(struct tcp_opts){.timewait_ms = 5000});
                assert_int_equal(tcp_send_ref(t, bytes, 60000, NULL), 0);
                tcp_close(t);
                for (u32 i = 0; i < step; i++)
                        lan_step();
                t = server_tcb(FRONT);
                if (t && tcb_movable(t))
                        hand(t, 1400);
                lan_run(3000);
                assert_int_equal(L.got, 60000);
                assert_false(L.bad);
                assert_true(L.closed && !L.err);
                over();
        }
}

/* What was on its way is neither sent again at once, nor does its acknowledgement count as a measurement. */
static void data_on_its_way_is_waited_for(void **s)
{
        const u8 *bytes = reply_bytes();
        struct tcb *t = begin_quiet(&(struct tcp_opts){0});
        t->srtt_us = 8 * 50000; /* a path of 50 ms */
        t->rttvar_us = 4 * 5000;
        t->rto_ms = 250;
        t->min_rtt_us = 48000;
        assert_int_equal(tcp_send_ref(t, bytes, 12000, NULL), 0);
        tcp_flush(t);
        L.lose = hold;
        stop_at = 0;
        while (lan_step()) /* what was sent is lost, for a while */
                ;
        u32 out = tcb_outstanding(t), cwnd = t->cwnd;
        assert_true(out > 5000);
        hand(t, 1400);
        L.n_seen = 0;
        struct tcb *n = server_tcb(NODE1);
        lan_run(20);
        assert_int_equal(L.n_seen, 0);
        assert_int_equal(tcb_outstanding(n), out);
        assert_int_equal(n->cwnd, cwnd);
        assert_int_equal(n->rto_ms, 250);
        L.lose = NULL;
        lan_run(500);
        assert_int_equal(L.got, 12000);
        assert_int_equal(n->min_rtt_us, 48000); /* not from when it came here */
        over();
}

/* tcp_unqueue: only what was never sent comes back, and it may be queued again, from elsewhere. */
static void bytes_never_sent_are_taken_back(void **s)
{
        const u8 *bytes = reply_bytes();
        static const u32 sizes[] = {1, 100, 9000, 29000, 29990, 30000, 30001, 39900, 40000, 45000, 70000};
        for (u32 i = 0; i < COUNT_OF(sizes); i++) {
                u32 n = sizes[i];
                struct tcb *t = begin_quiet(&(struct tcp_opts){0});
                u32 sum = cksum_add(0, bytes, 20000), cells = t->ts->cells.n_free;
                assert_int_equal(tcp_unqueue(t, 5), 0);
                assert_int_equal(tcp_send_ref(t, bytes, 20000, &sum), 0);
                tcp_flush(t);
                u32 sent = tcb_outstanding(t);
                assert_true(sent > 5000 && sent < 20000);
                assert_int_equal(tcp_send(t, bytes + 20000, 10000), 10000);
                sum = cksum_add(0, bytes + 30000, 30000);
                assert_int_equal(tcp_send_ref(t, bytes + 30000, 30000, &sum), 0);
                u32 back = tcp_unqueue(t, n);
                assert_int_equal(back, min_u32(n, 60000 - sent));
                assert_int_equal(t->snd_queued, 60000 - back);
                assert_int_equal(tcp_send_ref(t, bytes + 60000 - back, back, NULL), 0);
                tcp_close(t);
                assert_int_equal(tcp_unqueue(t, 10), 0); /* its FIN is promised behind them */
                lan_run(3000);
                assert_int_equal(L.got, 60000);
                assert_false(L.bad);
                assert_int_equal(L.m[FRONT]->st->tcp->cells.n_free, cells);
                over();
        }
        /* one segment of one entry, whose sum was known before it was cut */
        struct tcb *t = begin_quiet(&(struct tcp_opts){0});
        u32 sum = cksum_add(0, bytes, 1000);
        L.m[FRONT]->nif.caps |= NETIF_SG;
        tcp_cork(t, true);
        assert_int_equal(tcp_send_ref(t, bytes, 1000, &sum), 0);
        assert_int_equal(tcp_unqueue(t, 400), 400);
        tcp_cork(t, false);
        stack_batch_end(L.m[FRONT]->st);
        lan_run(10);
        assert_int_equal(L.got, 600);
        over();
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
        t->flags |= TF_SYN_PENDING;
        assert_int_equal(handoff_begin(handoff_of(L.m[FRONT]->st), t, lan_addr[NODE1], NULL, on_handed, NULL), HANDOFF_STATE);
        t->flags &= ~(u32)TF_SYN_PENDING;
        assert_int_equal(handoff_begin(handoff_of(L.m[FRONT]->st), t, IPADDR(10, 0, 0, 77), NULL, on_handed, NULL),
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
                test(bytes_ahead_of_their_turn_go_along),
                test(only_so_many_runs_ahead_go_along),
                test(options_and_measurements_go_along),
                test(urgent_data_goes_along),
                test(unread_bytes_stay_unacknowledged),
                test(what_its_service_let_go_of_is_sent_to_the_end),
                test(data_on_its_way_is_waited_for),
                test(bytes_never_sent_are_taken_back),
                test(connection_that_cannot_go_on_elsewhere_is_not_moved),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
