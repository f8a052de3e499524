/* dhcp.c - the life of a lease (RFC 2131): discover, request, use, renew, rebind, lose.
 *
 *      SELECTING -> REQUESTING -> CHECKING -> BOUND -> RENEWING -> REBINDING -> (expired) SELECTING
 *
 * The address serves from the acknowledgement on; CHECKING only means that the conflict probes (claim.c) are still out.
 * The random wait before the first DISCOVER (4.4.1) is left out: a machine that boots alone should be up at once.
 * SPDX-License-Identifier: MIT */
#include "arp.h"
#include "dhcp_state.h"
#include "dns.h"
#include "ip.h"
#include "mem.h"
#include "route.h"

enum {
        FIRST_RETRY_MS = 4000, LAST_RETRY_MS = 64000, JITTER_MS = 1000, /* RFC 2131 4.1 */
        REQUEST_TRIES = 4, REBOOT_TRIES = 3,
        DECLINE_WAIT_MS = 10000,  /* 3.1 5. */
        NAK_WAIT_MS = 1000,
        CHECK_MS = 7000,          /* longer than the probes of RFC 5227 take */
        LINK_LOCAL_MS = 10000,
        RENEW_MIN_S = 60,         /* 4.4.5 */
        DAY_S = 86400,            /* longest wait in one go, well inside the wheel's reach */
};
static const u32 forever_s = 0xffffffff;

static void fire(struct timer *t);
static void select_server(struct dhcp *d, u32 delay_ms);

static struct stack *stack_of(const struct dhcp *d) { return d->nif->st; }

const char *dhcp_phase_name(enum dhcp_phase phase)
{
        static const char *const names[] = {"off", "selecting", "requesting", "checking", "bound", "renewing", "rebinding",
                                            "link-local"};
        return names[phase];
}

static void wait_ms(struct dhcp *d, u32 ms) { timer_set(&stack_of(d)->wheel, &d->timer, stack_now_ms(stack_of(d)) + ms); }
static void wait_s(struct dhcp *d, u32 s) { wait_ms(d, min_u32(s, DAY_S) * 1000); }

/* 4, 8, 16, 32, 64 s, each with up to a second more or less. */
static void wait_retry(struct dhcp *d)
{
        u32 ms = min_u32((u32)FIRST_RETRY_MS << min_u32(d->tries, 5), LAST_RETRY_MS);
        wait_ms(d, ms - JITTER_MS + stack_random(stack_of(d)) % (2 * JITTER_MS));
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

static void unbind(struct dhcp *d)
{
        if (ipaddr_is_any(d->addr))
                return;
        ipaddr gone = d->addr;
        d->addr = IPADDR_ANY;
        route_flush(d->nif, IFADDR_DHCP);
        netif_addr_del(d->nif, gone);
        share_dns(stack_of(d));
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

/* Puts the acknowledged lease to use, or prolongs it; false when the interface cannot take it. */
static bool bind(struct dhcp *d, const struct dhcp_opts *o)
{
        struct stack *st = stack_of(d);
        u8 plen = o->plen ? o->plen : classful(d->offered);
        bool fresh = !ipaddr_eq(d->addr, d->offered) || d->plen != plen;
        d->bound_s = d->asked_s;
        d->rebooting = false;
        d->tries = 0;
        if (!d->ll.asked)
                ll_stop(&d->ll);
        if (fresh) {
                unbind(d);
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
                fire(&d->timer);
        return true;
}

static void request(struct dhcp *d)
{
        d->asked_s = dhcp_now_s(stack_of(d));
        dhcp_send(d, DHCPREQUEST);
}

static void select_server(struct dhcp *d, u32 delay_ms)
{
        struct stack *st = stack_of(d);
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
                fire(&d->timer);
}

static void lost(struct dhcp *d, const char *why, u32 delay_ms)
{
        stack_log(stack_of(d), "%s: lease lost: %s", d->nif->name, why);
        unbind(d);
        select_server(d, delay_ms);
}

/* What is due in a lease that we hold, `age` seconds after it began. */
static void fire_bound(struct dhcp *d)
{
        u32 age = dhcp_now_s(stack_of(d)) - d->bound_s;
        if (d->got.lease_s == forever_s) {
                d->phase = DHCP_BOUND;
                return;
        }
        if (age >= d->got.lease_s) {
                lost(d, "expired", 0);
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
                d->xid = stack_random(stack_of(d));
                d->start_s = dhcp_now_s(stack_of(d));
        }
        d->phase = phase;
        request(d);
        wait_s(d, min_u32(left, max_u32(left / 2, RENEW_MIN_S)));
}

static void fire(struct timer *t)
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
                        select_server(d, 0);
                }
                break;
        case DHCP_OFF:
        case DHCP_LINK_LOCAL:
                break;
        default:
                fire_bound(d);
        }
}

