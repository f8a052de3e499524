/* batch_end.c (test) - asm/batch_end.S against its twin on whole stacks: none, one and several that wait, for an acknowledgement and
 * for more, seeded. SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tcpworld.h"

void c_tcp_batch_end(struct stack *st);
void c_stack_batch_end(struct stack *st);

static struct reasm *no_holes;
static struct tcb *other;
static u32 n_sent;

/* How far the window opens, and what else decides which line an acknowledgement takes. */
static void vary(struct tcb *t)
{
        struct pktpool *pool = &W.st->pkts;
        t->rcv_scale = (u8)(dice(3) ? 0 : dice(15));
        t->rcv_mss = (u16)ONE_OF(12, 536, 1460);
        t->rcv_space = ONE_OF(0, 1000, 2920, 65535, 65536, 1 << 20);
        t->rcv_queued = dice(3) ? 0 : dice(t->rcv_space + 10);
        t->rcv_adv = t->rcv_nxt + t->rcv_space - t->rcv_queued - ONE_OF(0, t->rcv_mss - 1, t->rcv_mss, t->rcv_mss + 1, t->rcv_mss + 31, dice(70000));
        if ((s32)(t->rcv_adv - t->rcv_nxt) < 0)
                t->rcv_adv = t->rcv_nxt;
        pool->n_quarter = dice(8) ? 0 : pool->n_free - dice(3);
        t->snd_wnd = ONE_OF(100, 64000);
        t->hop_gen = (u16)(dice(8) ? W.st->hop_gen : ONE_OF(0, 77));
        t->flags &= ~(u32)(TF_NO_DF | TF_NO_PMTUD | TF_TS);
        t->flags |= dice(6) ? 0 : ONE_OF(TF_NO_DF, TF_NO_PMTUD, TF_TS);
        tcp_predict(t);
        if (dice(4))
                tcb_know_window(t, 1000);
}

/* The connection waits, or is gone, or waits with others; a large batch is a list. */
static void queue(struct tcb *t)
{
        struct tcp_state *ts = t->ts;
        t->flags &= ~(u32)(TF_WANT_TX | TF_ACK_NOW | TF_ACK_DELAYED);
        t->flags |= ONE_OF(TF_ACK_NOW, TF_ACK_NOW, TF_ACK_NOW | TF_ACK_DELAYED, TF_ACK_DELAYED, TF_ACK_NOW | TF_WANT_TX, 0);
        if (dice(8) == 0)
                for (u32 i = dice(4) ? 2 : TCP_DUE; i; i--)
                        ts->due[ts->st->n_due++] = NULL;
        if (dice(8))
                tcp_queue_batch(t);
        if (dice(16) == 0 && ts->st->n_due && ts->st->n_due < TCP_DUE)
                ts->due[ts->st->n_due++] = NULL;
        if (dice(8) == 0 && ts->st->n_due < TCP_DUE) {
                *other = *t;
                other->flags = (t->flags & ~(u32)(TF_ACK_DELAYED | TF_IN_DELACK | TF_WANT_TX)) | TF_ACK_NOW | TF_QUEUED;
                ts->due[ts->st->n_due++] = other;
        }
        t->uto_tell = dice(8) == 0;
        t->reasm = dice(8) ? NULL : no_holes;
}

/* What the straight line keeps for the one that waits alone. */
static void keep_answer(void)
{
        struct tcp_state *ts = W.st->tcp;
        if (W.st->n_due != 1 || ts->due[0] != W.t || dice(3) == 0)
                return;
        ts->answer = pkt_alloc(&W.st->pkts, dice(200));
        if (!ts->answer)
                return;
        ts->answer->next = ts->answer;
        ts->answer->flags = PKT_CSUM_OK;
        ts->answer->nif = W.nif;
        ts->answer->len = 1000;
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
                t->reasm = NULL;
                t->rcv_nxt += dice(3000);
                vary(t);
                queue(t);
                tcp_predict(t);
                t->snd_una = t->snd_nxt - (dice(8) || t->flags & TF_WANT_TX ? 0 : 5000);
                W.st->n_doorbells = dice(2);
                if (dice(16) == 0)
                        W.st->pkts.free = NULL;
                else
                        keep_answer();
                if (W.st->pkts.free && dice(16) == 0 && t->flags & TF_QUEUED && W.st->n_due == 1)
                        tcp_unlink(t);
                u32 args[6] = {(u32)(uintptr_t)W.st};
                struct tcb *next = t->next;
                bool frozen = dice(16) == 0;
                if (frozen) { /* as tcb_freeze leaves it, inside of its event */
                        t->next = t;
                        t->pred = 0;
                }
                bool alone = W.st->n_due == 1 && W.st->tcp->due[0] == t;
                bool whole = dice(2);
                if (!world_same(whole ? (const void *)stack_batch_end : (const void *)tcp_batch_end,
                                whole ? (const void *)c_stack_batch_end : (const void *)c_tcp_batch_end, args, NULL)) {
                        fprintf(stderr, "# seed %u, batch %u\n", seed, i);
                        fail();
                }
                assert_false(frozen && alone && W.n_log);
                t->next = next;
                n_sent += W.n_log != 0;
                W.st->pkts.free = W.st->pkts.free ? W.st->pkts.free : packets;
                t->reasm = NULL;
                t->snd_una = t->snd_nxt;
                assert_false(t->ts->answer || W.st->n_due || t->flags & TF_QUEUED);
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
