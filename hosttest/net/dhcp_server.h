/* dhcp_server.h - a scripted DHCP server on the other end of the wire, for the tests of our client.
 * SPDX-License-Identifier: MIT */
#ifndef DHCP_SERVER_H
#define DHCP_SERVER_H

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "dhcp.h"
#include "dns.h"
#include "frames.h"

enum { DISCOVER = 1, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE };
#define SERVER IPADDR(10, 0, 0, 2)
#define LEASED IPADDR(10, 0, 0, 77)

/* What the client said last. */
static struct { u8 type; u32 xid; u16 flags, secs; ipaddr ciaddr, requested, server, src, dst; char host[64]; u8 client_id[8]; } said;
static u8 f[FRAMES_MAX];

static inline const u8 *option(const u8 *o, const u8 *end, u8 code)
{
        while (o < end && *o != 255) {
                if (*o == code)
                        return o + 2;
                o += *o ? 2 + o[1] : 1;
        }
        return NULL;
}

/* Takes frames until a DHCP message; false when there is none. */
static inline bool hear(struct wire *w)
{
        const u8 *m, *v;
        u32 n;
        for (const struct frame *out; (out = wire_tx(w));) {
                const struct udp_hdr *h = frame_udp(out, &m, &n);
                if (!h || be16_get(h->dport) != 67)
                        continue;
                assert_int_equal(be16_get(h->sport), 68);
                assert_true(n >= 300);
                assert_memory_equal(m, "\x01\x01\x06\x00", 4);
                assert_memory_equal(m + 28, wire_mac_us.b, 6);
                assert_memory_equal(m + 236, "\x63\x82\x53\x63", 4);
                memset(&said, 0, sizeof said);
                said.xid = (u32)m[4] << 24 | (u32)m[5] << 16 | (u32)m[6] << 8 | m[7];
                said.secs = (u16)(m[8] << 8 | m[9]);
                said.flags = (u16)(m[10] << 8 | m[11]);
                memcpy(&said.ciaddr, m + 12, 4);
                said.src = frame_ip(out, IPPROTO_UDP_)->src;
                said.dst = frame_ip(out, IPPROTO_UDP_)->dst;
                said.type = *option(m + 240, m + n, 53);
                if ((v = option(m + 240, m + n, 50)))
                        memcpy(&said.requested, v, 4);
                if ((v = option(m + 240, m + n, 54)))
                        memcpy(&said.server, v, 4);
                if ((v = option(m + 240, m + n, 12)))
                        memcpy(said.host, v, v[-1]);
                v = option(m + 240, m + n, 61);
                assert_non_null(v);
                memcpy(said.client_id, v, 7);
                return true;
        }
        return false;
}

static inline void expect(struct wire *w, u8 type)
{
        assert_true(hear(w));
        assert_int_equal(said.type, type);
}

/* A server's message being made. */
static struct { u8 b[1400]; u32 n; } msg;

static inline void opt(u8 code, const void *v, u8 n)
{
        msg.b[msg.n++] = code;
        msg.b[msg.n++] = n;
        memcpy(msg.b + msg.n, v, n);
        msg.n += n;
}

static inline void opt32(u8 code, u32 v)
{
        be32 b = be32_of(v);
        opt(code, &b, 4);
}

static inline void begin(u8 type, ipaddr yiaddr)
{
        be32 xid = be32_of(said.xid);
        memset(&msg, 0, sizeof msg);
        memcpy(msg.b, "\x02\x01\x06\x00", 4);
        memcpy(msg.b + 4, &xid, 4);
        memcpy(msg.b + 16, &yiaddr, 4);
        memcpy(msg.b + 28, wire_mac_us.b, 6);
        memcpy(msg.b + 236, "\x63\x82\x53\x63", 4);
        msg.n = 240;
        opt(53, &type, 1);
}

static inline void send_from(struct wire *w, u16 port) { wire_rx(w, f, build_udp(w, f, SERVER, port, IPADDR_BCAST, 68, msg.b, msg.n)); }
static inline void send_msg(struct wire *w)
{
        msg.b[msg.n++] = 255;
        send_from(w, 67);
}

/* The usual offer or acknowledgement: /24, router .2, two name servers, a domain. */
static inline void answer(struct wire *w, u8 type, ipaddr yiaddr, u32 lease_s)
{
        ipaddr server = SERVER, dns[2] = {SERVER, IPADDR(10, 0, 0, 3)};
        begin(type, yiaddr);
        opt(54, &server, 4);
        opt32(51, lease_s);
        opt32(1, 0xffffff00);
        opt(3, &server, 4);
        opt(6, dns, 8);
        opt(15, "lab.example", 11);
        send_msg(w);
}

static inline struct dhcp_info status(struct wire *w)
{
        struct dhcp_info info;
        assert_true(dhcp_status(&w->nif, &info));
        return info;
}

static inline int setup(void **state)
{
        struct wire *w = wire_new_bare(NULL, 0);
        arp_set(&w->nif, SERVER, wire_mac_peer);
        *state = w;
        return 0;
}

static inline int teardown(void **state)
{
        wire_free(*state);
        return 0;
}

static inline void bind(struct wire *w, u32 lease_s)
{
        assert_int_equal(dhcp_start(&w->nif, "alpha"), 0);
        expect(w, DISCOVER);
        answer(w, OFFER, LEASED, lease_s);
        expect(w, REQUEST);
        answer(w, ACK, LEASED, lease_s);
        assert_int_equal(status(w).phase, DHCP_CHECKING);
        wire_wait(w, 7000);
        assert_int_equal(status(w).phase, DHCP_BOUND);
        wire_flush_out(w);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
