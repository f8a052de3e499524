/* clock.c - a conversation over a bad wire, driven by qure_next alone and again by a call every millisecond: the same packets at
 * the same times, and in the end nothing is pending. The clock begins where 32 bits of it end. Not here: what is in the packets.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "qure.h"

enum { MEMORY = 8 << 20, FLYING = 4096, BYTES = 20000, PIECE = 997 };

struct flying { u64 at; u32 to, n; u8 p[1500]; };
struct end { struct qure *q; struct sock *s; u8 *memory; size_t used; u32 sent, got; bool over; };
static struct {
        struct end end[2];
        struct sock *listener;
        struct flying *wire;
        u32 n_flying, rnd, packets;
        u64 now, hash;
} W;

static u32 dice(u32 n)
{
        W.rnd = W.rnd * 1664525 + 1013904223;
        return (W.rnd >> 16) % n;
}

static void *give(void *ctx, size_t n, size_t align)
{
        struct end *e = ctx;
        e->used = (e->used + align - 1) & ~(align - 1);
        return n > MEMORY - e->used ? NULL : e->memory + (e->used += n) - n;
}

/* Lost, late or there after some milliseconds. */
static void out(void *ctx, const void *packet, u32 n)
{
        struct end *e = ctx;
        const u8 *b = packet;
        for (u32 i = 0; i < n; i++)
                W.hash = (W.hash ^ b[i]) * 1099511628211u;
        W.hash = (W.hash ^ W.now) * 1099511628211u;
        W.packets++;
        assert_in_range(W.n_flying, 0, FLYING - 1);
        struct flying *f = &W.wire[W.n_flying];
        *f = (struct flying){.at = W.now + 1000 * (3 + (dice(8) ? 0 : dice(20))), .to = e == W.end, .n = n};
        memcpy(f->p, packet, n);
        W.n_flying += dice(25) != 0;
}

static void talk(struct end *e)
{
        u8 b[PIECE];
        int n, err;
        if (e == &W.end[1] && !e->s && (e->s = sock_accept(W.listener, NULL, &err)) != NULL)
                sock_set(e->s, SOCK_NOWAIT, 1);
        if (!e->s)
                return;
        while (e->sent < BYTES) {
                u32 most = min_u32(PIECE, BYTES - e->sent);
                for (u32 i = 0; i < most; i++)
                        b[i] = (u8)((e->sent + i) * 7);
                if ((n = sock_write(e->s, b, most)) <= 0)
                        break;
                e->sent += (u32)n;
        }
        if (e->sent == BYTES)
                sock_shutdown(e->s, SOCK_WR);
        while ((n = sock_read(e->s, b, sizeof b)) > 0)
                for (int i = 0; i < n; i++)
                        assert_int_equal(b[i], (u8)(e->got++ * 7));
        if (n == 0 && e->sent == BYTES) {
                sock_close(e->s);
                e->s = NULL;
                e->over = true;
        }
}

static void run_end(struct end *e)
{
        if (!e->over)
                talk(e);
        qure_time(e->q, W.now);
}

static void arrive(void)
{
        for (u32 i = 0; i < W.n_flying;) {
                struct flying f = W.wire[i];
                if (f.at > W.now) {
                        i++;
                        continue;
                }
                memmove(&W.wire[i], &W.wire[i + 1], (--W.n_flying - i) * sizeof f);
                qure_input(W.end[f.to].q, f.p, f.n, W.now);
                run_end(&W.end[f.to]);
                i = 0;
        }
}

/* When something happens next; UINT64_MAX: never. */
static u64 next(void)
{
        u64 at = UINT64_MAX;
        for (u32 i = 0; i < W.n_flying; i++)
                at = W.wire[i].at < at ? W.wire[i].at : at;
        for (u32 i = 0; i < 2; i++) {
                u32 ms = qure_next(W.end[i].q);
                if (ms != UINT32_MAX && W.now + ms * 1000ull < at)
                        at = W.now + ms * 1000ull;
        }
        return at;
}

static u64 converse(u32 seed, u64 begin, bool every_ms)
{
        int err;
        W.now = begin, W.hash = seed, W.rnd = seed, W.packets = W.n_flying = 0;
        for (u32 i = 0; i < 2; i++) {
                struct end *e = &W.end[i];
                *e = (struct end){.memory = e->memory};
                memset(e->memory, 0, MEMORY);
                struct qure_config c = {.addr = IPADDR(192, 0, 2, (u8)(1 + i)), .plen = 24, .output = out, .output_ctx = e,
                                        .stack = {.alloc = give, .alloc_ctx = e, .seed = {(u8)seed, (u8)i}}};
                e->q = qure_new(&c, W.now);
                assert_non_null(e->q);
        }
        W.listener = sock_open(qure_stack(W.end[1].q), SOCK_TCP, &err);
        sock_set(W.listener, SOCK_RCVBUF, seed & 1 ? 3000 : 0);
        assert_int_equal(sock_bind(W.listener, IPADDR_ANY, 80), 0);
        assert_int_equal(sock_listen(W.listener, 1), 0);
        struct sock *s = W.end[0].s = sock_open(qure_stack(W.end[0].q), SOCK_TCP, &err);
        sock_set(s, SOCK_NOWAIT, 1);
        sock_tcp_opts(s)->no_sack = seed & 2;
        assert_int_equal(sock_connect(s, IPADDR(192, 0, 2, 2), 80), E_AGAIN);
        for (u32 steps = 0; next() != UINT64_MAX; steps++) {
                assert_true(every_ms || steps < 20000);
                W.now = every_ms ? W.now + 1000 : next();
                arrive();
                run_end(&W.end[0]), run_end(&W.end[1]);
        }
        for (u32 i = 0; i < 2; i++) {
                assert_true(W.end[i].over);
                assert_int_equal(W.end[i].got, BYTES);
        }
        assert_in_range(W.packets, 30, 20000);
        return W.hash;
}

static void next_timer_alone_does_what_every_millisecond_does(void **s)
{
        static const u64 begins[] = {0, 0xffffffffull - 500000, 0x80000000ull * 1000 - 500000, 0x100000000ull * 1000 - 500000,
                                     1ull << 62};
        W.wire = malloc(FLYING * sizeof *W.wire);
        for (u32 i = 0; i < 2; i++)
                W.end[i].memory = aligned_alloc(4096, MEMORY);
        for (u32 seed = 1; seed <= 10; seed++)
                for (u32 i = 0; i < COUNT_OF(begins); i++)
                        assert_true(converse(seed, begins[i], false) == converse(seed, begins[i], true));
        free(W.wire), free(W.end[0].memory), free(W.end[1].memory);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(next_timer_alone_does_what_every_millisecond_does)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
