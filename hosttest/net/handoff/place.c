/* place.c - a service's place in its work travels with the connection (tcp.h): it goes on there, or it is refused and goes on here.
 * The service sends a reply in pieces of its own, and a dot of its time each; its place is where it is. SPDX-License-Identifier: MIT */
#include "lan.h"

enum { PIECES = 40, PIECE = 1000 };

/* What a connection's service keeps: not the stack's. */
static struct work { struct tcb *t; u32 done, of; bool waits, placed; } work[MACHINES];
static u32 asked, taken, told[MACHINES], accepts;
static int told_err[MACHINES];
static bool take_it;

static int machine_of(struct tcb *t)
{
        for (int i = 0; i < MACHINES; i++)
                if (L.m[i]->st == tcp_stack(t))
                        return i;
        return -1;
}

static void piece(struct work *w)
{
        assert_int_equal(tcp_send_ref(w->t, reply_bytes() + w->done * PIECE, PIECE, NULL), 0);
        if (++w->done == w->of)
                tcp_shutdown(w->t);
}

/* Each machine's service works once in a while. */
static void pieces(void)
{
        for (int i = 0; i < MACHINES; i++)
                if (work[i].t && work[i].of > work[i].done && !work[i].waits) {
                        piece(&work[i]);
                        stack_batch_end(L.m[i]->st);
                }
}

static bool on_accept(struct tcb *t)
{
        struct work *w = &work[machine_of(t)];
        accepts++;
        if (!w->placed)
                *w = (struct work){.t = t};
        w->waits = false;
        return true;
}

static void on_readable(struct tcb *t)
{
        struct work *w = &work[machine_of(t)];
        w->waits = false;
        if (tcp_readable(t) >= 10 && !w->of) {
                tcp_consume(t, 10);
                w->of = PIECES;
        }
        if (tcp_eof(t) && !tcp_readable(t))
                tcp_close(t);
}

static void on_writable(struct tcb *t) { work[machine_of(t)].waits = false; }

static void on_closed(struct tcb *t, int err)
{
        int i = machine_of(t);
        told[i]++;
        told_err[i] = err;
        work[i] = (struct work){0};
}

static int on_put(struct tcb *t, u8 *dst, u32 max, const char **why)
{
        struct work *w = &work[machine_of(t)];
        assert_int_equal(max, TCP_PLACE_MAX);
        asked++;
        if (w->done == 13) {
                *why = "it is an unlucky number";
                return -1;
        }
        w->waits = true;
        memset(dst, 0x5a, max);
        dst[0] = (u8)w->done;
        dst[1] = (u8)w->of;
        return w->of ? TCP_PLACE_MAX : 0;
}

static bool on_take(struct tcb *t, const u8 *src, u32 n)
{
        taken++;
        assert_int_equal(n, TCP_PLACE_MAX);
        assert_int_equal(src[n - 1], 0x5a);
        if (take_it)
                work[machine_of(t)] = (struct work){.t = t, .done = src[0], .of = src[1], .waits = true, .placed = true};
        return take_it;
}

static const struct tcp_events placed = {.accept = on_accept, .readable = on_readable, .writable = on_writable,
                                         .closed = on_closed, .place_put = on_put, .place_take = on_take};

static enum handoff_reason how;
static u32 n_done;
static void on_done(void *ctx, struct tcb *t, enum handoff_reason why)
{
        how = why;
        n_done++;
        assert_true(why == HANDOFF_OK ? t == NULL : t != NULL);
}

static void begin(u32 ms)
{
        lan_begin();
        memset(work, 0, sizeof work);
        memset(told, 0, sizeof told);
        asked = taken = accepts = n_done = 0;
        take_it = true;
        for (int i = FRONT; i < MACHINES; i++)
                listener_find(L.m[i]->st->tcp, SERVICE, 80)->like.ev = &placed;
        connect_client(PIECES * PIECE);
        for (u32 i = 0; i < ms; i++) {
                lan_run(1);
                pieces();
        }
}

static const char *move(int from, ipaddr to)
{
        const char *why = NULL;
        enum handoff_reason r = handoff_move(handoff_of(L.m[from]->st), work[from].t, to, on_done, NULL, &why);
        assert_true(r == HANDOFF_OK || why);
        return r == HANDOFF_OK ? NULL : why;
}

static void finish(void)
{
        for (u32 i = 0; i < 10000; i++) {
                lan_run(1);
                pieces();
        }
        assert_int_equal(L.got, PIECES * PIECE);
        assert_false(L.bad);
        assert_true(L.closed && !L.err);
        for (u32 i = 0; i < L.n_seen; i++)
                assert_false((L.seen[i].flags & T_RST) && L.seen[i].to == CLIENT);
        lan_run(60000);
        lan_end();
}

