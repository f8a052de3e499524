/* referee.c - two instances over a wire that loses, repeats and reorders, and a referee who sees the packets alone: what each
 * side sends is judged by what it said and what it got before. Windows do not shrink and are kept, numbers only grow, segments are as
 * long as MSS and options allow, nothing is acknowledged or told in blocks that never came, and no hole is kept a secret.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "qure.h"
#include "seq.h"
#include "../../../net/tcp/tcb.h"

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16, STREAM = 150000, FLYING = 4096, MEMORY = 8 << 20 };

struct side {
        struct qure *q;
        struct tcb *t;
        /* said so far: the acknowledgement, the ends of window and sequence space, FIN's number */
        u32 isn, acked, edge, top, fin, last_tsval;
        bool said_syn, acks, stamps, said_fin, closed;
        bool wscale_ok, sack_ok, ts_ok;
        bool choosy;                                  /* it refused something that came: its timestamp was old */
        u32 mss, scale;
        u32 to_send, sent, got;
        u8 came[STREAM];                              /* bytes of the other's stream */
        u8 *memory;
        size_t used;
};
static struct side S[2];
static struct flying { u64 at; u32 to, n; u8 b[1500]; } flying[FLYING];
static u32 n_flying, loss, seed;
static u64 now, rng;
static u8 bytes[STREAM];

static struct heard {
        const u8 *t, *ts, *blocks;
        u32 seq, ack, wnd, len, n_opts, n_blocks, mss, scale;
        u8 flags;
        bool wscale, sack_ok;
} H;

#define JUST(what) do { if (!(what)) fail_msg("seed %u, %u ms: side %u: not %s (seq %u ack %u len %u)", seed, (u32)(now / 1000), \
        from, #what, H.seq - S[from].isn, H.ack - S[!from].isn, H.len); } while (0)

static u32 rnd(u32 n) { rng = rng * 6364136223846793005u + 1442695040888963407u; return (u32)(rng >> 33) % n; }
static u32 get16(const u8 *p) { return (u32)p[0] << 8 | p[1]; }
static u32 get32(const u8 *p) { return get16(p) << 16 | get16(p + 2); }

static void hear(const u8 *b, u32 n)
{
        const u8 *t = b + 20;
        u32 hlen = t[12] >> 4 << 2;
        H = (struct heard){.t = t, .seq = get32(t + 4), .ack = get32(t + 8), .wnd = get16(t + 14), .len = n - 20 - hlen,
                           .n_opts = hlen - 20, .mss = 536, .flags = t[13]};
        for (const u8 *o = t + 20; o < t + hlen && *o; o += *o == 1 ? 1 : o[1]) {
                switch (*o) {
                case 2: H.mss = get16(o + 2); break;
                case 3: H.wscale = true, H.scale = o[2]; break;
                case 4: H.sack_ok = true; break;
                case 5: H.blocks = o + 2, H.n_blocks = (o[1] - 2u) / 8; break;
                case 8: H.ts = o + 2; break;
                }
        }
}

/* Byte `at` of the stream that `from` gets came. */
static bool came(u32 from, u32 at) { return at < STREAM && S[from].came[at]; }

static void judge_numbers(u32 from)
{
        struct side *a = &S[from], *z = &S[!from];
        u32 end = H.seq + H.len, scale = a->wscale_ok && z->wscale_ok ? a->scale : 0, edge = H.ack + (H.wnd << scale);
        JUST(!a->acks || seq_ge(H.ack, a->acked));
        JUST(!a->acks || seq_gt(edge + (1u << scale), a->edge)); /* as far as its scale can say */
        a->acked = H.ack;
        a->edge = a->acks ? seq_max(a->edge, edge) : edge;
        a->acks = true;
        JUST(seq_le(H.seq, a->top));
        JUST(H.len <= 1 || seq_le(end, z->edge)); /* one byte asks */
        JUST(!H.len || !a->said_fin || seq_le(end, a->fin));
        if (H.flags & FIN) {
                JUST(!a->said_fin || a->fin == end);
                a->said_fin = true;
                a->fin = end;
        }
        a->top = seq_max(a->top, end + (H.flags & FIN ? 1 : 0));
        for (u32 i = 0; i < H.len; i++)
                JUST(H.t[20 + H.n_opts + i] == bytes[H.seq + i - a->isn - 1]);
        u32 acked = H.ack - z->isn - 1 - (z->said_fin && H.ack == z->fin + 1);
        JUST(!acked || came(from, acked - 1));
}

