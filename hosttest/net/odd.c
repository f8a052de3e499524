/* odd.c - two instances of the library with settings that nobody chooses, over a wire that loses, repeats and delays:
 * MTU from 68 on, any layout of SYN options, any window scale, tiny buffers, cork, messages, acknowledgement on reading, application
 * mode, Fast Open with a cookie, ECN marks. Whatever the settings, every byte arrives once and in order, both sides learn the end,
 * nothing exceeds MTU or window, and every buffer comes back. Who talks to application mode may be reset at the end, and has a prefix. ODD=seed[,seeds] runs others; ODD_SHOW=1 prints the settings and every packet.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "qure.h"
#include "../../net/tcp/tcb.h"

enum { FLYING = 4096, CONTENT = 65521, MOST = 1 << 20, HOURS = 3 };

static struct side {
        struct qure *q;
        struct tcp_opts o;
        struct tcb *t;
        u32 mtu, size, queued, got, chunk, gulp, pause_us;
        bool gone, eof, shut, closed, corks;
        int err;
        u32 edge;                          /* right edge offered to this side, as it went out at the other one */
        bool edge_known;
        u8 *memory;
        size_t used;
        u64 wake;
} side[2];

static struct flying { u64 at; u32 n; u8 to, b[1500]; } *fly;
static u32 n_fly, loss, dup, marks, jitter_us, delay_us;
static u64 now_us, state, seed;
static u8 content[CONTENT + MOST];
static char wrong[300];

static u32 rnd(u32 n)
{
        state = state * 6364136223846793005u + 1442695040888963407u;
        return n ? (u32)((state >> 33) % n) : 0;
}
static u32 between(u32 lo, u32 hi) { return lo + rnd(hi - lo + 1); }
/* small as often as large */
static u32 any_size(u32 hi) { return between(1, min_u32(hi, 1u << rnd(33u - (u32)__builtin_clz(hi)))); }

#define BROKEN(...) do { if (!*wrong) snprintf(wrong, sizeof wrong, __VA_ARGS__); } while (0)

static void *give(void *ctx, size_t n, size_t align)
{
        struct side *s = ctx;
        s->used = (s->used + align - 1) & ~(align - 1);
        if (n > (8u << 20) - s->used)
                return NULL;
        return s->memory + (s->used += n) - n;
}

/* --- settings --- */

static void choose_layout(u8 *l)
{
        static const u8 kinds[] = {1, 1, 1, 2, 3, 4, 8, 28, 34};
        for (u32 i = 0, n = between(1, TCP_SYN_LAYOUT); i < n; i++)
                l[i] = kinds[rnd(COUNT_OF(kinds))];
}

static void choose(struct side *s)
{
        static const u32 mtus[] = {68, 69, 100, 296, 576, 1500};
        struct tcp_opts *o = &s->o;
        s->mtu = rnd(2) ? mtus[rnd(COUNT_OF(mtus))] : between(68, 1500);
        if (rnd(2))
                o->mss = (u16)any_size(1460);
        if (rnd(2))
                o->rcvbuf = any_size(200000);
        if (rnd(2))
                o->sndbuf = any_size(200000);
        if (rnd(3) == 0)
                o->wscale = (u8)between(1, 15);
        if (rnd(2))
                choose_layout(o->syn_layout);
        o->no_wscale = !rnd(4), o->no_sack = !rnd(4), o->no_timestamps = !rnd(4), o->ecn = !rnd(3), o->uto = !rnd(4);
        o->nodelay = !rnd(3), o->cc = (u8)rnd(2), o->no_pmtud = !rnd(6);
        o->psh_message = !rnd(5), o->ack_on_read = !o->psh_message && !rnd(6);
        o->app_mode = !o->psh_message && !rnd(6), o->fastopen = !rnd(2);
        o->keepalive_ms = rnd(4) ? 0 : between(5000, 60000);
        if (rnd(3) == 0)
                o->fixed_isn = true, o->isn = (u32)-(s32)between(1, 100000);
        s->size = rnd(6) ? any_size(100000) : 0;
        s->chunk = any_size(20000), s->gulp = any_size(20000), s->corks = !rnd(4);
        s->pause_us = rnd(3) ? 0 : any_size(300000);
}

