/* dns.c - stub resolver (RFC 1034 5.3.1): asks the configured servers in turn, remembers for a while.
 * Port and id of each query are random and the question must come back (RFC 5452 9). No TCP: a truncated answer counts as a
 * failure of that server. SPDX-License-Identifier: MIT */
#include "dns.h"
#include "dns_msg.h"
#include "fmt.h"
#include "mem.h"
#include "udp.h"

enum { DNS_PORT = 53, DNS_CACHE = 16, DNS_CACHE_NAME = 96, DNS_ROUNDS = 3, DNS_WAIT_MS = 1000 };

struct query {
        struct timer     timer;
        struct stack    *st;
        struct udp_sock *sock;     /* NULL = free */
        ipaddr           server[DNS_SERVERS];
        u8               n_servers, attempt;
        s8               err;      /* what to report when all fail */
        u16              id, type;
        dns_done_fn     *done;
        void            *ctx;
        char             name[DNS_NAME];
};

/* An answer remembered; err may be E_NOENT. */
struct cached {
        u16    type;               /* 0 = free */
        s8     err;
        u8     n;
        u32    until_s;
        ipaddr addr[DNS_ADDRS];
        char   name[DNS_CACHE_NAME], canonical[DNS_CACHE_NAME];
};

struct dns_state {
        struct { ipaddr addr; u8 origin; } server[DNS_SERVERS];
        u32           n_servers, next_cache;
        struct query  query[DNS_QUERIES];
        struct cached cache[DNS_CACHE];
};

static struct dns_state *state(struct stack *st)
{
        if (!st->dns)
                st->dns = stack_alloc(st, sizeof *st->dns, 16);
        return st->dns;
}

static u32 now_s(const struct stack *st) { return (u32)(st->now_us / 1000000); }

/* --- servers --- */

int dns_server_add(struct stack *st, ipaddr server, u8 origin)
{
        struct dns_state *ds = state(st);
        if (!ds)
                return E_NOMEM;
        if (ipaddr_is_any(server) || ipaddr_is_mcast(server) || ipaddr_is_bcast(server))
                return E_INVAL;
        for (u32 i = 0; i < ds->n_servers; i++)
                if (ipaddr_eq(ds->server[i].addr, server))
                        return E_EXIST;
        if (ds->n_servers == DNS_SERVERS && !(origin == IFADDR_STATIC && ds->server[DNS_SERVERS - 1].origin != IFADDR_STATIC))
                return E_NOMEM;
        u32 at = min_u32(ds->n_servers, DNS_SERVERS - 1);
        for (; origin == IFADDR_STATIC && at > 0 && ds->server[at - 1].origin != IFADDR_STATIC; at--)
                ds->server[at] = ds->server[at - 1];
        ds->server[at].addr = server;
        ds->server[at].origin = origin;
        ds->n_servers = min_u32(ds->n_servers + 1, DNS_SERVERS);
        return 0;
}

static void remove_server(struct dns_state *ds, u32 i)
{
        ds->n_servers--;
        memmove(&ds->server[i], &ds->server[i + 1], (ds->n_servers - i) * sizeof ds->server[0]);
}

bool dns_server_del(struct stack *st, ipaddr server)
{
        for (u32 i = 0; st->dns && i < st->dns->n_servers; i++) {
                if (!ipaddr_eq(st->dns->server[i].addr, server))
                        continue;
                remove_server(st->dns, i);
                return true;
        }
        return false;
}

void dns_server_flush(struct stack *st, u8 origin)
{
        for (u32 i = st->dns ? st->dns->n_servers : 0; i-- > 0;)
                if (st->dns->server[i].origin == origin)
                        remove_server(st->dns, i);
}

u32 dns_servers(struct stack *st, ipaddr out[DNS_SERVERS])
{
        u32 n = st->dns ? st->dns->n_servers : 0;
        for (u32 i = 0; i < n; i++)
                out[i] = st->dns->server[i].addr;
        return n;
}

/* --- memory of answers --- */

static struct cached *recall(struct stack *st, const char *name, u16 type)
{
        for (struct cached *c = st->dns->cache; c < st->dns->cache + DNS_CACHE; c++)
                if (c->type == type && c->until_s > now_s(st) && dns_name_eq(c->name, name))
                        return c;
        return NULL;
}

static void remember(struct stack *st, const char *name, u16 type, const struct dns_answer *a)
{
        if (!a->ttl_s || strlen(name) >= DNS_CACHE_NAME || strlen(a->name) >= DNS_CACHE_NAME)
                return;
        struct cached *c = &st->dns->cache[st->dns->next_cache++ % DNS_CACHE];
        *c = (struct cached){.type = type, .err = (s8)a->err, .n = a->n, .until_s = now_s(st) + a->ttl_s};
        memcpy(c->addr, a->addr, sizeof c->addr);
        memcpy(c->name, name, strlen(name) + 1);
        memcpy(c->canonical, a->name, strlen(a->name) + 1);
}

/* --- queries --- */

static void finish(struct query *q, const struct dns_answer *a)
{
        udp_close(q->sock);
        q->sock = NULL;
        timer_stop(&q->st->wheel, &q->timer);
        q->done(q->ctx, a);
}

static void fail(struct query *q, int err)
{
        struct dns_answer a = {.err = err};
        finish(q, &a);
}

