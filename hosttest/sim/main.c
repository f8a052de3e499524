/* main.c - qure-sim SEED...: one run for each seed, TAP lines, the hash of everything sent as a comment.
 * Options override what the seed decides; doc/simulator.md lists them. SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim.h"

enum { NOT_SET = -1 };
#define OPTIONS(X) \
        X(nodes, "machines") X(conns, "connections") X(bytes, "most bytes of one direction") \
        X(span, "ms within which connections begin") X(loss, "frames of a million lost") X(dup, "... repeated") \
        X(reorder, "... delayed") X(corrupt, "... with one bit turned") X(ce, "... marked congested") \
        X(cluster, "machines of a front and its nodes; all connections are to their service, and are moved") \
        X(narrow, "paths of a million that carry less than 1500 bytes") X(crashes, "machines that crash and come back") \
        X(partitions, "times the network is cut in two") X(l3, "1: IP links, 0: Ethernet") X(slow, "1: links down to 256 kbit/s") \
        X(pressure, "1: pools too small") X(plain, "1: no aborts, no application mode") X(trace, "1: print every frame")
#define X(name, what) O_##name,
enum { OPTIONS(X) };
#undef X
#define X(name, what) {#name, NOT_SET, what},
static struct { const char *name; long v; const char *what; } option[] = {OPTIONS(X)};
#undef X

static u32 opt(u32 which, u32 dflt) { return option[which].v == NOT_SET ? dflt : (u32)option[which].v; }

/* Each seed has its own weather; what one switch turns off, the others keep. */
static struct params decide(u32 seed)
{
        struct rng r = {seed * 0x9e3779b97f4a7c15ull};
        u32 v[12];
        for (u32 i = 0; i < COUNT_OF(v); i++)
                v[i] = rng_u32(&r);
        struct rng w = {v[0]};
        bool calm = v[1] % 8 == 0;
        struct params p = {.seed = seed};
        p.nodes = opt(O_nodes, 200);
        p.conns = opt(O_conns, 600);
        p.max_bytes = opt(O_bytes, 300000);
        p.span_ms = opt(O_span, 60000);
        p.loss_ppm = opt(O_loss, calm ? 0 : rng_log(&w, 100, 50000));
        p.dup_ppm = opt(O_dup, calm ? 0 : rng_log(&w, 100, 20000));
        p.reorder_ppm = opt(O_reorder, calm ? 0 : rng_log(&w, 100, 100000));
        p.corrupt_ppm = opt(O_corrupt, calm ? 0 : rng_log(&w, 100, 20000));
        p.ce_ppm = opt(O_ce, v[2] % 3 ? 0 : 20000);
        p.narrow_ppm = opt(O_narrow, v[9] % 3 ? 0 : 200000);
        p.crashes = opt(O_crashes, calm || v[3] % 2 ? 0 : p.nodes / 10 + 1);
        p.partitions = opt(O_partitions, calm || v[4] % 2 ? 0 : 3);
        p.l3 = opt(O_l3, v[5] % 4 == 0);
        p.slow = opt(O_slow, v[6] % 3 == 0);
        p.pressure = opt(O_pressure, v[7] % 5 == 0);
        p.plain = opt(O_plain, v[8] % 4 == 0);
        p.trace = opt(O_trace, 0);
        p.cluster = opt(O_cluster, 0);
        if (p.cluster) {
                p.l3 = p.pressure = false;
                p.partitions = p.narrow_ppm = 0;
                p.crashes = opt(O_crashes, calm || v[3] % 2 ? 0 : 6);
        }
        return p;
}

