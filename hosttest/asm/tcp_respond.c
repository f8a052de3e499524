/* tcp_respond.c (test) - asm/tcp_respond.S against its twin on whole stacks: every kind of connection, window, interface and
 * segment, seeded. All memory and the frame that left must be the same; its sums are right.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tcpworld.h"

void c_tcp_ack_bare(struct tcb *t);
void c_tcp_respond(struct tcb *t, struct pkt *p, u32 seq, u32 flags, u32 len, u32 sum);

static u8 text[5000];

static void tap(void *ctx, struct netif *nif, const struct pkt *p, bool out) { world_note("t", 1); }

static void vary(void)
{
        struct tcb *t = W.t;
        t->rcv_nxt = ONE_OF(0, 0xffffffff, 0x7fffffff, rnd(&W.seed));
        t->rcv_space = ONE_OF(0, 1, 1460, 2000, 2001, 65535, 1 << 20, rnd(&W.seed) >> 12);
        t->rcv_queued = dice(3) ? 0 : dice(t->rcv_space + 10);
        t->rcv_adv = t->rcv_nxt + ONE_OF(0, 1, 1459, 1460, 1461, t->rcv_space, t->rcv_space / 2, dice(70000));
        if (t->rcv_queued < t->rcv_space / 2 && dice(6) == 0) /* about half of it may open */
                t->rcv_adv = t->rcv_nxt + t->rcv_space - t->rcv_queued - t->rcv_space / 2 + dice(3) - 1;
        t->rcv_acked = t->rcv_nxt - ONE_OF(0, 1, 2920);
        t->rcv_mss = (u16)ONE_OF(1, 536, 1460);
        t->rcv_scale = (u8)dice(15);
        t->flags &= ~(u32)(TF_ACK_ON_READ | TF_URG_TX | TF_NO_DF | TF_NO_PMTUD | TF_ACK_NOW | TF_TS);
        t->flags |= dice(2) ? TF_TS : 0;
        t->flags |= ONE_OF(0, 0, 0, TF_ACK_NOW);
        t->flags |= dice(12) ? 0 : ONE_OF(TF_ACK_ON_READ, TF_URG_TX, TF_NO_DF, TF_NO_PMTUD);
        t->snd_up = t->snd_nxt + dice(3);
        t->tos = (u8)(dice(64) << 2);
        t->ttl = (u8)ONE_OF(1, 64, 255);
        tcb_set_ip_id(t);
        t->hdr_sum = dice(4) ? t->hdr_sum : ONE_OF(0xffffffff, 0xffff, 0xffff0000);
        t->hop_gen = (u16)(dice(12) ? W.st->hop_gen : ONE_OF(0, 77));
        W.nif->vlan = (u16)(dice(24) ? 0 : 7);
        W.nif->up = dice(16);
        W.nif->link = dice(16);
        W.nif->mtu = (u16)(dice(8) ? 1500 : ONE_OF(39, 40, 52, 576));
        W.nif->count.tx_bytes = dice(4) ? 0 : 0xffffffff;
        W.st->tap = dice(16) ? NULL : tap;
        netif_look(W.nif);
        W.st->pkts.n_total = dice(8) ? WORLD_PKTS : ONE_OF(200, 2000);
        W.st->pkts.n_quarter = W.st->pkts.n_total >> 2;
        if (dice(4) == 0)
                tcp_ack_later(t);
}

