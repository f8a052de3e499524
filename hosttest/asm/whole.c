/* whole.c (test) - asm/whole.S against its twin on whole stacks: replies of one, two and three pieces, with and without FIN, and
 * everything that makes them somebody else's business.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tcpworld.h"

bool c_tcp_send_whole(struct tcb *t);

static u8 text[4000];
static u32 n_sent, n_left, n_fin, n_two, n_again, n_reply;

static void queue_some(struct tcb *t)
{
        for (u32 i = dice(32) ? 1 + dice(4) / 2 : 0; i-- > 0;) {
                u32 n = ONE_OF(1, 2, 99, 100, 700, t->mss, t->mss - 1u, t->mss + 1u, dice(1400) + 1), at = dice(2);
                u32 sum = cksum_add(0, text + at, n);
                if (dice(4)) {
                        tcp_send_ref(t, text + at, n, dice(10) ? &sum : NULL);
                } else {
                        struct pkt *p = pkt_alloc(&W.st->pkts, 0);
                        if (p) {
                                p->len = (u16)n;
                                memcpy(p->data, text + at, n);
                                tcp_send_pkt_sum(t, p, sum);
                        }
                }
        }
        if (dice(6) == 0)
                tcp_shutdown(t);
}

static void vary(struct tcb *t)
{
        if (dice(2) && t->timer_kind >= TT_CALM) { /* one of many */
                t->flags |= dice(8) ? 0 : ONE_OF(TF_CORK, TF_URG_TX, TF_FIN_QUEUED);
                if (t->timer_kind == TT_REPLY) { /* tcp_send_ref saw to the rest; a FIN may not fit */
                        t->snd_wnd = dice(3) ? 64000 : t->snd_queued + dice(2);
                        return;
                }
                t->cwnd = 2u * t->mss + ONE_OF(2, 3, 10000);
                t->snd_wnd = dice(6) ? 64000 : ONE_OF(0, 1, t->snd_queued, t->snd_queued + 1);
                return;
        }
        flight_wake(t);
        t->snd_wnd = dice(6) ? 64000 : ONE_OF(0, 1, t->snd_queued, t->snd_queued + 1);
        t->cwnd = dice(8) ? 14600 : 2u * t->mss + ONE_OF(1, 2, (u32)-1);
        t->srtt_us = dice(4) ? 8 * dice(100000) : ONE_OF(0, 1, 7, 8, 0xffffffff, 4000);
        t->rto_ms = ONE_OF(200, 201, 203, 1000);
        t->retries = (u8)(dice(8) == 0);
        t->last_tx_ms = tcb_now_ms(t) - ONE_OF(0, t->rto_ms, t->rto_ms + 1, 100000);
        t->flags &= ~(u32)(TF_CORK | TF_URG_TX | TF_SACK);
        t->flags |= ONE_OF(0, TF_SACK, TF_SACK) | (dice(16) ? 0 : ONE_OF(TF_CORK, TF_URG_TX));
        if (dice(3) == 0)
                t->cwnd = ONE_OF(14600, 14601, 10u * t->mss, 10u * t->mss + 1, 100000);
        if (dice(16) == 0)
                t->mss = 3000, W.nif->mtu = 9000;
        if (dice(16) == 0)
                t->hop_gen = 0;
        t->ssthresh = ONE_OF(UINT32_MAX, UINT32_MAX, t->cwnd, t->cwnd / 2);
        tcp_set_rto_min(W.st, dice(4) ? 200 : ONE_OF(1, 63, 64, 65, 1000));
        if (dice(3) == 0) /* somebody else in the slot */
                timer_set(&W.st->wheel, &t->ts->delack_timer, tcb_now_ms(t) + t->ts->calm_ms);
        if (dice(3) == 0)
                timer_stop(&W.st->wheel, &t->timer);
        t->min_rtt_us = dice(4) ? t->min_rtt_us : 0;
        if (dice(3) == 0)
                tcp_timer(t, TT_KEEPALIVE, ONE_OF(1, 100, 9000));
        if (t->state == TCP_B_ESTABLISHED && dice(8) == 0)
                t->state = TCP_B_CLOSE_WAIT;
        if (dice(32) == 0)
                t->state = TCP_B_FIN_WAIT_2;
        if (dice(32) == 0)
                t->conv = 1;
        if (dice(32) == 0 && dice(2))
                flight_get(t);
        else if (dice(64) == 0)
                t->reasm = pool_get(&t->ts->reasms);
        if (dice(16) == 0)
                t->snd_una--;
}

static void one(u32 seed)
{
        world_begin(seed * 2654435761u | 1);
        W.user_acts = false;
        for (u32 i = 0; i < 12 && W.t; i++) {
                struct tcb *t = W.t;
                struct tcp_state *ts = t->ts;
                u32 cells = ts->cells.n_free;
                u32 flights = ts->flights.n_free;
                t->flags |= TF_BUSY; /* what is queued waits */
                queue_some(t);
                u32 una = t->snd_una;
                vary(t);
                if (t->timer_kind != TT_REPLY && dice(32) == 0)
                        ts->flights.n_free = flights = dice(2);
                if (dice(32) == 0)
                        W.st->pkts.free = NULL;
                bool again = t->timer_kind == TT_CALM;
                u32 args[6] = {(u32)(uintptr_t)t}, sent;
                if (!world_same((const void *)tcp_send_whole, (const void *)c_tcp_send_whole, args, &sent)) {
                        fprintf(stderr, "# seed %u, reply %u\n", seed, i);
                        fail();
                }
                sent ? n_sent++ : n_left++;
                n_again += sent && again;
                n_fin += sent && (t->state & FIN_TX);
                n_reply += sent && t->timer_kind == TT_REPLIED;
                n_two += sent && t->snd_first && t->snd_first->next;
                if (!sent || (t->state & FIN_TX))
                        return; /* the world was bent: begin anew */
                assert_true(una == t->snd_una && cells > ts->cells.n_free && flights == ts->flights.n_free + 1);

                t->flags &= ~(u32)(TF_BUSY | TF_URG_TX | TF_WANT_TX);
                t->state = TCP_B_ESTABLISHED;
                tcp_predict(t);
                struct world_frame f = {.seq = t->rcv_nxt, .ack = t->snd_nxt, .wnd = 64000 >> t->snd_scale, .port = tcb_rport(t),
                                        .flags = TCP_ACK,
                                        .ts = t->flags & TF_TS, .tsval = t->ts_recent + 1, .tsecr = tcb_now_ms(t) + t->ts_off};
                world_tick(dice(5000));
                world_in(&f);
        }
}

static void replies_of_every_kind(void **state)
{
        for (u32 i = 0; i < sizeof text; i++)
                text[i] = (u8)(i * 7 + (i >> 8));
        for (u32 seed = 1; seed <= 12000; seed++)
                one(seed);
        print_message("# %u sent (%u with FIN, %u in two pieces, %u calm before, %u of the connection's own), %u left\n", n_sent, n_fin, n_two, n_again, n_reply, n_left);
        assert_true(n_sent > 2000 && n_fin > 300 && n_two > 500 && n_again > 200 && n_reply > 200 && n_left > 2000);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(replies_of_every_kind)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
