/* ack_of_syn.c (test) - asm/ack_of_syn.S against its twin on whole stacks: seeded walks of handshakes, completed as machines do
 * it and as nobody does, with users who take the connection, refuse it, speak first or hang up. All memory and all frames must be
 * the same.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tcpworld.h"

bool c_tcp_ack_of_syn(struct netif *nif, struct pkt *p, const u32_any *ip, u32 n);
bool tcp_ack_of_syn(struct netif *nif, struct pkt *p, const u32_any *ip, u32 n);

static u32 n_taken, n_left;

static bool user_accepts(struct tcb *volatile t)
{
        struct tcb *it = t;
        bool yes = true;
        world_note(it, sizeof *it);
        W.t = it;
        switch (rnd(&W.user_seed) % 12) {
        case 0: yes = false; break;
        case 1: tcp_send(it, "welcome", 7); break;
        case 2: tcp_close(it); break;
        case 3: tcp_abort(it); break;
        case 4: tcp_shutdown(it); break;
        }
        t = NULL; /* a callee may do what it likes with its arguments' places on the stack */
        return yes;
}

static const struct tcp_events user = {.accept = user_accepts, .readable = world_readable, .closed = world_closed},
                               nobody = {.closed = world_closed};

static void send_syn(u16 port)
{
        struct world_frame f = {.seq = dice(3) ? rnd(&W.seed) : ONE_OF(0xffffffff, 0xfffffffe), .wnd = ONE_OF(64000, 65535, 1, 0),
                                .tsval = rnd(&W.seed), .port = port, .flags = (u8)(TCP_SYN | (dice(12) ? 0 : TCP_ECE | TCP_CWR)), .ts = dice(2),
                                .syn_options = dice(6)};
        f.ts &= f.syn_options;
        world_in(&f);
}

static struct pkt *ack(const struct synq *q, u32 *n)
{
        struct world_frame f = {.seq = q->irs + 1, .ack = q->iss + 1, .wnd = ONE_OF(64000, 501, 65535, dice(8) ? 1 : 0),
                                .port = be16_get(be16_from_raw((u16)q->ports)),
                                .flags = TCP_ACK, .ts = dice(16) ? q->ts_ok : dice(2), 
                                .tsval = q->ts_recent + ONE_OF(0, 1, 1000, dice(8) ? 5 : 0xffffffff), .tsecr = q->tsval};
        f.seq += dice(16) ? 0 : ONE_OF(1, 0xffffffff);
        f.ack += dice(16) ? 0 : ONE_OF(1, 0xffffffff);
        struct pkt *p = world_build(&f);
        if (!p)
                return NULL;
        u8 *ip = p->data + (W.nif->caps & NETIF_L3 ? 0 : ETH_HLEN);
        *n = f.ts ? 32 : 20;
        if (dice(16) == 0)
                ip[dice(2) ? 20 + dice(*n) : 40 + dice(4)] ^= (u8)(1 << dice(8));
        if (dice(12) == 0)
                p->flags |= PKT_CSUM_OK;
        if (dice(12) == 0)
                p->refs = 2;
        ip[32] = (u8)(*n << 2); /* what the caller has seen */
        ip[33] = TCP_ACK;
        return p;
}

static void tweak(struct synq *q)
{
        switch (dice(40)) {
        case 0: stack_hops_changed(W.st); break;
        case 1: W.nif->mtu = (u16)ONE_OF(576, 1500, 9000, 68); break;
        case 2: q->peer_mss = (u16)ONE_OF(0, 47, 48, 535, 1448, 1460, 1461, 8960, 65535); break;
        case 3: q->our_mss = (u16)ONE_OF(0, 12, 23, 24, 25, 547, 548, 549, 9000); break;
        case 4: q->sent_us = (u32)W.now - ONE_OF(0, 1, 99999, 100000, 100001, 60000001, 0x80000000); break;
        case 5: W.l->n_waiting = dice(3); break;
        case 6: tcp_set_rto_min(W.st, ONE_OF(200, 1, 999, 1000, 60001)); break;
        case 7: q->tfo_ask = true; break;
        case 8: q->foreign = true; break;
        }
}

