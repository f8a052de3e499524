/* dns_server.h - scripted name servers on the wire, for the tests of the resolver.
 * SPDX-License-Identifier: MIT */
#ifndef DNS_SERVER_H
#define DNS_SERVER_H

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "dns.h"
#include "frames.h"

#define SERVER1 IPADDR(10, 0, 0, 2)
#define SERVER2 IPADDR(10, 0, 0, 3)
static const macaddr mac2 = {{2, 0, 0, 0, 0, 3}};
static u8 f[FRAMES_MAX];
static struct dns_answer got;
static u32 calls;
static struct { u16 id, port, type; ipaddr server; u32 n; u8 msg[512]; } asked;
static struct { u8 b[1400]; u32 n; } msg;

static inline void on_answer(void *ctx, const struct dns_answer *a)
{
        calls++;
        got = *a;
}

static inline int setup(void **state)
{
        struct wire *w = wire_new(NULL, 0);
        arp_set(&w->nif, SERVER2, mac2);
        assert_int_equal(dns_server_add(w->st, SERVER1, IFADDR_STATIC), 0);
        calls = 0;
        *state = w;
        return 0;
}

static inline int teardown(void **state)
{
        wire_free(*state);
        return 0;
}

/* Takes the next query from the wire; false when there is none. */
static inline bool hear(struct wire *w)
{
        const u8 *m;
        const struct frame *out = wire_tx(w);
        const struct udp_hdr *h = frame_udp(out, &m, &asked.n);
        if (!h || be16_get(h->dport) != 53)
                return false;
        memcpy(asked.msg, m, asked.n);
        asked.port = be16_get(h->sport);
        asked.server = frame_ip(out, IPPROTO_UDP_)->dst;
        asked.id = (u16)(m[0] << 8 | m[1]);
        assert_memory_equal(m + 2, "\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 10); /* recursion, one question */
        asked.type = (u16)(m[asked.n - 4] << 8 | m[asked.n - 3]);
        return true;
}

/* Header and question of an answer; rr() adds records. */
static inline void begin(u16 flags)
{
        memcpy(msg.b, asked.msg, asked.n);
        msg.n = asked.n;
        msg.b[2] = (u8)(flags >> 8);
        msg.b[3] = (u8)flags;
}

/* A record with owner and data as wire bytes. */
static inline void rr(const char *owner, u32 owner_n, u16 type, u32 ttl, const void *data, u16 n)
{
        u8 fixed[10] = {(u8)(type >> 8), (u8)type, 0, 1, (u8)(ttl >> 24), (u8)(ttl >> 16), (u8)(ttl >> 8), (u8)ttl, (u8)(n >> 8), (u8)n};
        memcpy(msg.b + msg.n, owner, owner_n);
        memcpy(msg.b + msg.n + owner_n, fixed, 10);
        memcpy(msg.b + msg.n + owner_n + 10, data, n);
        msg.n += owner_n + 10 + n;
        msg.b[7]++;
}

#define QNAME "\xc0\x0c" /* pointer to the question */

static inline void reply_from(struct wire *w, ipaddr server, u16 sport)
{
        wire_rx(w, f, build_udp(w, f, server, sport, WIRE_US, asked.port, msg.b, msg.n));
}
static inline void reply(struct wire *w) { reply_from(w, asked.server, 53); }

static inline void ask(struct wire *w, const char *name)
{
        assert_int_equal(dns_query(w->st, name, on_answer, NULL), 0);
        assert_true(hear(w));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
