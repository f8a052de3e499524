/* library.c - the stack driven packet by packet from outside (R163 to R180), and the document's example.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "qure.h"
#include "scarce.h"
#include "../../net/tcp/tcb.h"

static u8 memory[2][4 << 20] __attribute__((aligned(4096)));
static size_t used[2];
static u64 now_us;
static struct qure *A, *B;

static void *give(void *ctx, size_t n, size_t align)
{
        size_t *at = ctx, i = (size_t)(at - used);
        *at = (*at + align - 1) & ~(align - 1);
        if (n > sizeof memory[i] - *at)
                return NULL;
        void *p = &memory[i][*at];
        *at += n;
        return p;
}

static struct qure *host(u32 i, bool ethernet)
{
        struct qure_config c = {.addr = IPADDR(192, 0, 2, (u8)(1 + i)), .plen = 24, .ethernet = ethernet,
                                .mac = {{2, 0, 0, 0, 0, (u8)(1 + i)}},
                                .stack = {.alloc = give, .alloc_ctx = &used[i], .seed = "two instances", .n_tcbs = 2}};
        memset(memory[i], 0, sizeof memory[i]);
        used[i] = 0;
        return qure_new(&c, now_us);
}

static void two(bool ethernet)
{
        now_us = 1000000;
        A = host(0, ethernet);
        B = host(1, ethernet);
        assert_non_null(A);
        assert_non_null(B);
}

/* Carries one packet; what it meant there. QURE_NOTHING also when there was none. */
static enum qure_kind one(struct qure *from, struct qure *to, struct qure_result *r)
{
        u8 p[2048];
        u32 n = qure_send(from, p, sizeof p, now_us);
        *r = (struct qure_result){0};
        return n ? qure_receive(to, p, n, now_us, r) : QURE_NOTHING;
}

static void settle(void)
{
        struct qure_result r;
        for (u32 i = 0; i < 20; i++) {
                one(A, B, &r), one(B, A, &r);
                now_us += 1000;
        }
}

static struct tcp_key connect_ab(struct tcp_key *b_side)
{
        struct tcp_key a;
        struct qure_result r;
        assert_int_equal(qure_listen(B, 80, 1, NULL), 0);
        assert_int_equal(qure_connect(A, IPADDR(192, 0, 2, 2), 80, NULL, &a), 0);
        assert_int_equal(one(A, B, &r), QURE_NOTHING);   /* SYN */
        assert_int_equal(one(B, A, &r), QURE_CONNECTED); /* SYN,ACK */
        assert_int_equal(one(A, B, &r), QURE_OPEN);      /* ACK */
        *b_side = r.key;
        return a;
}

/* What a conformance suite turns: window, scale, MSS, which options and in which order. */
static void options_of_a_sockets_syn_are_the_programs(void **s)
{
        u8 p[2048];
        int err;
        two(false);
        struct sock *k = sock_open(qure_stack(A), SOCK_TCP, &err);
        *sock_tcp_opts(k) = (struct tcp_opts){.mss = 700, .rcvbuf = 5000, .wscale = 5 + 1, .no_timestamps = true, .fixed_isn = true,
                                              .isn = 77, .syn_layout = {1, 3, 2, 4, 1, 1}};
        sock_set(k, SOCK_NOWAIT, 1);
        assert_int_equal(sock_connect(k, IPADDR(192, 0, 2, 2), 80), E_AGAIN);
        assert_null(sock_tcp_opts(k));
        static const u8 want[] = {0, 0, 0, 77, 0, 0, 0, 0, 8 << 4, 2, 5000 >> 8, 5000 & 0xff};
        static const u8 options[] = {1, 3, 3, 5, 2, 4, 700 >> 8, 700 & 0xff, 4, 2, 1, 1};
        assert_int_equal(qure_send(A, p, sizeof p, now_us), 20 + 20 + 12);
        assert_memory_equal(p + 24, want, sizeof want);
        assert_memory_equal(p + 40, options, sizeof options);
        sock_abort(k);
        struct sock *u = sock_open(qure_stack(A), SOCK_UDP, &err);
        assert_null(sock_tcp_opts(u));
        sock_abort(u);
}

