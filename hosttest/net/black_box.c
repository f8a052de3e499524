/* black_box.c - the library as a conformance suite sees it: include/qure.h, packets made by hand, a clock that is passed in.
 * SYN options of any shape, every small MSS, sequence numbers and clocks that wrap. Not here: what one clause asks for (net/tcp/).
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "qure.h"

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16, PEER_PORT = 4000, PORT = 80, MEMORY = 16 << 20 };

static struct {
        struct qure *q;
        struct tcb *t;
        u64 now;
        u8 *memory;
        size_t used;
        u32 peer_isn, our_isn, got;
        u8 ts;                                  /* a timestamp on every segment; its value is the clock's */
} B;
static struct { u32 seq, ack, wnd, len, n_opts; u8 flags, opts[40]; } out;   /* what came out last, relative to the ISNs */
static const u8 plain[] = {2, 4, 5, 180}, all[] = {2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7};

static void put16(u8 *p, u32 v) { p[0] = (u8)(v >> 8), p[1] = (u8)v; }
static void put32(u8 *p, u32 v) { put16(p, v >> 16), put16(p + 2, v & 0xffff); }
static u32 get16(const u8 *p) { return (u32)p[0] << 8 | p[1]; }
static u32 get32(const u8 *p) { return get16(p) << 16 | get16(p + 2); }
static u8 pattern(u32 at) { return (u8)(at * 7 + (at >> 8)); }

static void *give(void *ctx, size_t n, size_t align)
{
        B.used = (B.used + align - 1) & ~(align - 1);
        return n > MEMORY - B.used ? NULL : B.memory + (B.used += n) - n;
}

static bool ev_accept(struct tcb *t) { B.t = t; return true; }
static void ev_closed(struct tcb *t, int err) { B.t = NULL; }
static void ev_readable(struct tcb *t)
{
        const u8 *p;
        for (u32 n; B.t && (n = tcp_peek(t, 0, &p)) != 0; tcp_consume(t, n), B.got += n)
                for (u32 i = 0; i < n; i++)
                        assert_int_equal(p[i], pattern(B.got + i));
}
static const struct tcp_events events = {.accept = ev_accept, .closed = ev_closed, .readable = ev_readable};

static void begin(u64 now, u32 peer_isn, const struct tcp_opts *o)
{
        int err;
        if (!B.memory)
                B.memory = aligned_alloc(4096, MEMORY);
        memset(B.memory, 0, MEMORY);
        B.used = 0, B.now = now, B.peer_isn = peer_isn, B.our_isn = 0, B.got = 0, B.t = NULL, B.ts = 0;
        struct qure_config c = {.addr = IPADDR(192, 0, 2, 2), .plen = 24, .stack = {.alloc = give, .seed = "a black box"}};
        B.q = qure_new(&c, now);
        assert_non_null(B.q);
        assert_non_null(tcp_listen(qure_stack(B.q), IPADDR_ANY, PORT, &events, NULL, o, &err));
}

/* TCP's checksum over ip's addresses and the n bytes behind its header, as it is: 0xffff when one in there is right. */
static u16 tcp_sum(const u8 *ip, u32 n)
{
        u8 pseudo[12] = {[9] = 6, [10] = (u8)(n >> 8), [11] = (u8)n};
        memcpy(pseudo, ip + 12, 8);
        return cksum_fold(cksum_add(cksum_add(0, pseudo, sizeof pseudo), ip + 20, n));
}

/* The next segment that goes out; false: none. */
static bool next(void)
{
        u8 b[2048];
        u32 n = qure_send(B.q, b, sizeof b, B.now);
        if (!n)
                return false;
        const u8 *t = b + 20;
        u32 hlen = t[12] >> 4 << 2;
        assert_int_equal(cksum_fold(cksum_add(0, b, 20)), 0xffff);
        assert_int_equal(tcp_sum(b, n - 20), 0xffff);
        out.flags = t[13], out.seq = get32(t + 4) - B.our_isn, out.ack = get32(t + 8) - B.peer_isn, out.wnd = get16(t + 14);
        out.len = n - 20 - hlen, out.n_opts = hlen - 20;
        memcpy(out.opts, t + 20, out.n_opts);
        if (!(out.flags & SYN))
                for (u32 i = 0; i < out.len; i++)
                        assert_int_equal(t[hlen + i], pattern(out.seq - 1 + i));
        return true;
}

