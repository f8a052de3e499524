/* tcp_receive.c (test) - asm/tcp_receive.S against its twin on whole stacks: the edges of prediction for kinds of connections,
 * then seeded walks of segments good and spoilt. All memory, all frames, all that the user was told must be the same.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tcpworld.h"

bool c_tcp_receive(struct netif *nif, struct pkt *p);
void c_netif_rx(struct netif *nif, struct pkt *p);

static u32 n_taken, n_left, n_sent, n_replied, n_ended;

/* false: they differ. The frame goes the long way when neither took it. */
static bool same(struct pkt *p)
{
        u32 args[6] = {(u32)(uintptr_t)W.nif, (u32)(uintptr_t)p}, took;
        if (dice(4) == 0) /* by the driver's door, and the long way where it is one */
                return world_same((const void *)netif_rx, (const void *)c_netif_rx, args, NULL);
        if (!world_same((const void *)tcp_receive, (const void *)c_tcp_receive, args, &took))
                return false;
        n_taken += took;
        n_left += !took;
        n_sent += W.n_log != 0;
        n_replied += took && W.t && W.t->timer_kind == TT_REPLIED;
        n_ended += took && W.t && W.t->timer_kind == TT_REPLIED && (W.t->state & FIN_TX);
        if (!took) {
                if (W.nif->caps & NETIF_L3)
                        ip_rx(W.nif, p);
                else
                        eth_rx(W.nif, p);
        }
        return true;
}

static struct world_frame expected(void)
{
        const struct tcb *t = W.t;
        return (struct world_frame){.seq = t->rcv_nxt, .ack = t->snd_nxt, .wnd = 64000 >> t->snd_scale, .port = tcb_rport(t),
                                    .flags = TCP_ACK,
                                    .ts = t->flags & TF_TS, .tsval = t->ts_recent + 1, .tsecr = (u32)(W.now / 1000) + t->ts_off};
}

/* Something of everything that makes a frame not the expected one. */
static void spoil(struct pkt *p)
{
        u8 *b = p->data, *ip = b + (W.nif->caps & NETIF_L3 ? 0 : ETH_HLEN);
        switch (dice(48)) {
        case 0: b[dice(14)] ^= (u8)(1 << dice(8)); break;
        case 1: case 2: ip[dice(20)] ^= (u8)(1 << dice(8)); break;
        case 3: case 4: ip[20 + dice(20)] ^= (u8)(1 << dice(8)); break;
        case 5: p->len = (u16)dice(p->len + 1u); break;
        case 6: p->len = (u16)(p->len + dice(40)); break;
        case 7: p->flags |= PKT_CSUM_OK; ip[36] ^= 1; break;
        case 8: p->chain = pkt_alloc(&W.st->pkts, 0); break;
        case 9: ip[40 + dice(12)] ^= (u8)(1 << dice(8)); break;
        case 10: { /* the option is spoilt, and the sum is right */
                u32 n = be16_get(((struct ip_hdr *)ip)->len) - 20u;
                ip[40 + dice(4)] ^= (u8)(1 << dice(8));
                memset(ip + 36, 0, 2);
                u16 sum = (u16)~cksum_fold(cksum_add(ip_pseudo_sum(WORLD_PEER_IP, WORLD_IP, IPPROTO_TCP_, (u16)n), ip + 20, n));
                memcpy(ip + 36, &sum, 2);
                break;
        }
        case 11: case 12: { /* a header of another kind, and its sum is right */
                struct ip_hdr *h = (struct ip_hdr *)ip;
                ip[ONE_OF(0, 3, 6, 6, 7, 9, 9)] ^= (u8)(1 << dice(8));
                memset(&h->cksum, 0, 2);
                u16 sum = (u16)~cksum_fold(cksum_add(0, h, sizeof *h));
                memcpy(&h->cksum, &sum, 2);
                break;
        }
        case 13: if (!(W.nif->caps & NETIF_L3)) b[6] |= 1; break;
        }
}

/* The interface remembers a slot that is almost this connection, and is free. */
static struct tcb *decoy, decoy_was;
static void remember_another(const struct tcb *t)
{
        struct tcb *d = W.st->tcp->free_tcb;
        if (!d || decoy)
                return;
        decoy_was = *d;
        decoy = d;
        *d = *t;
        d->next = decoy_was.next;
        switch (dice(6)) {
        case 0: d->ports ^= 1u << dice(32); break;
        case 1: d->raddr ^= 1u << dice(32); break;
        case 2: d->laddr ^= 1u << dice(32); break;
        case 3: d->hop_gen++; break;
        case 4: d->ports = d->pred = 0; break; /* as tcb_free leaves it */
        case 5: d->nif = 1; break;
        }
        W.nif->flow = d;
}
static void forget_another(void)
{
        if (decoy && W.st->tcp->free_tcb == decoy)
                *decoy = decoy_was;
        decoy = NULL;
}

