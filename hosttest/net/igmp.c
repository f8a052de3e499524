/* igmp.c (test) - joins, leaves and answers in the version of the querier.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "cksum.h"
#include "frames.h"
#include "igmp.h"

#define GROUP IPADDR(239, 1, 2, 3)
#define OTHER IPADDR(239, 129, 2, 3) /* the same Ethernet group */
static u8 f[FRAMES_MAX];

static int setup(void **state)
{
        *state = wire_new(NULL, 0);
        return 0;
}

static int teardown(void **state)
{
        wire_free(*state);
        return 0;
}

/* The next frame is IGMP to dst of this type; its message, options checked. */
static const u8 *expect(struct wire *w, ipaddr dst, u8 type)
{
        const struct frame *out = wire_tx(w);
        const struct ip_hdr *ip = frame_ip(out, IPPROTO_IGMP_);
        assert_non_null(ip);
        assert_int_equal(ip->vhl, 0x46);
        assert_memory_equal(ip + 1, "\x94\x04\x00\x00", 4); /* router alert */
        assert_int_equal(ip->ttl, 1);
        assert_true(ipaddr_eq(ip->dst, dst));
        assert_true(mac_eq(frame_eth(out)->dst, igmp_mac(dst)));
        const u8 *m = (const u8 *)(ip + 1) + 4;
        assert_int_equal(cksum_fold(cksum_add(0, m, out->n - 38)), 0xffff);
        assert_int_equal(m[0], type);
        return m;
}

static void expect_v3(struct wire *w, u8 record, ipaddr group)
{
        const u8 *m = expect(w, IPADDR(224, 0, 0, 22), 0x22);
        assert_int_equal(m[7], 1);
        assert_int_equal(m[8], record);
        assert_memory_equal(m + 12, &group, 4);
}

/* A message of n bytes (8 or 12) with right checksum and TTL 1. */
static void hear(struct wire *w, ipaddr dst, u8 type, u8 code, ipaddr group, u32 n)
{
        u8 m[12] = {type, code};
        memcpy(m + 4, &group, 4);
        u16 sum = (u16)~cksum_fold(cksum_add(0, m, n));
        memcpy(m + 2, &sum, 2);
        u32 len = build_ipv4(f, WIRE_PEER, dst, IPPROTO_IGMP_, m, n);
        f[22] = 1;
        resum(f + 14);
        wire_rx(w, f, len);
}

static void join_and_leave_are_said_twice(void **state)
{
        struct wire *w = *state;
        assert_int_equal(igmp_join(&w->nif, GROUP), 0);
        expect_v3(w, 4, GROUP);
        wire_wait(w, 1001);
        expect_v3(w, 4, GROUP);
        wire_wait(w, 60000);
        assert_int_equal(wire_pending(w), 0);
        assert_true(igmp_member(&w->nif, GROUP));
        assert_int_equal(igmp_leave(&w->nif, GROUP), 0);
        assert_false(igmp_member(&w->nif, GROUP));
        expect_v3(w, 3, GROUP);
        wire_wait(w, 1001);
        expect_v3(w, 3, GROUP);
        wire_wait(w, 60000);
        assert_int_equal(wire_pending(w), 0);
}

static void joins_are_counted(void **state)
{
        struct wire *w = *state;
        igmp_join(&w->nif, GROUP);
        igmp_join(&w->nif, GROUP);
        wire_wait(w, 1001);
        wire_flush_out(w);
        igmp_leave(&w->nif, GROUP);
        assert_true(igmp_member(&w->nif, GROUP));
        assert_int_equal(wire_pending(w), 0);
        igmp_leave(&w->nif, GROUP);
        assert_int_equal(igmp_leave(&w->nif, GROUP), E_NOENT);
        assert_int_equal(igmp_join(&w->nif, WIRE_PEER), E_INVAL);
}

static void link_group_is_shared_by_many(void **state)
{
        struct wire *w = *state;
        u32 before = w->nif.n_groups;
        igmp_join(&w->nif, GROUP);
        igmp_join(&w->nif, OTHER);
        assert_int_equal(w->nif.n_groups, before + 1);
        igmp_leave(&w->nif, GROUP);
        assert_int_equal(w->nif.n_groups, before + 1);
        igmp_leave(&w->nif, OTHER);
        assert_int_equal(w->nif.n_groups, before);
}

static void groups_run_out(void **state)
{
        struct wire *w = *state;
        u8 i = 0;
        while (igmp_join(&w->nif, IPADDR(239, 1, 0, i)) == 0)
                i++;
        assert_int_equal(i, NETIF_GROUPS - 1); /* 224.0.0.1 has one */
        assert_int_equal(igmp_join(&w->nif, IPADDR(224, 0, 0, 1)), 0);
}

static void settle(struct wire *w)
{
        igmp_join(&w->nif, GROUP);
        wire_wait(w, 1001);
        wire_flush_out(w);
}

