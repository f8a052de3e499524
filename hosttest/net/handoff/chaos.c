/* chaos.c - handoffs while frames are lost, come twice or late, and machines die: at every single frame of a conversation, and at
 * random, with clients of every kind. What must hold: the client sees a prefix of what one machine would have sent; the whole
 * of it unless a machine died after 53; before 53 no request is lost; and none runs twice. SPDX-License-Identifier: MIT */
#include "early.h"

enum { REPLY = 20000 };
enum what { LOSE, TWICE, KILL_NODE, CUT_NODE, WHATS };
static struct { enum what what; enum client_kind kind; u32 at; u32 rng, ppm; } plan;

static bool between(int a, int b, int from, int to) { return (from == a && to == b) || (from == b && to == a); }

static bool one_mishap(int from, int to, const struct frame *f, u32 number)
{
        if (plan.what == LOSE)
                return number == plan.at;
        if (plan.what == TWICE && number == plan.at)
                wire_rx(L.m[to], f->b, f->n);
        if (plan.what == KILL_NODE && number == plan.at)
                L.dead[NODE1] = true;
        return L.dead[to] ||
               (plan.what == CUT_NODE && number >= plan.at && number < plan.at + 6 && between(FRONT, NODE1, from, to));
}

static void begin(bool ts)
{
        early_begin(plan.kind);
        L.targets[1] = lan_addr[NODE2];
        L.copts = (struct tcp_opts){.no_timestamps = !ts, .no_sack = !ts, .no_wscale = !ts};
        L.lose = one_mishap;
        ask(plan.kind, REPLY, 10);
}

static void judge(const char *name, u32 n)
{
        struct tcp_conv_info client;
        tcp_conv_info(L.m[CLIENT]->st, &client);
        if (L.bad)
                fail_msg("%s %u: the client saw other bytes", name, n);
        bool after_53 =
                L.dead[NODE1] && counters(FRONT).handed && !counters(NODE2).confirmed; /* sent, whether it arrived or not */
        if (L.got != REPLY && !after_53) {
                lan_print();
                fail_msg("%s %u: %u of %u bytes came, error %u", name, n, L.got, REPLY, L.err);
        }
        if (counters(NODE1).confirmed + counters(NODE2).confirmed + (u32)L.fallback > 1 + client.fallbacks) /* of plain retries */
                fail_msg("%s %u: two machines answered", name, n);
        if (L.answers > 1 + client.fallbacks)
                fail_msg("%s %u: the request ran %u times", name, n, L.answers);
}

static void every_single_frame_of(enum client_kind kind)
{
        static const char *const names[] = {"lost", "twice", "node dies at", "link to the node cut at"};
        plan.what = WHATS;
        plan.kind = kind;
        begin(true);
        lan_run(4000);
        u32 frames = L.n_frames;
        assert_int_equal(L.got, REPLY);
        if (L.client)
                tcp_abort(L.client);
        lan_run(10000);
        lan_end();
        assert_true(frames > 30 && frames < 400);
        for (plan.what = LOSE; plan.what < WHATS; plan.what++) {
                for (plan.at = 0; plan.at < frames; plan.at++) {
                        begin(plan.at & 1);
                        lan_run(15000);
                        judge(names[plan.what], plan.at);
                        if (L.client)
                                tcp_abort(L.client);
                        L.client = NULL;
                        lan_run(plan.what == LOSE ? 70000 : 100);
                        if (plan.what == LOSE)
                                lan_end();
                        else
                                for (int i = 0; i < MACHINES; i++)
                                        wire_discard(L.m[i]);
                }
        }
}

static void every_single_frame(void **s) { every_single_frame_of(PLAIN); }
static void every_single_frame_of_a_fast_open_client(void **s) { every_single_frame_of(FASTOPEN); }
static void every_single_frame_of_a_qure_client(void **s) { every_single_frame_of(QURE); }

static u32 chance(void)
{
        plan.rng = plan.rng * 1664525 + 1013904223;
        return (plan.rng >> 8) % 1000000;
}

