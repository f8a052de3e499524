/* early.h - clients of the LAN that ask with their SYN: Fast Open, and QuRe with the FIN in the same segment. The front taught
 * them in a conversation of its own. SPDX-License-Identifier: MIT */
#ifndef EARLY_H
#define EARLY_H

#include "lan.h"

enum client_kind { PLAIN, FASTOPEN, QURE, CLIENT_KINDS };
static const char *const kind_name[] = {"plain", "fast open", "qure"};

/* Time goes by on a LAN where nothing happens. */
static inline void lan_skip(u32 s)
{
        while (s--) {
                for (int k = 0; k < MACHINES; k++)
                        if (!L.dead[k])
                                wire_wait(L.m[k], 1000);
                while (lan_step())
                        ;
        }
}

/* A request of n bytes (10 or more). */
static inline void ask(enum client_kind kind, u32 reply, u32 n)
{
        static char req[1 << 16];
        int err;
        struct tcp_opts o = L.copts;
        o.fastopen = kind == FASTOPEN;
        o.qure = kind == QURE;
        L.got = L.closed = L.err = L.answers = L.asked = 0;
        L.fallback = 0;
        L.client = tcp_connect(L.m[CLIENT]->st, IPADDR_ANY, 0, SERVICE, 80, &client_events, NULL, &o, &err);
        assert_non_null(L.client);
        memset(req, 'x', n);
        memcpy(req, "G00000000", 9);
        for (u32 i = 8, v = reply; v; v /= 10)
                req[i--] = (char)('0' + v % 10);
        req[n - 1] = '\n';
        L.want = reply;
        assert_int_equal(tcp_send(L.client, req, n), (int)n);
        if (kind == QURE)
                tcp_shutdown(L.client);
}

/* Ready for a client's second conversation with the service; the first was with the front itself. */
static inline void early_begin(enum client_kind kind)
{
        lan_begin();
        lan_skip(61); /* in the first minute data on SYNs waits */
        L.targets[0] = IPADDR_ANY;
        if (kind != PLAIN) {
                ask(kind, 10, 10);
                for (u32 i = 0; i < 20 && !L.closed; i++)
                        lan_run(10);
                assert_int_equal(L.got, 10);
                lan_skip(20); /* the client's TIME_WAIT stays, the front has forgotten it */
        }
        L.targets[0] = lan_addr[NODE1];
        L.n_seen = L.n_frames = 0;
}

/* Bytes of TCP in IP that machines sent to the client since frame `from`, until it answered with something but a SYN. */
static inline u32 bytes_before_proof(u32 from, u32 *in)
{
        u32 out = 0;
        *in = 0;
        for (u32 i = from; i < L.n_seen; i++) {
                const struct heard *e = &L.seen[i];
                if (e->from == CLIENT && e->flags & (T_ACK | T_RST))
                        break;
                if (e->from == CLIENT)
                        *in += e->bytes;
                if (e->to == CLIENT)
                        out += e->bytes;
        }
        return out;
}

#endif
