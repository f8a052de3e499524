/* copy.c (test) - gathering with the checksum taken on the way, and receiving from a ring that wraps anywhere.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "cksum.h"
#include "../../drivers/driver.h"

enum { N = 6 };
static struct pkt meta[N];
static u8 bufs[N * PKT_BUF];
static struct stack st;
static struct nic nic;

void nic_register(struct nic *n) {}

static int fresh(void **state)
{
        memset(&nic, 0, sizeof nic);
        pktpool_init(&st.pkts, meta, bufs, N);
        nic.nif.st = &st;
        return 0;
}

static u32 rnd_state = 12345;
static u32 rnd(u32 below) { rnd_state = rnd_state * 1664525u + 1013904223u; return (rnd_state >> 8) % below; }

/* An Ethernet frame with IPv4 and UDP or TCP and n payload bytes, all sums right; returns its length. */
static u32 build(u8 *f, u8 proto, u32 n)
{
        u32 l4 = proto == 6 ? 20 : 8, total = 20 + l4 + n;
        for (u32 i = 0; i < 14 + total; i++)
                f[i] = (u8)rnd(256);
        f[12] = 8, f[13] = 0;
        u8 *ip = f + 14, *t = ip + 20;
        ip[0] = 0x45, ip[2] = (u8)(total >> 8), ip[3] = (u8)total, ip[6] = 0x40, ip[7] = 0, ip[9] = proto, ip[10] = ip[11] = 0;
        u16 sum = (u16)~cksum_fold(cksum_add(0, ip, 20));
        memcpy(ip + 10, &sum, 2);
        if (proto == 17)
                t[4] = (u8)((8 + n) >> 8), t[5] = (u8)(8 + n);
        u8 pseudo[12] = {0};
        memcpy(pseudo, ip + 12, 8);
        pseudo[9] = proto, pseudo[10] = (u8)((l4 + n) >> 8), pseudo[11] = (u8)(l4 + n);
        u8 *field = t + (proto == 6 ? 16 : 6);
        field[0] = field[1] = 0;
        sum = (u16)~cksum_fold(cksum_add(cksum_add(0, pseudo, 12), t, l4 + n));
        if (!sum)
                sum = 0xffff;
        memcpy(field, &sum, 2);
        return 14 + total;
}

static void gathered_pieces_make_the_same_bytes_and_sum_at_every_cut(void **state)
{
        u8 want[ETH_MAX], got[ETH_MAX + 2];
        for (u32 round = 0; round < 500; round++) {
                u8 proto = round & 1 ? 6 : 17;
                u32 len = build(want, proto, 40 + rnd(1400)), l4 = 34, off = proto == 6 ? 16 : 6;
                u8 plain[ETH_MAX];
                memcpy(plain, want, len);
                u8 pseudo[12] = {0};
                memcpy(pseudo, want + 26, 8);
                pseudo[9] = proto, pseudo[10] = (u8)((len - 34) >> 8), pseudo[11] = (u8)(len - 34);
                u16 start = cksum_fold(cksum_add(0, pseudo, 12));
                memcpy(plain + l4 + off, &start, 2);
                struct pkt *p = pkt_alloc(&st.pkts, 100), *q = pkt_alloc(&st.pkts, 0);
                u32 a = 54 + rnd(len - 54), b = a + rnd(len - a), c = b + rnd(len - b);
                pkt_append(p, plain, a);
                pkt_add_frag(p, plain + a, b - a, NULL);
                pkt_add_frag(p, plain + b, c - b, NULL);
                pkt_append(q, plain + c, len - c);
                p->chain = q;
                p->flags |= PKT_CSUM_TODO;
                p->csum_start = (u16)l4;
                p->csum_off = (u16)off;
                got[len] = 0xee;
                assert_int_equal(nic_gather(got, ETH_MAX, p), len);
                assert_memory_equal(got, want, len);
                assert_int_equal(got[len], 0xee);
                pkt_free(p);
        }
        assert_int_equal(st.pkts.n_free, N);
}

static void a_short_packet_is_padded_with_zeros(void **state)
{
        u8 got[ETH_MAX];
        memset(got, 0xee, sizeof got);
        struct pkt *p = pkt_alloc(&st.pkts, 100);
        pkt_append(p, "0123456789abcdefgh", 18);
        assert_int_equal(nic_gather(got, ETH_MAX, p), ETH_MIN);
        for (u32 i = 18; i < ETH_MIN; i++)
                assert_int_equal(got[i], 0);
        assert_int_equal(got[ETH_MIN], 0xee);
        pkt_free(p);
}

static void too_much_and_sums_outside_are_refused(void **state)
{
        u8 got[ETH_MAX];
        static u8 big[ETH_MAX + 1];
        struct pkt *p = pkt_alloc(&st.pkts, 0);
        pkt_append(p, big, sizeof big);
        assert_int_equal(nic_gather(got, ETH_MAX, p), 0);
        p->len = 100;
        p->flags |= PKT_CSUM_TODO;
        p->csum_start = 90;
        p->csum_off = 9;
        assert_int_equal(nic_gather(got, ETH_MAX, p), 0);
        p->csum_off = 8;
        assert_int_equal(nic_gather(got, ETH_MAX, p), 100);
        p->len = 13;
        assert_int_equal(nic_gather(got, ETH_MAX, p), 0);
        pkt_free(p);
}