static const u8 *option(u8 kind)
{
        for (u32 i = 0; i < out.n_opts && out.opts[i]; i += out.opts[i] == 1 ? 1 : out.opts[i + 1])
                if (out.opts[i] == kind)
                        return out.opts + i;
        return NULL;
}

/* The peer sends n bytes of the pattern; numbers are relative to the ISNs, a window of 65535. */
static void in(u8 flags, u32 seq, u32 ack, u32 n, const u8 *opts, u32 n_opts)
{
        static const u8 ip_hdr[40] = {0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2};
        static u8 b[65535], *t = b + 20;
        memcpy(b, ip_hdr, sizeof ip_hdr);
        u8 stamp[12] = {1, 1, 8, 10};
        put32(stamp + 4, (u32)(B.now / 1000));
        if (B.ts && !(flags & SYN))
                opts = stamp, n_opts = sizeof stamp;
        u32 len = 20 + n_opts + n;
        put16(b + 2, 20 + len);
        put16(t, PEER_PORT), put16(t + 2, PORT), put32(t + 4, B.peer_isn + seq), put32(t + 8, flags & ACK ? B.our_isn + ack : 0);
        t[12] = (u8)((20 + n_opts) / 4 << 4), t[13] = flags, put16(t + 14, 65535);
        if (n_opts)
                memcpy(t + 20, opts, n_opts);
        for (u32 i = 0; i < n; i++)
                t[20 + n_opts + i] = pattern(seq - 1 + i);
        u16 ip = (u16)~cksum_fold(cksum_add(0, b, 20));
        memcpy(b + 10, &ip, 2);
        u16 tcp = (u16)~tcp_sum(b, len);
        memcpy(t + 16, &tcp, 2);
        qure_input(B.q, b, 20 + len, B.now);
}

static void wait_ms(u32 ms)
{
        for (u64 end = B.now + ms * 1000ull; B.now < end;) {
                u32 n = qure_next(B.q);
                B.now = n < ms && B.now + n * 1000ull < end ? B.now + (n ? n : 1) * 1000ull : end;
                qure_time(B.q, B.now);
        }
}

static void handshake(const u8 *opts, u32 n_opts)
{
        u8 o[40];
        memcpy(o, opts, n_opts);
        if (opts == all)
                put32(o + 8, (u32)(B.now / 1000)), B.ts = 1;
        in(SYN, 0, 0, 0, o, n_opts);
        assert_true(next());
        assert_int_equal(out.flags, SYN | ACK);
        assert_int_equal(out.ack, 1);
        B.our_isn = out.seq;
        in(ACK, 1, 1, 0, NULL, 0);
        assert_false(next());
        assert_non_null(B.t);
}

