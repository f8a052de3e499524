/* dhcp.c - the DHCP client of an interface: started, stopped, asked, told of the carrier and of conflicts (RFC 2131).
 * Its lease lives in dhcp_lease.c, the server's messages come in by dhcp_rx.c.
 * SPDX-License-Identifier: MIT */
#include "dhcp_state.h"
#include "mem.h"

const char *dhcp_phase_name(enum dhcp_phase phase)
{
        static const char *const names[] = {"off", "selecting", "requesting", "checking", "bound", "renewing", "rebinding",
                                            "link-local"};
        return names[phase];
}

static bool make_state(struct stack *st)
{
        if (!st->dhcp)
                st->dhcp = stack_alloc(st, sizeof *st->dhcp, 16);
        if (st->dhcp && !st->dhcp->sock)
                st->dhcp->sock = udp_open(st, IPADDR_ANY, DHCP_CLIENT_PORT, dhcp_rx, NULL);
        return st->dhcp && st->dhcp->sock;
}

struct dhcp *dhcp_of(struct netif *nif)
{
        struct stack *st = nif->st;
        if (!make_state(st))
                return NULL;
        struct dhcp *d = st->dhcp->client[nif->index];
        if (!d)
                d = st->dhcp->client[nif->index] = stack_alloc(st, sizeof *d, 16);
        if (d)
                d->nif = nif;
        return d;
}

int dhcp_start(struct netif *nif, const char *hostname)
{
        if (nif->caps & NETIF_L3)
                return E_INVAL;
        struct dhcp *d = dhcp_of(nif);
        if (!d)
                return E_NOMEM;
        if (d->phase != DHCP_OFF)
                return E_EXIST;
        d->hostname = hostname;
        d->timer.fire = dhcp_fire;
        dhcp_select(d, 0);
        return 0;
}

/* Also one that only holds a link-local address. */
static struct dhcp *any_client(const struct netif *nif)
{
        return nif->st->dhcp ? nif->st->dhcp->client[nif->index] : NULL;
}

static struct dhcp *client(const struct netif *nif)
{
        struct dhcp *d = any_client(nif);
        return d && d->phase != DHCP_OFF ? d : NULL;
}

void dhcp_stop(struct netif *nif)
{
        struct dhcp *d = client(nif);
        if (!d)
                return;
        timer_stop(&nif->st->wheel, &d->timer);
        if (!ipaddr_is_any(d->addr)) {
                d->xid = stack_random(nif->st);
                dhcp_send(d, DHCPRELEASE);
        }
        d->phase = DHCP_OFF;
        if (!d->ll.asked)
                ll_stop(&d->ll);
        dhcp_unbind(d);
}

void dhcp_renew(struct netif *nif)
{
        struct dhcp *d = client(nif);
        if (!d)
                return;
        if (ipaddr_is_any(d->addr)) {
                dhcp_select(d, 0);
                return;
        }
        d->xid = stack_random(nif->st);
        d->start_s = dhcp_now_s(nif->st);
        d->phase = DHCP_RENEWING;
        d->rebooting = false;
        dhcp_fire(&d->timer);
}

void dhcp_link(struct netif *nif)
{
        struct dhcp *d = any_client(nif);
        if (!d)
                return;
        if (!nif->link) {
                timer_stop(&nif->st->wheel, &d->timer);
                ll_stop(&d->ll);
                return;
        }
        if (d->ll.asked)
                ll_start(&d->ll, nif, 0);
        if (d->phase == DHCP_OFF)
                return;
        if (ipaddr_is_any(d->addr)) {
                dhcp_select(d, 0);
                return;
        }
        /* RFC 2131 3.2, INIT-REBOOT: is the old address good on this wire? It serves meanwhile. */
        d->phase = DHCP_REQUESTING;
        d->rebooting = true;
        d->offered = d->addr;
        d->tries = 0;
        d->xid = stack_random(nif->st);
        d->start_s = dhcp_now_s(nif->st);
        dhcp_fire(&d->timer);
}

void dhcp_conflict(struct netif *nif, ipaddr addr, bool again)
{
        struct dhcp *d = any_client(nif);
        if (!d)
                return;
        if (d->ll.phase == LL_BOUND && ipaddr_eq(d->ll.addr, addr)) {
                if (again)
                        ll_conflict(&d->ll);
        } else if (d->phase != DHCP_OFF && ipaddr_eq(d->addr, addr) && (again || d->phase == DHCP_CHECKING)) {
                d->offered = addr;
                dhcp_unbind(d);
                dhcp_send(d, DHCPDECLINE);
                dhcp_lost(d, "address in use by another", DHCP_DECLINE_WAIT_MS);
        }
}

bool dhcp_status(const struct netif *nif, struct dhcp_info *out)
{
        const struct dhcp *d = client(nif);
        memset(out, 0, sizeof *out);
        if (!d)
                return false;
        out->phase = d->phase == DHCP_SELECTING && d->ll.phase == LL_BOUND ? DHCP_LINK_LOCAL : d->phase;
        out->addr = out->phase == DHCP_LINK_LOCAL ? d->ll.addr : d->addr;
        out->plen = out->phase == DHCP_LINK_LOCAL ? 16 : d->plen;
        if (ipaddr_is_any(d->addr))
                return true;
        out->server = d->server;
        out->router = d->got.router;
        memcpy(out->dns, d->got.dns, sizeof out->dns);
        out->lease_s = d->got.lease_s;
        u32 age = dhcp_now_s(nif->st) - d->bound_s;
        out->left_s = d->got.lease_s == DHCP_FOREVER ? DHCP_FOREVER : age < d->got.lease_s ? d->got.lease_s - age : 0;
        memcpy(out->domain, d->got.domain, sizeof out->domain);
        return true;
}
