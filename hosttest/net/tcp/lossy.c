/* lossy.c - two stacks and a wire between them that loses, repeats, delays and damages packets: every byte arrives once, in
 * order, both sides close, and nothing is left over. The seed of a failure is printed.
 * SPDX-License-Identifier: MIT */
#include "trace.h"

enum { Q = 512 };

struct flying { u64 at; u8 *b; u32 n; int to; };

static struct {
        struct wire *w[2];
        struct flying q[Q];
        u32 n_q;
        u64 now, rng;
        u32 delay_us, jitter_us, loss, dup, damage; /* chances of 1000 */
} L;

struct end { struct tcb *t; u32 to_send, sent, got, expect; bool closed, eof, shut; int err; };
static struct end E[2];

static u32 rnd(u32 n)
{
        L.rng = L.rng * 6364136223846793005u + 1442695040888963407u;
        return (u32)(L.rng >> 33) % n;
}

static void push(struct end *e)
{
        while (e->t && e->sent < e->to_send) {
                u32 n = min_u32(min_u32(e->to_send - e->sent, 1 + rnd(5000)), tcp_send_room(e->t));
                if (!n || tcp_send_ref(e->t, bytes_at(e->sent % 65536), n, NULL))
                        break;
                e->sent += n;
        }
        if (e->t && e->sent == e->to_send && !e->shut) {
                e->shut = true;
                tcp_shutdown(e->t);
        }
}

static struct end *end_of(struct tcb *t) { return tcp_user(t); }
static bool ev_accept(struct tcb *t) { E[1].t = t; tcp_set_user(t, &E[1]); push(&E[1]); return true; }
static void ev_connected(struct tcb *t) { push(end_of(t)); }
static void ev_writable(struct tcb *t) { push(end_of(t)); }
static void ev_readable(struct tcb *t)
{
        struct end *e = end_of(t);
        const u8 *p;
        u32 n;
        while ((n = tcp_peek(t, 0, &p)) != 0) {
                n = min_u32(n, 1 + rnd(3000));
                assert_memory_equal(p, bytes_at(e->got % 65536), n);
                e->got += n;
                tcp_consume(t, n);
        }
        e->eof = tcp_eof(t);
}
static void ev_closed(struct tcb *t, int err) { struct end *e = end_of(t); e->closed = true; e->err = err; e->t = NULL; }
static const struct tcp_events ev = {.accept = ev_accept, .connected = ev_connected, .readable = ev_readable,
                                     .writable = ev_writable, .closed = ev_closed};

/* LOSSY_SHOW=1: every segment on the wire. */
static void show(int from, const struct frame *f, bool lost)
{
        struct seg g;
        if (getenv("LOSSY_SHOW") && parse_tcp(L.w[from], f, &g))
                fprintf(stderr, "# %9.3f %s%s %02x seq %u ack %u len %u wnd %u opts %u\n", (double)L.now / 1e6,
                        from ? "<-" : "->", lost ? " LOST" : "",
                        g.flags, g.seq, g.ack, g.n, g.wnd, g.n_opts);
}

/* Queued bytes must come from one place with a period: entries reach at most 5000 behind a multiple of 64 KiB. */
static void carry(int from)
{
        const struct frame *f;
        while ((f = wire_tx(L.w[from])) != NULL) {
                for (u32 copies = 1 + (rnd(1000) < L.dup); copies; copies--) {
                        bool lost = rnd(1000) < L.loss || L.n_q == Q;
                        show(from, f, lost);
                        if (lost)
                                continue;
                        struct flying *x = &L.q[L.n_q++];
                        *x = (struct flying){L.now + L.delay_us + rnd(L.jitter_us + 1), malloc(f->n), f->n, !from};
                        memcpy(x->b, f->b, f->n);
                        if (rnd(1000) < L.damage)
                                x->b[20 + rnd(f->n - 20)] ^= (u8)(1 << rnd(8));
                }
        }
}

static void deliver_due(void)
{
        for (;;) {
                u32 best = L.n_q;
                for (u32 i = 0; i < L.n_q; i++)
                        if (L.q[i].at <= L.now && (best == L.n_q || L.q[i].at < L.q[best].at))
                                best = i;
                if (best == L.n_q)
                        return;
                struct flying x = L.q[best];
                memmove(&L.q[best], &L.q[best + 1], (--L.n_q - best) * sizeof x);
                L.w[x.to]->now_us = L.now;
                wire_rx_part(L.w[x.to], x.b, x.n);
                free(x.b);
                if (rnd(4) == 0)
                        wire_batch_end(L.w[x.to]);
        }
}

static void step(void)
{
        u64 next = L.now + 50000;
        for (int i = 0; i < 2; i++) {
                u32 ms = stack_next(L.w[i]->st);
                if (ms != UINT32_MAX && L.now + (u64)ms * 1000 < next)
                        next = L.now + (u64)ms * 1000;
        }
        for (u32 i = 0; i < L.n_q; i++)
                if (L.q[i].at < next)
                        next = L.q[i].at;
        L.now = next > L.now ? next : L.now + 500;
        deliver_due();
        for (int i = 0; i < 2; i++) {
                L.w[i]->now_us = L.now;
                stack_tick(L.w[i]->st, L.now);
                wire_batch_end(L.w[i]);
                carry(i);
        }
}