/* Somebody who is almost this connection lies in front of it in its chain. */
static struct tcb *neighbour;
static struct tcb **chain_of(const struct tcb *t)
{
        return &t->ts->bucket[tcp_hash(t->ts, t->raddr, t->laddr, t->ports) >> t->ts->shift];
}
static struct tcb **neighbours;
static void meet_neighbour(const struct tcb *t)
{
        struct tcp_state *ts = t->ts;
        if (neighbour || decoy || !ts->free_tcb)
                return;
        neighbour = ts->free_tcb;
        ts->free_tcb = neighbour->next;
        *neighbour = *t;
        *(u32 *[]){&neighbour->ports, &neighbour->raddr, &neighbour->laddr}[dice(3)] ^= 1u << dice(32);
        neighbours = chain_of(t);
        neighbour->next = *neighbours;
        *neighbours = neighbour;
        W.nif->flow = dice(2) ? neighbour : &tcp_nobody;
}
static void leave_neighbour(void)
{
        if (!neighbour)
                return;
        struct tcp_state *ts = W.st->tcp;
        for (struct tcb **at = neighbours; *at; at = &(*at)->next) {
                if (*at == neighbour) {
                        *at = neighbour->next;
                        break;
                }
        }
        memset(neighbour, 0, sizeof *neighbour);
        neighbour->ts = ts;
        neighbour->timer.fire = tcp_timer_fired;
        neighbour->next = ts->free_tcb;
        ts->free_tcb = neighbour;
        neighbour = NULL;
}

static void tap(void *ctx, struct netif *nif, const struct pkt *p, bool out) { world_note("t", 1); }

/* What a connection may also be like. */
static void tweak(void)
{
        struct tcb *t = W.t;
        switch (dice(56)) {
        case 0: t->rcv_mss = (u16)ONE_OF(1, 536, 1460, 65535); break;
        case 1: t->rcv_adv = t->rcv_nxt + ONE_OF(0, 1, 99, 100, 1460); break;
        case 2: t->ts_recent += ONE_OF(0x7fffffff, 0x80000000, 5, 0xfffffff0); break;
        case 3: t->hop_gen++; break;
        case 4: W.nif->vlan = (u16)dice(2); break;
        case 5:
                W.st->pkts.n_total = ONE_OF(WORLD_PKTS, 1000, 200, (W.st->pkts.n_free - 1) << 4, W.st->pkts.n_free << 4);
                W.st->pkts.n_half = W.st->pkts.n_total >> 1;
                W.st->pkts.n_short = W.st->pkts.n_total >> 4;
                W.st->pkts.n_quarter = W.st->pkts.n_total >> 2;
                break;
        case 6: t->flags |= TF_ECE; break;
        case 7: t->rcv_space = ONE_OF(0, 1000, 65535, 100000); break;
        case 8: W.nif->link = dice(2); break;
        case 9: t->rcv_acked = t->rcv_nxt - ONE_OF(0, 1, 1071, 1072, 3000); break;
        case 10: t->hop_gen = (u16)dice(2); break;
        case 11: t->nif = (u8)(dice(2) ? W.nif->index : 1); break;
        case 12: t->max_snd_wnd = ONE_OF(0, 63999, 0xffffffff); break;
        case 13: if (t->rcv_queued) rcvq_last(t)->refs = 2; break;
        case 14: tcp_send(t, "user speaks", 11); break;
        case 15: case 16: flight_wake(t); t->cwnd = tcb_outstanding(t) ? ONE_OF(2, 2, 4) * tcb_outstanding(t) + dice(3) : t->cwnd; break;
        case 17: case 18: if (t->flight) t->flight->cwnd_limited = true; break;
        case 19: case 20: case 21:
                if (tcb_calm(t))
                        t->min_rtt_us = max_u32(tcb_now_us(t) - t->calm_tx_us + dice(3), 1);
                else if (t->flight && t->flight->first)
                        t->min_rtt_us = tcb_now_us(t) - t->flight->first->tx_us + dice(3);
                break;
        case 22: t->srtt_us = t->timer_kind == TT_CALM ? ONE_OF(1, 8, 0x7fffffff) : ONE_OF(0, 1, 0x7fffffff, 8); break;
        case 23: t->rttvar_us = ONE_OF(0, 200000, 200001, 0x7fffffff); break;
        case 24: t->keepalive_ms = ONE_OF(0, 1, 100, 60000); break;
        case 25: t->retries = (u8)dice(2); break;
        case 26: W.nif->up = dice(2); break;
        case 27: case 48: case 49: W.st->n_due = 0; for (u32 i = ONE_OF(0, 2, TCP_DUE - 1, TCP_DUE, TCP_DUE); i; i--) W.st->tcp->due[W.st->n_due++] = NULL; break;
        case 29: case 30: remember_another(t); break;
        case 32: case 33: meet_neighbour(t); break;
        case 31: tcp_send_urgent(t); break;
        case 36: case 37: /* sent twice: only the echo measures it */
                if (t->flight && t->flight->first)
                        t->flight->first->flags |= SENT_EVER_RTX;
                break;
        case 34: case 35: /* our FIN has waited for some time */
                t->flags |= TF_FIN_QUEUED;
                tcp_predict(t);
                tcb_know_window(t, 64000 >> t->snd_scale);
                break;
        case 28: W.st->tap = dice(2) ? tap : NULL; break;
        }
        netif_look(W.nif);
        if (t->nif)
                t->nif = (u8)(dice(4) ? 0 : 1);
}