static void service_goes_on_where_it_was_at_any_piece(void **s)
{
        for (u32 ms = 3; ms < PIECES; ms++) {
                begin(ms);
                u32 done = work[FRONT].done;
                const char *why = move(FRONT, lan_addr[NODE1]);
                if (done == 13) {
                        assert_string_equal(why, "it is an unlucky number");
                        assert_int_equal(counters(FRONT).begun, 0);
                        finish();
                        continue;
                }
                assert_null(why);
                pieces(); /* waits: what it queued now would be lost */
                lan_run(300);
                assert_int_equal(n_done, 1);
                assert_int_equal(how, HANDOFF_OK);
                assert_int_equal(told[FRONT], 1); /* its end here */
                assert_int_equal(told_err[FRONT], 0);
                assert_int_equal(taken, 1);
                assert_int_equal(work[NODE1].done, done);
                assert_int_equal(accepts, 2);
                finish();
        }
}

static void connection_between_messages_has_no_place(void **s)
{
        begin(0);
        lan_run(0);
        assert_non_null(work[FRONT].t);
        work[FRONT].of = 0;
        take_it = false;
        assert_null(move(FRONT, lan_addr[NODE1]));
        lan_run(2);
        assert_int_equal(how, HANDOFF_OK);
        assert_int_equal(taken, 0);
        assert_non_null(work[NODE1].t);
        tcp_abort(L.client);
        L.client = NULL;
        lan_run(70000);
        lan_end();
}

static void refused_place_leaves_the_connection_where_it_was(void **s)
{
        begin(7);
        take_it = false;
        assert_null(move(FRONT, lan_addr[NODE1]));
        lan_run(300);
        assert_int_equal(how, HANDOFF_PLACE);
        assert_int_equal(counters(NODE1).refusals[HANDOFF_PLACE], 1);
        assert_int_equal(told[FRONT] + told[NODE1], 0);
        assert_false(work[FRONT].waits);
        assert_null(move(FRONT, lan_addr[NODE2])); /* and may go elsewhere */
        take_it = true;
        lan_run(300);
        assert_int_equal(how, HANDOFF_OK);
        finish();
}

static void silent_node_leaves_the_connection_where_it_was(void **s)
{
        begin(9);
        L.dead[NODE1] = true;
        assert_null(move(FRONT, lan_addr[NODE1]));
        lan_run(4000);
        assert_int_equal(how, HANDOFF_SILENT);
        assert_false(work[FRONT].waits);
        finish();
}

static bool lose_53(int from, int to, const struct frame *f, u32 number)
{
        return from == FRONT && to == NODE1 && counters(FRONT).handed;
}

/* The front forgets, the node gives up: its service is told, and nothing is left behind. */
static void taken_place_whose_connection_never_starts_is_given_back(void **s)
{
        begin(9);
        L.lose = lose_53;
        assert_null(move(FRONT, lan_addr[NODE1]));
        lan_run(300);
        assert_non_null(work[NODE1].t);
        assert_true(work[NODE1].waits);
        lan_run(25000);
        assert_int_equal(told[NODE1], 1);
        assert_int_equal(told_err[NODE1], E_TIMEDOUT);
        assert_int_equal(counters(NODE1).abandoned, 1);
        tcp_abort(L.client);
        L.client = NULL;
        L.lose = NULL;
        lan_run(70000);
        lan_end();
}

/* A connection adopted and not started can be handed on, its place unread: what a front in the middle does. */
static void place_passes_through_a_machine_in_the_middle(void **s)
{
        begin(11);
        struct tcb *t = work[FRONT].t, *m;
        struct control_block b, c;
        u8 wire[BLOCK_MAX];
        const char *why;
        u32 n;
        assert_true(tcb_place(t, b.place, &n, &why));
        u8 place[TCP_PLACE_MAX];
        memcpy(place, b.place, n);
        tcb_freeze(t);
        tcb_export(t, &b);
        memcpy(b.place, place, n);
        b.n_place = (u16)n;
        block_put(wire, &b);
        assert_true(block_get(wire, block_len(&b), &c));
        struct pktq q;
        pktq_init(&q);
        struct pkt *p = pkt_alloc(&L.m[NODE1]->st->pkts, PKT_HEADROOM);
        u32 all = block_bytes(&b);
        tcb_export_bytes(t, 0, p->data, all);
        p->len = (u16)all;
        pktq_put(&q, p);
        struct tcp_state *ts = L.m[NODE1]->st->tcp;
        assert_int_equal(tcb_adopt(ts, listener_find(ts, SERVICE, 80), &c, &q, &m), HANDOFF_OK);
        assert_int_equal(taken, 0);
        struct control_block d;
        tcb_export(m, &d);
        assert_int_equal(d.snd_una, b.snd_una);
        assert_int_equal(d.snd_nxt, b.snd_nxt);
        assert_int_equal(d.rcv_nxt, b.rcv_nxt);
        assert_int_equal(d.snd_bytes, b.snd_bytes);
        assert_memory_equal(c.place, place, n);
        tcb_discard(m, &c, false);
        assert_int_equal(told[NODE1], 0);
        tcb_thaw(t);
        tcb_resume(t);
        finish();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(service_goes_on_where_it_was_at_any_piece),
                test(connection_between_messages_has_no_place),
                test(refused_place_leaves_the_connection_where_it_was),
                test(silent_node_leaves_the_connection_where_it_was),
                test(taken_place_whose_connection_never_starts_is_given_back),
                test(place_passes_through_a_machine_in_the_middle),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