static void general_query_is_answered_after_a_random_wait(void **state)
{
        struct wire *w = *state;
        settle(w);
        hear(w, IPADDR(224, 0, 0, 1), 0x11, 100, IPADDR_ANY, 12);
        assert_int_equal(wire_pending(w), 0);
        wire_wait(w, 10000);
        expect_v3(w, 2, GROUP);
        assert_int_equal(wire_pending(w), 0);
}

static void query_of_another_group_is_not_answered(void **state)
{
        struct wire *w = *state;
        settle(w);
        igmp_join(&w->nif, OTHER);
        wire_wait(w, 1001);
        wire_flush_out(w);
        hear(w, OTHER, 0x11, 10, OTHER, 12);
        wire_wait(w, 1000);
        expect_v3(w, 2, OTHER);
        assert_int_equal(wire_pending(w), 0);
}

static void older_querier_is_answered_in_its_version(void **state)
{
        struct wire *w = *state;
        settle(w);
        hear(w, IPADDR(224, 0, 0, 1), 0x11, 100, IPADDR_ANY, 8);
        wire_wait(w, 10000);
        const u8 *m = expect(w, GROUP, 0x16);
        ipaddr g = GROUP;
        assert_memory_equal(m + 4, &g, 4);
        igmp_leave(&w->nif, GROUP);
        expect(w, IPADDR(224, 0, 0, 2), 0x17);
        wire_wait(w, 1001);
        wire_flush_out(w);
        settle(w);
        hear(w, IPADDR(224, 0, 0, 1), 0x11, 0, IPADDR_ANY, 8);
        wire_wait(w, 10000);
        expect(w, GROUP, 0x12);
        wire_wait(w, 260000); /* the old querier was not heard again */
        hear(w, IPADDR(224, 0, 0, 1), 0x11, 100, IPADDR_ANY, 12);
        wire_wait(w, 10000);
        expect_v3(w, 2, GROUP);
}

static void report_of_another_host_is_enough_for_v2(void **state)
{
        struct wire *w = *state;
        settle(w);
        hear(w, IPADDR(224, 0, 0, 1), 0x11, 100, IPADDR_ANY, 8);
        hear(w, GROUP, 0x16, 0, GROUP, 8);
        wire_wait(w, 20000);
        assert_int_equal(wire_pending(w), 0);
        igmp_leave(&w->nif, GROUP); /* the other was the last to report: no leave (RFC 2236 6) */
        assert_int_equal(wire_pending(w), 0);
        wire_wait(w, 2000);
}

static void malformed_messages_have_their_reasons(void **state)
{
        struct wire *w = *state;
        u32 n = build_ipv4(f, WIRE_PEER, IPADDR(224, 0, 0, 1), IPPROTO_IGMP_, "\x11\x00\x00\x00\x00\x00\x00\x00", 8);
        wire_rx(w, f, n); /* bad sum */
        assert_int_equal(wire_drops(w, DROP_IGMP_BAD), 1);
        wire_rx(w, f, build_ipv4(f, WIRE_PEER, IPADDR(224, 0, 0, 1), IPPROTO_IGMP_, "\x11\x00\xee\xff", 4));
        assert_int_equal(wire_drops(w, DROP_IGMP_BAD), 2);
        wire_rx(w, f, build_ipv4(f, WIRE_PEER, IPADDR(224, 0, 0, 1), IPPROTO_IGMP_, "\x11\x00\xee\xff\x00\x00\x00\x00", 8));
        assert_int_equal(wire_drops(w, DROP_IGMP_TTL), 1); /* TTL 64 */
        hear(w, IPADDR(224, 0, 0, 1), 0x13, 0, IPADDR_ANY, 8);
        assert_int_equal(wire_drops(w, DROP_IGMP_TYPE), 1);
        hear(w, IPADDR(224, 0, 0, 1), 0x17, 0, GROUP, 8);
        assert_int_equal(wire_drops(w, DROP_IGMP_DONE), 1);
}

static void cable_back_reports_again(void **state)
{
        struct wire *w = *state;
        settle(w);
        netif_link(&w->nif, false);
        netif_link(&w->nif, true);
        wire_wait(w, 1001);
        u32 reports = 0;
        for (const struct frame *out; (out = wire_tx(w));)
                reports += frame_ip(out, IPPROTO_IGMP_) != NULL;
        assert_int_equal(reports, 2);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        const struct CMUnitTest tests[] = {
                T(join_and_leave_are_said_twice), T(joins_are_counted), T(link_group_is_shared_by_many), T(groups_run_out),
                T(general_query_is_answered_after_a_random_wait), T(query_of_another_group_is_not_answered),
                T(older_querier_is_answered_in_its_version), T(report_of_another_host_is_enough_for_v2),
                T(malformed_messages_have_their_reasons), T(cable_back_reports_again),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
