/* route.c - the routing table, an array sorted so that the first match is the longest prefix.
 * Not here: the cache of recent answers (ip.c), which every change here clears.
 * SPDX-License-Identifier: MIT */
#include "route.h"
#include "ip.h"
#include "mem.h"

struct route_state {
        u32          n, max;
        struct route r[];
};

bool route_init(struct stack *st)
{
        st->route = stack_alloc(st, sizeof *st->route + st->cfg.n_routes * sizeof(struct route), 16);
        if (!st->route)
                return false;
        st->route->max = st->cfg.n_routes;
        return true;
}

static bool matches(const struct route *r, ipaddr dst) { return r->nif->up && ipaddr_same_net(r->net, dst, r->plen); }

const struct route *route_lookup(struct stack *st, ipaddr dst)
{
        struct route_state *rs = st->route;
        for (u32 i = 0; i < rs->n; i++)
                if (matches(&rs->r[i], dst))
                        return &rs->r[i];
        return NULL;
}

const struct route *route_lookup_on(struct netif *nif, ipaddr dst)
{
        struct route_state *rs = nif->st->route;
        for (u32 i = 0; i < rs->n; i++)
                if (rs->r[i].nif == nif && matches(&rs->r[i], dst))
                        return &rs->r[i];
        return NULL;
}

/* Small comes first among equal prefixes. */
static u32 rank(const struct route *r) { return r->origin == ROUTE_CONNECTED ? 0 : 1u + r->origin; }

static bool before(const struct route *a, const struct route *b)
{
        return a->plen != b->plen ? a->plen > b->plen : rank(a) < rank(b);
}

static bool same(const struct route *a, const struct route *b)
{
        return ipaddr_eq(a->net, b->net) && a->plen == b->plen && ipaddr_eq(a->via, b->via) && a->nif == b->nif;
}

/* The interface that reaches a next hop without another hop. */
static struct netif *nif_of(struct stack *st, ipaddr via)
{
        const struct route *r = route_lookup(st, via);
        return r && ipaddr_is_any(r->via) ? r->nif : NULL;
}

int route_add(struct stack *st, ipaddr net, u8 plen, ipaddr via, struct netif *nif, u8 origin)
{
        struct route_state *rs = st->route;
        if (plen > 32 || (be32_raw(net.v4) & ~be32_raw(ipaddr_mask(plen).v4)))
                return E_INVAL;
        if (!nif) {
                if (ipaddr_is_any(via))
                        return E_INVAL;
                nif = nif_of(st, via);
                if (!nif)
                        return E_NOROUTE;
        }
        struct route new = {net, plen, via, nif, origin};
        u32 at = 0;
        for (u32 i = 0; i < rs->n; i++) {
                if (same(&rs->r[i], &new))
                        return E_EXIST;
                if (!before(&new, &rs->r[i]))
                        at = i + 1;
        }
        if (rs->n == rs->max)
                return E_NOMEM;
        memmove(&rs->r[at + 1], &rs->r[at], (rs->n - at) * sizeof new);
        rs->r[at] = new;
        rs->n++;
        ip_forget(st);
        return 0;
}

static void remove_at(struct stack *st, u32 i)
{
        struct route_state *rs = st->route;
        memmove(&rs->r[i], &rs->r[i + 1], (rs->n - i - 1) * sizeof rs->r[0]);
        rs->n--;
        ip_forget(st);
}

/* nif NULL: on any interface. */
static int del(struct stack *st, struct netif *nif, ipaddr net, u8 plen, ipaddr via)
{
        struct route_state *rs = st->route;
        for (u32 i = 0; i < rs->n; i++) {
                const struct route *r = &rs->r[i];
                if (ipaddr_eq(r->net, net) && r->plen == plen && ipaddr_eq(r->via, via) && (!nif || r->nif == nif)) {
                        remove_at(st, i);
                        return 0;
                }
        }
        return E_NOENT;
}

int route_del(struct stack *st, ipaddr net, u8 plen, ipaddr via) { return del(st, NULL, net, plen, via); }
int route_del_on(struct netif *nif, ipaddr net, u8 plen, ipaddr via) { return del(nif->st, nif, net, plen, via); }

void route_flush(struct netif *nif, u8 origin)
{
        struct route_state *rs = nif->st->route;
        for (u32 i = rs->n; i-- > 0;)
                if (rs->r[i].nif == nif && rs->r[i].origin == origin)
                        remove_at(nif->st, i);
}

void route_walk(struct stack *st, bool (*fn)(void *ctx, const struct route *), void *ctx)
{
        struct route_state *rs = st->route;
        for (u32 i = 0; i < rs->n; i++)
                if (!fn(ctx, &rs->r[i]))
                        return;
}
