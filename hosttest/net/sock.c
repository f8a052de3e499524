/* sock.c - the POSIX-like face: a client and a server on one stack, talking over its own address; waiting moves the clock.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "frames.h"
#include "sock.h"
#include "wire.h"

static struct wire *W;
static u32 waits;

/* What a kernel thread would do: let time pass and the network run. */
static void run(void *ctx, u32 ms)
{
        waits++;
        wire_wait(W, ms < 1 ? 1 : ms > 20 ? 20 : ms);
}

static void begin(bool can_wait)
{
        struct stack_config cfg = {.wait = can_wait ? run : NULL};
        W = wire_new(&cfg, 0);
        waits = 0;
}

static u32 free_socks(void)
{
        struct sock *all[256];
        u32 n = 0;
        int err;
        while ((all[n] = sock_open(W->st, SOCK_TCP, &err)) != NULL)
                n++;
        for (u32 i = 0; i < n; i++)
                sock_abort(all[i]);
        return n;
}

static void end(void)
{
        wire_wait(W, 100000);
        assert_int_equal(free_socks(), 64);
        wire_free(W);
}

static struct sock *server(u16 port)
{
        int err;
        struct sock *s = sock_open(W->st, SOCK_TCP, &err);
        assert_non_null(s);
        assert_int_equal(sock_bind(s, IPADDR_ANY, port), 0);
        assert_int_equal(sock_listen(s, 2), 0);
        return s;
}

static struct sock *client(u16 port, bool nonblock)
{
        int err;
        struct sock *s = sock_open(W->st, SOCK_TCP, &err);
        sock_set(s, SOCK_NOWAIT, nonblock);
        assert_int_equal(sock_connect(s, WIRE_US, port), nonblock ? E_AGAIN : 0);
        return s;
}

static void connect_write_read_close_blocking(void **x)
{
        static u8 big[200000], got[200000];
        int err;
        begin(true);
        struct sock *l = server(7), *c = client(7, false), *s = sock_accept(l, NULL, &err);
        assert_non_null(s);
        for (u32 i = 0; i < sizeof big; i++)
                big[i] = (u8)(i * 31 >> 3);
        u32 sent = 0, have = 0;
        sock_set(c, SOCK_NOWAIT, 1);
        while (have < sizeof big) {
                if (sent < sizeof big) {
                        int r = sock_write(c, big + sent, sizeof big - sent);
                        assert_true(r > 0 || r == E_AGAIN);
                        sent += r > 0 ? (u32)r : 0;
                }
                int r = sock_read(s, got + have, sizeof got - have);
                assert_true(r > 0);
                have += (u32)r;
        }
        assert_memory_equal(big, got, sizeof big);
        assert_int_equal(sock_shutdown(c, SOCK_WR), 0);
        assert_int_equal(sock_read(s, got, 1), 0); /* the end of the stream */
        assert_int_equal(sock_write(s, "bye", 3), 3);
        sock_set(c, SOCK_NOWAIT, 0);
        assert_int_equal(sock_read(c, got, 10), 3);
        assert_int_equal(sock_close(s), 0);
        assert_int_equal(sock_read(c, got, 10), 0);
        assert_int_equal(sock_write(c, "x", 1), E_CLOSED);
        assert_int_equal(sock_close(c), 0);
        assert_int_equal(sock_close(l), 0);
        end();
}

static void non_blocking_calls_say_again(void **x)
{
        int err;
        u8 b[10];
        begin(false);
        struct sock *l = server(7), *c = client(7, false ? 1 : 1);
        assert_null(sock_accept(l, NULL, &err));
        assert_int_equal(err, E_AGAIN);
        struct sock_poll p[2] = {{l, SOCK_IN, 0}, {c, SOCK_OUT, 0}};
        assert_int_equal(sock_poll(W->st, p, 2, 0), 0);
        wire_wait(W, 10);
        assert_int_equal(sock_poll(W->st, p, 2, 0), 2);
        assert_int_equal(sock_connect(c, WIRE_US, 7), 0);
        struct tcp_names names;
        struct sock *s = sock_accept(l, &names, &err);
        assert_non_null(s);
        assert_int_equal(names.lport, 7);
        assert_int_equal(sock_read(s, b, 10), E_AGAIN);
        assert_int_equal(sock_write(c, "hello", 5), 5);
        wire_wait(W, 10);
        assert_int_equal(sock_get(s, SOCK_READABLE), 5);
        assert_int_equal(sock_read(s, b, 3), 3);
        assert_int_equal(sock_read(s, b, 10), 2);
        sock_close(c);
        wire_wait(W, 10);
        struct sock_poll q = {s, SOCK_IN, 0};
        assert_int_equal(sock_poll(W->st, &q, 1, 0), 1);
        assert_int_equal(sock_read(s, b, 10), 0);
        sock_close(s);
        sock_close(l);
        end();
}

