/* send_ref.c (test) - asm/send_ref.S against its twin on whole stacks: every kind of connection and send queue, seeded.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tcpworld.h"

int c_tcp_send_ref(struct tcb *t, const void *ptr, u32 n, const u32 *sum);

static u8 text[4000];
static u32 n_queued, n_refused, n_replies, n_ready, n_kept;

static void one(u32 seed)
{
        world_begin(seed * 2654435761u | 1);
        W.user_acts = false;
        struct tcb *t = W.t;
        if (dice(2)) { /* calm, and nothing outstanding */
                t->timer_kind = TT_CALM;
                t->mss = (u16)ONE_OF(536, 1000, 1460);
                t->snd_wnd = ONE_OF(0, 1, 535, 536, 999, 1000, 1001, 65535);
                t->sndbuf = ONE_OF(1, 535, 536, 999, 1000, 1001, t->sndbuf, t->sndbuf);
        }
        for (u32 i = 0; i < 10; i++) {
                struct cellpool *cells = &t->ts->cells, *flights = &t->ts->flights;
                u32 n_flights = flights->n_free;
                u32 kept_flags = t->flags | TF_BUSY, keep = cells->keep, n_free = cells->n_free, sum = 0x12345678;
                void *kept_free = cells->free;
                t->flags = kept_flags | (dice(10) ? 0 : ONE_OF(TF_FIN_QUEUED, TF_USER_CLOSED, TF_DEAD));
                if (dice(10) == 0)
                        t->flags &= ~(u32)TF_BUSY;
                cells->keep = dice(8) ? keep : ONE_OF(cells->n_free - 1, cells->n_free, cells->n_free + 1);
                if (dice(16) == 0) {
                        cells->free = NULL;
                        cells->n_free = 0;
                }
                if (t->snd_first && t->timer_kind < TT_CALM && dice(3) == 0)
                        calm_begin(t);
                if (t->timer_kind == TT_CALM && !t->snd_queued && cells->n_free && flights->n_free && dice(2)) {
                        calm_ready(t); /* as behind a reply that was acknowledged with what is being answered */
                        t->reply_most = dice(4) ? min_u32(min_u32(t->mss, t->snd_wnd), t->sndbuf) : 0;
                        if (dice(8))
                                t->flags |= TF_BUSY;
                }
                bool ready = t->timer_kind == TT_READY;
                flights->n_free = dice(8) ? n_flights : dice(2);
                u32 room = t->sndbuf - t->snd_queued;
                u32 args[6] = {(u32)(uintptr_t)t, (u32)(uintptr_t)text, dice(3) ? dice(3000) + 1 : ONE_OF(0, 1, room, room + 1, 0xffffffff, t->mss, t->mss + 1u, t->snd_wnd, t->snd_wnd + 1, t->reply_most, t->reply_most + 1),
                               dice(3) ? (u32)(uintptr_t)&sum : 0}, got;
                if (!world_same((const void *)tcp_send_ref, (const void *)c_tcp_send_ref, args, &got)) {
                        fprintf(stderr, "# seed %u, piece %u\n", seed, i);
                        fail();
                }
                got ? n_refused++ : n_queued++;
                n_replies += t->timer_kind == TT_REPLY;
                n_ready += ready;
                n_kept += ready && t->timer_kind == TT_REPLY;
                flights->n_free = n_flights;
                cells->keep = keep;
                if (!cells->free) {
                        cells->free = kept_free;
                        cells->n_free = n_free;
                }
                t->flags = kept_flags;
                tcp_unlink(t);
        }
}

static void pieces_of_every_kind(void **state)
{
        for (u32 seed = 1; seed <= 3000; seed++)
                one(seed);
        print_message("# %u queued (%u times the connection's own), %u refused; %u times something was promised, and %u times kept\n", n_queued,
                      n_replies, n_refused, n_ready, n_kept);
        assert_true(n_queued > 10000 && n_replies > 300 && n_refused > 3000 && n_ready > 500 && n_kept > 100);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(pieces_of_every_kind)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
