/* virtio_net_probe.c - taking a virtio-net device: negotiation, queues, interrupt (VIRTIO 1.0 3.1, 5.1.3, 5.1.5).
 * Not here: frames (virtio_net.c). SPDX-License-Identifier: MIT */
#include "virtio_net.h"
#include "mem.h"

enum { QUEUE_RX = 0, QUEUE_TX = 1, QUEUE_CTL = 2, RING = 256 };
enum { TSO_RX_BUFFERS = 40 /* 64 KiB in our buffers, and a few */ };

static bool vnet_irq(void *ctx)
{
        struct vnet *d = ctx;
        u8 isr = virtio_isr(&d->v);
        if (isr & VIRTIO_ISR_CONFIG)
                d->nic.link_due = true;
        if (isr)
                nic_kick(&d->nic);
        return isr != 0;
}

static bool vnet_irq_on(struct nic *n) { return virtq_irq_on(&vnet_of(n)->rx); }
static void vnet_irq_off(struct nic *n) { virtq_irq_off(&vnet_of(n)->rx); }

/* 5.1.4: the device's address, or a locally administered one */
static void read_mac(struct vnet *d, struct stack *st)
{
        macaddr *mac = &d->nic.nif.mac;
        u32 r = stack_random(st);
        *mac = (macaddr){{0x02, 0x71, (u8)r, (u8)(r >> 8), (u8)(r >> 16), (u8)(r >> 24)}};
        for (u32 i = 0; i < 6 && virtio_has(&d->v, NET_F_MAC); i++)
                mac->b[i] = virtio_config(&d->v, i);
}

/* 5.1.6.3.1: large frames are taken only where they may be spread over several of our buffers, and a ring of them holds one. */
static u64 features_wanted(const struct stack *st, u64 offered)
{
        u64 f = VIRTIO_BIT(VIRTIO_F_ANY_LAYOUT) | VIRTIO_BIT(VIRTIO_F_EVENT_IDX) | VIRTIO_BIT(NET_F_CSUM) |
                VIRTIO_BIT(NET_F_GUEST_CSUM) | VIRTIO_BIT(NET_F_MAC) | VIRTIO_BIT(NET_F_HOST_TSO4) | VIRTIO_BIT(NET_F_MRG_RXBUF) |
                VIRTIO_BIT(NET_F_STATUS) | VIRTIO_BIT(NET_F_CTRL_VQ) | VIRTIO_BIT(NET_F_CTRL_RX);
        if ((offered & VIRTIO_BIT(NET_F_MRG_RXBUF)) && nic_rx_quota(st, RING) >= TSO_RX_BUFFERS)
                f |= VIRTIO_BIT(NET_F_GUEST_TSO4);
        return f;
}

static bool make_queues(struct vnet *d, struct stack *st)
{
        if (!virtio_queue(&d->v, &d->rx, QUEUE_RX, RING) || !virtio_queue(&d->v, &d->tx, QUEUE_TX, RING))
                return false;
        d->has_ctl = virtio_has(&d->v, NET_F_CTRL_VQ) && virtio_has(&d->v, NET_F_CTRL_RX) && virtio_queue(&d->v, &d->ctl, QUEUE_CTL, 64);
        d->tx_hdr = mem_boot(d->tx.size * sizeof *d->tx_hdr, 4);
        d->cmd = mem_boot(sizeof *d->cmd, 4);
        d->quota = nic_rx_quota(st, d->split ? d->rx.size / 2u : d->rx.size);
        virtq_irq_off(&d->tx); /* sent buffers come back when we poll or need room */
        virtq_irq_off(&d->rx);
        if (d->has_ctl)
                virtq_irq_off(&d->ctl);
        return d->tx_hdr && d->cmd;
}

void virtio_net_probe(struct stack *st, const struct pci_dev *pci)
{
        struct vnet *d = mem_boot(sizeof *d, 8);
        if (!d || !virtio_open(&d->v, pci))
                return;
        bool ok = virtio_negotiate(&d->v, features_wanted(st, virtio_offered(&d->v)));
        d->merge = virtio_has(&d->v, NET_F_MRG_RXBUF);
        d->hdr_len = d->v.modern || d->merge ? 12 : 10;
        d->split = !d->v.modern && !virtio_has(&d->v, VIRTIO_F_ANY_LAYOUT);
        if (!ok || !make_queues(d, st)) {
                virtio_fail(&d->v);
                return;
        }
        struct netif *nif = &d->nic.nif;
        read_mac(d, st);
        nif->driver = d->v.modern ? "virtio-net" : "virtio-net (legacy)";
        nif->mtu = 1500;
        nif->caps = (u8)(NETIF_SG | (virtio_has(&d->v, NET_F_CSUM) ? NETIF_CSUM_TX : 0) |
                         (virtio_has(&d->v, NET_F_GUEST_CSUM) ? NETIF_CSUM_RX : 0) | (virtio_has(&d->v, NET_F_HOST_TSO4) ? NETIF_TSO : 0));
        nif->xmit = vnet_xmit;
        nif->flush = vnet_flush;
        nif->set_filter = vnet_set_filter;
        d->nic.poll = vnet_poll;
        d->nic.irq_on = vnet_irq_on;
        d->nic.irq_off = vnet_irq_off;
        d->nic.link_poll = vnet_link_poll;
        d->nic.polled = irq_attach(pci->irq, vnet_irq, d, true) < 0;
        virtio_start(&d->v);
        if (!nic_add(st, &d->nic, vnet_link(d))) {
                virtio_fail(&d->v);
                return;
        }
        vnet_refill(d);
}
