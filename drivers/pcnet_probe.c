/* pcnet_probe.c - Am79C970A in 32-bit mode: interrupt, carrier, multicast filter, starting.
 * Not here: frames (pcnet.c). SPDX-License-Identifier: MIT */
#include "pcnet.h"
#include "clock.h"
#include "mem.h"

/* Registers other than CSR0 are selected with interrupts off, and CSR0 again afterwards. */
static u32 other(struct pcnet *d, u32 port, u32 reg, bool write, u32 v)
{
        u32 f = irq_save();
        outl(d->io + P_RAP, reg);
        if (write)
                outl((u16)(d->io + port), v);
        else
                v = inl((u16)(d->io + port));
        outl(d->io + P_RAP, 0);
        irq_restore(f);
        return v;
}
static void set_csr(struct pcnet *d, u32 reg, u32 v) { other(d, P_RDP, reg, true, v); }

/* The handler only takes IENA away, whoever set it: the events are still in CSR0 for poll. */
static bool pcnet_irq(void *ctx)
{
        struct pcnet *d = ctx;
        if (!(pcnet_csr0(d) & C0_INTR))
                return false;
        d->irq_wanted = false;
        pcnet_set_csr0(d, 0);
        nic_kick(&d->nic);
        return true;
}

static bool pcnet_irq_on(struct nic *n)
{
        struct pcnet *d = pcnet_of(n);
        d->irq_wanted = true;
        pcnet_set_csr0(d, 0);
        return d->rx_clean != d->rx_fill && !(d->rx[d->rx_clean % RX_RING].flags & D_OWN);
}

static void pcnet_irq_off(struct nic *n)
{
        struct pcnet *d = pcnet_of(n);
        d->irq_wanted = false;
        pcnet_set_csr0(d, 0);
}

static bool link(struct pcnet *d) { return other(d, P_BDP, BCR_LINK, false, 0) & LED_OUT; }
static void pcnet_link_poll(struct nic *n) { netif_link(&n->nif, link(pcnet_of(n))); }

/* CSR8 to 11, the logical address filter, take writes only while the card is suspended. */
static void pcnet_set_filter(struct netif *nif)
{
        struct pcnet *d = container_of(nif, struct pcnet, nic.nif);
        u16 ladrf[4] = {0};
        for (u32 i = 0; i < nif->n_groups; i++) {
                u32 bit = nic_mac_crc(nif->groups[i]) >> 26;
                ladrf[bit / 16] |= (u16)(1u << bit % 16);
        }
        set_csr(d, 5, C5_SPND);
        for (u32 i = 0; i < 200 && !(other(d, P_RDP, 5, false, 0) & C5_SPND); i++)
                clock_delay_us(10);
        for (u32 i = 0; i < 4; i++)
                set_csr(d, 8 + i, ladrf[i]);
        set_csr(d, 5, 0);
}

/* Resets from whichever mode firmware left; the first 32-bit write makes the registers 32 bits wide. */
static bool start(struct pcnet *d)
{
        (void)inl(d->io + P_RESET);
        (void)inw(d->io + P_RESET16);
        clock_delay_us(10);
        outl(d->io + P_RDP, 0);
        outl(d->io + P_RAP, 0);
        if (!(pcnet_csr0(d) & C0_STOP))
                return false;
        u32 lo = inl(d->io + P_APROM), hi = inl(d->io + P_APROM + 4);
        memcpy(d->nic.nif.mac.b, &lo, 4);
        memcpy(d->nic.nif.mac.b + 4, &hi, 2);
        other(d, P_BDP, BCR_STYLE, true, STYLE_32);
        *d->init = (struct pcnet_init){.rlen = RX_LOG << 4, .tlen = TX_LOG << 4, .mac = d->nic.nif.mac,
                                       .rx = (u32)(uintptr_t)d->rx, .tx = (u32)(uintptr_t)d->tx};
        set_csr(d, 1, (u32)(uintptr_t)d->init & 0xffff);
        set_csr(d, 2, (u32)(uintptr_t)d->init >> 16);
        set_csr(d, 3, C3_MASKS);
        set_csr(d, 4, C4_SETTINGS);
        pcnet_set_csr0(d, C0_INIT);
        for (u32 i = 0; i < 1000 && !(pcnet_csr0(d) & C0_IDON); i++)
                clock_delay_us(10);
        if (!(pcnet_csr0(d) & C0_IDON))
                return false;
        pcnet_set_csr0(d, C0_IDON | C0_STRT);
        return true;
}

void pcnet_probe(struct stack *st, const struct pci_dev *pci)
{
        struct pci_bar bar;
        struct pcnet *d = mem_boot(sizeof *d, 8);
        if (!d || !pci_bar(pci, 0, &bar) || !bar.io)
                return;
        d->rx = mem_boot(RX_RING * sizeof *d->rx, 16);
        d->tx = mem_boot(TX_RING * sizeof *d->tx, 16);
        d->init = mem_boot(sizeof *d->init, 4);
        pci_enable(pci);
        d->io = (u16)bar.base;
        if (!d->rx || !d->tx || !d->init || !start(d))
                return;
        struct netif *nif = &d->nic.nif;
        nif->driver = "pcnet";
        nif->mtu = 1500;
        nif->caps = NETIF_SG;
        nif->xmit = pcnet_xmit;
        nif->flush = pcnet_flush;
        nif->set_filter = pcnet_set_filter;
        d->nic.poll = pcnet_poll;
        d->nic.irq_on = pcnet_irq_on;
        d->nic.irq_off = pcnet_irq_off;
        d->nic.link_poll = pcnet_link_poll;
        d->quota = nic_rx_quota(st, RX_RING);
        d->nic.polled = irq_attach(pci->irq, pcnet_irq, d, true) < 0;
        if (nic_add(st, &d->nic, link(d)))
                pcnet_refill(d);
        else
                pcnet_set_csr0(d, C0_STOP);
}