static void one(u32 seed)
{
        world_begin(seed * 2654435761u | 1);
        W.user_acts = false;
        for (u32 i = 0; i < 20; i++) {
                vary();
                struct pkt *p = pkt_alloc(&W.st->pkts, PKT_HEADROOM);
                u32 opts = dice(4) ? 0 : dice(4), front = dice(4) ? 0 : dice(100);
                u32 frag = dice(2) ? 0 : dice(2) ? 1000 : dice(1400);
                u32 flags = (dice(4) ? TCP_ACK : dice(256)) | opts << TCP_R_OPT_SHIFT | (dice(8) ? 0 : TCP_R_ECT);
                p->len = (u16)(opts * 4 + front);
                memcpy(p->data, text, p->len);
                u32 sum = cksum_add(0, p->data, p->len), len = p->len;
                if (frag) {
                        u32 s = cksum_add(0, text + 7, frag);
                        pkt_add_frag(p, text + 7, frag, NULL);
                        sum = cksum_plus(sum, p->len & 1 ? cksum_odd(s) : s);
                        len += frag;
                }
                sum = sum == 0 && dice(2) ? 0xffffffff : sum;
                if (dice(4) == 0)
                        flags |= TCP_R_NO_SUM;
                if (dice(16) == 0) {
                        pkt_add_frag(p, text, 3000, NULL);
                        len += 3000;
                        p->gso = 1448;
                        flags |= TCP_R_NO_SUM;
                        W.nif->caps |= NETIF_SG | NETIF_CSUM_TX | NETIF_TSO;
                } else {
                        W.nif->caps &= (u8)~(NETIF_CSUM_TX | NETIF_TSO);
                }
                u32 seq = ONE_OF(0, 0xffffffff, W.t->snd_nxt, rnd(&W.seed));
                u32 args[6] = {(u32)(uintptr_t)W.t, (u32)(uintptr_t)p, seq, flags, len, sum};
                if (!world_same((const void *)tcp_respond, (const void *)c_tcp_respond, args, NULL)) {
                        fprintf(stderr, "# seed %u, segment %u\n", seed, i);
                        fail();
                }
        }
}

static void segments_of_every_kind(void **state)
{
        for (u32 i = 0; i < sizeof text; i++)
                text[i] = (u8)(i * 7 + (i >> 8));
        for (u32 seed = 1; seed <= 1500; seed++)
                one(seed);
}

static void bare_acknowledgements(void **state)
{
        for (u32 seed = 1; seed <= 1500; seed++) {
                world_begin(seed * 2654435761u | 1);
                W.user_acts = false;
                for (u32 i = 0; i < 8; i++) {
                        struct tcb *t = W.t;
                        vary();
                        W.nif->mtu = (u16)max_u32(W.nif->mtu, 68); /* RFC 791: the least there is */
                        t->snd_wnd = ONE_OF(0, 64000, 0x7fffffff);
                        t->snd_una = t->snd_nxt - ONE_OF(0, 1, 5000);
                        t->flags &= ~(u32)(TF_ECE | TF_ACK_DELAYED);
                        t->flags |= ONE_OF(0, 0, TF_ECE, TF_ACK_DELAYED);
                        t->state = (u8)ONE_OF(TCP_B_ESTABLISHED, TCP_B_ESTABLISHED, TCP_B_CLOSE_WAIT, SYN_TX | SYN_RX | SYN_ACK_TX);
                        if (dice(16) == 0)
                                W.st->pkts.free = NULL;
                        u32 args[6] = {(u32)(uintptr_t)t};
                        if (!world_same((const void *)tcp_ack_bare, (const void *)c_tcp_ack_bare, args, NULL)) {
                                fprintf(stderr, "# seed %u, acknowledgement %u\n", seed, i);
                                fail();
                        }
                }
        }
}

/* What leaves is right by itself: not only twin and assembly alike. */
static void its_sums_are_right(void **state)
{
        for (u32 seed = 1; seed <= 200; seed++) {
                world_begin(seed);
                struct pkt *p = pkt_alloc(&W.st->pkts, PKT_HEADROOM);
                u32 n = dice(1400);
                p->len = (u16)n;
                memcpy(p->data, text, n);
                W.n_log = 0;
                tcp_respond(W.t, p, W.t->snd_nxt, TCP_ACK, n, cksum_add(0, text, n));
                const u8 *ip = W.log + 4 + (W.nif->caps & NETIF_L3 ? 0 : ETH_HLEN);
                u32 total = be16_get(((const struct ip_hdr *)ip)->len);
                assert_int_equal(total, 40 + n + (W.t->flags & TF_TS ? 12 : 0));
                assert_int_equal(cksum_fold(cksum_add(0, ip, 20)), 0xffff);
                u32 pseudo = ip_pseudo_sum(WORLD_IP, WORLD_PEER_IP, IPPROTO_TCP_, (u16)(total - 20));
                assert_int_equal(cksum_fold(cksum_add(pseudo, ip + 20, total - 20)), 0xffff);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(segments_of_every_kind),
                cmocka_unit_test(bare_acknowledgements),
                cmocka_unit_test(its_sums_are_right),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