/* Asks the next server, in rounds of doubled patience. */
static void ask(struct query *q)
{
        u32 round = q->attempt / q->n_servers, now = stack_now_ms(q->st);
        if (round == DNS_ROUNDS) {
                fail(q, q->err);
                return;
        }
        timer_set(&q->st->wheel, &q->timer, now + ((u32)DNS_WAIT_MS << round));
        ipaddr server = q->server[q->attempt++ % q->n_servers];
        struct pkt *p = udp_alloc(q->st);
        if (!p)
                return;
        p->len = (u16)dns_ask(p->data, q->id, q->name, q->type);
        if (udp_send(q->sock, p, IPADDR_ANY, server, DNS_PORT, NULL) < 0) {
                q->err = E_UNREACH;
                timer_set(&q->st->wheel, &q->timer, now);
        }
}

static void fire(struct timer *t) { ask(container_of(t, struct query, timer)); }

/* This server cannot help. */
static void try_next(struct query *q)
{
        q->err = E_UNREACH;
        ask(q);
}

static bool was_asked(const struct query *q, ipaddr from)
{
        for (u32 i = 0; i < q->n_servers && i < q->attempt; i++)
                if (ipaddr_eq(q->server[i], from))
                        return true;
        return false;
}

static void on_error(struct udp_sock *us, int err, ipaddr dst, u16 dport)
{
        struct query *q = udp_user(us);
        (void)err;
        if (dport == DNS_PORT && ipaddr_eq(dst, q->server[(q->attempt - 1u) % q->n_servers]))
                try_next(q);
}

static void rx(struct udp_sock *us, struct pkt *p, const struct udp_from *from)
{
        struct query *q = udp_user(us);
        struct dns_answer a;
        enum dns_verdict v = DNS_ALIEN;
        if (from->sport == DNS_PORT && was_asked(q, from->src) && !p->chain)
                v = dns_read(p->data, p->len, q->id, q->name, q->type, &a);
        if (v == DNS_ALIEN) {
                pkt_drop(p, DROP_DNS_UNASKED);
                return;
        }
        if (v == DNS_ANSWERED) {
                pkt_drop(p, DROP_DNS_DONE);
                remember(q->st, q->name, q->type, &a);
                finish(q, &a);
                return;
        }
        pkt_drop(p, v == DNS_TRUNCATED ? DROP_DNS_TRUNCATED : v == DNS_BROKEN ? DROP_DNS_BAD : DROP_DNS_SERVER);
        try_next(q);
}

static struct query *spare(struct dns_state *ds)
{
        for (struct query *q = ds->query; q < ds->query + DNS_QUERIES; q++)
                if (!q->sock)
                        return q;
        return NULL;
}

static int start(struct stack *st, const char *name, u16 type, dns_done_fn *done, void *ctx)
{
        struct dns_state *ds = state(st);
        if (!ds)
                return E_NOMEM;
        if (!dns_name_ok(name))
                return E_INVAL;
        const struct cached *c = recall(st, name, type);
        if (c) {
                struct dns_answer a = {.err = c->err, .n = c->n, .ttl_s = c->until_s - now_s(st)};
                memcpy(a.addr, c->addr, sizeof a.addr);
                memcpy(a.name, c->canonical, strlen(c->canonical) + 1);
                done(ctx, &a);
                return 0;
        }
        struct query *q = spare(ds);
        if (!ds->n_servers)
                return E_UNREACH;
        if (!q)
                return E_NOMEM;
        *q = (struct query){.timer = {.fire = fire}, .st = st, .err = E_TIMEDOUT, .id = (u16)stack_random(st),
                             .type = type, .done = done, .ctx = ctx};
        q->sock = udp_open(st, IPADDR_ANY, 0, rx, q);
        if (!q->sock)
                return E_NOMEM;
        udp_on_error(q->sock, on_error);
        q->n_servers = (u8)dns_servers(st, q->server);
        memcpy(q->name, name, strlen(name) + 1);
        ask(q);
        return 0;
}

/* Dotted-quad text; false for anything else. */
static bool parse_quad(const char *s, ipaddr *out)
{
        for (u32 i = 0; i < 4; i++) {
                u32 v = 0, digits = 0;
                while (*s >= '0' && *s <= '9' && digits < 4) {
                        v = v * 10 + (u32)(*s++ - '0');
                        digits++;
                }
                if (!digits || v > 255 || *s++ != (i < 3 ? '.' : 0))
                        return false;
                out->v4.b[i] = (u8)v;
        }
        return true;
}

int dns_query(struct stack *st, const char *name, dns_done_fn *done, void *ctx)
{
        struct dns_answer a = {.n = 1, .ttl_s = UINT32_MAX};
        if (!parse_quad(name, &a.addr[0]))
                return start(st, name, DNS_A, done, ctx);
        memcpy(a.name, name, strlen(name) + 1);
        done(ctx, &a);
        return 0;
}

int dns_query_ptr(struct stack *st, ipaddr addr, dns_done_fn *done, void *ctx)
{
        char name[32]; /* RFC 1035 3.5 */
        fmt(name, sizeof name, "%u.%u.%u.%u.in-addr.arpa", addr.v4.b[3], addr.v4.b[2], addr.v4.b[1], addr.v4.b[0]);
        return start(st, name, DNS_PTR, done, ctx);
}