static void r94_peek_waits_for_a_minimum_or_a_time(void **x)
{
        int err;
        const u8 *p;
        u32 run_len;
        begin(true);
        struct sock *l = server(7), *c = client(7, false), *s = sock_accept(l, NULL, &err);
        sock_write(c, "abc", 3);
        u32 t0 = stack_now_ms(W->st);
        assert_int_equal(sock_peek(s, 10, 500, &p, &run_len), E_AGAIN);
        assert_in_range(stack_now_ms(W->st) - t0, 500, 525);
        assert_int_equal(sock_peek(s, 3, 500, &p, &run_len), 3);
        assert_memory_equal(p, "abc", 3);
        assert_int_equal(sock_consume(s, 4), E_INVAL);
        assert_int_equal(sock_consume(s, 2), 0);
        sock_shutdown(c, SOCK_WR);
        assert_int_equal(sock_peek(s, 10, 500, &p, &run_len), 1); /* no more will come */
        assert_int_equal(*p, 'c');
        sock_consume(s, 1);
        assert_int_equal(sock_peek(s, 1, 500, &p, &run_len), 0);
        sock_close(s), sock_close(c), sock_close(l);
        end();
}

static void refused_and_timed_out_connects_tell_why(void **x)
{
        int err;
        begin(true);
        struct sock *s = sock_open(W->st, SOCK_TCP, &err);
        assert_int_equal(sock_connect(s, WIRE_US, 9), E_REFUSED);
        assert_int_equal(sock_get(s, SOCK_ERROR), E_REFUSED);
        sock_close(s);
        s = sock_open(W->st, SOCK_TCP, &err);
        sock_set(s, SOCK_TIMEOUT, 3000);
        assert_int_equal(sock_connect(s, WIRE_PEER, 9), E_AGAIN);
        sock_abort(s);
        s = sock_open(W->st, SOCK_TCP, &err);
        sock_set(s, SOCK_USER_TIMEOUT, 5000);
        assert_int_equal(sock_connect(s, WIRE_PEER, 9), E_TIMEDOUT);
        sock_close(s);
        s = sock_open(W->st, SOCK_TCP, &err);
        assert_int_equal(sock_connect(s, IPADDR(9, 9, 9, 9), 9), E_NOROUTE);
        assert_int_equal(sock_read(s, &err, 1), E_NOTCONN);
        sock_close(s);
        end();
}

static void backlog_is_a_limit(void **x)
{
        int err;
        begin(false);
        struct sock *l = server(7), *c[4];
        for (u32 i = 0; i < 4; i++) {
                c[i] = client(7, true);
                wire_wait(W, 5);
        }
        assert_int_equal(sock_get(c[1], SOCK_STATE), 4);
        assert_int_equal(sock_get(c[3], SOCK_STATE), 2); /* SYN_SENT: its SYN was dropped */
        struct sock *a = sock_accept(l, NULL, &err);
        wire_wait(W, 4000);
        assert_int_equal(sock_get(c[2], SOCK_STATE) == 4 || sock_get(c[3], SOCK_STATE) == 4, 1);
        sock_abort(a);
        sock_close(l); /* what was not accepted is reset */
        wire_wait(W, 10);
        assert_int_equal(sock_get(c[1], SOCK_ERROR), E_RESET);
        for (u32 i = 0; i < 4; i++)
                sock_abort(c[i]);
        end();
}