/* An address that a host can have. */
static bool usable(ipaddr a) { return a.v4.b[0] != 0 && a.v4.b[0] < 0xe0 && !ipaddr_is_loopback(a); }

static void rx_offer(struct dhcp *d, struct pkt *p, const struct dhcp_opts *o, ipaddr yiaddr)
{
        if (d->phase != DHCP_SELECTING || d->tries == 0) {
                pkt_drop(p, DROP_DHCP_STATE);
                return;
        }
        if (!usable(yiaddr) || !usable(o->server)) {
                pkt_drop(p, DROP_DHCP_OFFER);
                return;
        }
        d->phase = DHCP_REQUESTING;
        d->offered = yiaddr;
        d->server = o->server;
        d->tries = 0;
        fire(&d->timer);
        pkt_drop(p, DROP_DHCP_DONE);
}

static bool asking(const struct dhcp *d)
{
        return d->phase == DHCP_REQUESTING || d->phase == DHCP_RENEWING || d->phase == DHCP_REBINDING;
}

static void rx_ack(struct dhcp *d, struct pkt *p, const struct dhcp_opts *o, ipaddr yiaddr)
{
        if (!asking(d)) {
                pkt_drop(p, DROP_DHCP_STATE_ACK);
                return;
        }
        if (!usable(yiaddr) || o->lease_s == 0 || (d->phase == DHCP_REQUESTING && !ipaddr_eq(yiaddr, d->offered))) {
                pkt_drop(p, DROP_DHCP_ACK);
                return;
        }
        d->offered = yiaddr;
        if (usable(o->server))
                d->server = o->server;
        if (!bind(d, o))
                select_server(d, DECLINE_WAIT_MS);
        pkt_drop(p, DROP_DHCP_DONE);
}

static void rx(struct udp_sock *us, struct pkt *p, const struct udp_from *from)
{
        struct dhcp *d = udp_stack(us)->dhcp->client[from->nif->index];
        struct dhcp_opts o;
        ipaddr yiaddr;
        if (!d || d->phase == DHCP_OFF || from->sport != DHCP_SERVER_PORT) {
                pkt_drop(p, DROP_DHCP_UNASKED);
                return;
        }
        if (!dhcp_parse(d, p, &o, &yiaddr))
                return;
        if (o.type == DHCPOFFER) {
                rx_offer(d, p, &o, yiaddr);
        } else if (o.type == DHCPACK) {
                rx_ack(d, p, &o, yiaddr);
        } else if (o.type == DHCPNAK && asking(d)) {
                lost(d, "refused by the server", NAK_WAIT_MS);
                pkt_drop(p, DROP_DHCP_DONE);
        } else {
                pkt_drop(p, DROP_DHCP_TYPE);
        }
}

static bool make_state(struct stack *st)
{
        if (!st->dhcp)
                st->dhcp = stack_alloc(st, sizeof *st->dhcp, 16);
        if (st->dhcp && !st->dhcp->sock)
                st->dhcp->sock = udp_open(st, IPADDR_ANY, DHCP_CLIENT_PORT, rx, NULL);
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
        d->timer.fire = fire;
        select_server(d, 0);
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
        unbind(d);
}

void dhcp_renew(struct netif *nif)
{
        struct dhcp *d = client(nif);
        if (!d)
                return;
        if (ipaddr_is_any(d->addr)) {
                select_server(d, 0);
                return;
        }
        d->xid = stack_random(nif->st);
        d->start_s = dhcp_now_s(nif->st);
        d->phase = DHCP_RENEWING;
        d->rebooting = false;
        fire(&d->timer);
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
                select_server(d, 0);
                return;
        }
        /* RFC 2131 3.2, INIT-REBOOT: is the old address good on this wire? It serves meanwhile. */
        d->phase = DHCP_REQUESTING;
        d->rebooting = true;
        d->offered = d->addr;
        d->tries = 0;
        d->xid = stack_random(nif->st);
        d->start_s = dhcp_now_s(nif->st);
        fire(&d->timer);
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
                unbind(d);
                dhcp_send(d, DHCPDECLINE);
                lost(d, "address in use by another", DECLINE_WAIT_MS);
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
        out->left_s = d->got.lease_s == forever_s ? forever_s : age < d->got.lease_s ? d->got.lease_s - age : 0;
        memcpy(out->domain, d->got.domain, sizeof out->domain);
        return true;
}