static void run(u64 seed, const struct tcp_opts *o, u32 bytes, u32 limit_s)
{
        static const ipaddr addr[2] = {IPADDR(10, 0, 0, 1), IPADDR(10, 0, 0, 2)};
        int err;
        memset(E, 0, sizeof E);
        L.rng = seed * 7919 + 1;
        L.n_q = 0;
        L.now = 1000000;
        for (int i = 0; i < 2; i++) {
                L.w[i] = wire_new_bare(NULL, NETIF_L3);
                netif_addr_add(&L.w[i]->nif, addr[i], 24, IFADDR_STATIC, false);
                E[i].to_send = bytes;
        }
        tcp_listen(L.w[1]->st, IPADDR_ANY, 80, &ev, NULL, o, &err);
        E[0].t = tcp_connect(L.w[0]->st, IPADDR_ANY, 0, addr[1], 80, &ev, &E[0], o, &err);
        while (!(E[0].closed && E[1].closed) && L.now < (u64)limit_s * 1000000)
                step();
        if (!E[0].closed || !E[1].closed || E[0].err || E[1].err || E[0].got != bytes || E[1].got != bytes) {
                for (int i = 0; i < 2; i++)
                        fprintf(stderr, "# seed %llu end %d: closed %d err %d sent %u got %u eof %d %s\n",
                                (unsigned long long)seed, i, E[i].closed,
                                E[i].err, E[i].sent, E[i].got, E[i].eof, E[i].t ? tcp_state_name(E[i].t) : "-");
                fail_msg("seed %llu", (unsigned long long)seed);
        }
        for (u32 i = 0; i < L.n_q; i++)
                free(L.q[i].b);
        for (int i = 0; i < 2; i++) {
                struct tcp_state *ts = L.w[i]->st->tcp;
                assert_int_equal(ts->n_tcbs, 0);
                assert_int_equal(ts->cells.n_free, ts->cells.n_total);
                assert_int_equal(ts->flights.n_free, ts->flights.n_total);
                assert_int_equal(ts->reasms.n_free, ts->reasms.n_total);
                wire_free(L.w[i]);
        }
}

/* LOSSY_SEEDS=n: so many times the seeds that a normal run takes. */
static u64 seeds(u64 n)
{
        const char *e = getenv("LOSSY_SEEDS");
        return e ? n * (u64)atoi(e) : n;
}

/* LOSSY_FIRST=n: begin with this seed. */
static u64 first(void)
{
        const char *e = getenv("LOSSY_FIRST");
        return e ? (u64)atoi(e) : 1;
}

static void wire_like(u32 delay_us, u32 jitter_us, u32 loss, u32 dup, u32 damage)
{
        L.delay_us = delay_us, L.jitter_us = jitter_us, L.loss = loss, L.dup = dup, L.damage = damage;
}

static void perfect_wire(void **s)
{
        wire_like(1000, 0, 0, 0, 0);
        for (u64 seed = first(); seed <= seeds(3); seed++)
                run(seed, NULL, 1000000, 60);
}

static void loss_of_three_percent(void **s)
{
        wire_like(10000, 0, 30, 0, 0);
        for (u64 seed = first(); seed <= seeds(10); seed++)
                run(seed, NULL, 200000, 600);
}

static void loss_without_sack_and_timestamps(void **s)
{
        static const struct tcp_opts o = {.no_sack = true, .no_timestamps = true, .cc = TCP_CC_NEWRENO};
        wire_like(10000, 0, 30, 0, 0);
        for (u64 seed = first(); seed <= seeds(10); seed++)
                run(seed, &o, 200000, 900);
}

static void everything_at_once(void **s)
{
        wire_like(5000, 20000, 50, 50, 20);
        for (u64 seed = first(); seed <= seeds(20); seed++)
                run(seed, NULL, 100000, 900);
}

static void everything_at_once_small_buffers(void **s)
{
        static const struct tcp_opts o = {.rcvbuf = 4000, .sndbuf = 9000, .mss = 500};
        wire_like(5000, 20000, 50, 50, 20);
        for (u64 seed = first(); seed <= seeds(20); seed++)
                run(seed, &o, 50000, 900);
}

static void a_quarter_of_everything_is_lost(void **s)
{
        wire_like(5000, 5000, 250, 100, 0);
        for (u64 seed = first(); seed <= seeds(10); seed++)
                run(seed, NULL, 5000, 20000);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                test(perfect_wire), test(loss_of_three_percent), test(loss_without_sack_and_timestamps), test(everything_at_once),
                test(everything_at_once_small_buffers), test(a_quarter_of_everything_is_lost),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