static void state_is_told_of_listeners_and_of_time_wait(void **x)
{
        int err;
        begin(false);
        struct sock *l = server(7), *c = client(7, true);
        wire_wait(W, 5);
        assert_int_equal(sock_get(l, SOCK_STATE), 1);
        struct sock *s = sock_accept(l, NULL, &err);
        sock_shutdown(c, SOCK_WR);
        wire_wait(W, 5);
        assert_int_equal(sock_get(c, SOCK_STATE), 6); /* FIN_WAIT_2 */
        assert_int_equal(sock_get(s, SOCK_STATE), 7); /* CLOSE_WAIT */
        sock_shutdown(s, SOCK_WR);
        wire_wait(W, 5);
        assert_int_equal(sock_get(c, SOCK_STATE), 10); /* TIME_WAIT */
        assert_int_equal(sock_get(s, SOCK_STATE), 0);
        wire_wait(W, 61000);
        assert_int_equal(sock_get(c, SOCK_STATE), 0);
        sock_close(c);
        sock_close(s);
        sock_close(l);
        end();
}

static void linger_waits_for_the_last_acknowledgement(void **x)
{
        int err;
        begin(true);
        struct sock *l = server(7), *c = client(7, false), *s = sock_accept(l, NULL, &err);
        sock_write(c, "abc", 3);
        sock_set(c, SOCK_LINGER, 200);
        u32 t0 = stack_now_ms(W->st);
        assert_int_equal(sock_close(c), E_AGAIN); /* the peer does not close: FIN_WAIT_2 */
        assert_true(stack_now_ms(W->st) - t0 >= 200);
        u8 b[4];
        assert_int_equal(sock_read(s, b, 4), 3);
        sock_close(s), sock_close(l);
        end();
}

static void datagrams_keep_their_bounds_and_their_peer(void **x)
{
        int err;
        u8 b[100];
        ipaddr from;
        u16 port;
        begin(true);
        struct sock *a = sock_open(W->st, SOCK_UDP, &err), *c = sock_open(W->st, SOCK_UDP, &err),
                *d = sock_open(W->st, SOCK_UDP, &err);
        assert_int_equal(sock_bind(a, IPADDR_ANY, 53), 0);
        assert_int_equal(sock_bind(d, IPADDR_ANY, 53), E_INUSE);
        assert_int_equal(sock_connect(c, WIRE_US, 53), 0);
        assert_int_equal(sock_write(c, "one", 3), 3);
        assert_int_equal(sock_write(c, "three", 5), 5);
        assert_int_equal(sock_recvfrom(a, b, 100, &from, &port), 3);
        assert_true(ipaddr_eq(from, WIRE_US));
        assert_int_equal(sock_recvfrom(a, b, 2, &from, &port), 2);
        assert_int_equal(sock_sendto(a, "answer", 6, from, port), 6);
        assert_int_equal(sock_read(c, b, 100), 6);
        assert_int_equal(sock_sendto(d, "stranger", 8, from, port), 8);
        wire_wait(W, 5);
        sock_set(c, SOCK_NOWAIT, 1);
        assert_int_equal(sock_read(c, b, 100), E_AGAIN);
        struct tcp_names n;
        assert_int_equal(sock_names(a, &n), 0);
        assert_int_equal(n.lport, 53);
        sock_close(a), sock_close(c), sock_close(d);
        end();
}

static void write_without_buffers_gives_up_in_time(void **x)
{
        int err;
        begin(true);
        struct sock *l = server(7), *c = client(7, false), *s = sock_accept(l, NULL, &err);
        struct pkt *held[300];
        u32 n = 0, t0 = stack_now_ms(W->st);
        while (W->st->pkts.n_free > W->st->pkts.n_total / 8)
                held[n++] = pkt_alloc(&W->st->pkts, 0);
        sock_set(c, SOCK_TIMEOUT, 300);
        assert_int_equal(sock_write(c, "x", 1), E_AGAIN);
        assert_in_range(stack_now_ms(W->st) - t0, 300, 330);
        while (n)
                pkt_free(held[--n]);
        assert_int_equal(sock_write(c, "x", 1), 1);
        sock_close(c), sock_close(s), sock_close(l);
        end();
}