static void r170_r178_a_listener_slot_takes_one_connection(void **s)
{
        struct tcp_key a, b;
        struct qure_result r;
        two(false);
        a = connect_ab(&b);
        assert_non_null(qure_tcb(A, a));
        assert_non_null(qure_tcb(B, b));
        struct tcp_key c;
        assert_int_equal(qure_connect(A, IPADDR(192, 0, 2, 2), 80, NULL, &c), 0);
        assert_int_equal(one(A, B, &r), QURE_STRAY); /* R176: as if nobody had listened */
        assert_int_equal(one(B, A, &r), QURE_CLOSED);
        assert_int_equal(r.err, E_REFUSED);
}

static void slots_are_added_while_the_port_is_open(void **s)
{
        struct tcp_key a;
        struct qure_result r;
        two(false);
        assert_int_equal(qure_listen(B, 80, 1, NULL), 0);
        assert_int_equal(qure_listen(B, 80, 1, NULL), 0);
        assert_int_equal(qure_listen(B, 80, 0, NULL), E_INVAL);
        for (u32 i = 0; i < 3; i++) {
                assert_int_equal(qure_connect(A, IPADDR(192, 0, 2, 2), 80, NULL, &a), 0);
                assert_int_equal(one(A, B, &r), i < 2 ? QURE_NOTHING : QURE_STRAY);
                assert_int_equal(one(B, A, &r), i < 2 ? QURE_CONNECTED : QURE_CLOSED);
                assert_int_equal(one(A, B, &r), i < 2 ? QURE_OPEN : QURE_NOTHING);
                if (i < 2) {
                        tcp_abort(qure_tcb(A, a)), tcp_abort(qure_tcb(B, r.key));
                        settle();
                }
        }
        for (u32 i = 0; i < 8; i++)
                assert_int_equal(qure_listen(B, (u16)(100 + i), UINT32_MAX, NULL), 0);
        assert_int_equal(qure_listen(B, 107, UINT32_MAX, NULL), 0); /* more than all is all */
        assert_int_equal(qure_listen(B, 108, 1, NULL), E_NOMEM);
}

/* The last packet of the handshake brings data: the data is what it means, and what is refused. */
static void data_of_a_new_connection_is_refused_not_the_connection(void **s)
{
        struct tcp_key a, b;
        struct qure_result r;
        two(false);
        assert_int_equal(qure_listen(B, 80, 1, NULL), 0);
        assert_int_equal(qure_connect(A, IPADDR(192, 0, 2, 2), 80, NULL, &a), 0);
        assert_int_equal(one(A, B, &r), QURE_NOTHING);
        assert_int_equal(one(B, A, &r), QURE_CONNECTED);
        tcp_send(qure_tcb(A, a), "hello", 5);
        assert_int_equal(one(A, B, &r), QURE_SEGMENT); /* with the acknowledgement */
        assert_int_equal(r.bytes, 5);
        b = r.key;
        assert_int_equal(qure_refuse(B, b), 0);
        assert_non_null(qure_tcb(B, b));
        now_us += 2000000;
        assert_int_equal(one(A, B, &r), QURE_SEGMENT);
        assert_int_equal(r.bytes, 5);
        assert_int_equal(qure_take(B, b, 5), 0);
}

/* A socket's listener has the port: it is taken for the other face. */
static void port_of_a_socket_is_taken(void **s)
{
        int err;
        two(false);
        struct sock *l = sock_open(qure_stack(B), SOCK_TCP, &err);
        assert_int_equal(sock_bind(l, IPADDR(192, 0, 2, 2), 80), 0);
        assert_int_equal(sock_listen(l, 1), 0);
        assert_int_equal(qure_listen(B, 80, 1, NULL), E_INUSE);
}

static void r180_bytes_count_only_once_they_are_taken(void **s)
{
        struct tcp_key a, b;
        struct qure_result r;
        two(false);
        a = connect_ab(&b);
        tcp_send(qure_tcb(A, a), "0123456789", 10);
        assert_int_equal(one(A, B, &r), QURE_SEGMENT);
        assert_int_equal(r.bytes, 10);
        assert_int_equal(one(B, A, &r), QURE_NOTHING);
        assert_int_equal(qure_tcb(A, a)->snd_queued, 10); /* nothing was acknowledged */
        assert_int_equal(qure_refuse(B, b), 0);
        assert_int_equal(tcp_readable(qure_tcb(B, b)), 0);
        now_us += 2000000; /* R165: the retransmission is found when a buffer is offered */
        assert_int_equal(one(A, B, &r), QURE_SEGMENT);
        assert_int_equal(r.bytes, 10);
        assert_int_equal(qure_take(B, b, 4), 0);
        assert_int_equal(qure_take(B, b, 7), E_INVAL);
        settle();
        assert_int_equal(qure_tcb(A, a)->snd_queued, 6);
        assert_int_equal(qure_take(B, b, 6), 0);
        settle();
        assert_int_equal(qure_tcb(A, a)->snd_queued, 0);
}

