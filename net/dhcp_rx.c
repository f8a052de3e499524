/* dhcp_rx.c - what the server's messages do to a lease (RFC 2131 4.4.1, 4.4.5).
 * SPDX-License-Identifier: MIT */
#include "dhcp_state.h"
#include "ip.h"

enum { NAK_WAIT_MS = 1000 };

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
        dhcp_fire(&d->timer);
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
        if (!dhcp_bind(d, o))
                dhcp_select(d, DHCP_DECLINE_WAIT_MS);
        pkt_drop(p, DROP_DHCP_DONE);
}

void dhcp_rx(struct udp_sock *us, struct pkt *p, const struct udp_from *from)
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
                dhcp_lost(d, "refused by the server", NAK_WAIT_MS);
                pkt_drop(p, DROP_DHCP_DONE);
        } else {
                pkt_drop(p, DROP_DHCP_TYPE);
        }
}