static void options_before_and_after(void **x)
{
        int err;
        begin(true);
        struct sock *l = server(7), *c = sock_open(W->st, SOCK_TCP, &err);
        assert_int_equal(sock_set(c, SOCK_MSS, 700), 0);
        assert_int_equal(sock_set(c, SOCK_TTL, 3), 0);
        assert_int_equal(sock_connect(c, WIRE_US, 7), 0);
        struct sock *s = sock_accept(l, NULL, &err);
        assert_int_equal(sock_get(s, SOCK_MSS), 688); /* 700 less timestamps */
        assert_int_equal(sock_set(c, SOCK_MSS, 100), E_INVAL);
        assert_int_equal(sock_set(c, SOCK_NODELAY, 1), 0);
        assert_int_equal(sock_set(c, SOCK_CORK, 1), 0);
        sock_set(s, SOCK_NOWAIT, 1);
        sock_write(c, "a", 1);
        wire_wait(W, 5);
        u8 b;
        assert_int_equal(sock_read(s, &b, 1), E_AGAIN);
        assert_int_equal(sock_set(c, SOCK_CORK, 0), 0);
        wire_wait(W, 5);
        assert_int_equal(sock_read(s, &b, 1), 1);
        sock_abort(c);
        wire_wait(W, 5);
        assert_int_equal(sock_read(s, &b, 1), E_RESET);
        sock_close(s), sock_close(l);
        end();
}

static void options_that_were_set_are_told(void **x)
{
        static const struct { enum sock_opt opt; u32 value, beyond; bool late; } of[] = {
                {SOCK_RCVBUF, 5000, 0, false}, {SOCK_SNDBUF, 6000, 0, false}, {SOCK_MSS, 700, 65536, false}, {SOCK_NODELAY, 1, 0, true},
                {SOCK_KEEPALIVE, 7000, 0, true}, {SOCK_USER_TIMEOUT, 200000, 0, true}, {SOCK_TTL, 255, 256, true}, {SOCK_TOS, 0xfc, 256, true},
                {SOCK_CC, TCP_CC_NEWRENO, 2, true}, {SOCK_FASTOPEN, 1, 0, false}, {SOCK_ECN, 1, 0, false}, {SOCK_APP_MODE, 1, 0, false},
                {SOCK_PSH_MESSAGE, 1, 0, false}, {SOCK_TIMEWAIT, 1000, 0, false},
        };
        int err;
        begin(true);
        struct sock *l = server(7), *c = client(7, false), *s = sock_open(W->st, SOCK_TCP, &err);
        for (u32 i = 0; i < COUNT_OF(of); i++)
                for (u32 late = 0; late <= of[i].late; late++) {
                        struct sock *k = late ? c : s;
                        assert_int_equal(sock_set(k, of[i].opt, of[i].value), 0);
                        if (of[i].beyond)
                                assert_int_equal(sock_set(k, of[i].opt, of[i].beyond), E_INVAL);
                        assert_int_equal(sock_get(k, of[i].opt), of[i].value);
                }
        sock_set(c, SOCK_CORK, 1);
        assert_int_equal(sock_get(c, SOCK_CORK), 1);
        assert_int_equal(sock_get(c, (enum sock_opt)99), E_INVAL);
        sock_close(s), sock_close(c), sock_close(l);
        end();
}

static void calls_that_make_no_sense_are_refused(void **x)
{
        struct tcp_names n, m;
        int err;
        begin(true);
        assert_null(sock_open(W->st, (enum sock_type)2, &err));
        assert_int_equal(err, E_INVAL);
        struct sock *l = sock_open(W->st, SOCK_TCP, &err), *l2 = sock_open(W->st, SOCK_TCP, &err);
        /* port 0: one is chosen */
        assert_int_equal(sock_bind(l, IPADDR_ANY, 0), 0);
        assert_int_equal(sock_listen(l, 2), 0);
        assert_int_equal(sock_listen(l2, 2), 0);
        assert_int_equal(sock_names(l, &n), 0);
        assert_int_equal(sock_names(l2, &m), 0);
        assert_in_range(n.lport, 49152, 65535);
        assert_int_not_equal(n.lport, m.lport);
        struct sock *c = client(n.lport, false), *s = sock_accept(l, NULL, &err);
        assert_non_null(s);
        /* once more to the same peer is the question whether it is there; elsewhere it cannot go */
        assert_int_equal(sock_connect(c, WIRE_US, n.lport), 0);
        assert_int_equal(sock_connect(c, WIRE_US, m.lport), E_INVAL);
        assert_int_equal(sock_connect(c, WIRE_PEER, n.lport), E_INVAL);
        assert_int_equal(sock_shutdown(c, (enum sock_how)0), E_INVAL);
        assert_int_equal(sock_shutdown(c, (enum sock_how)4), E_INVAL);
        /* who waits for room learns that there will be none */
        assert_int_equal(sock_shutdown(c, SOCK_WR), 0);
        struct sock_poll p = {c, SOCK_OUT, 0};
        assert_int_equal(sock_poll(W->st, &p, 1, 0), 1);
        assert_int_equal(p.got, SOCK_OUT);
        assert_int_equal(sock_write(c, "x", 1), E_CLOSED);
        sock_abort(s);
        wire_wait(W, 5);
        assert_int_equal(sock_get(c, SOCK_STATE), 0);
        assert_int_equal(sock_bind(c, IPADDR_ANY, 99), E_INVAL);
        assert_int_equal(sock_listen(c, 1), E_INVAL);
        assert_int_equal(sock_connect(c, WIRE_US, n.lport), E_INVAL);
        sock_close(c), sock_close(l), sock_close(l2);
        end();
}