static void make_links(struct sim *s)
{
        static const u32 fast[] = {8, 8, 80, 800}, slow[] = {80, 800, 8000, 31250};    /* ns per byte: 1 Gbit/s .. 256 kbit/s */
        for (u32 i = 0; i < s->p.nodes; i++) {
                struct node *n = &s->node[i];
                n->sim = s;
                n->id = i;
                const u32 *speeds = s->p.slow && rng_below(&s->life, 2) ? slow : fast;
                n->up.ns_per_byte = speeds[rng_below(&s->life, 4)];
                n->down.ns_per_byte = speeds[rng_below(&s->life, 4)];
                n->up.limit_us = n->down.limit_us = rng_log(&s->life, 5000, 400000);
                n->delay_us = rng_log(&s->life, 20, s->p.slow ? 100000 : 20000);
                if (cluster_member(n)) { /* one LAN, which carries everybody's traffic */
                        n->up.ns_per_byte = n->down.ns_per_byte = 8;
                        n->delay_us = rng_in(&s->life, 20, 300);
                }
                n->poll_us = rng_below(&s->life, 3) ? rng_in(&s->life, 1, 60) : rng_in(&s->life, 100, 1000);
        }
}

static struct sim *sim_new(const struct params *p)
{
        struct sim *s = calloc(1, sizeof *s);
        s->p = *p;
        s->net.s = p->seed * 3ull + 1;
        s->work.s = p->seed * 5ull + 2;
        s->life.s = p->seed * 7ull + 3;
        s->move.s = p->seed * 11ull + 4;
        s->now_us = 1000000;
        s->node = calloc(p->nodes, sizeof *s->node);
        s->conn = calloc(p->conns, sizeof *s->conn);
        s->arena = malloc(ARENA + ARENA_RUN);
        struct rng r = {p->seed ^ 0x5eedull};
        for (u32 i = 0; i < ARENA; i++)
                s->arena[i] = (u8)rng_u32(&r);
        memcpy(s->arena + ARENA, s->arena, ARENA_RUN);
        make_links(s);
        work_plan(s);
        for (u32 i = 0; i < p->nodes; i++)
                node_start(&s->node[i]);
        return s;
}

static void happen(struct sim *s, const struct event *e)
{
        switch ((enum ev_kind)e->kind) {
        case EV_SWITCH: medium_switch(s, e->a, e->p); break;
        case EV_ARRIVE: node_arrive(&s->node[e->a], e->p); break;
        case EV_POLL: node_poll(&s->node[e->a]); break;
        case EV_WAKE: node_wake(&s->node[e->a], e->t); break;
        case EV_OPEN: work_open(&s->conn[e->a >> 1], e->a & 1); break;
        case EV_APP: end_app(e->p); break;
        case EV_CRASH: node_crash(&s->node[e->a]); break;
        case EV_RESTART:
                if (!s->node[e->a].st)
                        node_start(&s->node[e->a]);
                break;
        case EV_SPLIT: medium_split(s); break;
        case EV_MOVE: cluster_move(&s->conn[e->a]); break;
        case EV_HEAL: s->cut = s->cut_long = false; break;
        }
}

/* Until every end has been told and every TIME_WAIT is over, but never beyond two simulated hours. */
static void sim_run(struct sim *s)
{
        u64 opened = s->now_us + work_begins(s) + 1000000 + s->p.span_ms * 1000ull, limit = opened + 7200000000ull, drain = 0;
        struct event e;
        while (ev_next(s, &e)) {
                if (e.t > limit || (drain && e.t > drain))
                        break;
                s->now_us = e.t;
                happen(s, &e);
                /* counted again from every change: a ghost of an old duplicate may outlive them all */
                if (s->now_us < opened || s->open_ends)
                        drain = 0;
                else if (!drain)
                        drain = s->now_us + 1500000000;
        }
}

static void sim_free(struct sim *s)
{
        struct event e;
        while (ev_next(s, &e))
                if (e.kind == EV_SWITCH || e.kind == EV_ARRIVE)
                        frame_free(s, e.p);
        s->open_ends = 0;
        for (u32 i = 0; i < s->p.nodes; i++)
                node_crash(&s->node[i]);
        while (s->spare) {
                struct frame *f = s->spare;
                s->spare = f->next;
                free(f);
        }
        free(s->heap);
        free(s->node);
        free(s->conn);
        free(s->arena);
        free(s);
}