static void judge_options(u32 from)
{
        struct side *a = &S[from], *z = &S[!from];
        JUST(H.len + H.n_opts <= z->mss); /* MUST-16 */
        JUST((H.ts != NULL) == (a->ts_ok && z->ts_ok));
        if (!H.ts)
                return;
        JUST(!a->stamps || (s32)(get32(H.ts) - a->last_tsval) >= 0);
        a->stamps = true;
        a->last_tsval = get32(H.ts);
}

/* RFC 2018 4, RFC 2883 4. */
static void judge_blocks(u32 from)
{
        struct side *z = &S[!from];
        const u8 *b = H.blocks;
        u32 base = z->isn + 1, highest = STREAM;
        bool told = S[from].sack_ok && z->sack_ok, dup = b && (seq_le(get32(b + 4), H.ack) || (H.n_blocks > 1 &&
                        seq_ge(get32(b), get32(b + 8)) && seq_le(get32(b + 4), get32(b + 12))));
        JUST(told || !b);
        for (u32 i = 0; i < H.n_blocks; i++) {
                u32 start = get32(b + 8 * i), end = get32(b + 8 * i + 4);
                JUST(seq_lt(start, end) && end - start <= STREAM);
                for (u32 at = start; at != end; at++)
                        JUST(came(from, at - base));
                if (i == 0 && dup)
                        continue;
                JUST(seq_gt(start, H.ack));
                JUST(S[from].choosy || !came(from, start - 1 - base));
                JUST(i != dup || S[from].choosy || !came(from, end - base));
                for (u32 k = dup; k < i; k++)
                        JUST(seq_le(end, get32(b + 8 * k)) || seq_ge(start, get32(b + 8 * k + 4)));
        }
        while (highest && !S[from].came[highest - 1])
                highest--;
        JUST(!told || S[from].choosy || H.n_blocks > dup || seq_ge(H.ack, base + highest));
}

static void judge(u32 from, const u8 *b, u32 n)
{
        struct side *a = &S[from];
        hear(b, n);
        JUST(n <= 1500);
        if (H.flags & RST)
                return;
        if (!(H.flags & SYN)) {
                judge_numbers(from);
                judge_options(from);
                judge_blocks(from);
                return;
        }
        JUST(!a->said_syn || H.seq == a->isn);
        a->said_syn = true;
        a->isn = H.seq;
        a->top = H.seq + 1;
        a->mss = H.mss, a->scale = H.scale, a->wscale_ok = H.wscale, a->sack_ok = H.sack_ok, a->ts_ok = H.ts != NULL;
        a->edge = H.ack + H.wnd; /* without an acknowledgement, of nothing: nobody sends before there is one */
        a->acks = (H.flags & ACK) != 0;
        a->acked = H.ack;
}

static void output(void *ctx, const void *packet, u32 n)
{
        u32 from = (u32)(uintptr_t)ctx;
        judge(from, packet, n);
        for (u32 copies = rnd(1000) < loss ? 0 : 1 + (rnd(50) == 0); copies && n_flying < FLYING; copies--) {
                struct flying *f = &flying[n_flying++];
                *f = (struct flying){.at = now + 20000 + (rnd(20) == 0 ? rnd(30000) : 0), .to = !from, .n = n};
                memcpy(f->b, packet, n);
        }
}

static void arrive(const struct flying *f)
{
        struct side *s = &S[f->to], *z = &S[!f->to];
        qure_time(s->q, now); /* what is due by now does not know of it */
        hear(f->b, f->n);
        for (u32 i = 0; i < H.len && z->said_syn; i++)
                if (seq_lt(H.seq + i, s->edge))
                        s->came[H.seq + i - z->isn - 1] = 1;
        s->choosy |= H.ts && H.len && s->t && (s32)(get32(H.ts) - s->t->ts_recent) < 0; /* PAWS refuses it */
        qure_input(s->q, f->b, f->n, now);
}

static bool ev_accept(struct tcb *t) { S[1].t = t; tcp_set_user(t, &S[1]); return true; }
static void ev_readable(struct tcb *t)
{
        struct side *s = tcp_user(t);
        const u8 *p;
        for (u32 n; s->t && (n = tcp_peek(t, 0, &p)) != 0; tcp_consume(t, n)) {
                assert_memory_equal(p, bytes + s->got, n);
                s->got += n;
        }
}
static void ev_closed(struct tcb *t, int err)
{
        struct side *s = tcp_user(t);
        assert_int_equal(err, 0);
        s->closed = true;
        s->t = NULL;
}
static const struct tcp_events events = {.accept = ev_accept, .readable = ev_readable, .closed = ev_closed};


static void *give(void *ctx, size_t n, size_t align)
{
        struct side *s = ctx;
        s->used = (s->used + align - 1) & ~(align - 1);
        return n > MEMORY - s->used ? NULL : s->memory + (s->used += n) - n;
}