/* What a slow reader takes in a quarter of an hour, in pieces as small as any setting makes them. */
static void bound_sizes(void)
{
        for (u32 i = 0; i < 2; i++) {
                const struct side *r = &side[!i];
                u32 piece = min_u32(r->gulp, r->o.rcvbuf ? r->o.rcvbuf : 200000);
                if (side[i].o.sndbuf)
                        piece = min_u32(piece, side[i].o.sndbuf);
                side[i].size = min_u32(side[i].size, (r->pause_us ? 300 : 3000) * piece);
        }
}

static void show_settings(void)
{
        for (u32 i = 0; i < 2; i++) {
                const struct side *s = &side[i];
                const struct tcp_opts *o = &s->o;
                const struct { bool on; const char *name; } set[] = {
                        {o->no_wscale, "no_wscale"}, {o->no_sack, "no_sack"}, {o->no_timestamps, "no_timestamps"},
                        {o->ecn, "ecn"}, {o->uto, "uto"}, {o->nodelay, "nodelay"}, {o->cc, "newreno"}, {o->no_pmtud, "no_pmtud"},
                        {o->psh_message, "psh_message"}, {o->ack_on_read, "ack_on_read"}, {s->corks, "cork"},
                        {o->app_mode, "app_mode"}, {o->fastopen, "fastopen"}};
                fprintf(stderr, "# %u: mtu %u mss %u rcvbuf %u sndbuf %u wscale %u isn %u size %u chunk %u gulp %u pause %u us,",
                        i, s->mtu, o->mss, o->rcvbuf, o->sndbuf, o->wscale, o->isn, s->size, s->chunk, s->gulp, s->pause_us);
                for (u32 k = 0; k < COUNT_OF(set); k++)
                        if (set[k].on)
                                fprintf(stderr, " %s", set[k].name);
                fprintf(stderr, "; layout");
                for (u32 k = 0; k < TCP_SYN_LAYOUT && o->syn_layout[k]; k++)
                        fprintf(stderr, " %u", o->syn_layout[k]);
                fprintf(stderr, "\n");
        }
        fprintf(stderr, "# loss %u dup %u marks %u (of 1000) delay %u jitter %u us\n", loss, dup, marks, delay_us, jitter_us);
}

/* --- the wire --- */

static u32 get32(const u8 *p) { return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3]; }

static void show(u32 from, const u8 *p, u32 n, const char *fate)
{
        if (!getenv("ODD_SHOW"))
                return;
        u32 ih = (p[0] & 15u) * 4;
        fprintf(stderr, "# %12.6f %u> %u bytes", (double)now_us / 1e6, from, n);
        if ((p[6] & 0x1f) || p[7])
                fprintf(stderr, " fragment");
        else
                fprintf(stderr, " %02x seq %u+%u ack %u win %u opts %u", p[ih + 13], get32(p + ih + 4),
                        n - ih - (p[ih + 12] >> 4) * 4u, get32(p + ih + 8), p[ih + 14] << 8 | p[ih + 15],
                        (p[ih + 12] >> 4) * 4u - 20);
        fprintf(stderr, " %s\n", fate);
}

