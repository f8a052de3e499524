/* interface.c - ifconfig and the `interface` lines: addresses, DHCP, VLAN tag, up and down.
 * SPDX-License-Identifier: MIT */
#include "arp.h"
#include "commands.h"
#include "dhcp.h"
#include "linklocal.h"
#include "shell.h"

/* No bit of the host's part is set, or every one (RFC 1122 3.2.1.3). */
static bool names_network(ipaddr a, u8 plen)
{
        u32 host = ~be32_get(ipaddr_mask(plen).v4), bits = be32_get(a.v4) & host;

        return bits == 0 || bits == host;
}

static int set_address(struct words *w, struct netif *nif, bool on)
{
        ipaddr a;
        u8 plen;
        int e;

        if (!take_prefix(w, &a, &plen) || !take_end(w))
                return -1;
        if (ipaddr_is_any(a) || ipaddr_is_mcast(a) || ipaddr_is_bcast(a) || ipaddr_is_loopback(a))
                return words_refuse(w, "%I cannot be an interface's address", &a);
        if (on && plen < 31 && names_network(a, plen))
                return words_refuse(w, "%I/%u names the network (or all of it): give an address between", &a, plen);
        e = on ? netif_addr_add(nif, a, plen, IFADDR_STATIC, false) : netif_addr_del(nif, a);
        return e < 0 ? words_refuse(w, "%s %I: %s", nif->name, &a, stack_strerror(e)) : 0;
}

static int set_vlan(struct words *w, struct netif *nif, bool on)
{
        u32 tag = 0;

        if (on || words_more(w))
                if (!take_u32(w, "a VLAN number", 1, 4094, &tag))
                        return -1;
        if (!take_end(w))
                return -1;
        nif->vlan = (u16)(on ? tag : 0);
        netif_look(nif);
        arp_flush(nif);
        return 0;
}

/* The rest of a line behind the interface; `on` is false behind `no`. */
static int set(struct words *w, struct netif *nif, bool on)
{
        int e = 0;

        if (take_if(w, "address"))
                return set_address(w, nif, on);
        if (take_if(w, "vlan"))
                return set_vlan(w, nif, on);
        bool dhcp = take_if(w, "dhcp"), ll = !dhcp && take_if(w, "link-local"), up = !dhcp && !ll && take_if(w, "up");
        if (!dhcp && !ll && !up && !take_if(w, "down"))
                return words_miss(w, "dhcp, address, link-local, vlan, up or down");
        if (!take_end(w))
                return -1;
        if (dhcp && on)
                e = dhcp_start(nif, conf_hostname());
        else if (dhcp)
                dhcp_stop(nif);
        else if (ll && on)
                e = linklocal_start(nif);
        else if (ll)
                linklocal_stop(nif);
        else
                nif->up = up == on;
        netif_look(nif);
        return e < 0 ? words_refuse(w, "%s: %s", nif->name, stack_strerror(e)) : 0;
}

int cmd_interface(struct words *w)
{
        struct netif *nif;

        return take_nif(w, &nif) ? set(w, nif, true) : -1;
}

int no_interface(struct words *w)
{
        struct netif *nif;

        return take_nif(w, &nif) ? set(w, nif, false) : -1;
}

static bool has_dhcp(const struct netif *nif)
{
        struct dhcp_info d;

        return dhcp_status(nif, &d) && d.phase != DHCP_OFF;
}

static void show_one(const struct netif *nif)
{
        static const char *const origin[] = {"", " dhcp", " link-local"};
        const struct netif_counters *c = &nif->count;

        out("%s: %s%s, link %s, mtu %u, %M, %s", nif->name, nif->up ? "up" : "down", has_dhcp(nif) ? " dhcp" : "",
            nif->link ? "up" : "down", nif->mtu, &nif->mac, nif->driver);
        if (nif->vlan)
                out(", vlan %u", nif->vlan);
        out("\n");
        for (u32 i = 0; i < NETIF_ADDRS; i++)
                if (!ipaddr_is_any(nif->addr[i].addr))
                        out("    address %I/%u%s%s\n", &nif->addr[i].addr, nif->addr[i].plen, origin[nif->addr[i].origin % 3],
                            nif->addr[i].silent ? " silent" : "");
        out("    received %u packets, %llu bytes, %u errors, %u dropped\n", c->rx_packets, c->rx_bytes, c->rx_errors,
            c->rx_dropped);
        out("    sent %u packets, %llu bytes, %u errors, %u dropped\n", c->tx_packets, c->tx_bytes, c->tx_errors, c->tx_dropped);
}

static bool begins_with_digit(const struct words *w)
{
        return words_more(w) && w->word[w->at][0] >= '0' && w->word[w->at][0] <= '9';
}

int cmd_ifconfig(struct words *w)
{
        struct stack *st = plat_stack();
        struct netif *nif;

        if (!words_more(w)) {
                for (u32 i = 0; i < st->n_nifs; i++)
                        show_one(st->nif[i]);
                if (!st->n_nifs)
                        out("no network interface was found\n");
                return 0;
        }
        if (!take_nif(w, &nif))
                return -1;
        if (!words_more(w)) {
                show_one(nif);
                return 0;
        }
        return begins_with_digit(w) ? set_address(w, nif, true) : set(w, nif, true);
}

int no_ifconfig(struct words *w)
{
        struct netif *nif;

        if (!take_nif(w, &nif))
                return -1;
        return begins_with_digit(w) ? set_address(w, nif, false) : set(w, nif, false);
}

void show_interface(void)
{
        struct stack *st = plat_stack();

        for (u32 i = 0; i < st->n_nifs; i++) {
                const struct netif *nif = st->nif[i];

                if (nif->vlan)
                        out("interface %s vlan %u\n", nif->name, nif->vlan);
                if (has_dhcp(nif))
                        out("interface %s dhcp\n", nif->name);
                for (u32 j = 0; j < NETIF_ADDRS; j++)
                        if (!ipaddr_is_any(nif->addr[j].addr) && nif->addr[j].origin == IFADDR_STATIC)
                                out("interface %s address %I/%u\n", nif->name, &nif->addr[j].addr, nif->addr[j].plen);
                if (linklocal_on(nif))
                        out("interface %s link-local\n", nif->name);
                if (!nif->up)
                        out("interface %s down\n", nif->name);
        }
        show_arp(); /* an entry wants the network of an address */
}