/* 3,000 bytes out, acknowledged one by one; 3,000 in, each pair in the wrong order; closed by us, TIME_WAIT to its end. */
static void live(void)
{
        static u8 bytes[3000];
        for (u32 i = 0; i < sizeof bytes; i++)
                bytes[i] = pattern(i);
        assert_int_equal(tcp_send_ref(B.t, bytes, sizeof bytes, NULL), 0);
        tcp_shutdown(B.t);
        for (u32 una = 1; una <= sizeof bytes; una = out.seq + out.len) {
                qure_time(B.q, B.now);
                while (!next())
                        wait_ms(10);
                assert_int_equal(out.seq, una);
                wait_ms(3);
                in(ACK, 1, out.seq + out.len + (out.flags & FIN), 0, NULL, 0);
        }
        u32 snd = sizeof bytes + 2;
        while (!(out.flags & FIN)) { /* behind the last bytes */
                assert_true(next());
                in(ACK, 1, snd, 0, NULL, 0);
        }
        for (u32 at = 1; at < 3000; at += 600) {
                in(ACK, at + 300, snd, 300, NULL, 0);
                in(ACK, at, snd, 300, NULL, 0);
                wait_ms(50);
        }
        assert_int_equal(B.got, 3000);
        in(FIN | ACK, 3001, snd, 0, NULL, 0);
        while (next())
                ;
        assert_int_equal(out.ack, 3002);
        assert_null(B.t);
        wait_ms(59000);
        in(FIN | ACK, 3001, snd, 0, NULL, 0); /* begins the two MSL anew */
        assert_true(next());
        wait_ms(59000);
        in(ACK, 3001, snd, 0, NULL, 0);
        assert_true(next());
        assert_int_equal(out.flags, ACK);
        wait_ms(2000);
        in(ACK, 3002, snd, 0, NULL, 0);
        assert_true(next());
        assert_int_equal(out.flags, RST);
}

static void numbers_and_clocks_that_wrap_change_nothing(void **s)
{
        static const u32 isn[] = {1000, 0x7fffffff - 1000, 0xffffffff - 1000, 0xffffffff, 0};
        static const u64 clock[] = {0, (1ull << 32) - 4000000, (1ull << 31) * 1000 - 3000000, (1ull << 32) * 1000 - 3000000};
        for (u32 i = 0; i < COUNT_OF(isn); i++) {
                for (u32 k = 0; k < COUNT_OF(clock) * 2; k++) {
                        struct tcp_opts o = {.fixed_isn = true, .isn = isn[COUNT_OF(isn) - 1 - i]};
                        begin(clock[k / 2], isn[i], &o);
                        k & 1 ? handshake(all, sizeof all) : handshake(plain, sizeof plain);
                        live();
                }
        }
}

static void syn_options_of_any_shape_mean_what_can_be_read(void **s)
{
        static const struct { u8 n, o[24]; u16 mss; bool sack, ts, scale; } shape[] = {
                {4, {0}, 536, 0, 0, 0}, {8, {1, 1, 1, 1, 2, 4, 2, 0}, 512, 0, 0, 0}, {8, {0, 2, 4, 2, 0}, 536, 0, 0, 0},
                {12, {254, 6, 1, 2, 3, 4, 2, 4, 2, 0}, 512, 0, 0, 0}, {8, {2, 4, 2, 0, 254, 0, 4, 2}, 512, 0, 0, 0},
                {8, {254, 0, 2, 4, 2, 0}, 536, 0, 0, 0}, {8, {254, 1, 2, 4, 2, 0}, 536, 0, 0, 0},
                {8, {2, 4, 2, 0, 254, 40, 4, 2}, 512, 0, 0, 0},
                {8, {4, 2, 2, 4, 2, 0, 1, 1}, 512, 1, 0, 0},
                {24, {1, 2, 4, 2, 0, 1, 3, 3, 7, 4, 2, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1}, 512, 1, 1, 1},
                {24, {8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 2, 4, 2, 0}, 512, 0, 1, 0},
                {8, {2, 3, 9, 2, 4, 2, 0, 1}, 512, 0, 0, 0}, {12, {2, 6, 9, 9, 9, 9, 2, 4, 2, 0}, 512, 0, 0, 0},
                {8, {3, 3, 15, 1, 2, 4, 2, 0}, 512, 0, 0, 1},
                {8, {3, 4, 9, 9, 2, 4, 2, 0}, 512, 0, 0, 0}, {4, {1, 1, 2, 4}, 536, 0, 0, 0},
                {8, {2, 4, 2, 0, 1, 1, 1, 8}, 512, 0, 0, 0},
        };
        for (u32 i = 0; i < COUNT_OF(shape); i++) {
                begin(1000000, 1, NULL);
                B.ts = shape[i].ts;
                handshake(shape[i].o, shape[i].n);
                assert_int_equal(option(4) != NULL, shape[i].sack); /* of the SYN,ACK */
                assert_int_equal(option(8) != NULL, shape[i].ts);
                assert_int_equal(option(3) != NULL, shape[i].scale);
                static u8 bytes[1000];
                for (u32 k = 0; k < sizeof bytes; k++)
                        bytes[k] = pattern(k);
                tcp_send_ref(B.t, bytes, sizeof bytes, NULL);
                tcp_flush(B.t);
                assert_true(next());
                assert_int_equal(out.len + out.n_opts, shape[i].mss);
        }
}

