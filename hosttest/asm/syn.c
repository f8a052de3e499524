/* syn.c (test) - asm/syn.S against its twin on whole stacks: seeded walks of SYNs as machines send them and as nobody does, to
 * listeners of many kinds. All memory and all frames must be the same.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../net/ip_state.h"
#include "tcpworld.h"

bool c_tcp_syn_arrives(struct netif *nif, struct pkt *p, const u32_any *ip, u32 n);
bool tcp_syn_arrives(struct netif *nif, struct pkt *p, const u32_any *ip, u32 n);

static u32 n_taken, n_left;

/* Linux with and without timestamps, Windows, BSD, the MSS alone, nothing; then what is strange. */
static u32 layout(u8 *o)
{
        static const u8 list[][28] = {
                {20, 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 1, 2, 3, 9, 8, 7, 6, 1, 3, 3, 7},
                {12, 2, 4, 5, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7},
                {12, 2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2},
                {24, 2, 4, 5, 0xb4, 1, 3, 3, 6, 1, 1, 8, 10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 4, 2, 0, 0},
                {4, 2, 4, 5, 0xb4}, {0}, {8, 2, 4, 0, 1, 2, 4, 2, 0}, {12, 2, 4, 5, 0xb4, 1, 1, 4, 2, 1, 3, 3, 200},
                {8, 4, 2, 0, 0, 2, 4, 5, 0xb4}, {8, 2, 4, 5, 0xb4, 4, 2, 0, 0}, {8, 2, 4, 5, 0xb4, 1, 1, 8, 10},
                {12, 2, 4, 5, 0xb4, 1, 1, 8, 10, 0, 0, 0, 0}, {16, 2, 4, 5, 0xb4, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0},
                {8, 2, 4, 5, 0xb4, 1, 3, 3, 14}, {20, 1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 4, 2, 1, 3, 3, 15},
                {4, 34, 2, 1, 1}, {16, 2, 4, 5, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7, 1, 1, 1, 1}, {12, 2, 4, 5, 0xb4, 4, 2, 0, 0, 1, 3, 3, 7},
                {24, 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 1, 2, 3, 9, 8, 7, 6, 1, 3, 3, 7, 0, 0, 0, 0},
                {16, 2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2, 1, 1, 8, 10},
        };
        const u8 *one = list[dice(3) ? dice(6) : dice(COUNT_OF(list))];
        memcpy(o, one + 1, one[0]);
        if (one[0] && dice(12) == 0)
                o[dice(one[0])] ^= (u8)(1 << dice(8));
        return one[0];
}

static struct pkt *syn(u32 *n, u32 *at)
{
        struct pkt *p = pkt_alloc(&W.st->pkts, dice(2) ? 2 : dice(300));
        if (!p)
                return NULL;
        *at = W.nif->caps & NETIF_L3 ? 0 : ETH_HLEN;
        u8 *ip = p->data + *at;
        static const ipaddr strange[] = {IPADDR(10, 0, 0, 3), IPADDR(10, 0, 0, 255), IPADDR(224, 1, 2, 3), IPADDR(10, 0, 0, 1)};
        ipaddr from = dice(6) ? WORLD_PEER_IP : strange[dice(4)];
        ipaddr to = dice(12) ? WORLD_IP : (ipaddr[]){IPADDR(10, 0, 0, 9), IPADDR(10, 0, 0, 17)}[dice(2)];
        u32 opts = layout(ip + 40);
        *n = 20 + opts + (dice(30) ? 0 : dice(4));
        memset(ip + 40 + opts, 0, 4);
        struct ip_hdr i = {.vhl = 0x45, .len = be16_of((u16)(20 + *n)), .ttl = 64, .proto = IPPROTO_TCP_, .src = from, .dst = to};
        struct tcp_hdr h = {be16_of((u16)(W.t && !dice(8) ? tcb_rport(W.t) : 2000 + dice(12))),
                            be16_of((u16)ONE_OF(80, 81, 81, 81, dice(20) ? 97 : 82)),
                            be32_of(dice(4) ? rnd(&W.seed) : ONE_OF(0xffffffff, 0)), be32_of(dice(8) ? 0 : 7), (u8)(*n << 2),
                            TCP_SYN,
                            be16_of((u16)dice(65536)), {{0, 0}}, be16_of((u16)(dice(8) ? 0 : 5))};
        memcpy(ip, &i, 20);
        memcpy(ip + 20, &h, 20);
        u16 sum = (u16)~cksum_fold(cksum_add(ip_pseudo_sum(from, to, IPPROTO_TCP_, (u16)*n), ip + 20, *n));
        memcpy(ip + 36, &sum, 2);
        p->len = (u16)(*at + 20 + *n);
        p->nif = W.nif;
        if (dice(12) == 0)
                ip[20 + dice(*n)] ^= (u8)(1 << dice(8));
        if (dice(12) == 0)
                p->flags |= PKT_CSUM_OK;
        ip[32] = (u8)(*n << 2); /* what the caller has seen */
        ip[33] = TCP_SYN;
        return p;
}