static void r167_keys_do_not_outlive_their_connection(void **s)
{
        struct tcp_key a, b;
        struct qure_result r;
        struct tcp_names n;
        two(false);
        a = connect_ab(&b);
        tcp_names(qure_tcb(B, b), &n);
        assert_ptr_equal(tcp_find(qure_stack(B), &n), qure_tcb(B, b));
        tcp_abort(qure_tcb(A, a));
        assert_null(qure_tcb(A, a));
        assert_int_equal(one(A, B, &r), QURE_CLOSED);
        assert_int_equal(r.err, E_RESET);
        assert_null(qure_tcb(B, b));
        assert_int_equal(qure_take(B, b, 1), E_CLOSED);
        a = connect_ab(&b); /* the same slot, another life */
        assert_non_null(qure_tcb(A, a));
}

static void fin_is_told_and_an_orderly_end_too(void **s)
{
        struct tcp_key a, b;
        struct qure_result r;
        two(false);
        a = connect_ab(&b);
        tcp_send(qure_tcb(A, a), "last", 4);
        tcp_shutdown(qure_tcb(A, a));
        assert_int_equal(one(A, B, &r), QURE_END);
        assert_int_equal(r.bytes, 4);
        qure_take(B, b, 4);
        tcp_close(qure_tcb(B, b));
        settle();
        assert_null(qure_tcb(A, a));
        assert_null(qure_tcb(B, b));
}

static void fresh_connection_is_refused_by_reset(void **s)
{
        struct tcp_key a, b;
        struct qure_result r;
        two(false);
        a = connect_ab(&b);
        assert_int_equal(qure_refuse(B, b), 0);
        assert_int_equal(one(B, A, &r), QURE_CLOSED);
        assert_int_equal(r.err, E_RESET);
        assert_null(qure_tcb(A, a));
}

static void ethernet_instances_find_each_other_by_arp(void **s)
{
        struct tcp_key a;
        two(true);
        assert_int_equal(qure_listen(B, 80, 1, NULL), 0);
        assert_int_equal(qure_connect(A, IPADDR(192, 0, 2, 2), 80, NULL, &a), 0);
        settle();
        assert_string_equal(tcp_state_name(qure_tcb(A, a)), "ESTABLISHED");
}

/* More than a buffer holds is a chain, and an answer made in its first buffer would take the rest along. */
static void arp_packet_longer_than_a_buffer_is_dropped(void **s)
{
        static const u8 request[] = {255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1,
                                     2, 0, 0, 0, 0, 1, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 192, 0, 2, 2};
        u8 frame[3000], out[2048];
        two(true);
        while (qure_send(B, out, sizeof out, now_us))
                ;
        memset(frame, 0xaa, sizeof frame);
        memcpy(frame, request, sizeof request);
        qure_input(B, frame, sizeof frame, now_us);
        assert_int_equal(qure_send(B, out, sizeof out, now_us), 0);
        assert_int_equal(qure_stack(B)->pkts.drops[DROP_ARP_FORMAT], 1);
        qure_input(B, frame, 60, now_us);
        assert_int_equal(qure_send(B, out, sizeof out, now_us), 42);
}

/* The longest datagram of IP in one packet, as a NIC gives them that merges fragments; the answer is cut (RFC 1122 3.2.2.6: all of
 * the data comes back). */
static void longest_echo_request_is_answered_in_pieces(void **s)
{
        static u8 ask[65535] = {0x45, 0, 255, 255, 0, 9, 0, 0, 64, 1, 0, 0, 192, 0, 2, 2, 192, 0, 2, 1, 8}, got[sizeof ask - 20];
        u8 piece[2048];
        two(false);
        for (u32 i = 24; i < sizeof ask; i++)
                ask[i] = (u8)(i * 7);
        u16 sum = (u16)~cksum_fold(cksum_add(0, ask, 20)), icmp = (u16)~cksum_fold(cksum_add(0, ask + 20, sizeof got));
        memcpy(ask + 10, &sum, 2);
        memcpy(ask + 22, &icmp, 2);
        qure_input(A, ask, sizeof ask, now_us);
        u32 have = 0, n;
        while ((n = qure_send(A, piece, sizeof piece, now_us)) != 0) {
                u32 at = ((piece[6] & 0x1fu) << 8 | piece[7]) * 8;
                assert_in_range(n, 21, 1500);
                assert_true(at + n - 20 <= sizeof got);
                memcpy(got + at, piece + 20, n - 20);
                have += n - 20;
        }
        assert_int_equal(have, sizeof got);
        assert_int_equal(got[0], 0);
        assert_int_equal(cksum_fold(cksum_add(0, got, sizeof got)), 0xffff);
        assert_memory_equal(got + 4, ask + 24, sizeof got - 4);
}