/* Nothing is larger than the MTU, and nothing is sent beyond the window that went out to this side, a probe's byte aside. */
static void check_packet(struct side *s, struct side *o, const u8 *p, u32 n)
{
        u32 ih = (p[0] & 15u) * 4;
        if (n > s->mtu)
                BROKEN("side %u: a packet of %u bytes at MTU %u", (u32)(s - side), n, s->mtu);
        if (p[9] != 6 || (p[6] & 0x3f) || p[7])
                return;
        const u8 *t = p + ih;
        u32 len = n - ih - (t[12] >> 4) * 4u, seq = get32(t + 4), ack = get32(t + 8), win = (u32)t[14] << 8 | t[15];
        if (s->edge_known && len > 1 && seq_gt(seq + len, s->edge))
                BROKEN("side %u: %u bytes beyond the window", (u32)(s - side), seq + len - s->edge);
        if (!(t[13] & TCP_ACK) || (t[13] & TCP_RST))
                return;
        u32 edge = ack + (t[13] & TCP_SYN ? win : win << (s->t ? s->t->rcv_scale : 0));
        if (!o->edge_known || seq_gt(edge, o->edge))
                o->edge = edge;
        o->edge_known = true;
}

/* A router that is busy marks what may be marked (RFC 3168 5). */
static void mark(u8 *p)
{
        if ((p[1] & 3) != 1 && (p[1] & 3) != 2)
                return;
        p[1] |= 3;
        p[10] = p[11] = 0;
        u16 sum = (u16)~cksum_fold(cksum_add(0, p, (p[0] & 15u) * 4));
        memcpy(p + 10, &sum, 2);
}

static void post(u32 to, const u8 *p, u32 n)
{
        if (n_fly == FLYING)
                return;
        struct flying *f = &fly[n_fly++];
        f->at = now_us + delay_us + rnd(jitter_us + 1);
        f->n = n;
        f->to = (u8)to;
        memcpy(f->b, p, n);
}

static void drain(void)
{
        u8 p[2048];
        for (u32 i = 0; i < 2; i++) {
                for (u32 n; (n = qure_send(side[i].q, p, sizeof p, now_us)) != 0;) {
                        bool lost = rnd(1000) < loss;
                        show(i, p, n, lost ? "lost" : "");
                        check_packet(&side[i], &side[!i], p, n);
                        if (rnd(1000) < marks)
                                mark(p);
                        if (!lost)
                                post(!i, p, n);
                        if (rnd(1000) < dup)
                                post(!i, p, n);
                }
        }
}

/* --- the applications --- */

static void fill(struct side *s)
{
        if (s->corks)
                tcp_cork(s->t, true);
        while (s->t && s->queued < s->size) {
                u32 n = min_u32(min_u32(s->size - s->queued, s->chunk), tcp_send_room(s->t));
                const u8 *src = content + s->queued % CONTENT;
                int took = !n ? 0 : rnd(2) ? tcp_send(s->t, src, n) : tcp_send_ref(s->t, src, n, NULL) ? 0 : (int)n;
                if (took <= 0)
                        break;
                s->queued += (u32)took;
        }
        if (s->corks && s->t)
                tcp_cork(s->t, false);
        if (s->t && s->queued == s->size && !s->shut) {
                s->shut = true;
                tcp_shutdown(s->t);
        }
}

static void drink(struct side *s, u32 budget)
{
        struct side *o = &side[!(s - side)];
        const u8 *p;
        for (u32 n; s->t && budget && (n = min_u32(tcp_peek(s->t, 0, &p), budget)) != 0; budget -= n) {
                if (s->got + n > o->queued || memcmp(p, content + s->got % CONTENT, n))
                        BROKEN("side %u: other bytes at %u", (u32)(s - side), s->got);
                s->got += n;
                tcp_consume(s->t, n);
        }
        if (s->t && tcp_eof(s->t) && !tcp_readable(s->t) && !s->eof) {
                s->eof = true;
                if (!o->shut || s->got != o->queued)
                        BROKEN("side %u: the end after %u of %u bytes", (u32)(s - side), s->got, o->queued);
        }
        if (s->t && s->eof && s->shut && !s->closed) {
                s->closed = true;
                tcp_close(s->t);
        }
}

