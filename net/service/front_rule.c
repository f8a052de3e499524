/* front_rule.c - the rules: which request belongs to which backend. In their order; the first that matches wins, else the local
 * site. Routing, not protection: a path is compared as it came, and a backend may read it differently.
 * SPDX-License-Identifier: MIT */
#include "front_impl.h"
#include "ip.h"

enum { THROUGH = -2 };

static struct http_text text_of(const char *s) { return (struct http_text){s, (u32)__builtin_strlen(s)}; }

static bool starts(struct http_text t, struct http_text prefix)
{
        return t.n >= prefix.n && __builtin_memcmp(t.p, prefix.p, prefix.n) == 0;
}

/* KEY=VALUE is one of the pairs of a Cookie field (RFC 6265 4.2.1); a last '*' of what is wanted takes any rest. */
static bool has_cookie(struct http_text t, struct http_text want)
{
        bool any_rest = want.n && want.p[want.n - 1] == '*';

        want.n -= any_rest;
        for (u32 i = 0; i < t.n;) {
                u32 end;

                while (i < t.n && (t.p[i] == ' ' || t.p[i] == '\t' || t.p[i] == ';'))
                        i++;
                for (end = i; end < t.n && t.p[end] != ';';)
                        end++;
                struct http_text pair = {t.p + i, end - i};
                while (pair.n && (pair.p[pair.n - 1] == ' ' || pair.p[pair.n - 1] == '\t'))
                        pair.n--;
                if (starts(pair, want) && (any_rest || pair.n == want.n))
                        return true;
                i = end;
        }
        return false;
}

/* One of a list of entity tags (RFC 9110 8.8.3) begins so. */
static bool has_etag(struct http_text t, struct http_text prefix)
{
        for (u32 i = 0; i < t.n; i++) {
                u32 end;

                if (t.p[i] != '"')
                        continue;
                for (end = ++i; end < t.n && t.p[end] != '"';)
                        end++;
                if (starts((struct http_text){t.p + i, end - i}, prefix))
                        return true;
                i = end;
        }
        return false;
}

typedef bool has_fn(struct http_text value, struct http_text want);

static bool any_field(const struct front_head *h, const char *name, has_fn *has, const char *want)
{
        struct http_text value;
        u32 at = 0;

        while (front_field(h, name, &at, &value))
                if (has(value, text_of(want)))
                        return true;
        return false;
}

bool front_rule_holds(const struct front_rule *r, const struct front_head *h)
{
        if ((r->conds & COND_PATH) && !starts(h->path, text_of(r->path)))
                return false;
        if ((r->conds & COND_HOST) && !http_text_is(h->host, r->host))
                return false;
        if ((r->conds & COND_COOKIE) && !any_field(h, "cookie", has_cookie, r->cookie))
                return false;
        if (!(r->conds & COND_ETAG))
                return true;
        return any_field(h, "if-none-match", has_etag, r->etag) || any_field(h, "if-match", has_etag, r->etag);
}

bool front_rule_may(const struct front_rule *r, const struct tcb *t)
{
        struct tcp_names names;

        tcp_names(t, &names);
        return (!(r->conds & COND_PORT) || names.lport == r->port) &&
               (!(r->conds & COND_SOURCE) || ipaddr_same_net(names.raddr, r->net, r->plen));
}

void front_decide(struct front *f, const struct tcb *t, const struct front_head *head, struct front_verdict *v)
{
        struct tcp_names names;

        tcp_names(t, &names);
        bool taken = f->actor[FRONT_THROUGH].take && !ip_is_ours(f->st, names.laddr);
        for (u32 i = 0; i < f->n_rules; i++) {
                struct front_rule *r = &f->rule[i];

                if (!front_rule_may(r, t) || ((r->conds & COND_HEAD) && (!head || !front_rule_holds(r, head))))
                        continue;
                r->hits++;
                *v = (struct front_verdict){r->backend == THROUGH && taken ? FRONT_THROUGH : FRONT_LOCAL, r->backend, (s16)i};
                if (r->backend >= 0)
                        v->action = f->backend[r->backend].action;
                return;
        }
        *v = (struct front_verdict){taken ? FRONT_THROUGH : FRONT_LOCAL, -1, -1};
}

static bool same_rule(const struct front_rule *a, const struct front_rule *b)
{
        return a->backend == b->backend && a->conds == b->conds && (!(a->conds & COND_PORT) || a->port == b->port) &&
               (!(a->conds & COND_SOURCE) || (a->plen == b->plen && ipaddr_eq(a->net, b->net))) &&
               __builtin_strcmp(a->path, b->path) == 0 && __builtin_strcmp(a->host, b->host) == 0 &&
               __builtin_strcmp(a->cookie, b->cookie) == 0 && __builtin_strcmp(a->etag, b->etag) == 0;
}

/* The rule as it is kept: only what its conditions use, host in lower case, the network without host bits. */
static int prepare(struct front *f, const char *backend, const struct front_rule *r, struct front_rule *out)
{
        int slot = !backend ? -1 : __builtin_strcmp(backend, "through") ? front_backend_find(f, backend) : THROUGH;

        if (!r->conds)
                return E_INVAL;
        if (backend && slot == -1)
                return E_NOENT;
        *out = *r;
        out->backend = (s8)slot;
        out->hits = 0;
        for (char *c = out->host; *c; c++)
                *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
        out->net.v4 = be32_from_raw(be32_raw(r->net.v4) & be32_raw(ipaddr_mask(r->plen).v4));
        return 0;
}

static u32 find(const struct front *f, const struct front_rule *r)
{
        u32 i = 0;

        while (i < f->n_rules && !same_rule(&f->rule[i], r))
                i++;
        return i;
}

/* Without rules the local site is not looked at, and costs what it did. */
void front_look_or_not(struct front *f)
{
        if (f->http)
                http_set_look(f->http, f->n_rules || f->came || f->actor[FRONT_THROUGH].take ? front_look : NULL, f);
}

int front_rule_add(struct front *f, const char *backend, const struct front_rule *r)
{
        struct front_rule kept;
        int e = prepare(f, backend, r, &kept);

        if (e)
                return e;
        if (find(f, &kept) < f->n_rules)
                return E_EXIST;
        if (f->n_rules == FRONT_RULES)
                return E_NOMEM;
        f->rule[f->n_rules++] = kept;
        front_look_or_not(f);
        return 0;
}

int front_rule_del(struct front *f, const char *backend, const struct front_rule *r)
{
        struct front_rule kept;
        u32 i;

        if (prepare(f, backend, r, &kept) || (i = find(f, &kept)) == f->n_rules)
                return E_NOENT;
        f->n_rules--;
        for (; i < f->n_rules; i++)
                f->rule[i] = f->rule[i + 1];
        front_look_or_not(f);
        return 0;
}

const struct front_rule *front_rule_at(const struct front *f, u32 i) { return i < f->n_rules ? &f->rule[i] : NULL; }

bool front_rules_use(const struct front *f, s8 backend)
{
        for (u32 i = 0; i < f->n_rules; i++)
                if (f->rule[i].backend == backend)
                        return true;
        return false;
}

void front_rules_move(struct front *f, s8 from, s8 to)
{
        for (u32 i = 0; i < f->n_rules; i++)
                if (f->rule[i].backend == from)
                        f->rule[i].backend = to;
}

void front_attach(struct front *f, struct http *h)
{
        f->http = h;
        front_look_or_not(f);
}