/* A reply that went out in the buffer that was read leaves there where that came in. */
static void scrub(void)
{
        for (struct pkt *p = W.st->pkts.free; p; p = p->next)
                p->nif = NULL;
}

/* wild: of that many frames, and of that many connections before one comes, one has something unusual. */
static void walk(u32 seed, u32 wild)
{
        world_begin(seed * 2654435761u | 1);
        W.scrub = scrub;
        decoy = neighbour = NULL;
        W.st->nif[1] = W.nif; /* for connections that think of another interface */
        for (u32 step = 0; step < 50 && W.t && (W.t->state & SYN_RX); step++) {
                bool odd = dice(wild) == 0;
                if (dice(wild + 1) == 0)
                        tweak();
                if (!W.t)
                        break;
                if (!W.st->n_due && dice(4) == 0) { /* others wait for the end of the batch */
                        W.st->n_due = 2;
                        W.st->tcp->due[0] = W.st->tcp->due[1] = NULL;
                }
                struct world_frame f = expected();
                f.len = ONE_OF(0, 0, 0, 1, 100, 536, 1000, 1400, 1448, 1460);
                if (wild > 1)
                        f.len = ONE_OF(0, 1, 100, 100, 100, 100, 536, 1000);
                if (odd)
                        f.seq += dice(8) ? 0 : ONE_OF(0xffffffff, 1, 1460, 0x80000000, (u32)-1460);
                if (odd && dice(3) == 0)
                        f.ack = W.t->snd_una + ONE_OF(0, 1, 1000, 0xffffffff, tcb_outstanding(W.t) + 1, tcb_outstanding(W.t) / 2);
                if (odd)
                        f.flags |= (u8)ONE_OF(0, 0, TCP_PSH, TCP_PSH, dice(8) ? 0 : TCP_FIN, dice(8) ? 0 : TCP_FIN | TCP_PSH,
                                              dice(8) ? 0 : TCP_URG, dice(8) ? 0 : TCP_ECE, dice(8) ? 0 : TCP_CWR, dice(16) ? 0 : TCP_SYN, dice(32) ? 0 : TCP_RST);
                f.tos = (u8)(dice(16) ? 0 : 3);
                f.wnd = !odd || dice(8) ? f.wnd : ONE_OF(0, 1, 100, 65535);
                f.tsecr -= dice(3);
                f.tsval += !odd || dice(8) ? 0 : ONE_OF(0xfffffffe, 0xffffffff, 0x7fffffff);
                struct pkt *p = world_build(&f);
                if (!p)
                        break;
                if (odd)
                        spoil(p);
                else if (dice(12) == 0) { /* the device has looked at the sum, and nobody does again */
                        p->flags |= PKT_CSUM_OK;
                        p->data[(W.nif->caps & NETIF_L3 ? 0 : ETH_HLEN) + 36] ^= 1;
                }
                if (!same(p)) {
                        fprintf(stderr, "# seed %u, step %u: seq %u ack %u len %u flags %02x wnd %u\n", seed, step, f.seq, f.ack,
                                f.len, f.flags, f.wnd);
                        fail();
                }
                forget_another();
                leave_neighbour();
                if (dice(3))
                        stack_batch_end(W.st);
                world_tick(dice(4 * wild) ? dice(3000) : dice(300000));
        }
}

static void random_walks(void **state)
{
        n_taken = n_left = n_sent = n_replied = 0;
        for (u32 seed = 1; seed <= 1500; seed++)
                walk(seed, 1);
        print_message("# %u taken (%u answered), %u left\n", n_taken, n_sent, n_left);
        assert_true(n_taken > 3000 && n_left > 3000 && n_sent > 1000); /* the walks see both sides */
}