static void listeners(void)
{
        struct tcp_opts o = {.ttl = (u8)ONE_OF(0, 0, 9), .tos = (u8)ONE_OF(0, 0, 16), .mss = (u16)ONE_OF(0, 0, 700),
                             .rcvbuf = ONE_OF(0, 4000, 65536, 1 << 20), .backlog = (u16)dice(4),
                             .nodelay = dice(2), .no_sack = !dice(9), .no_timestamps = !dice(9), .ecn = !dice(3),
                             .keepalive_ms = dice(3) ? 0 : 9000,
                             .ack_on_read = !dice(6), .uto = !dice(6), .user_timeout_ms = dice(2) * 20000, .cc = (u8)dice(2),
                             .app_mode = !dice(6), .no_wscale = !dice(6), .psh_message = !dice(6)};
        int err;
        tcp_unlisten(W.l);
        W.l = tcp_listen(W.st, IPADDR_ANY, 80, dice(6) ? &user : &nobody, NULL, &o, &err);
}

static struct synq *some_half(void)
{
        struct tcp_state *ts = W.st->tcp;
        for (u32 i = 0, k = dice(ts->n_synq); i < ts->n_synq; i++) {
                struct synq *q = &ts->synq_pool[(i + k) % ts->n_synq];
                if (q->live)
                        return q;
        }
        return NULL;
}

/* Somebody who is almost this one lies in front of it in its chain: an entry that is not free meanwhile. */
static struct synq *neighbour, **neighbours;
static void meet_neighbour(const struct synq *q)
{
        struct tcp_state *ts = W.st->tcp;
        neighbour = dice(6) ? NULL : ts->free_synq;
        if (!neighbour)
                return;
        ts->free_synq = neighbour->next;
        *neighbour = *q;
        *(u32 *[]){&neighbour->ports, &neighbour->raddr, &neighbour->laddr}[dice(3)] ^= 1u << dice(32);
        neighbours = &tcp_others(ts, q->raddr, q->laddr, q->ports)->half;
        neighbour->next = *neighbours;
        *neighbours = neighbour;
}
static void leave_neighbour(void)
{
        struct tcp_state *ts = W.st->tcp;
        for (struct synq **at = neighbours; neighbour && *at; at = &(*at)->next) {
                if (*at == neighbour) {
                        *at = neighbour->next;
                        neighbour->live = false;
                        neighbour->next = ts->free_synq;
                        ts->free_synq = neighbour;
                        neighbour = NULL;
                        break;
                }
        }
}

/* A free slot is nobody's: what an acknowledgement says may be there. */
static void scrub(void)
{
        for (struct tcb *t = W.st->tcp->free_tcb; t; t = t->next) {
                assert_false(t->ports);
                t->ts_recent = 0;
                t->hop = t->hop_gen = 0;
                t->nif = t->retries = 0;
        }
}

static void walk(u32 seed)
{
        world_begin(seed * 2654435761u | 1);
        W.scrub = scrub;
        listeners();
        for (u32 step = 0; step < 30; step++) {
                for (u32 k = dice(4); k; k--)
                        send_syn((u16)(2000 + dice(12)));
                world_tick(dice(4) ? dice(3000) : dice(2000000));
                struct synq *q = some_half();
                if (!q)
                        continue;
                tweak(q);
                u32 n, took;
                struct pkt *p = ack(q, &n);
                if (!p)
                        break;
                W.t = NULL;
                meet_neighbour(q);
                const u8 *ip = p->data + (W.nif->caps & NETIF_L3 ? 0 : ETH_HLEN);
                u32 args[6] = {(u32)(uintptr_t)W.nif, (u32)(uintptr_t)p, (u32)(uintptr_t)ip, n};
                if (!world_same((const void *)tcp_ack_of_syn, (const void *)c_tcp_ack_of_syn, args, &took)) {
                        fprintf(stderr, "# seed %u, step %u: %u bytes\n", seed, step, n);
                        fail();
                }
                leave_neighbour();
                n_taken += took;
                n_left += !took;
                if (!took)
                        pkt_free(p);
                stack_batch_end(W.st);
                if (W.t && dice(3))
                        tcp_abort(W.t);
        }
}

static void random_walks(void **state)
{
        n_taken = n_left = 0;
        for (u32 seed = 1; seed <= 600; seed++)
                walk(seed);
        print_message("# %u taken, %u left\n", n_taken, n_left);
        assert_true(n_taken > 3000 && n_left > 3000);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(random_walks),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