static void every_small_mss_of_ours_carries_what_comes(void **s)
{
        for (u32 mss = 1; mss <= 88; mss++) {
                struct tcp_opts o = {.mss = (u16)mss};
                begin(1000000, 77, &o);
                in(SYN, 0, 0, 0, plain, sizeof plain);
                assert_true(next());
                assert_int_equal(get16(option(2) + 2), mss);
                B.our_isn = out.seq;
                in(ACK, 1, 1, 0, NULL, 0);
                for (u32 k = 0; k < 10; k++)
                        in(ACK, 1 + k * mss, 1, mss, NULL, 0);
                wait_ms(100);
                while (next())
                        ;
                assert_int_equal(B.got, 10 * mss);
                assert_int_equal(out.ack, 1 + 10 * mss);
        }
}

/* As a NIC gives them that merges what arrives: up to the longest datagram, taken as far as the window goes; a repeated one is told
 * as one block (RFC 2883 4), though it lies in many buffers. */
static void segments_longer_than_the_mtu_are_taken(void **s)
{
        static const u8 sack[] = {2, 4, 5, 180, 4, 2, 1, 1};
        begin(0, 1000, NULL);
        handshake(sack, sizeof sack);
        in(ACK, 1, 1, 20000, NULL, 0);
        assert_true(next());
        assert_int_equal(out.ack, 20001);
        assert_int_equal(B.got, 20000);
        in(ACK, 1, 1, 20000, NULL, 0);
        assert_true(next());
        const u8 *o = option(5);
        assert_non_null(o);
        assert_int_equal(o[1], 10);
        assert_int_equal(get32(o + 2) - B.peer_isn, 1);
        assert_int_equal(get32(o + 6) - B.peer_isn, 20001);
        in(ACK, 20001, 1, 65495, NULL, 0);
        assert_int_equal(B.got, 20000 + 65495);
        in(FIN | ACK, 85496, 1, 3000, NULL, 0);
        while (next())
                ;
        assert_int_equal(out.ack, 85496 + 3001);
        begin(0, 1000, NULL); /* two segments or more in one are acknowledged at once (SHLD-19), and so are two after it */
        handshake(plain, sizeof plain);
        in(ACK, 1, 1, 4000, NULL, 0);
        assert_true(next());
        assert_int_equal(out.ack, 4001);
        in(ACK, 4001, 1, 1900, NULL, 0);
        wait_ms(50);
        assert_true(next());
        in(ACK, 5901, 1, 1460, NULL, 0);
        assert_false(next());
        in(ACK, 7361, 1, 1460, NULL, 0);
        assert_true(next());
        assert_int_equal(out.ack, 8821);
        struct tcp_opts o2 = {.rcvbuf = 5000};
        begin(0, 1000, &o2);
        handshake(plain, sizeof plain);
        in(ACK, 1, 1, 20000, NULL, 0);
        assert_true(next());
        assert_int_equal(out.ack, 5001);
}

int main(void)
{
        static const struct CMUnitTest t[] = {cmocka_unit_test(numbers_and_clocks_that_wrap_change_nothing),
                cmocka_unit_test(syn_options_of_any_shape_mean_what_can_be_read),
                cmocka_unit_test(every_small_mss_of_ours_carries_what_comes),
                cmocka_unit_test(segments_longer_than_the_mtu_are_taken)};
        return cmocka_run_group_tests(t, NULL, NULL);
}
