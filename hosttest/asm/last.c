/* last.c (test) - asm/last.S against its twin on whole stacks: seeded ends of connections, by whoever closed first, with bytes
 * that wait to be acknowledged, after losses, and with segments that end nothing. All memory and all frames must be the same.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tcpworld.h"

bool c_tcp_last_arrives(struct pkt *p, struct tcb *t, const u32_any *ip, u32 n);
bool tcp_last_arrives(struct pkt *p, struct tcb *t, const u32_any *ip, u32 n);

static u32 n_taken, n_left, n_calm, n_replied;

static struct world_frame expected(void)
{
        const struct tcb *t = W.t;
        return (struct world_frame){.seq = t->rcv_nxt, .ack = t->snd_nxt, .wnd = 64000 >> t->snd_scale, .port = tcb_rport(t),
                                    .flags = TCP_ACK,
                                    .ts = t->flags & TF_TS, .tsval = t->ts_recent + dice(2),
                                    .tsecr = (u32)(W.now / 1000) + t->ts_off};
}

static void others(void)
{
        for (u32 k = dice(3); k; k--) { /* so that chains and free lists have company */
                struct world_frame f = {.seq = 1, .wnd = 1000, .port = (u16)(3000 + k), .flags = TCP_SYN, .syn_options = true};
                world_in(&f);
        }
}

/* To where one more segment may be the last. false: the connection is over already. */
static bool lead(void)
{
        u32 what = dice(8);
        W.user_acts = false;
        if (dice(3) == 0) { /* a calm run, with FIN, too; what is sent behind it without makes it one of a flight */
                static const u8 reply[] __attribute__((aligned(16))) = "a whole reply";
                u32 sum = cksum_add(0, reply, sizeof reply);
                W.t->srtt_us = W.t->srtt_us ? W.t->srtt_us : 8 * dice(100000);
                tcp_set_nodelay(W.t, true);
                u32 busy = dice(2) ? TF_BUSY : 0; /* inside its event the connection keeps the reply itself */
                W.t->flags |= busy;
                tcp_send_ref(W.t, reply, sizeof reply, &sum);
                if (dice(2))
                        tcp_close(W.t);
                W.t->flags &= ~busy;
                tcp_flush(W.t);
                stack_batch_end(W.st);
                n_calm += tcb_calm(W.t);
                n_replied += W.t->timer_kind == TT_REPLIED && (W.t->state & FIN_TX);
        }
        if (dice(2))
                tcp_send(W.t, "what is left to say", dice(20));
        if (dice(3) == 0)
                tcp_send_ref(W.t, "a reference", 11, NULL);
        if (what < 3) { /* they close first */
                struct world_frame f = expected();
                f.flags |= TCP_FIN;
                f.ack = W.t->snd_una;
                world_in(&f);
                if (!W.t)
                        return false;
        }
        if (what == 7)
                tcp_shutdown(W.t);
        else if (what)
                tcp_close(W.t);
        stack_batch_end(W.st);
        if (W.t && dice(3) == 0) /* the rest of it is acknowledged by itself */
                world_in(&(struct world_frame){.seq = W.t->rcv_nxt, .ack = W.t->snd_nxt - dice(2),
                                               .wnd = 64000 >> W.t->snd_scale, .port = tcb_rport(W.t), .flags = TCP_ACK,
                                               .ts = W.t->flags & TF_TS, .tsval = W.t->ts_recent,
                                               .tsecr = (u32)(W.now / 1000) + W.t->ts_off});
        world_tick(dice(3) ? dice(3000) : dice(2000000));
        return W.t != NULL;
}

static void tweak(void)
{
        struct tcb *t = W.t;
        struct tcp_state *ts = W.st->tcp;
        switch (dice(24)) {
        case 0: t->rcv_adv = t->rcv_nxt; break;
        case 1: t->timewait_cs = (u16)ONE_OF(0, 1, 64, 65535, 32704, 32705); break;
        case 2: timer_stop(&W.st->wheel, &t->timer); break;
        case 3: stack_hops_changed(W.st); break;
        case 4: t->ev = &tcp_no_events; break;
        case 5: t->rcv_acked = t->rcv_nxt - ONE_OF(0, 1, 0xffffffff); break;
        case 6: while (ts->tw_count < ts->n_tw - dice(2)) timewait_enter(t); break;
        case 7: timewait_enter(t), timer_stop(&W.st->wheel, &ts->tw_timer); break;
        case 8: ts->tw_first = ts->tw_count ? ts->tw_first : ts->n_tw - 1; break;
        case 9: if (!(t->flags & TF_QUEUED)) tcp_queue_batch(t); break;
        case 10: t->flags |= TF_TFO_ACCEPTED, ts->n_fastopen++; break;
        case 13: t->flags ^= TF_ACTIVE_OPEN; break;
        case 12: flight_get(t); break; /* without a run when nothing is outstanding */
        case 11: if (!t->keepalive_ms) tcp_set_keepalive(t, 1000); break;
        }
}

static bool end(u32 seed)
{
        struct world_frame f = expected();
        f.flags |= W.t->state == TCP_B_LAST_ACK ? (dice(8) ? 0 : TCP_FIN) : dice(8) ? TCP_FIN : 0;
        f.seq += dice(16) ? 0 : ONE_OF(1, 0xffffffff);
        f.ack += dice(16) ? 0 : ONE_OF(1, 0xffffffff);
        f.tsval += dice(16) ? 0 : 0xfffffff0;
        f.ts ^= dice(24) == 0;
        struct pkt *p = world_build(&f);
        if (!p)
                return true;
        u8 *ip = p->data + (W.nif->caps & NETIF_L3 ? 0 : ETH_HLEN);
        u32 n = f.ts ? 32 : 20, took;
        if (dice(16) == 0)
                ip[dice(2) ? 20 + dice(n) : 40 + dice(4)] ^= (u8)(1 << dice(7));
        if (dice(12) == 0)
                p->flags |= PKT_CSUM_OK;
        ip[32] = (u8)(n << 2); /* what the caller has seen */
        ip[33] &= TCP_FIN;
        ip[33] |= TCP_ACK;
        u32 args[6] = {(u32)(uintptr_t)p, (u32)(uintptr_t)W.t, (u32)(uintptr_t)ip, n};
        if (!world_same((const void *)tcp_last_arrives, (const void *)c_tcp_last_arrives, args, &took)) {
                fprintf(stderr, "# seed %u: %u bytes\n", seed, n);
                return false;
        }
        n_taken += took;
        n_left += !took;
        if (!took)
                pkt_free(p);
        return true;
}

static void random_ends(void **state)
{
        n_taken = n_left = 0;
        for (u32 seed = 1; seed <= 6000; seed++) {
                world_begin(seed * 2654435761u | 1);
                others();
                if (!lead())
                        continue;
                for (u32 i = dice(3); i; i--)
                        tweak();
                if (!end(seed))
                        fail();
        }
        print_message("# %u taken, %u left, %u calm runs, %u kept by the connection\n", n_taken, n_left, n_calm, n_replied);
        assert_true(n_taken > 1000 && n_left > 1000 && n_calm > 500 && n_replied > 100);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(random_ends),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
