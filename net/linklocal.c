/* linklocal.c - an address from 169.254/16 while no DHCP server answers (RFC 3927).
 * The address is probed for before use (2.2.1) and given up at the second conflict within 10 s (2.5 b).
 * SPDX-License-Identifier: MIT */
#include "arp.h"
#include "dhcp_state.h"
#include "linklocal.h"
#include "mem.h"
#include "siphash.h"

enum { MAX_CONFLICTS = 10, RATE_LIMIT_MS = 60000 }; /* RFC 3927 9 */

static void probed(void *ctx, bool unused);

/* 169.254.1.0 to 169.254.254.255, derived from the MAC so that a machine gets its old address again (2.1). */
static ipaddr candidate(const struct linklocal *ll)
{
        static const u8 nokey[16];
        u8 msg[10];
        memcpy(msg, ll->nif->mac.b, 6);
        memcpy(msg + 6, &ll->tried, 4);
        u32 n = 256 + (u32)siphash(nokey, msg, sizeof msg) % (254 * 256);
        return IPADDR(169, 254, (u8)(n >> 8), (u8)n);
}

static void fire(struct timer *t)
{
        struct linklocal *ll = container_of(t, struct linklocal, timer);
        ll->addr = candidate(ll);
        ll->tried++;
        ll->phase = LL_PROBING;
        if (arp_probe(ll->nif, ll->addr, probed, ll) < 0)
                ll_start(ll, ll->nif, RATE_LIMIT_MS);
}

static void again(struct linklocal *ll)
{
        if (ll->conflicts < MAX_CONFLICTS)
                ll->conflicts++;
        ll_start(ll, ll->nif, ll->conflicts < MAX_CONFLICTS ? 0 : RATE_LIMIT_MS);
}

static void probed(void *ctx, bool unused)
{
        struct linklocal *ll = ctx;
        if (!unused) {
                again(ll);
                return;
        }
        if (netif_addr_add(ll->nif, ll->addr, 16, IFADDR_LINK_LOCAL, false) < 0) {
                ll_start(ll, ll->nif, RATE_LIMIT_MS);
                return;
        }
        ll->phase = LL_BOUND;
        stack_log(ll->nif->st, "%s: %s, using %I", ll->nif->name, ll->asked ? "link-local" : "no DHCP server yet", &ll->addr);
}

void ll_start(struct linklocal *ll, struct netif *nif, u32 delay_ms)
{
        ll->nif = nif;
        ll->phase = LL_WAITING;
        ll->timer.fire = fire;
        timer_set(&nif->st->wheel, &ll->timer, stack_now_ms(nif->st) + delay_ms);
}

void ll_stop(struct linklocal *ll)
{
        if (ll->phase == LL_OFF)
                return;
        timer_stop(&ll->nif->st->wheel, &ll->timer);
        if (ll->phase == LL_PROBING)
                arp_probe_stop(ll->nif, ll->addr);
        if (ll->phase == LL_BOUND)
                netif_addr_del(ll->nif, ll->addr);
        ll->phase = LL_OFF;
        ll->tried = 0;
        ll->conflicts = 0;
}

void ll_conflict(struct linklocal *ll)
{
        netif_addr_del(ll->nif, ll->addr);
        again(ll);
}

int linklocal_start(struct netif *nif)
{
        if (nif->caps & NETIF_L3)
                return E_INVAL;
        struct dhcp *d = dhcp_of(nif);
        if (!d)
                return E_NOMEM;
        d->ll.asked = true;
        if (d->ll.phase == LL_OFF && nif->link)
                ll_start(&d->ll, nif, 0);
        return 0;
}

void linklocal_stop(struct netif *nif)
{
        struct dhcp *d = nif->st->dhcp ? nif->st->dhcp->client[nif->index] : NULL;
        if (!d)
                return;
        d->ll.asked = false;
        ll_stop(&d->ll);
}

bool linklocal_on(const struct netif *nif)
{
        const struct dhcp *d = nif->st->dhcp ? nif->st->dhcp->client[nif->index] : NULL;
        return d && d->ll.asked;
}
