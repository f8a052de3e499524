/* dhcp.c - what the DHCP client of each interface has.
 * SPDX-License-Identifier: MIT */
#include "commands.h"
#include "dhcp.h"

static bool print_lease(const struct netif *nif)
{
        struct dhcp_info d;

        if (!dhcp_status(nif, &d) || d.phase == DHCP_OFF)
                return false;
        out("%s: %s", nif->name, dhcp_phase_name(d.phase));
        if (!ipaddr_is_any(d.addr))
                out(", %I/%u from %I, %u of %u s left", &d.addr, d.plen, &d.server, d.left_s, d.lease_s);
        if (!ipaddr_is_any(d.router))
                out(", router %I", &d.router);
        for (u32 i = 0; i < DHCP_DNS; i++)
                if (!ipaddr_is_any(d.dns[i]))
                        out(", nameserver %I", &d.dns[i]);
        out("%s%s\n", d.domain[0] ? ", domain " : "", d.domain);
        return true;
}

int cmd_dhcp(struct words *w)
{
        struct stack *st = plat_stack();
        struct netif *nif;
        bool any = false;

        if (!words_more(w)) {
                for (u32 i = 0; i < st->n_nifs; i++)
                        any |= print_lease(st->nif[i]);
                if (!any)
                        out("DHCP is not used (interface IF dhcp starts it)\n");
                return 0;
        }
        if (!take_nif(w, &nif))
                return -1;
        bool renew = take_if(w, "renew"), release = !renew && take_if(w, "release");
        if (!renew && !release && words_more(w))
                return words_miss(w, "renew or release");
        if (!take_end(w))
                return -1;
        struct dhcp_info d;
        if ((renew || release) && (!dhcp_status(nif, &d) || d.phase == DHCP_OFF))
                return words_refuse(w, "%s does not use DHCP (interface %s dhcp starts it)", nif->name, nif->name);
        if (renew)
                dhcp_renew(nif);
        else if (release)
                dhcp_stop(nif);
        else if (!print_lease(nif))
                out("%s does not use DHCP\n", nif->name);
        return 0;
}