static void go_on(struct side *s)
{
        if (s->t)
                fill(s);
        drink(s, s->pause_us ? 0 : UINT32_MAX);
        if (s->pause_us && !s->wake && !s->gone)
                s->wake = now_us + s->pause_us;
}

static void ev_go_on(struct tcb *t) { go_on(tcp_user(t)); }
static bool ev_accept(struct tcb *t)
{
        if (side[1].t || side[1].gone)
                return false;
        side[1].t = t;
        tcp_set_user(t, &side[1]);
        go_on(&side[1]);
        return true;
}
static void ev_closed(struct tcb *t, int err)
{
        struct side *s = tcp_user(t);
        if (!s || s->gone)
                BROKEN("told its end twice, or for nobody");
        else
                s->gone = true, s->err = err, s->t = NULL, s->wake = 0;
}
static const struct tcp_events events = {.accept = ev_accept, .connected = ev_go_on, .readable = ev_go_on, .writable = ev_go_on,
                                         .closed = ev_closed};

/* --- a run --- */

static bool step(void);

/* Fast Open: a connection before, to another port, from which the cookie stays. */
static void learn_cookie(void)
{
        static const struct tcp_events silent;
        int err;
        struct listener *l = tcp_listen(qure_stack(side[1].q), IPADDR_ANY, 81, &silent, NULL, &side[1].o, &err);
        struct tcb *t = tcp_connect(qure_stack(side[0].q), IPADDR_ANY, 0, IPADDR(192, 0, 2, 2), 81, &silent, NULL, &side[0].o, &err);
        struct tcp_key key = tcp_key(t);
        u64 until = now_us + 3000000;
        for (drain(); now_us < until && step();)
                drain();
        if ((t = tcp_by_key(qure_stack(side[0].q), key)) != NULL)
                tcp_abort(t);
        for (drain(), until = now_us + 1000000; now_us < until && step();)
                drain();
        tcp_unlisten(l);
        n_fly = 0;
        side[0].edge_known = side[1].edge_known = false;
}

static bool begin(void)
{
        n_fly = 0, now_us = 1000000 + (u64)rnd(1u << 30) * 8, *wrong = 0;
        loss = rnd(3) ? rnd(80) : 0, dup = rnd(3) ? rnd(50) : 0, marks = rnd(3) ? 0 : rnd(100);
        delay_us = any_size(100000), jitter_us = rnd(2) ? 0 : any_size(50000);
        for (u32 i = 0; i < 2; i++) {
                u8 *m = side[i].memory;
                memset(m, 0, 8u << 20);
                side[i] = (struct side){.memory = m};
                choose(&side[i]);
        }
        bound_sizes();
        for (u32 i = 0; i < 2; i++) {
                struct qure_config c = {.addr = IPADDR(192, 0, 2, (u8)(1 + i)), .plen = 24, .mtu = (u16)side[i].mtu,
                                        .stack = {.alloc = give, .alloc_ctx = &side[i], .n_pkts = 512,
                                                  .seed = {(u8)seed, (u8)(seed >> 8), (u8)i}}};
                side[i].q = qure_new(&c, now_us);
                if (!side[i].q)
                        return false;
        }
        if (getenv("ODD_SHOW"))
                show_settings();
        if (side[0].o.fastopen && side[1].o.fastopen)
                learn_cookie();
        int err;
        struct listener *l = tcp_listen(qure_stack(side[1].q), IPADDR_ANY, 80, &events, NULL, &side[1].o, &err);
        side[0].t = tcp_connect(qure_stack(side[0].q), IPADDR_ANY, 0, IPADDR(192, 0, 2, 2), 80, &events, &side[0], &side[0].o,
                                &err);
        return l && side[0].t;
}