static void report(const struct sim *s)
{
        const struct counts *c = &s->count;
        const struct params *p = &s->p;
        u32 whole = 0, broken = 0, none = 0;
        for (u32 i = 0; i < p->conns; i++) {
                const struct end *a = &s->conn[i].end[0], *b = &s->conn[i].end[1];
                bool ok = a->eof && b->eof && !a->err && !b->err;
                whole += ok;
                broken += !ok && (a->live || b->live);
                none += !a->live && !b->live;
        }
        printf("# seed %u: %u nodes%s%s%s%s, loss %.2f%% dup %.2f%% reorder %.2f%% corrupt %.2f%%, ", p->seed, p->nodes, p->l3 ? " on IP links" : "",
               p->slow ? ", slow links" : "", p->pressure ? ", small pools" : "", p->plain ? ", plain" : "", p->loss_ppm / 1e4, p->dup_ppm / 1e4,
               p->reorder_ppm / 1e4, p->corrupt_ppm / 1e4);
        printf("%.0f%% of the paths narrow, %u crashes, %u partitions\n", p->narrow_ppm / 1e4, p->crashes, p->partitions);
        printf("# %u connections whole, %u broken and told, %u never begun, %.1f MB of content compared in %.0f simulated seconds\n", whole,
               broken, none, (double)c->content / 1e6, (double)s->now_us / 1e6);
        printf("# %llu frames (%.1f MB): %llu lost, %llu repeated, %llu delayed, %llu spoilt, %llu marked, ", c->frames, (double)c->bytes / 1e6,
               c->lost, c->duplicated, c->delayed, c->spoilt, c->marked);
        printf("%llu cut off, %llu over a full queue, %llu over a full ring, %llu in pieces, %llu told by routers\n", c->cut, c->queue_full,
               c->ring_full, c->cut_up, c->told);
        if (p->cluster)
                printf("# %llu moves done, %llu begun there, %llu stayed, %llu not begun; %llu with the SYN not answered yet\n", c->moved, c->landed, c->stayed,
                       c->refused, c->early);
        printf("# hash %u %016llx\n", p->seed, (unsigned long long)s->hash);
}

static int run_seed(u32 seed)
{
        struct params p = decide(seed);
        if (p.cluster >= p.nodes || p.cluster > SIM_CLUSTER) {
                fprintf(stderr, "qure-sim: --cluster %u: at most %u, and fewer than all %u machines, for clients\n", p.cluster,
                        SIM_CLUSTER, p.nodes);
                exit(2);
        }
        struct sim *s = sim_new(&p);
        sim_run(s);
        check_run(s);
        report(s);
        u32 bad = s->violations;
        printf("%sok - seed %u: every transfer whole or its end told, nothing leaked\n", bad ? "not " : "", seed);
        fflush(stdout);
        sim_free(s);
        return bad != 0;
}

static int usage(void)
{
        fprintf(stderr, "qure-sim [--option N ...] SEED...\n");
        for (u32 i = 0; i < COUNT_OF(option); i++)
                fprintf(stderr, "  --%-12s %s\n", option[i].name, option[i].what);
        return 2;
}

/* A whole number from `least` on. */
static u32 number(const char *what, const char *text, u32 least)
{
        char *end;
        long long v = strtoll(text, &end, 0);
        if (end == text || *end || v < least || v > UINT32_MAX) {
                fprintf(stderr, "qure-sim: %s: expected a number from %u on, found '%s'\n", what, least, text);
                exit(2);
        }
        return v;
}

int main(int argc, char **argv)
{
        int bad = 0, runs = 0;
        for (int i = 1; i < argc; i++) {
                if (strncmp(argv[i], "--", 2) == 0) {
                        u32 k = 0;
                        while (k < COUNT_OF(option) && strcmp(option[k].name, argv[i] + 2))
                                k++;
                        if (k == COUNT_OF(option) || ++i == argc)
                                return usage();
                        option[k].v = (long)number(argv[i - 1], argv[i], strcmp(option[k].name, "nodes") ? 0 : 2);
                } else {
                        bad |= run_seed(number("SEED", argv[i], 0));
                        runs++;
                }
        }
        return runs ? bad : usage();
}
