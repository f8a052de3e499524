/* batch_end.c (test) - asm/batch_end.S against its twin on whole stacks: none, one and several that wait, for an acknowledgement and
 * for more, seeded. SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tcpworld.h"

void c_tcp_batch_end(struct stack *st);

static struct reasm *no_holes;
static struct tcb *other;
static u32 n_sent;

/* The connection waits, or is gone, or waits with others; a large batch is a list. */
static void queue(struct tcb *t)
{
        struct tcp_state *ts = t->ts;
        t->flags &= ~(u32)(TF_WANT_TX | TF_ACK_NOW | TF_ACK_DELAYED);
        t->flags |= ONE_OF(TF_ACK_NOW, TF_ACK_NOW, TF_ACK_NOW | TF_ACK_DELAYED, TF_ACK_DELAYED, TF_ACK_NOW | TF_WANT_TX, 0);
        if (dice(8) == 0)
                for (u32 i = dice(4) ? 1 : TCP_DUE; i; i--)
                        ts->due[ts->n_due++] = NULL;
        if (dice(8))
                tcp_queue_batch(t);
        if (dice(16) == 0 && ts->n_due < TCP_DUE)
                ts->due[ts->n_due++] = NULL;
        if (dice(8) == 0 && ts->n_due < TCP_DUE) {
                *other = *t;
                other->flags = (t->flags & ~(u32)(TF_ACK_DELAYED | TF_IN_DELACK | TF_WANT_TX)) | TF_ACK_NOW | TF_QUEUED;
                ts->due[ts->n_due++] = other;
        }
        t->uto_tell = dice(8) == 0;
        t->reasm = dice(8) ? NULL : no_holes;
}

static void one(u32 seed)
{
        world_begin(seed * 2654435761u | 1);
        W.user_acts = false;
        struct tcb *t = W.t;
        other = tcb_take(t->ts);
        no_holes = pool_get(&t->ts->reasms);
        memset(no_holes, 0, sizeof *no_holes);
        for (u32 i = 0; i < 8; i++) {
                void *packets = W.st->pkts.free;
                queue(t);
                t->rcv_nxt += dice(3000);
                if (dice(16) == 0)
                        W.st->pkts.free = NULL;
                u32 args[6] = {(u32)(uintptr_t)W.st};
                if (!world_same((const void *)tcp_batch_end, (const void *)c_tcp_batch_end, args, NULL)) {
                        fprintf(stderr, "# seed %u, batch %u\n", seed, i);
                        fail();
                }
                n_sent += W.n_log != 0;
                W.st->pkts.free = W.st->pkts.free ? W.st->pkts.free : packets;
                t->reasm = NULL;
                assert_false(W.st->acks_wait || t->ts->n_due || t->flags & TF_QUEUED);
        }
}

static void batches_of_every_kind(void **state)
{
        for (u32 seed = 1; seed <= 1500; seed++)
                one(seed);
        print_message("# %u of 12000 sent something\n", n_sent);
        assert_in_range(n_sent, 4000, 11000);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(batches_of_every_kind)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