static void walks_of_kept_connections(void **state)
{
        n_taken = n_left = n_sent = n_replied = n_ended = 0;
        for (u32 seed = 1; seed <= 1500; seed++)
                walk(seed, 12);
        print_message("# %u taken (%u answered, %u with a reply of its own, %u and FIN), %u left\n", n_taken, n_sent, n_replied, n_ended, n_left);
        assert_true(n_taken > 10000 && n_left > 3000 && n_sent > 5000 && n_replied > 400 && n_ended > 30);
}

/* Every combination of edges, each from the same state. */
static void edges_of(u32 seed, bool outstanding)
{
        static const u8 flags[] = {0, TCP_ACK, TCP_ACK | TCP_PSH, TCP_ACK | TCP_FIN, TCP_ACK | TCP_FIN | TCP_PSH, TCP_ACK | TCP_RST,
                                   TCP_ACK | TCP_SYN, TCP_ACK | TCP_ECE};
        static const u32 seqs[] = {0, 1, (u32)-1, 0x7fffffff, 0x80000000}, wnds[] = {0, 1, 65535};
        world_begin(seed);
        W.scrub = scrub;
        if (outstanding)
                tcp_send(W.t, "0123456789", 10);
        stack_batch_end(W.st);
        W.t->rcv_adv = W.t->rcv_nxt + 1000;
        if (seed & 1)
                W.t->snd_wnd = 5; /* less than is outstanding */
        u32 out = tcb_outstanding(W.t), acks[] = {0, 1, out, out + 1, (u32)-1, 0x80000000}, lens[] = {0, 1, 999, 1000, 1001};
        static u8 start[WORLD];
        struct tcb *t = W.t;
        memcpy(start, W.mem, W.used);
        for (u32 i = 0; i < COUNT_OF(flags) * COUNT_OF(seqs) * COUNT_OF(wnds) * COUNT_OF(acks) * COUNT_OF(lens); i++) {
                u32 k = i;
#define NEXT(list) (list)[k % COUNT_OF(list)]; k /= COUNT_OF(list)
                struct world_frame f = expected();
                f.flags = NEXT(flags);
                f.seq = t->rcv_nxt + NEXT(seqs);
                f.wnd = NEXT(wnds);
                f.ack = t->snd_una + NEXT(acks);
                f.len = NEXT(lens);
#undef NEXT
                struct pkt *p = world_build(&f);
                u32 args[6] = {(u32)(uintptr_t)W.nif, (u32)(uintptr_t)p}, took;
                if (!world_same((const void *)tcp_receive, (const void *)c_tcp_receive, args, &took)) {
                        fprintf(stderr, "# seed %u, case %u\n", seed, i);
                        fail();
                }
                memcpy(W.mem, start, W.used);
                W.t = t;
        }
}

static void edges_of_prediction(void **state)
{
        for (u32 seed = 1; seed <= 4; seed++) {
                edges_of(seed * 77, false);
                edges_of(seed * 77, true);
        }
}

/* Text behind a reply that the connection kept, of every length up to what is summed word by word, and with a bit of each byte spoilt. */
static void requests_of_every_length(void **state)
{
        static const u8 text[1000];
        static u8 start[WORLD];
        u32 sum = cksum_add(0, text, sizeof text), seed = 1, n = 0;
        do { /* until it is a plain one */
                world_begin(seed++);
                W.scrub = scrub;
                W.user_acts = false;
                struct tcb *t = W.t;
                t->flags |= TF_BUSY;
                if (t->pred && t->ev->readable && !(t->flags & TCB_MORE_FLAGS) && !tcp_send_ref(t, text, sizeof text, &sum) && t->timer_kind == TT_REPLY &&
                    tcp_send_whole(t))
                        n = t->snd_queued;
                t->flags &= ~(u32)(TF_BUSY | TF_WANT_TX);
        } while (!n);
        struct tcb *t = W.t;
        memcpy(start, W.mem, W.used);
        for (u32 len = 1; len <= 140; len++)
                for (u32 bad = 0; bad <= 20 + len; bad++) {
                        struct world_frame f = expected();
                        f.len = len;
                        struct pkt *p = world_build(&f);
                        u8 *at = p->data + p->len - bad;
                        if (bad)
                                *at ^= (u8)(1 << dice(8));
                        u32 args[6] = {(u32)(uintptr_t)W.nif, (u32)(uintptr_t)p}, took;
                        assert_true(world_same((const void *)tcp_receive, (const void *)c_tcp_receive, args, &took));
                        assert_int_equal(took, !bad);
                        memcpy(W.mem, start, W.used);
                        W.t = t;
                }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(edges_of_prediction),
                cmocka_unit_test(random_walks),
                cmocka_unit_test(walks_of_kept_connections),
                cmocka_unit_test(requests_of_every_length),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
