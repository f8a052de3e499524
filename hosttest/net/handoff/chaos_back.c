/* chaos_back.c - a connection goes from node to node and back while frames are lost or come twice, links are cut and machines
 * die: at every single frame, and at random. What must hold: the client sees a prefix of what one machine would have sent; all of
 * it unless a machine died that had the connection (its 53 was out); never do two machines have it. SPDX-License-Identifier: MIT
 */
#include "switching.h"

enum { REPLY = 2500 };
enum what { LOSE, TWICE, KILL_NODE1, KILL_NODE2, CUT_NODE1, WHATS };
static struct {
        enum what what;
        u32 at, rng, ppm, port;
        bool excuse;
} plan;

static u32 ports(void) { return (u32)__builtin_bswap16((u16)plan.port) | 0x50000000; }

/* Two machines that could both speak, and what a death excuses: looked at with every frame. */
static void look(void)
{
        u32 c = be32_raw(lan_addr[CLIENT].v4), v = be32_raw(SERVICE.v4), n = 0;
        if (!plan.port)
                return;
        for (int i = FRONT; i < MACHINES; i++)
                n += !L.dead[i] && tcp_lookup(L.m[i]->st->tcp, c, v, ports()) != NULL;
        if (n > 1) {
                lan_print();
                fail_msg("%u machines have the connection, what %d at %u", n, plan.what, plan.at);
        }
        struct handoff *h = handoff_of(L.m[FRONT]->st);
        const struct flow *f = flow_find(&h->flows, c, v, ports());
        for (int i = NODE1; i < MACHINES; i++)
                plan.excuse |= L.dead[i] && f && f->state != FLOW_PENDING && ipaddr_eq(h->node[f->node], lan_addr[i]);
}

static bool mishap(int from, int to, const struct frame *f, u32 number)
{
        if (plan.what == LOSE)
                return look(), number == plan.at;
        if (plan.what == TWICE && number == plan.at)
                wire_rx(L.m[to], f->b, f->n);
        if (number == plan.at && plan.what == KILL_NODE1)
                L.dead[NODE1] = true;
        if (number == plan.at && plan.what == KILL_NODE2)
                L.dead[NODE2] = true;
        look();
        return L.dead[to] || (plan.what == CUT_NODE1 && number >= plan.at && number < plan.at + 5 && from + to == FRONT + NODE1);
}

static void begin(bool ts)
{
        switching_begin(ts);
        plan.port = 0;
        plan.excuse = false;
        L.lose = mishap;
        connect_switching();
        plan.port = tcb_lport(L.client);
}

/* One request after the other, and two at a time. */
static void converse(void)
{
        static const char whose[] = "12F1122";
        for (const char *c = whose; *c && L.client; c++) {
                ask(*c, REPLY);
                if (*c == c[1])
                        continue;
                for (u32 i = 0; i < 200 && L.client && L.got < L.want; i++)
                        lan_run(100);
        }
        if (L.client && L.got < L.want)
                ask('F', 0); /* who only listens does not learn of a death */
        for (u32 i = 0; i < 50 && L.client && L.got < L.want; i++)
                lan_run(10000); /* until the entry has aged, and the client asks once more */
        look();
}

static void judge(const char *name, u32 n)
{
        bool reset = L.closed && L.err;
        if (L.bad || (!plan.excuse && (L.got != L.want || reset)) || (plan.excuse && L.got != L.want && !reset)) {
                lan_print();
                fail_msg("%s %u: %u of %u bytes came, error %u%s%s", name, n, L.got, L.want, L.err, L.bad ? ", other bytes" : "",
                         plan.excuse ? ", its machine died" : "");
        }
}

static void finish(void)
{
        L.lose = NULL;
        if (L.client)
                tcp_abort(L.client);
        L.client = NULL;
        lan_run(10);
        for (int i = 0; i < MACHINES; i++)
                wire_discard(L.m[i]);
}

static void every_single_frame(void **s)
{
        static const char *const names[] = {"lost", "twice", "node 1 dies at", "node 2 dies at", "link to node 1 cut at"};
        u32 excused = 0;
        plan.what = WHATS;
        begin(true);
        converse();
        u32 frames = L.n_frames;
        assert_int_equal(answered[NODE1] + answered[NODE2], 6);
        judge("nothing", 0);
        finish();
        assert_true(frames > 60 && frames < 300);
        for (plan.what = LOSE; plan.what < WHATS; plan.what++) {
                for (plan.at = 0; plan.at < frames; plan.at++) {
                        begin(plan.at & 1);
                        converse();
                        judge(names[plan.what], plan.at);
                        excused += plan.excuse && L.got < L.want;
                        finish();
                }
        }
        assert_true(excused > 10 && excused < frames);
}

static u32 chance(void)
{
        plan.rng = plan.rng * 1664525 + 1013904223;
        return (plan.rng >> 8) % 1000000;
}

static struct frame late[MACHINES];
static bool weather(int from, int to, const struct frame *f, u32 number)
{
        look();
        if (chance() < plan.ppm / 4)
                wire_rx(L.m[to], f->b, f->n);
        struct frame was = late[to];
        if (!was.b && chance() < plan.ppm / 2) { /* goes on behind the next one */
                late[to] = (struct frame){f->n, malloc(f->n)};
                memcpy(late[to].b, f->b, f->n);
                return true;
        }
        if (chance() >= plan.ppm)
                wire_rx(L.m[to], f->b, f->n);
        if (was.b) {
                late[to].b = NULL;
                wire_rx(L.m[to], was.b, was.n);
                free(was.b);
        }
        return true;
}

static void bad_weather(void **s)
{
        u32 back = 0;
        plan.what = WHATS;
        for (u32 seed = 1; seed <= 60; seed++) {
                plan.rng = seed;
                plan.ppm = 10000 + seed % 4 * 30000;
                begin(seed & 1);
                L.lose = weather;
                converse();
                judge("seed", seed);
                back += counters(FRONT).returned;
                for (u32 i = 0; i < COUNT_OF(late); i++) {
                        free(late[i].b);
                        late[i].b = NULL;
                }
                finish();
        }
        printf("# %u handed back\n", back);
        assert_true(back > 60);
}

int main(void)
{
        const struct CMUnitTest tests[] = {test(every_single_frame), test(bad_weather)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