static void instance(u32 i)
{
        u8 *memory = S[i].memory ? S[i].memory : aligned_alloc(4096, MEMORY);
        memset(memory, 0, MEMORY);
        S[i] = (struct side){.memory = memory, .to_send = rnd(3) ? rnd(STREAM) : rnd(5000)};
        struct qure_config c = {.addr = IPADDR(192, 0, 2, (u8)(1 + i)), .plen = 24, .output = output,
                                .output_ctx = (void *)(uintptr_t)i, .mtu = (u16)(1300 + rnd(201)),
                                .stack = {.alloc = give, .alloc_ctx = &S[i], .n_pkts = 1024, .seed = {(u8)seed, (u8)i}}};
        S[i].q = qure_new(&c, now);
        assert_non_null(S[i].q);
}

static struct tcp_opts any_opts(void)
{
        struct tcp_opts o = {.no_timestamps = rnd(2), .no_sack = rnd(6) == 0, .no_wscale = rnd(6) == 0, .cc = (u8)rnd(2),
                             .nodelay = rnd(2), .ecn = rnd(2), .rcvbuf = rnd(3) ? 0 : 3000 + rnd(60000), .fixed_isn = rnd(2),
                             .isn = rnd(2) ? -rnd(5000) : rnd(2) << 31, .mss = (u16)(rnd(3) ? 0 : 1200 + rnd(200))};
        return o;
}

static void feed(struct side *s)
{
        if (!s->t || tcp_state_number(s->t) == TCP_SYN_SENT || rnd(3))
                return;
        while (s->sent < s->to_send) {
                u32 n = min_u32(min_u32(1 + rnd(4000), s->to_send - s->sent), tcp_send_room(s->t));
                u32 sum = cksum_add(0, bytes + s->sent, n);
                if (!n || tcp_send_ref(s->t, bytes + s->sent, n, rnd(2) ? &sum : NULL))
                        return;
                s->sent += n;
                if (rnd(4) == 0)
                        return;
        }
        tcp_shutdown(s->t);
}

/* Until something is due at one of them, or arrives; 5 ms at most. */
static void pass_time(void)
{
        u64 then = now + 5000;
        for (u32 i = 0; i < 2; i++) {
                u32 ms = qure_next(S[i].q);
                then = ms < 5 && now + ms * 1000 < then ? now + (ms ? ms : 1) * 1000 : then;
        }
        for (u32 i = 0; i < n_flying; i++)
                then = flying[i].at < then ? flying[i].at : then;
        now = then > now ? then : now;
}

static void one(void)
{
        static struct flying f;
        int err;
        rng = seed * 0x9e3779b97f4a7c15u;
        now = 1000000 + rnd(1000000) * 1000ull;
        loss = rnd(3) ? rnd(120) : 0;
        n_flying = 0;
        instance(0), instance(1);
        struct tcp_opts ours = any_opts(), theirs = any_opts();
        assert_non_null(tcp_listen(qure_stack(S[1].q), IPADDR_ANY, 80, &events, NULL, &theirs, &err));
        S[0].t = tcp_connect(qure_stack(S[0].q), IPADDR_ANY, 0, IPADDR(192, 0, 2, 2), 80, &events, &S[0], &ours, &err);
        assert_non_null(S[0].t);
        for (u64 end = now + 3600000000u; now < end && !(S[0].closed && S[1].closed);) {
                pass_time();
                for (u32 i = 0; i < n_flying;) {
                        if (flying[i].at > now) {
                                i++;
                                continue;
                        }
                        f = flying[i];
                        flying[i] = flying[--n_flying];
                        arrive(&f);
                }
                for (u32 i = 0; i < 2; i++) {
                        feed(&S[i]);
                        qure_time(S[i].q, now);
                }
        }
        for (u32 i = 0; i < 2; i++)
                if (!S[i].closed || S[i].got != S[!i].to_send)
                        fail_msg("seed %u: side %u got %u bytes of %u%s", seed, i, S[i].got, S[!i].to_send,
                                 S[i].closed ? "" : " and never closed");
}

static void nothing_that_is_said_contradicts_what_was_said_and_heard(void **state)
{
        const char *seeds = getenv("REFEREE_SEEDS"), *first = getenv("REFEREE_FIRST");
        u32 from = first ? (u32)atoi(first) : 1, n = seeds ? (u32)atoi(seeds) : 60;
        for (u32 i = 0; i < STREAM; i++)
                bytes[i] = (u8)(i * 31 + (i >> 9));
        for (seed = from; seed < from + n; seed++)
                one();
        free(S[0].memory);
        free(S[1].memory);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_that_is_said_contradicts_what_was_said_and_heard)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
