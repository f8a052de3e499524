/* dhcp_lease.c - the life of a lease (RFC 2131): discover, request, use, renew, rebind, lose.
 *
 *      SELECTING -> REQUESTING -> CHECKING -> BOUND -> RENEWING -> REBINDING -> (expired) SELECTING
 *
 * The address serves from the acknowledgement on; CHECKING only means that the conflict probes (claim.c) are still out.
 * The random wait before the first DISCOVER (4.4.1) is left out: a machine that boots alone should be up at once.
 * SPDX-License-Identifier: MIT */
#include "dhcp_state.h"
#include "dns.h"
#include "route.h"

enum {
        FIRST_RETRY_MS = 4000, LAST_RETRY_MS = 64000, JITTER_MS = 1000, /* RFC 2131 4.1 */
        REQUEST_TRIES = 4, REBOOT_TRIES = 3,
        CHECK_MS = 7000,          /* longer than the probes of RFC 5227 take */
        LINK_LOCAL_MS = 10000,
        RENEW_MIN_S = 60,         /* 4.4.5 */
        DAY_S = 86400,            /* longest wait in one go, well inside the wheel's reach */
};

static void wait_ms(struct dhcp *d, u32 ms) { timer_set(&d->nif->st->wheel, &d->timer, stack_now_ms(d->nif->st) + ms); }
static void wait_s(struct dhcp *d, u32 s) { wait_ms(d, min_u32(s, DAY_S) * 1000); }

/* 4, 8, 16, 32, 64 s, each with up to a second more or less. */
static void wait_retry(struct dhcp *d)
{
        u32 ms = min_u32((u32)FIRST_RETRY_MS << min_u32(d->tries, 5), LAST_RETRY_MS);
        wait_ms(d, ms - JITTER_MS + stack_random(d->nif->st) % (2 * JITTER_MS));
        d->tries++;
}

/* Name servers are known per stack: begin again and add those of every lease. */
static void share_dns(struct stack *st)
{
        dns_server_flush(st, IFADDR_DHCP);
        for (u32 i = 0; i < st->n_nifs; i++) {
                const struct dhcp *d = st->dhcp->client[i];
                for (u32 j = 0; d && !ipaddr_is_any(d->addr) && j < d->got.n_dns; j++)
                        dns_server_add(st, d->got.dns[j], IFADDR_DHCP);
        }
}

void dhcp_unbind(struct dhcp *d)
{
        if (ipaddr_is_any(d->addr))
                return;
        ipaddr gone = d->addr;
        d->addr = IPADDR_ANY;
        route_flush(d->nif, IFADDR_DHCP);
        netif_addr_del(d->nif, gone);
        share_dns(d->nif->st);
}

/* Networks of classes A, B, C, where the server names no mask. */
static u8 classful(ipaddr a) { return a.v4.b[0] < 128 ? 8 : a.v4.b[0] < 192 ? 16 : 24; }

/* RFC 2131 4.4.5: half and seven eighths of the lease unless told, and always in order. */
static void times(struct dhcp_opts *o)
{
        u32 l = o->lease_s;
        if (o->t2_s == 0 || o->t2_s >= l)
                o->t2_s = l - l / 8;
        if (o->t1_s == 0 || o->t1_s >= o->t2_s)
                o->t1_s = min_u32(l / 2, o->t2_s);
}

bool dhcp_bind(struct dhcp *d, const struct dhcp_opts *o)
{
        struct stack *st = d->nif->st;
        u8 plen = o->plen ? o->plen : classful(d->offered);
        bool fresh = !ipaddr_eq(d->addr, d->offered) || d->plen != plen;
        d->bound_s = d->asked_s;
        d->rebooting = false;
        d->tries = 0;
        if (!d->ll.asked)
                ll_stop(&d->ll);
        if (fresh) {
                dhcp_unbind(d);
                if (netif_addr_add(d->nif, d->offered, plen, IFADDR_DHCP, false) < 0)
                        return false;
                d->addr = d->offered;
                d->plen = plen;
                stack_log(st, "%s: %I/%u from %I for %u s", d->nif->name, &d->addr, plen, &d->server, o->lease_s);
        }
        d->got = *o;
        times(&d->got);
        route_flush(d->nif, IFADDR_DHCP);
        if (!ipaddr_is_any(o->router))
                route_add(st, IPADDR_ANY, 0, o->router, d->nif, IFADDR_DHCP);
        share_dns(st);
        d->phase = fresh ? DHCP_CHECKING : DHCP_BOUND;
        if (fresh)
                wait_ms(d, CHECK_MS);
        else
                dhcp_fire(&d->timer);
        return true;
}

static void request(struct dhcp *d)
{
        d->asked_s = dhcp_now_s(d->nif->st);
        dhcp_send(d, DHCPREQUEST);
}

void dhcp_select(struct dhcp *d, u32 delay_ms)
{
        struct stack *st = d->nif->st;
        d->phase = DHCP_SELECTING;
        d->rebooting = false;
        d->tries = 0;
        d->xid = stack_random(st);
        d->start_s = dhcp_now_s(st);
        if (d->ll.phase == LL_OFF)
                ll_start(&d->ll, d->nif, delay_ms + LINK_LOCAL_MS);
        if (delay_ms)
                wait_ms(d, delay_ms);
        else
                dhcp_fire(&d->timer);
}

void dhcp_lost(struct dhcp *d, const char *why, u32 delay_ms)
{
        stack_log(d->nif->st, "%s: lease lost: %s", d->nif->name, why);
        dhcp_unbind(d);
        dhcp_select(d, delay_ms);
}

/* What is due in a lease that we hold, `age` seconds after it began. */
static void fire_bound(struct dhcp *d)
{
        u32 age = dhcp_now_s(d->nif->st) - d->bound_s;
        if (d->got.lease_s == DHCP_FOREVER) {
                d->phase = DHCP_BOUND;
                return;
        }
        if (age >= d->got.lease_s) {
                dhcp_lost(d, "expired", 0);
                return;
        }
        if (age < d->got.t1_s && d->phase != DHCP_RENEWING) {
                d->phase = DHCP_BOUND;
                wait_s(d, d->got.t1_s - age);
                return;
        }
        enum dhcp_phase phase = age < d->got.t2_s ? DHCP_RENEWING : DHCP_REBINDING;
        u32 left = (phase == DHCP_RENEWING ? d->got.t2_s : d->got.lease_s) - age;
        if (d->phase != DHCP_RENEWING && d->phase != DHCP_REBINDING) {
                d->xid = stack_random(d->nif->st);
                d->start_s = dhcp_now_s(d->nif->st);
        }
        d->phase = phase;
        request(d);
        wait_s(d, min_u32(left, max_u32(left / 2, RENEW_MIN_S)));
}

void dhcp_fire(struct timer *t)
{
        struct dhcp *d = container_of(t, struct dhcp, timer);
        switch (d->phase) {
        case DHCP_SELECTING:
                dhcp_send(d, DHCPDISCOVER);
                wait_retry(d);
                break;
        case DHCP_REQUESTING:
                if (d->tries < (d->rebooting ? REBOOT_TRIES : REQUEST_TRIES)) {
                        request(d);
                        wait_retry(d);
                } else if (d->rebooting) {
                        /* RFC 2131 3.2: nobody answers, the lease is still ours */
                        d->rebooting = false;
                        d->phase = DHCP_BOUND;
                        fire_bound(d);
                } else {
                        dhcp_select(d, 0);
                }
                break;
        case DHCP_OFF:
        case DHCP_LINK_LOCAL:
                break;
        default:
                fire_bound(d);
        }
}
