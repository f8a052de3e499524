/* consume.c (test) - asm/consume.S against its twin on whole stacks: every kind of connection and receive queue, seeded.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tcpworld.h"

void c_tcp_consume(struct tcb *t, u32 n);

static u32 n_all, n_part, n_updates, n_line;

static void vary(struct tcb *t)
{
        t->rcv_space = ONE_OF(t->rcv_space, t->rcvbuf, t->rcvbuf / 2, t->rcvbuf - 1, 3000);
        t->rcv_adv = t->rcv_nxt + ONE_OF(0, 1000, t->rcv_space / 2 - 1, t->rcv_space / 2, t->rcv_space);
        t->flags = (t->flags | TF_BUSY) & ~(u32)(TF_URG_RX | TF_ACK_ON_READ | TF_ACK_NOW);
        t->flags |= dice(12) ? 0 : ONE_OF(TF_URG_RX, TF_ACK_ON_READ);
        t->rcv_up = t->rcv_nxt - dice(3);
        t->flags ^= dice(12) ? 0 : TF_PSHED;
        if (dice(8) == 0)
                t->flags &= ~(u32)TF_BUSY;
        if (dice(8) == 0)
                t->state = TCP_B_CLOSE_WAIT;
        W.st->pkts.n_total = dice(4) ? WORLD_PKTS : ONE_OF(0, 2 * W.st->pkts.n_free, 2 * W.st->pkts.n_free + 2, 2 * W.st->pkts.n_free + 4);
        W.st->pkts.n_half = W.st->pkts.n_total >> 1;
}

static void one(u32 seed)
{
        world_begin(seed * 2654435761u | 1);
        W.user_acts = false;
        struct tcb *t = W.t;
        for (u32 i = 0; i < 8; i++) {
                for (u32 k = dice(4) ? 1 : dice(4); k; k--) {
                        struct pkt *p = pkt_alloc(&W.st->pkts, 100);
                        u32 n = dice(1400) + 1;
                        if (!p)
                                break;
                        p->len = (u16)n;
                        p->refs = (u8)(dice(16) ? 1 : 2);
                        t->rcv_nxt += n;
                        tcp_append(t, p, n, dice(2));
                }
                vary(t);
                t->ts->line = t->rcv_queued && dice(8) ? dice(4) ? t->rcv_first : rcvq_last(t) : (const void *)t->ts;
                bool line = t->ts->line != t->ts;
                u32 n = dice(3) ? t->rcv_queued : ONE_OF(0, 1, t->rcv_queued / 2, t->rcv_queued + 1);
                u32 args[6] = {(u32)(uintptr_t)t, n};
                n == t->rcv_queued ? n_all++ : n_part++;
                if (!world_same((const void *)tcp_consume, (const void *)c_tcp_consume, args, NULL)) {
                        fprintf(stderr, "# seed %u, read %u\n", seed, i);
                        fail();
                }
                n_line += line && t->ts->line == t->ts;
                n_updates += (t->flags & TF_ACK_NOW) != 0;
                if (!W.t || t->state != TCP_B_ESTABLISHED)
                        return;
        }
}

static void reads_of_every_kind(void **state)
{
        for (u32 seed = 1; seed <= 4000; seed++)
                one(seed);
        print_message("# %u of all there was (%u left to the straight line), %u of a part; %u wanted a window update\n", n_all, n_line, n_part, n_updates);
        assert_true(n_all > 5000 && n_line > 2000 && n_part > 2000 && n_updates > 1000);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(reads_of_every_kind)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
