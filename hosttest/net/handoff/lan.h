/* lan.h - handoff tests: a client, a front and two nodes, each a stack of its own, on one LAN in one process under virtual time.
 * The client speaks plain TCP. The front's service hands every request over as soon as it has the whole of it; a node's answers.
 * A request is "G" + reply length in 8 digits + "\n"; the reply is that many bytes of a pattern that begins with the request's
 * number. SPDX-License-Identifier: MIT */
#ifndef LAN_H
#define LAN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "../../../net/handoff/handoff_impl.h"
#include "arp.h"
#include "reply.h"
#include "wire.h"

enum { CLIENT, FRONT, NODE1, NODE2, MACHINES };
#define SERVICE IPADDR(10, 0, 0, 80)
static ipaddr lan_addr[MACHINES] = {{{{10, 0, 0, 1}}}, {{{10, 0, 0, 2}}}, {{{10, 0, 0, 3}}}, {{{10, 0, 0, 4}}}};
static const u8 lan_secret[16] = "sixteen byte key";

/* A TCP segment as it passed the LAN. */
struct heard { int from, to; ipaddr src, dst; u16 sport, dport; u32 seq, ack, n, bytes; u8 flags; bool option; };

static struct lan {
        struct wire *m[MACHINES];
        bool  dead[MACHINES];
        u32   n_frames;                 /* delivered or lost so far */
        void (*beyond)(int from, struct frame *f);      /* a router: may take frames (n = 0) and hand them on */
        bool (*lose)(int from, int to, const struct frame *f, u32 number);
        struct heard seen[4096];
        u32   n_seen;
        ipaddr targets[2];              /* whom the front asks, in order */
        u32   asked;
        enum handoff_reason last_reason;
        u32   answers;                  /* requests that were answered, by whomever */
        int   fallback;                 /* requests that the front answered itself */
        struct tcb *client;
        u32   got, want, err, closed;
        bool  bad, reset;
        bool  no_close;                 /* the service leaves the connection open */
        bool  talk_on;                  /* ... for what the client says when it opens again */
        const struct tcp_events *service[MACHINES]; /* another service than that of above */
        struct tcp_opts copts;
} L;

static u32 lan_pkts = 1024;             /* buffers of each machine */

/* --- the service, on front and nodes --- */

static inline u32 whole_request(struct tcb *t, u32 *reply)
{
        static char b[1 << 16];
        u32 n = tcp_copy(t, 0, b, sizeof b - 1);
        char *end = memchr(b, '\n', n);
        if (!end)
                return 0;
        *reply = (u32)atoi(b + 1);
        return (u32)(end - b) + 1;
}

static inline void answer(struct tcb *t)
{
        u32 reply, n;
        while ((n = whole_request(t, &reply)) != 0) {
                tcp_consume(t, n);
                L.answers++;
                if (tcp_sending_over(t))
                        assert_int_equal(tcp_reopen(t), 0);
                assert_int_equal(tcp_send_ref(t, reply_bytes(), reply, NULL), 0);
                if (!L.no_close)
                        tcp_shutdown(t);
        }
        if (tcp_eof(t) && !tcp_readable(t) && !L.talk_on)
                tcp_close(t);
}

static inline void on_handed(void *ctx, struct tcb *t, enum handoff_reason why)
{
        struct handoff *h = ctx;
        L.last_reason = why;
        if (why == HANDOFF_OK)
                return;
        while (L.asked < 2 && !ipaddr_is_any(L.targets[L.asked]))
                if ((L.last_reason = handoff_begin(h, t, L.targets[L.asked++], NULL, on_handed, h)) == HANDOFF_OK)
                        return;
        L.fallback++;
        answer(t);
}

static inline void front_readable(struct tcb *t)
{
        u32 reply;
        struct handoff *h = handoff_of(tcp_stack(t));
        if (!whole_request(t, &reply) || L.asked == 2)
                return;
        L.asked = 0;
        on_handed(h, t, HANDOFF_SILENT);
}

static inline void lan_closed(struct tcb *t, int err) { }
static const struct tcp_events front_events = {.readable = front_readable, .closed = lan_closed};
static const struct tcp_events node_events = {.readable = answer, .closed = lan_closed};

/* --- the client --- */

static inline void client_readable(struct tcb *t) { reply_read(t, &L.got, &L.bad); }

static inline void client_closed(struct tcb *t, int err)
{
        L.client = NULL;
        L.closed++;
        L.err = (u32)-err;
        L.reset = err == E_RESET;
}
static const struct tcp_events client_events = {.readable = client_readable, .closed = client_closed};

/* --- the LAN --- */

static inline void note(int from, int to, const struct frame *f)
{
        struct seg s;
        if (f->n < 54 || f->b[12] != 8 || f->b[23] != 6 || !parse_tcp(L.m[from], f, &s) || L.n_seen == COUNT_OF(L.seen))
                return;
        struct heard *e = &L.seen[L.n_seen++];
        *e = (struct heard){from, to, {}, {}, s.sport, s.dport, s.seq, s.ack, s.n, f->n - 14, s.flags, false};
        memcpy(&e->src, f->b + 26, 4);
        memcpy(&e->dst, f->b + 30, 4);
        struct option144 o;
        e->option = option144_find(s.opts, s.n_opts, OPTION144, &o);
}

