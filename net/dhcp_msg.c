/* dhcp_msg.c - DHCP messages (RFC 2131 2, 2132): written for the client's phase, read with suspicion.
 * Not here: what they mean (dhcp.c). Long options split in parts (RFC 3396) are not joined.
 * SPDX-License-Identifier: MIT */
#include "dhcp_state.h"
#include "mem.h"

struct dhcp_msg {
        u8     op, htype, hlen, hops;
        be32   xid;
        be16   secs, flags;
        ipaddr ciaddr, yiaddr, siaddr, giaddr;
        u8     chaddr[16], sname[64], file[128], cookie[4];
};
_Static_assert(sizeof(struct dhcp_msg) == 240, "RFC 2131 2");

static const u8 cookie[4] = {99, 130, 83, 99};

enum { BROADCAST = 0x8000, MIN_LEN = 300 /* RFC 1542 2.1 */, MAX_LEN = 1472 };
enum {
        PAD = 0, MASK = 1, ROUTER = 3, DNS = 6, HOSTNAME = 12, DOMAIN = 15, REQUESTED = 50, LEASE = 51, OVERLOAD = 52,
        TYPE = 53, SERVER = 54, PARAMS = 55, MAX_SIZE = 57, T1 = 58, T2 = 59, CLIENT_ID = 61, END = 255,
};

static void put(struct pkt *p, u8 code, const void *v, u8 n)
{
        u8 head[2] = {code, n};
        pkt_append(p, head, 2);
        pkt_append(p, v, n);
}

static void put_options(struct dhcp *d, struct pkt *p, enum dhcp_type type, ipaddr requested, ipaddr server)
{
        static const u8 params[] = {MASK, ROUTER, DNS, DOMAIN, LEASE, SERVER, T1, T2};
        be16 max = be16_of(MAX_LEN);
        u8 t = (u8)type, id[7] = {1};
        memcpy(id + 1, d->nif->mac.b, 6);
        put(p, TYPE, &t, 1);
        put(p, CLIENT_ID, id, sizeof id);
        if (!ipaddr_is_any(requested))
                put(p, REQUESTED, &requested, 4);
        if (!ipaddr_is_any(server))
                put(p, SERVER, &server, 4);
        if (type == DHCPDISCOVER || type == DHCPREQUEST) {
                put(p, MAX_SIZE, &max, 2);
                put(p, PARAMS, params, sizeof params);
                if (d->hostname && d->hostname[0])
                        put(p, HOSTNAME, d->hostname, (u8)min_u32((u32)strlen(d->hostname), 63));
        }
        t = END;
        pkt_append(p, &t, 1);
        if (p->len < MIN_LEN) {
                memset(p->data + p->len, 0, MIN_LEN - p->len);
                p->len = MIN_LEN;
        }
}

/* RFC 2131 4.3.6 and table 5: which field carries which address in which phase. */
void dhcp_send(struct dhcp *d, enum dhcp_type type)
{
        struct stack *st = d->nif->st;
        struct pkt *p = udp_alloc(st);
        if (!p)
                return;
        bool renewing = type == DHCPREQUEST && (d->phase == DHCP_RENEWING || d->phase == DHCP_REBINDING);
        bool unicast = type == DHCPRELEASE || (renewing && d->phase == DHCP_RENEWING);
        bool has_addr = renewing || type == DHCPRELEASE;
        struct dhcp_msg m = {.op = 1, .htype = 1, .hlen = 6, .xid = be32_of(d->xid),
                             .secs = be16_of((u16)min_u32(dhcp_now_s(st) - d->start_s, 0xffff)),
                             .flags = be16_of(has_addr ? 0 : BROADCAST)};
        if (has_addr)
                m.ciaddr = d->addr;
        memcpy(m.chaddr, d->nif->mac.b, 6);
        memcpy(m.cookie, cookie, 4);
        pkt_append(p, &m, sizeof m);
        ipaddr requested = type == DHCPDECLINE || (type == DHCPREQUEST && !renewing) ? d->offered : IPADDR_ANY;
        bool selecting = type == DHCPREQUEST && !renewing && !d->rebooting;
        put_options(d, p, type, requested, selecting || type == DHCPDECLINE || type == DHCPRELEASE ? d->server : IPADDR_ANY);
        if (has_addr)
                udp_send(st->dhcp->sock, p, d->addr, unicast ? d->server : IPADDR_BCAST, DHCP_SERVER_PORT, d->nif);
        else
                udp_send_nameless(st->dhcp->sock, p, IPADDR_BCAST, DHCP_SERVER_PORT, d->nif);
}