static void a_frame_is_whole_and_proven_wherever_the_ring_wraps(void **state)
{
        u8 f[ETH_MAX];
        for (u32 round = 0; round < 3; round++) {
                u32 len = build(f, round == 1 ? 17 : 6, 100 + round);
                for (u32 first = 0; first <= len + 1; first++) {
                        u8 *ring = malloc(first + 1), *rest = malloc(len);
                        memcpy(ring, f, first < len ? first : len);
                        if (first < len)
                                memcpy(rest, f + first, len - first);
                        struct pkt *p = nic_rx_copy(&nic, ring, first, rest, len);
                        assert_non_null(p);
                        assert_int_equal(p->len, len);
                        assert_memory_equal(p->data, f, len);
                        assert_int_equal(p->data - p->head, NIC_RX_AT);
                        assert_true(p->flags & PKT_CSUM_OK);
                        pkt_free(p);
                        free(ring);
                        free(rest);
                }
        }
}

static void nothing_wrong_is_called_right(void **state)
{
        u8 f[ETH_MAX];
        u32 len = build(f, 6, 200);
        for (u32 at = 14; at < len; at++) {
                f[at] ^= 0x10;
                struct pkt *p = nic_rx_copy(&nic, f, len, NULL, len);
                assert_false(p->flags & PKT_CSUM_OK);
                pkt_free(p);
                f[at] ^= 0x10;
        }
        struct pkt *p = nic_rx_copy(&nic, f, len, NULL, len - 1); /* shorter than the header says */
        assert_false(p->flags & PKT_CSUM_OK);
        pkt_free(p);
}

/* The whole still sums to nothing, yet neither part is right. */
static void errors_in_header_and_payload_do_not_cancel(void **state)
{
        u8 f[ETH_MAX];
        u32 len = build(f, 6, 200);
        f[22] = 64, f[60] = 10; /* TTL and a payload byte, both in the high half of their words */
        u16 ip_sum = 0, field = 0;
        memcpy(f + 24, &ip_sum, 2);
        ip_sum = (u16)~cksum_fold(cksum_add(0, f + 14, 20));
        memcpy(f + 24, &ip_sum, 2);
        u8 pseudo[4] = {0, 6, (u8)((len - 34) >> 8), (u8)(len - 34)};
        memcpy(f + 50, &field, 2);
        field = (u16)~cksum_fold(cksum_add(cksum_add(cksum_add(0, f + 26, 8), pseudo, 4), f + 34, len - 34));
        memcpy(f + 50, &field, 2);
        struct pkt *p = nic_rx_copy(&nic, f, len, NULL, len);
        assert_true(p->flags & PKT_CSUM_OK);
        pkt_free(p);
        f[22] = 63, f[60] = 11;
        p = nic_rx_copy(&nic, f, len, NULL, len);
        assert_false(p->flags & PKT_CSUM_OK);
        pkt_free(p);
}

static void an_empty_pool_costs_the_frame_and_is_counted(void **state)
{
        u8 f[ETH_MAX];
        u32 len = build(f, 6, 10);
        struct pkt *p[N];
        for (u32 i = 0; i < N; i++)
                p[i] = pkt_alloc(&st.pkts, 0);
        assert_null(nic_rx_copy(&nic, f, len, NULL, len));
        assert_int_equal(nic.nif.count.rx_dropped, 1);
        for (u32 i = 0; i < N; i++)
                pkt_free(p[i]);
        p[0] = nic_rx_copy(&nic, f, len, NULL, len);
        assert_non_null(p[0]);
        pkt_free(p[0]);
}

/* The well-known all-hosts group, as tables in data sheets and other drivers give it. */
static void multicast_hashes_are_those_of_the_data_sheets(void **state)
{
        macaddr all_hosts = {{0x01, 0x00, 0x5e, 0x00, 0x00, 0x01}};
        u32 crc = nic_mac_crc(all_hosts), reversed = 0;
        for (u32 i = 0; i < 32; i++)
                reversed |= (crc >> i & 1) << (31 - i);
        assert_int_equal(nic_mac_hash(all_hosts), reversed >> 26);
        assert_int_equal(nic_mac_crc(MAC_BCAST), 0xbe2612ff & 0xffffffff);
}

static void receive_rings_leave_most_of_a_small_pool(void **state)
{
        assert_int_equal(nic_rx_quota(&st, 256), 4);
        st.pkts.n_quarter = 64;
        assert_int_equal(nic_rx_quota(&st, 256), 64);
        st.pkts.n_quarter = 25000;
        assert_int_equal(nic_rx_quota(&st, 256), 128);
        assert_int_equal(nic_rx_quota(&st, 64), 64);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(gathered_pieces_make_the_same_bytes_and_sum_at_every_cut, fresh),
                cmocka_unit_test_setup(a_short_packet_is_padded_with_zeros, fresh),
                cmocka_unit_test_setup(too_much_and_sums_outside_are_refused, fresh),
                cmocka_unit_test_setup(a_frame_is_whole_and_proven_wherever_the_ring_wraps, fresh),
                cmocka_unit_test_setup(nothing_wrong_is_called_right, fresh),
                cmocka_unit_test_setup(errors_in_header_and_payload_do_not_cancel, fresh),
                cmocka_unit_test_setup(an_empty_pool_costs_the_frame_and_is_counted, fresh),
                cmocka_unit_test_setup(multicast_hashes_are_those_of_the_data_sheets, fresh),
                cmocka_unit_test_setup(receive_rings_leave_most_of_a_small_pool, fresh),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