/* The next thing that happens, if anything will: now_us moves there. */
static bool step(void)
{
        u64 next = UINT64_MAX;
        u32 first = FLYING;
        for (u32 i = 0; i < n_fly; i++)
                if (fly[i].at < next)
                        next = fly[i].at, first = i;
        for (u32 i = 0; i < 2; i++) {
                u32 ms = qure_next(side[i].q);
                u64 t = ms == UINT32_MAX ? UINT64_MAX : now_us + (u64)ms * 1000;
                if (side[i].wake && side[i].wake < t)
                        t = side[i].wake;
                if (t < next)
                        next = t, first = FLYING;
        }
        if (next == UINT64_MAX)
                return false;
        now_us = next > now_us ? next : now_us + (first == FLYING);
        if (first < FLYING) {
                struct flying f = fly[first];
                fly[first] = fly[--n_fly];
                qure_input(side[f.to].q, f.b, f.n, now_us);
                return true;
        }
        for (u32 i = 0; i < 2; i++) {
                struct side *s = &side[i];
                qure_time(s->q, now_us);
                if (s->wake && s->wake <= now_us) {
                        s->wake = 0;
                        drink(s, s->gulp);
                        go_on(s);
                }
        }
        return true;
}

static void both_ended_well(u64 began_us)
{
        for (u32 i = 0; i < 2; i++) {
                const struct side *s = &side[i];
                if (!s->gone || (s->err && !(s->err == E_RESET && side[!i].o.app_mode)))
                        BROKEN("side %u: %s after %.0f s, in state %s; read %u of %u, queued %u of %u", i,
                               s->gone ? stack_strerror(s->err) : "no end", (double)(now_us - began_us) / 1e6,
                               s->t ? tcp_state_name(s->t) : "-", s->got, side[!i].size, s->queued, s->size);
        }
}

static void nothing_is_left(void)
{
        for (u32 i = 0; i < 2; i++) {
                const struct pktpool *pool = &qure_stack(side[i].q)->pkts;
                char name[DROP_TEXT_MAX];
                if (pool->n_free != pool->n_total)
                        BROKEN("side %u: %u buffers are missing", i, pool->n_total - pool->n_free);
                for (u32 k = 0; k < DROP_N && getenv("ODD_SHOW"); k++)
                        if (pool->drops[k])
                                fprintf(stderr, "# %u: %u %s\n", i, pool->drops[k], drop_name((enum drop)k, name));
        }
}

static bool run(u64 which)
{
        seed = which, state = which * 2654435761u + 12345;
        rnd(2);
        if (!begin())
                BROKEN("could not begin");
        u64 began = now_us, end = now_us + HOURS * 3600000000ull;
        for (drain(); !*wrong && !(side[0].gone && side[1].gone) && now_us < end && step();)
                drain();
        both_ended_well(began);
        for (u64 until = now_us + 200000000; !*wrong && now_us < until && step();) /* TIME_WAIT */
                drain();
        nothing_is_left();
        if (*wrong)
                fprintf(stderr, "# ODD=%llu: %s\n", (unsigned long long)which, wrong);
        return !*wrong;
}

static void any_settings_carry_every_byte(void **s)
{
        unsigned long long first = 1, n = 12, bad = 0;
        if (getenv("ODD"))
                n = 1, sscanf(getenv("ODD"), "%llu,%llu", &first, &n);
        fly = malloc(FLYING * sizeof *fly);
        for (u32 i = 0; i < sizeof content; i++)
                content[i] = (u8)((i % CONTENT) * 2654435761u >> 13);
        for (u32 i = 0; i < 2; i++)
                side[i].memory = aligned_alloc(4096, 8u << 20);
        for (unsigned long long i = first; i < first + n; i++)
                bad += !run(i);
        for (u32 i = 0; i < 2; i++)
                free(side[i].memory);
        free(fly);
        assert_int_equal(bad, 0);
}

int main(void)
{
        static const struct CMUnitTest t[] = {cmocka_unit_test(any_settings_carry_every_byte)};
        return cmocka_run_group_tests(t, NULL, NULL);
}