static u32 get32(const u8 *v)
{
        be32 b;
        memcpy(&b, v, 4);
        return be32_get(b);
}

static ipaddr get_addr(const u8 *v)
{
        ipaddr a;
        memcpy(&a, v, 4);
        return a;
}

/* The prefix length of a mask, 0 when it has holes. */
static u8 plen_of(u32 mask) { return mask & (~mask >> 1) & 0x7fffffff || !(mask >> 31) ? 0 : (u8)(32 - __builtin_ctz(mask)); }

/* A domain name of letters, digits, dots and hyphens; anything else is not taken. */
static void get_domain(char *dst, const u8 *v, u32 n)
{
        if (n && v[n - 1] == 0)
                n--;
        if (n > 63)
                return;
        for (u32 i = 0; i < n; i++) {
                u8 c = v[i] | 32;
                if (!(c >= 'a' && c <= 'z') && !(v[i] >= '0' && v[i] <= '9') && v[i] != '.' && v[i] != '-')
                        return;
        }
        memcpy(dst, v, n);
        dst[n] = 0;
}

/* One option whose value lies wholly in the message; too short ones count as absent. */
static void take(struct dhcp_opts *o, u8 code, const u8 *v, u32 n)
{
        if (code == TYPE && n == 1) {
                o->type = *v;
        } else if (code == DOMAIN) {
                get_domain(o->domain, v, n);
        } else if (code == DNS) {
                for (o->n_dns = 0; o->n_dns < DHCP_DNS && n >= 4u * (o->n_dns + 1u); o->n_dns++)
                        o->dns[o->n_dns] = get_addr(v + 4 * o->n_dns);
        } else if (n >= 4) {
                switch (code) {
                case MASK: o->plen = plen_of(get32(v)); break;
                case ROUTER: o->router = get_addr(v); break;
                case SERVER: o->server = get_addr(v); break;
                case LEASE: o->lease_s = get32(v); break;
                case T1: o->t1_s = get32(v); break;
                case T2: o->t2_s = get32(v); break;
                }
        }
}

/* Walks one field of options; false when an option runs over its end. *overload: which other fields hold more (option 52). */
static bool walk(struct dhcp_opts *o, const u8 *v, const u8 *end, u8 *overload)
{
        while (v < end && *v != END) {
                if (*v == PAD) {
                        v++;
                        continue;
                }
                if (end - v < 2 || v[1] > end - v - 2)
                        return false;
                if (*v == OVERLOAD && v[1] == 1)
                        *overload = v[2];
                else
                        take(o, *v, v + 2, v[1]);
                v += 2 + v[1];
        }
        return true;
}

bool dhcp_parse(const struct dhcp *d, struct pkt *p, struct dhcp_opts *o, ipaddr *yiaddr)
{
        const struct dhcp_msg *m = (const struct dhcp_msg *)p->data;
        u8 overload = 0, nested = 0;
        if (p->chain || p->len < sizeof *m || m->op != 2 || m->htype != 1 || m->hlen != 6 || memcmp(m->cookie, cookie, 4) ||
            be32_get(m->xid) != d->xid || memcmp(m->chaddr, d->nif->mac.b, 6)) {
                pkt_drop(p, DROP_DHCP_BAD);
                return false;
        }
        memset(o, 0, sizeof *o);
        bool whole = walk(o, (const u8 *)(m + 1), p->data + p->len, &overload) &&
                     (!(overload & 1) || walk(o, m->file, m->file + sizeof m->file, &nested)) &&
                     (!(overload & 2) || walk(o, m->sname, m->sname + sizeof m->sname, &nested));
        if (!whole) {
                pkt_drop(p, DROP_DHCP_OPTION);
                return false;
        }
        *yiaddr = m->yiaddr;
        return true;
}
