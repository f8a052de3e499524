/* netif.c (test) - the checksum that nif_xmit computes for a device that cannot.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "netif.h"

enum { IN_UDP = 6, IN_TCP = 16 };
static struct pkt meta[2];
static u8 bufs[2 * PKT_BUF];
static struct pktpool pool;

/* The field at csum_off of 20 bytes that are all zero but the first two. */
static u32 field_of(u16 csum_off, u16 first)
{
        u8 bytes[20] = {0};
        u16 field;
        pktpool_init(&pool, meta, bufs, 2);
        struct pkt *p = pkt_alloc(&pool, 0);
        memcpy(bytes, &first, 2);
        pkt_append(p, bytes, sizeof bytes);
        p->csum_start = 0, p->csum_off = csum_off, p->flags |= PKT_CSUM_TODO;
        nif_sum(p);
        assert_false(p->flags & PKT_CSUM_TODO);
        memcpy(&field, p->data + csum_off, 2);
        pkt_free(p);
        return field;
}

static void the_complement_of_the_sum_is_stored(void **state)
{
        assert_int_equal(field_of(IN_TCP, 0x1234), 0xedcb);
        assert_int_equal(field_of(IN_UDP, 0x1234), 0xedcb);
}

/* RFC 768: zero means "no checksum" */
static void zero_is_sent_as_ones_in_udp(void **state) { assert_int_equal(field_of(IN_UDP, 0xffff), 0xffff); }

/* RFC 1624 3: where zero has no meaning, ones are the field of no real packet */
static void zero_is_sent_as_zero_in_tcp(void **state) { assert_int_equal(field_of(IN_TCP, 0xffff), 0); }

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_complement_of_the_sum_is_stored),
                cmocka_unit_test(zero_is_sent_as_ones_in_udp),
                cmocka_unit_test(zero_is_sent_as_zero_in_tcp),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