/* Fragments longer than a buffer count by their buffers: a quarter of all, and what the last one brings. */
static void long_fragments_hold_a_quarter_of_the_buffers(void **s)
{
        static u8 piece[12020] = {0x45, 0, 12020 >> 8, 12020 & 0xff, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 2, 192, 0, 2, 1};
        two(false);
        const struct pktpool *pool = &qure_stack(A)->pkts;
        for (u32 i = 0; i < 32; i++) {
                u32 off = i % 4 * 2000;
                piece[5] = (u8)(i / 4);
                piece[6] = (u8)(0x20 | off >> 8);
                piece[7] = (u8)off;
                memset(piece + 10, 0, 2);
                u16 sum = (u16)~cksum_fold(cksum_add(0, piece, 20));
                memcpy(piece + 10, &sum, 2);
                qure_input(A, piece, sizeof piece, now_us);
                assert_in_range(pool->n_free, pool->n_total - pool->n_total / 4 - 6, pool->n_total - 6);
        }
        assert_true(pool->drops[DROP_IP_FRAG_EVICTED] > 0);
}

static void packet_that_finds_too_few_buffers_is_one_drop(void **s)
{
        static u8 packet[6000] = {0x45};
        two(false);
        struct pktpool *pool = &qure_stack(A)->pkts;
        struct pkt *held = scarce_begin(pool, 2);
        u32 before = 0, after = 0;
        for (u32 i = 0; i < DROP_N; i++)
                before += pool->drops[i];
        qure_input(A, packet, sizeof packet, now_us);
        for (u32 i = 0; i < DROP_N; i++)
                after += pool->drops[i];
        assert_int_equal(after - before, 1);
        assert_int_equal(pool->drops[DROP_POOL_EMPTY], 1);
        assert_int_equal(pool->n_free, 2);
        scarce_end(held);
}

static u32 outputs;
static void count_output(void *ctx, const void *packet, u32 n) { outputs += *(const u8 *)packet == 0x45; }

static void output_callback_and_next_timer(void **s)
{
        struct qure_config c = {.addr = IPADDR(192, 0, 2, 9), .plen = 24, .gateway = IPADDR(192, 0, 2, 1), .output = count_output,
                                .stack = {.alloc = give, .alloc_ctx = &used[0], .seed = "x"}};
        struct tcp_key a;
        memset(memory[0], 0, sizeof memory[0]);
        used[0] = 0;
        struct qure *q = qure_new(&c, 5);
        assert_int_equal(qure_connect(q, IPADDR(8, 8, 8, 8), 53, NULL, &a), 0);
        assert_int_equal(outputs, 1);
        assert_in_range(qure_next(q), 500, 1001);
        qure_time(q, 1100000);
        assert_int_equal(outputs, 2);
}

static char *read_text(const char *name)
{
        static char text[2][20000];
        static u32 i;
        char *t = text[i++ % 2];
        FILE *f = fopen(name, "r");
        if (!f)
                skip(); /* not run from the top of the tree */
        t[fread(t, 1, sizeof text[0] - 1, f)] = 0;
        fclose(f);
        return t;
}

static void document_shows_the_example_that_runs(void **s)
{
        const char *example = read_text("hosttest/net/library_example.c"), *doc = read_text("doc/library.md");
        assert_non_null(strstr(doc, example));
}

