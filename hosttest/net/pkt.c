/* pkt.c (test) - the packet pool: references, chains, holds, exhaustion and recovery.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "pkt.h"

enum { N = 4 };
static struct pkt meta[N];
static u8 bufs[N * PKT_BUF];
static struct pktpool pool;

static int fresh(void **state)
{
        pktpool_init(&pool, meta, bufs, N);
        return 0;
}

static void exhaustion_is_counted_and_recovers(void **state)
{
        struct pkt *p[N];
        for (int i = 0; i < N; i++)
                assert_non_null(p[i] = pkt_alloc(&pool, PKT_HEADROOM));
        assert_null(pkt_alloc(&pool, 0));
        assert_int_equal(pool.drops[DROP_POOL_EMPTY], 1);
        assert_int_equal(pool.n_low, 0);
        pkt_drop(p[2], DROP_IP_CKSUM);
        assert_int_equal(pool.drops[DROP_IP_CKSUM], 1);
        assert_ptr_equal(pkt_alloc(&pool, 0), p[2]);
}

static void a_held_buffer_outlives_its_owner(void **state)
{
        struct pkt *data = pkt_alloc(&pool, 0), *frame = pkt_alloc(&pool, PKT_HEADROOM);
        pkt_append(data, "payload", 7);
        assert_true(pkt_add_frag(frame, data->data, 7, data));
        pkt_free(data);
        assert_int_equal(pool.n_free, N - 2);
        char got[8] = {0};
        assert_int_equal(pkt_copy_out(frame, 0, got, 7), 7);
        assert_string_equal(got, "payload");
        pkt_free(frame);
        assert_int_equal(pool.n_free, N);
}

static void chain_and_frags_read_in_wire_order(void **state)
{
        struct pkt *a = pkt_alloc(&pool, 10), *b = pkt_alloc(&pool, 0);
        pkt_append(a, "01", 2);
        pkt_add_frag(a, "234", 3, NULL);
        pkt_add_frag(a, "5", 1, NULL);
        assert_false(pkt_add_frag(a, "x", 1, NULL));
        pkt_append(b, "678", 3);
        pkt_add_frag(b, "9", 1, NULL);
        a->chain = b;
        assert_int_equal(pkt_total(a), 10);
        for (u32 off = 0; off <= 10; off++)
                for (u32 n = 0; n <= 12; n++) {
                        char got[12];
                        u32 m = pkt_copy_out(a, off, got, n);
                        assert_int_equal(m, min_u32(n, 10 - off));
                        assert_memory_equal(got, "0123456789" + off, m);
                }
        pkt_free(a);
        assert_int_equal(pool.n_free, N);
}

static void append_refuses_what_does_not_fit(void **state)
{
        static u8 big[PKT_BUF];
        struct pkt *p = pkt_alloc(&pool, PKT_HEADROOM);
        assert_false(pkt_append(p, big, PKT_BUF - PKT_HEADROOM + 1));
        assert_int_equal(p->len, 0);
        assert_true(pkt_append(p, big, PKT_BUF - PKT_HEADROOM));
        assert_int_equal(pkt_tailroom(p), 0);
        pkt_push(p, PKT_HEADROOM);
        assert_ptr_equal(p->data, p->head);
        assert_int_equal(p->len, PKT_BUF);
        pkt_free(p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(exhaustion_is_counted_and_recovers, fresh),
                cmocka_unit_test_setup(a_held_buffer_outlives_its_owner, fresh),
                cmocka_unit_test_setup(chain_and_frags_read_in_wire_order, fresh),
                cmocka_unit_test_setup(append_refuses_what_does_not_fit, fresh),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
