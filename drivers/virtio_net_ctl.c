/* virtio_net_ctl.c - virtio-net's carrier and receive filter (VIRTIO 1.0 5.1.4, 5.1.6.5).
 * Commands are queued and looked after by poll: nothing waits. SPDX-License-Identifier: MIT */
#include "virtio_net.h"

enum { CONFIG_STATUS = 6, STATUS_LINK_UP = 1 };                                         /* 5.1.4 */
enum { CLASS_RX = 0, RX_PROMISC = 0, RX_ALLMULTI = 1, CLASS_MAC = 1, MAC_TABLE_SET = 0 }; /* 5.1.6.5.1, .2 */

bool vnet_link(const struct vnet *d)
{
        return !virtio_has(&d->v, NET_F_STATUS) || (virtio_config(&d->v, CONFIG_STATUS) & STATUS_LINK_UP);
}

void vnet_link_poll(struct nic *n)
{
        netif_link(&n->nif, vnet_link(container_of(n, struct vnet, nic)));
}

static void send(struct vnet *d)
{
        struct vnet_ctl *c = d->cmd;
        struct netif *nif = &d->nic.nif;
        struct piece piece[4] = {{&c->class, 2}, {&c->on, 1}, {&c->ack, 1}};
        u32 n_out = 2;
        c->class = CLASS_RX;
        c->cmd = d->ctl_step == CTL_PROMISC_OFF ? RX_PROMISC : RX_ALLMULTI;
        c->on = 0;
        c->ack = 0xff;
        if (d->ctl_step == CTL_TABLE) {
                c->class = CLASS_MAC;
                c->cmd = MAC_TABLE_SET;
                c->table.n_unicast = 0;
                c->table.n = nif->n_groups;
                __builtin_memcpy(c->table.mac, nif->groups, nif->n_groups * sizeof(macaddr));
                piece[1] = (struct piece){(u8 *)&c->table.n_unicast, 4};
                piece[2] = (struct piece){(u8 *)&c->table.n, 4 + nif->n_groups * (u32)sizeof(macaddr)};
                piece[3] = (struct piece){&c->ack, 1};
                n_out = 3;
        }
        if (!virtq_add(&d->ctl, piece, n_out, 1, c))
                d->ctl_step = CTL_IDLE;
        virtq_kick(&d->ctl);
}

void vnet_set_filter(struct netif *nif)
{
        struct vnet *d = container_of(nif, struct vnet, nic.nif);
        if (!d->has_ctl)
                return;
        if (d->ctl_step != CTL_IDLE) {
                d->ctl_again = true;
                return;
        }
        d->ctl_step = CTL_PROMISC_OFF;
        send(d);
}

/* A refused command (ack not 0) is passed over: the device then gives us more than we asked for, and eth_rx sorts it out. */
void vnet_ctl_poll(struct vnet *d)
{
        if (d->ctl_step == CTL_IDLE || !virtq_take(&d->ctl, NULL, NULL))
                return;
        if (d->ctl_step != CTL_TABLE) {
                d->ctl_step++;
                send(d);
                return;
        }
        d->ctl_step = CTL_IDLE;
        if (d->ctl_again) {
                d->ctl_again = false;
                vnet_set_filter(&d->nic.nif);
        }
}