static void state_is_told_by_names(void **s)
{
        struct tcp_names n = {IPADDR(192, 0, 2, 2), IPADDR(192, 0, 2, 1), 80, 0};
        struct tcp_key a;
        struct qure_result r;
        two(false);
        assert_string_equal(qure_state(B, &n), "CLOSED");
        assert_int_equal(qure_listen(B, 80, 2, NULL), 0);
        assert_string_equal(qure_state(B, &n), "LISTEN");
        assert_int_equal(qure_connect(A, IPADDR(192, 0, 2, 2), 80, NULL, &a), 0);
        tcp_names(qure_tcb(A, a), &n);
        assert_string_equal(qure_state(A, &n), "SYN_SENT");
        n = (struct tcp_names){n.raddr, n.laddr, n.rport, n.lport};
        one(A, B, &r);
        assert_string_equal(qure_state(B, &n), "SYN_RECEIVED");
        one(B, A, &r), one(A, B, &r);
        assert_string_equal(qure_state(B, &n), "ESTABLISHED");
        tcp_close(qure_tcb(B, r.key));
        settle();
        assert_string_equal(qure_state(B, &n), "FIN_WAIT_2");
        tcp_close(qure_tcb(A, a));
        settle();
        assert_string_equal(qure_state(B, &n), "TIME_WAIT");
        n.rport++;
        assert_string_equal(qure_state(B, &n), "LISTEN");
}

static void mtu_that_ip_does_not_know_makes_no_instance(void **s)
{
        static const struct { u16 mtu; bool good; } of[] = {{0, true}, {67, false}, {68, true}, {1500, true}, {1501, false}};
        for (u32 i = 0; i < COUNT_OF(of); i++) {
                struct qure_config c = {.addr = IPADDR(192, 0, 2, 1), .plen = 24, .mtu = of[i].mtu,
                                        .stack = {.alloc = give, .alloc_ctx = &used[0], .seed = "two instances", .n_tcbs = 2}};
                memset(memory[0], 0, sizeof memory[0]);
                used[0] = 0;
                assert_int_equal(qure_new(&c, 0) != NULL, of[i].good);
        }
}

/* 32 bits hold no pool of so many: the product must not wrap around to a small one. Without a source of memory there is none either. */
static void pools_larger_than_memory_make_no_instance(void **s)
{
        static const u32 n[] = {1u << 21, 0x200001, 0x08000001, 0x10410411, 0x80000000u, UINT32_MAX};
        for (u32 pool = 0; pool < 10; pool++)
                for (u32 i = 0; i < COUNT_OF(n); i++) {
                        struct qure_config c = {.addr = IPADDR(192, 0, 2, 1), .plen = 24,
                                                .stack = {.alloc = give, .alloc_ctx = &used[0], .seed = "two instances", .n_tcbs = 2}};
                        u32 *sizes[] = {&c.stack.n_pkts, &c.stack.n_tcbs, &c.stack.n_listeners, &c.stack.n_synq, &c.stack.n_timewait,
                                        &c.stack.n_udp, &c.stack.n_socks, &c.stack.n_arp, &c.stack.n_routes, &c.stack.n_reass};
                        used[0] = 0;
                        *sizes[pool] = n[i];
                        assert_null(qure_new(&c, 0));
                }
        struct qure_config none = {.addr = IPADDR(192, 0, 2, 1), .plen = 24};
        assert_null(qure_new(&none, 0));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(options_of_a_sockets_syn_are_the_programs), cmocka_unit_test(r170_r178_a_listener_slot_takes_one_connection),
                cmocka_unit_test(r180_bytes_count_only_once_they_are_taken), cmocka_unit_test(slots_are_added_while_the_port_is_open),
                cmocka_unit_test(port_of_a_socket_is_taken), cmocka_unit_test(data_of_a_new_connection_is_refused_not_the_connection),
                cmocka_unit_test(r167_keys_do_not_outlive_their_connection), cmocka_unit_test(fin_is_told_and_an_orderly_end_too),
                cmocka_unit_test(fresh_connection_is_refused_by_reset),
                cmocka_unit_test(ethernet_instances_find_each_other_by_arp),
                cmocka_unit_test(arp_packet_longer_than_a_buffer_is_dropped),
                cmocka_unit_test(long_fragments_hold_a_quarter_of_the_buffers),
                cmocka_unit_test(longest_echo_request_is_answered_in_pieces),
                cmocka_unit_test(packet_that_finds_too_few_buffers_is_one_drop),
                cmocka_unit_test(output_callback_and_next_timer),
                cmocka_unit_test(state_is_told_by_names), cmocka_unit_test(mtu_that_ip_does_not_know_makes_no_instance), cmocka_unit_test(pools_larger_than_memory_make_no_instance), cmocka_unit_test(document_shows_the_example_that_runs),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
