/* route.c - the route, forwarding, arp and nameserver commands.
 * SPDX-License-Identifier: MIT */
#include "arp.h"
#include "commands.h"
#include "dns.h"
#include "ip.h"
#include "route.h"

static const char *origin_name(u8 origin)
{
        switch (origin) {
        case IFADDR_STATIC: return "static";
        case IFADDR_DHCP: return "dhcp";
        case IFADDR_LINK_LOCAL: return "link-local";
        default: return "connected";
        }
}

static bool print_route(void *ctx, const struct route *r)
{
        out("%I/%u ", &r->net, r->plen);
        if (!ipaddr_is_any(r->via))
                out("via %I ", &r->via);
        out("on %s (%s)\n", r->nif ? r->nif->name : "?", origin_name(r->origin));
        return true;
}

int cmd_forwarding(struct words *w)
{
        struct stack *st = plat_stack();
        bool on = take_if(w, "on");

        if (!words_more(w) && !on) {
                out("forwarding is %s; %u packets passed\n", ip_forwards(st) ? "on" : "off", ip_forwarded(st));
                return 0;
        }
        if (!on && !take_if(w, "off"))
                return words_miss(w, "on or off");
        if (!take_end(w))
                return -1;
        ip_forwarding(st, on);
        return 0;
}

int no_forwarding(struct words *w)
{
        w->at = w->n; /* the whole line may be given */
        ip_forwarding(plat_stack(), false);
        return 0;
}

void show_forwarding(void)
{
        if (ip_forwards(plat_stack()))
                out("forwarding on\n");
}

/* NET/PLEN or default, then `via`; the gateway may be missing behind `no`. */
static int take_route(struct words *w, bool on, ipaddr *net, u8 *plen, ipaddr *via)
{
        *net = *via = IPADDR_ANY;
        *plen = 0;
        if (!take_if(w, "default")) {
                if (!take_prefix(w, net, plen))
                        return -1;
                if (be32_raw(net->v4) & ~be32_raw(ipaddr_mask(*plen).v4))
                        return words_fail(w, "a network: no bits behind the prefix length");
        }
        if (!on && !words_more(w))
                return 0;
        if (!take_if(w, "via"))
                return words_miss(w, "via");
        return take_addr(w, via) && take_end(w) ? 0 : -1;
}

int cmd_route(struct words *w)
{
        ipaddr net, via;
        u8 plen;

        if (!words_more(w)) {
                route_walk(plat_stack(), print_route, NULL);
                return 0;
        }
        if (take_route(w, true, &net, &plen, &via) < 0)
                return -1;
        int e = route_add(plat_stack(), net, plen, via, NULL, IFADDR_STATIC);
        if (e == E_NOROUTE)
                return words_refuse(w, "no interface is in the network of %I: give it an address first", &via);
        return e < 0 ? words_refuse(w, "%s", stack_strerror(e)) : 0;
}

/* The gateway of a static route that is named by its network alone. */
struct find_via { ipaddr net, via; u8 plen; };

static bool match_route(void *ctx, const struct route *r)
{
        struct find_via *f = ctx;

        if (r->origin != IFADDR_STATIC || r->plen != f->plen || !ipaddr_eq(r->net, f->net))
                return true;
        f->via = r->via;
        return false;
}

int no_route(struct words *w)
{
        struct find_via f;

        if (take_route(w, false, &f.net, &f.plen, &f.via) < 0)
                return -1;
        if (ipaddr_is_any(f.via))
                route_walk(plat_stack(), match_route, &f);
        int e = route_del(plat_stack(), f.net, f.plen, f.via);
        return e < 0 ? words_refuse(w, "there is no such route") : 0;
}

static bool show_static(void *ctx, const struct route *r)
{
        if (r->origin == IFADDR_STATIC) {
                if (r->plen)
                        out("route %I/%u via %I\n", &r->net, r->plen, &r->via);
                else
                        out("route default via %I\n", &r->via);
        }
        return true;
}

void show_route(void) { route_walk(plat_stack(), show_static, NULL); }

static bool print_arp(void *ctx, const struct arp_info *a)
{
        if (a->complete)
                out("%I at %M on %s", &a->addr, &a->mac, a->nif->name);
        else
                out("%I (no answer yet) on %s", &a->addr, a->nif->name);
        if (a->how == ARP_STATIC)
                out(", permanent\n");
        else
                out(", %u s old\n", a->age_ms / 1000);
        return true;
}

int cmd_arp(struct words *w)
{
        struct ip_path path;
        ipaddr a;
        macaddr mac;

        if (!words_more(w)) {
                arp_walk(plat_stack(), print_arp, NULL);
                return 0;
        }
        if (!take_addr(w, &a) || !take_mac(w, &mac) || !take_end(w))
                return -1;
        if (!ip_route(plat_stack(), a, &path) || !ipaddr_eq(path.hop, a))
                return words_refuse(w, "%I is in no network of an interface", &a);
        int e = arp_set(path.nif, a, mac);
        return e < 0 ? words_refuse(w, "%s", stack_strerror(e)) : 0;
}

int no_arp(struct words *w)
{
        ipaddr a;
        macaddr mac;

        if (!take_addr(w, &a) || (words_more(w) && !take_mac(w, &mac)) || !take_end(w))
                return -1;
        return arp_del(plat_stack(), a) ? 0 : words_refuse(w, "no entry for %I", &a);
}

static bool show_permanent(void *ctx, const struct arp_info *a)
{
        if (a->how == ARP_STATIC)
                out("arp %I %M\n", &a->addr, &a->mac);
        return true;
}

void show_arp(void) { arp_walk(plat_stack(), show_permanent, NULL); }

static ipaddr nameservers[DNS_SERVERS];  /* those configured; any() = none */

int cmd_nameserver(struct words *w)
{
        ipaddr a;
        u32 slot = DNS_SERVERS;

        if (!take_addr(w, &a) || !take_end(w))
                return -1;
        for (u32 i = DNS_SERVERS; i-- > 0;) {
                if (ipaddr_eq(nameservers[i], a))
                        return 0;
                if (ipaddr_is_any(nameservers[i]))
                        slot = i;
        }
        if (slot == DNS_SERVERS)
                return words_refuse(w, "%u nameservers are configured already", (u32)DNS_SERVERS);
        int e = dns_server_add(plat_stack(), a, IFADDR_STATIC);
        if (e < 0)
                return words_refuse(w, "%s", stack_strerror(e));
        nameservers[slot] = a;
        return 0;
}

int no_nameserver(struct words *w)
{
        ipaddr a;

        if (!take_addr(w, &a) || !take_end(w))
                return -1;
        for (u32 i = 0; i < DNS_SERVERS; i++) {
                if (!ipaddr_eq(nameservers[i], a))
                        continue;
                nameservers[i] = IPADDR_ANY;
                dns_server_del(plat_stack(), a);
                return 0;
        }
        return words_refuse(w, "%I is not a configured nameserver", &a);
}

void show_nameserver(void)
{
        for (u32 i = 0; i < DNS_SERVERS; i++)
                if (!ipaddr_is_any(nameservers[i]))
                        out("nameserver %I\n", &nameservers[i]);
}