/* One frame of each machine to whom it is for; false when the LAN is silent. */
static inline bool lan_step(void)
{
        bool moved = false;
        for (int from = 0; from < MACHINES; from++) {
                const struct frame *f = wire_tx(L.m[from]);
                if (!f)
                        continue;
                moved = true;
                if (L.dead[from])
                        continue;
                struct frame copy = {f->n, malloc(f->n)};
                memcpy(copy.b, f->b, f->n);
                if (L.beyond)
                        L.beyond(from, &copy);
                for (int to = 0; to < MACHINES; to++) {
                        if (to == from || L.dead[to] || !copy.n || (!(copy.b[0] & 1) && memcmp(copy.b, L.m[to]->nif.mac.b, 6)))
                                continue;
                        u32 number = L.n_frames++;
                        note(from, to, &copy);
                        if (!L.lose || !L.lose(from, to, &copy, number))
                                wire_rx(L.m[to], copy.b, copy.n);
                }
                free(copy.b);
        }
        return moved;
}

static inline void lan_run(u32 ms)
{
        for (u32 i = 0; i <= ms; i++) {
                while (lan_step())
                        ;
                if (i == ms)
                        break;
                for (int k = 0; k < MACHINES; k++)
                        if (!L.dead[k])
                                wire_wait(L.m[k], 1);
                        else
                                L.m[k]->now_us += 1000;
        }
}

static inline bool lan_idempotent(const u8 *p, u32 n) { return p[0] == 'G'; }

static inline void lan_listen(int i)
{
        int err;
        struct tcp_opts o = {.timewait_ms = 5000, .qure = true, .fastopen = true, .idempotent = lan_idempotent};
        const struct tcp_events *ev = L.service[i] ? L.service[i] : i == FRONT ? &front_events : &node_events;
        assert_non_null(tcp_listen(L.m[i]->st, SERVICE, 80, ev, NULL, &o, &err));
}

static inline void lan_begin_with(const struct tcp_events *service)
{
        struct stack_config cfg = {.n_pkts = lan_pkts, .n_tcbs = 64};
        memset(&L, 0, sizeof L);
        for (int i = 0; i < MACHINES && service; i++)
                L.service[i] = service;
        for (int i = 0; i < MACHINES; i++) {
                u8 seed[16] = {(u8)(i + 1)};
                L.m[i] = wire_new_bare(&cfg, 0);
                L.m[i]->nif.mac.b[5] = (u8)(0x10 + i);
                stack_seed(L.m[i]->st, seed);
                assert_int_equal(netif_addr_add(&L.m[i]->nif, lan_addr[i], 24, IFADDR_STATIC, false), 0);
        }
        assert_int_equal(netif_addr_add(&L.m[FRONT]->nif, SERVICE, 24, IFADDR_STATIC, false), 0);
        for (int i = FRONT; i < MACHINES; i++) {
                struct handoff *h = handoff_new(L.m[i]->st, 0);
                assert_non_null(h);
                assert_int_equal(handoff_secret(h, lan_secret, sizeof lan_secret), 0);
                for (int k = FRONT; k < MACHINES; k++)
                        if (k != i)
                                assert_int_equal(handoff_node_add(h, lan_addr[k]), 0);
                assert_int_equal(handoff_service_add(h, &L.m[i]->nif, SERVICE), 0);
                lan_listen(i);
        }
        lan_run(10000); /* announcements and probes of the addresses go by */
        L.n_seen = L.n_frames = 0;
        L.targets[0] = lan_addr[NODE1];
}
static inline void lan_begin(void) { lan_begin_with(NULL); }

static inline void connect_client(u32 reply)
{
        int err;
        char req[32];
        L.client = tcp_connect(L.m[CLIENT]->st, IPADDR_ANY, 0, SERVICE, 80, &client_events, NULL, &L.copts, &err);
        assert_non_null(L.client);
        snprintf(req, sizeof req, "G%08u\n", reply);
        L.want = reply;
        assert_int_equal(tcp_send(L.client, req, (u32)strlen(req)), 10);
}

static inline struct handoff_counters counters(int i)
{
        struct handoff_counters c;
        handoff_counters(handoff_of(L.m[i]->st), &c);
        return c;
}

static inline void lan_end(void)
{
        for (int i = 0; i < MACHINES; i++) {
                if (L.dead[i])
                        wire_discard(L.m[i]);
                else
                        wire_free(L.m[i]);
        }
}

static inline void lan_print(void)
{
        for (u32 i = 0; i < L.n_seen; i++) {
                const struct heard *e = &L.seen[i];
                printf("# %d>%d %u.%u.%u.%u:%u>%u.%u.%u.%u:%u %c%c%c%c%c seq %u ack %u n %u%s\n", e->from, e->to, e->src.v4.b[0],
                       e->src.v4.b[1], e->src.v4.b[2], e->src.v4.b[3], e->sport, e->dst.v4.b[0], e->dst.v4.b[1], e->dst.v4.b[2],
                       e->dst.v4.b[3], e->dport, e->flags & T_SYN ? 'S' : '-', e->flags & T_FIN ? 'F' : '-',
                       e->flags & T_RST ? 'R' : '-', e->flags & T_PSH ? 'P' : '-', e->flags & T_ACK ? 'A' : '-', e->seq, e->ack,
                       e->n, e->option ? " opt" : "");
        }
}

#define test(f) cmocka_unit_test(f)

#endif