static struct frame late[8];
static bool weather(int from, int to, const struct frame *f, u32 number)
{
        if (L.dead[to])
                return true;
        if (chance() < plan.ppm / 4)
                wire_rx(L.m[to], f->b, f->n);
        struct frame *l = &late[to];
        if (!l->b && chance() < plan.ppm / 2) { /* goes on behind the next one */
                *l = (struct frame){f->n, malloc(f->n)};
                memcpy(l->b, f->b, f->n);
                return true;
        }
        bool lost = chance() < plan.ppm;
        if (!lost)
                wire_rx(L.m[to], f->b, f->n);
        if (l->b) {
                struct frame was = *l;
                l->b = NULL;
                wire_rx(L.m[to], was.b, was.n);
                free(was.b);
        }
        return true;
}

static void bad_weather(void **s)
{
        u32 handed = 0;
        for (u32 seed = 1; seed <= 150; seed++) {
                plan.what = WHATS;
                plan.kind = seed % CLIENT_KINDS;
                begin(seed & 1);
                plan.rng = seed;
                plan.ppm = 10000 + seed % 4 * 30000;
                L.lose = weather;
                for (u32 i = 0; i < 150 && L.got < REPLY && L.client; i++)
                        lan_run(2000);
                handed += counters(FRONT).handed;
                judge("seed", seed);
                L.lose = NULL;
                if (L.client)
                        tcp_abort(L.client);
                for (u32 i = 0; i < COUNT_OF(late); i++) {
                        free(late[i].b);
                        late[i].b = NULL;
                }
                for (int i = 0; i < MACHINES; i++)
                        wire_discard(L.m[i]);
        }
        printf("# %u of 150 handed over\n", handed);
        assert_true(handed > 100);
}

static bool die_at_53(int from, int to, const struct frame *f, u32 number)
{
        L.dead[NODE1] |= from == FRONT && to == NODE1 && counters(FRONT).handed;
        return L.dead[to];
}

static void node_dies_after_53_and_the_client_is_reset_when_the_flow_has_aged(void **s)
{
        plan.what = WHATS;
        plan.kind = PLAIN;
        begin(true);
        L.lose = die_at_53;
        lan_run(150000);
        assert_int_equal(counters(FRONT).flows, 1);
        lan_run(250000);
        assert_int_equal(counters(FRONT).expired, 1);
        assert_false(L.bad);
        assert_true(L.closed && L.reset);
        lan_end();
}

static void node_that_restarted_says_so_and_the_client_is_reset_at_once(void **s)
{
        plan.what = WHATS;
        begin(true);
        L.no_close = true;
        lan_run(2000);
        assert_int_equal(L.got, REPLY);
        struct tcb *t = tcp_find(L.m[NODE1]->st, &(struct tcp_names){SERVICE, lan_addr[CLIENT], 80, 0});
        assert_null(t);
        for (u32 i = 0; i < 64; i++) { /* it forgets everything */
                t = &L.m[NODE1]->st->tcp->pool[i];
                if (t->ports && tcb_lport(t) == 80) {
                        t->ev = &tcp_no_events;
                        tcb_free(t);
                }
        }
        struct handoff *h = handoff_of(L.m[NODE1]->st);
        struct owned *o = h->owned.at;
        for (u32 i = 0; i < h->owned.n; i++)
                if (o[i].ports)
                        owned_drop(h, &o[i]);
        assert_int_equal(tcp_send(L.client, "G00000001\n", 10), 10);
        lan_run(3000);
        assert_true(L.closed && L.reset);
        assert_int_equal(counters(FRONT).flows, 0);
        assert_int_equal(counters(FRONT).gone, 1);
        lan_run(60000);
        lan_end();
}

static void flows_end_when_their_connections_do(void **s)
{
        plan.what = WHATS;
        begin(true);
        for (u32 i = 0; i < 200; i++) {
                lan_run(20);
                assert_null(L.client);
                assert_int_equal(L.got, REPLY);
                L.got = 0;
                L.asked = 0;
                connect_client(REPLY);
        }
        lan_run(20);
        assert_int_equal(counters(FRONT).handed, 201);
        lan_run(20000); /* TIME_WAIT of the last, and a round of sweeps */
        assert_int_equal(counters(FRONT).flows, 0);
        assert_int_equal(counters(NODE1).owned, 0);
        lan_run(60000);
        lan_end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(flows_end_when_their_connections_do),
                test(node_dies_after_53_and_the_client_is_reset_when_the_flow_has_aged),
                test(node_that_restarted_says_so_and_the_client_is_reset_at_once),
                test(every_single_frame), test(every_single_frame_of_a_fast_open_client),
                test(every_single_frame_of_a_qure_client),
                test(bad_weather),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