static struct netif elsewhere;

/* Ways that lead from one interface lead from the other now. */
static void lead(struct netif *from, struct netif *to)
{
        for (u32 i = 0; i < IP_DSTS; i++)
                if (W.st->ip->dsts[i].path.nif == from)
                        W.st->ip->dsts[i].path.nif = to;
}

static void tweak(struct pkt *p)
{
        struct tcp_state *ts = W.st->tcp;
        switch (dice(40)) {
        case 1: stack_hops_changed(W.st); break;
        case 2: W.nif->mtu = (u16)ONE_OF(576, 1500, 1500, 9000); break;
        case 3: if (W.t) timewait_enter(W.t); break;
        case 4: ts->half_timer.due_ms += ONE_OF(1, 1000, 0xfffff000); break;
        case 5: W.l->n_waiting = dice(3); break;
        case 6: ts->tw[0].due_ms = (u32)(W.now / 1000) - dice(2); break;
        case 7: arp_set(W.nif, IPADDR(10, 0, 0, 3), WORLD_PEER); break;
        case 8: p->nfrag = 1; p->frag[0] = (struct frag){W.mem, 4, NULL}; break;
        case 9: W.st->ip->dsts[dice(IP_DSTS)].hop_gen = 0; break;
        case 13: lead(W.nif, &elsewhere); break;
        case 10: case 11: case 12: while (ts->half[0].first) synq_free(ts, ts->half[0].first); break;
        }
}

static void listeners(void)
{
        static const ipaddr on[] = {IPADDR(0, 0, 0, 0), IPADDR(0, 0, 0, 0), IPADDR(10, 0, 0, 1), IPADDR(10, 0, 0, 9)};
        struct tcp_opts o = {.backlog = (u16)dice(4), .ttl = (u8)ONE_OF(0, 0, 9, 255), .tos = (u8)ONE_OF(0, 0, 16, 0xff),
                             .mss = (u16)ONE_OF(0, 0, 700, 1459, 1460, 1461, 9000),
                             .rcvbuf = ONE_OF(0, 4000, 65535, 65536, 1 << 20),
                             .no_wscale = !dice(9), .no_sack = !dice(9), .no_timestamps = !dice(9), .fixed_isn = !dice(3),
                             .isn = rnd(&W.seed)};
        int err;
        W.l = tcp_listen(W.st, on[dice(4)], 81, &world_ev[0], NULL, &o, &err);
        tcp_listen(W.st, on[dice(4)], (u16)ONE_OF(81, 97), &world_ev[0], NULL, NULL, &err);
}

/* A free entry is nobody's. */
static void scrub(void)
{
        for (struct synq *q = W.st->tcp->free_synq; q; q = q->next) {
                assert_false(q->live);
                memset((u8 *)q + sizeof q->next, 0, sizeof *q - sizeof q->next);
        }
}

static void walk(u32 seed)
{
        world_begin(seed * 2654435761u | 1);
        W.scrub = scrub;
        if (dice(4) == 0)
                netif_addr_add(W.nif, IPADDR(10, 0, 0, 9), 24, IFADDR_STATIC, false);
        listeners();
        for (u32 step = 0; step < 40; step++) {
                u32 n, at, took;
                struct pkt *p = syn(&n, &at);
                if (!p)
                        break;
                tweak(p);
                u32 args[6] = {(u32)(uintptr_t)W.nif, (u32)(uintptr_t)p, (u32)(uintptr_t)(p->data + at), n};
                if (!world_same((const void *)tcp_syn_arrives, (const void *)c_tcp_syn_arrives, args, &took)) {
                        fprintf(stderr, "# seed %u, step %u: %u bytes\n", seed, step, n);
                        fail();
                }
                lead(&elsewhere, W.nif);
                n_taken += took;
                n_left += !took;
                if (!took) {
                        p->nfrag = 0;
                        pkt_free(p);
                }
                world_tick(dice(4) ? dice(3000) : dice(3000000));
        }
}

static void random_walks(void **state)
{
        n_taken = n_left = 0;
        for (u32 seed = 1; seed <= 500; seed++)
                walk(seed);
        print_message("# %u taken, %u left\n", n_taken, n_left);
        assert_true(n_taken > 2000 && n_left > 2000);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(random_walks),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