/* RFC 1122 4.1.3.3; who has no peer would not know which of its datagrams it was. */
static void peer_without_a_socket_refuses_datagrams(void **x)
{
        u8 got[10];
        int err;
        begin(false);
        struct sock *s = sock_open(W->st, SOCK_UDP, &err);
        assert_int_equal(sock_sendto(s, "x", 1, WIRE_US, 99), 1);
        wire_wait(W, 5);
        assert_int_equal(sock_read(s, got, sizeof got), E_AGAIN);
        assert_int_equal(sock_connect(s, WIRE_US, 99), 0);
        for (u32 how = 0; how < 3; how++) {
                assert_int_equal(sock_write(s, "x", 1), 1);
                wire_wait(W, 2000);
                struct sock_poll p = {s, SOCK_IN, 0};
                assert_int_equal(sock_poll(W->st, &p, 1, 0), 1);
                assert_int_equal(p.got, SOCK_IN | SOCK_ERR);
                assert_int_equal(how == 0 ? sock_read(s, got, sizeof got) : how == 1 ? sock_write(s, "y", 1) : sock_get(s, SOCK_ERROR), E_REFUSED);
                assert_int_equal(sock_read(s, got, sizeof got), E_AGAIN);
        }
        sock_close(s);
        end();
}

static void bytes_of_a_datagram_in_fragments_are_told(void **x)
{
        static u8 big[3008], got[4000];
        int err;
        begin(false);
        struct sock *s = sock_open(W->st, SOCK_UDP, &err);
        assert_int_equal(sock_bind(s, IPADDR_ANY, 53), 0);
        struct udp_hdr h = {be16_of(1000), be16_of(53), be16_of(sizeof big), {{0, 0}}};
        memcpy(big, &h, sizeof h);
        for (u32 at = 0; at < sizeof big; at += 1480) {
                u8 f[1600];
                u32 n = min_u32(1480, sizeof big - at), len = build_ipv4(f, WIRE_PEER, WIRE_US, IPPROTO_UDP_, big + at, n);
                ((struct ip_hdr *)(f + 14))->frag = be16_of((u16)(at / 8 | (at + n < sizeof big ? IP_MF : 0)));
                resum(f + 14);
                wire_rx(W, f, len);
        }
        assert_int_equal(sock_get(s, SOCK_READABLE), 3000);
        assert_int_equal(sock_read(s, got, sizeof got), 3000);
        sock_close(s);
        end();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(connect_write_read_close_blocking), cmocka_unit_test(non_blocking_calls_say_again),
                cmocka_unit_test(r94_peek_waits_for_a_minimum_or_a_time),
                cmocka_unit_test(refused_and_timed_out_connects_tell_why),
                cmocka_unit_test(backlog_is_a_limit), cmocka_unit_test(state_is_told_of_listeners_and_of_time_wait),
                cmocka_unit_test(linger_waits_for_the_last_acknowledgement),
                cmocka_unit_test(datagrams_keep_their_bounds_and_their_peer),
                cmocka_unit_test(write_without_buffers_gives_up_in_time), cmocka_unit_test(options_before_and_after), cmocka_unit_test(options_that_were_set_are_told),
                cmocka_unit_test(calls_that_make_no_sense_are_refused), cmocka_unit_test(peer_without_a_socket_refuses_datagrams),
                cmocka_unit_test(bytes_of_a_datagram_in_fragments_are_told),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
