/* ne2000_probe.c - finding an NE2000 (ISA at port 0x300, or RTL8029 on PCI), its interrupt line, and starting it.
 * Not here: frames (ne2000.c). SPDX-License-Identifier: MIT */
#include "ne2000.h"
#include "clock.h"
#include "io.h"
#include "mem.h"

enum { ISA_PORT = 0x300, PIC_MASTER = 0x20, PIC_SLAVE = 0xa0, OCW3_READ_IRR = 0x0a };

void ne_start(struct ne2000 *d)
{
        u16 io = d->io;
        const macaddr *mac = &d->nic.nif.mac;
        u32 f = irq_save();
        outb(io + DP_CR, CR_NODMA | CR_STOP);
        outb(io + DP_DCR, DCR_WORDS);
        outb(io + DP_RBCR0, 0);
        outb(io + DP_RBCR1, 0);
        outb(io + DP_RCR, RCR_MONITOR);
        outb(io + DP_TCR, TCR_LOOPBACK);
        outb(io + DP_PSTART, NE_RX);
        outb(io + DP_PSTOP, d->end);
        outb(io + DP_BNRY, NE_RX);
        outb(io + DP_IMR, 0);
        outb(io + DP_ISR, 0xff);
        outb(io + DP_CR, CR_PAGE1 | CR_NODMA | CR_STOP);
        for (u32 i = 0; i < 6; i++)
                outb((u16)(io + DP1_PAR + i), mac->b[i]);
        for (u32 i = 0; i < 8; i++)
                outb((u16)(io + DP1_MAR + i), 0);
        outb(io + DP1_CURR, NE_RX + 1);
        outb(io + DP_CR, CR_NODMA | CR_START);
        outb(io + DP_TCR, TCR_NORMAL);
        outb(io + DP_RCR, RCR_BROADCAST | RCR_MULTICAST);
        irq_restore(f);
        d->next = NE_RX + 1;
        d->sending = false;
        d->loaded = 0;
        d->spare = NE_TX0;
        ne_set_filter(&d->nic.nif);
}

/* Is there memory of its own behind the first 16 KiB? */
static bool has_32k(struct ne2000 *d)
{
        u16 high = 0x5aa5, low = 0x0ff0, back = 0;
        ne_write(d, NE_END_16K << 8, &high, 2);
        ne_write(d, NE_TX0 << 8, &low, 2);
        ne_read(d, NE_END_16K << 8, &back, 2);
        return back == high;
}

/* Resets the card and reads its address PROM, each byte twice in word mode; false when nothing answers like an NE2000. */
static bool identify(struct ne2000 *d, bool isa)
{
        u16 io = d->io, prom[16];
        if (inb(io + DP_CR) == 0xff)
                return false;
        outb(io + NE_RESET, inb(io + NE_RESET));
        for (u32 i = 0; i < 100 && !(inb(io + DP_ISR) & ISR_RST); i++)
                clock_delay_us(100);
        if (!(inb(io + DP_ISR) & ISR_RST))
                return false;
        outb(io + DP_CR, CR_NODMA | CR_STOP);
        outb(io + DP_DCR, DCR_WORDS);
        outb(io + DP_RCR, RCR_MONITOR); /* remote DMA needs the card started: deaf, and off the wire */
        outb(io + DP_TCR, TCR_LOOPBACK);
        outb(io + DP_IMR, 0);
        outb(io + DP_ISR, 0xff);
        ne_read(d, 0, prom, sizeof prom);
        for (u32 i = 0; i < 6; i++)
                d->nic.nif.mac.b[i] = (u8)prom[i];
        d->end = has_32k(d) ? NE_END_32K : NE_END_16K;
        return !isa || ((u8)prom[14] == 0x57 && (u8)prom[15] == 0x57); /* 'W', the mark of 16-bit cards */
}

static u16 requests(void)
{
        outb(PIC_MASTER, OCW3_READ_IRR);
        outb(PIC_SLAVE, OCW3_READ_IRR);
        return (u16)(inb(PIC_MASTER) | inb(PIC_SLAVE) << 8);
}

/* The line that rises when the card is made to interrupt (a remote DMA of nothing is done at once), seen in the 8259s' request
 * registers while the processor takes none. 0 when there is no single such line. */
static u8 find_line(struct ne2000 *d)
{
        u16 io = d->io;
        u32 f = irq_save();
        u16 before = requests();
        outb(io + DP_IMR, ISR_RDC);
        outb(io + DP_RBCR0, 0);
        outb(io + DP_RBCR1, 0);
        outb(io + DP_CR, CR_READ | CR_START);
        clock_delay_us(100);
        u16 rose = (u16)(requests() & ~before & ~7u); /* not the timer, the keyboard and the cascade */
        outb(io + DP_IMR, 0);
        outb(io + DP_CR, CR_NODMA | CR_STOP);
        outb(io + DP_ISR, 0xff);
        irq_restore(f);
        return rose && !(rose & (rose - 1)) ? (u8)__builtin_ctz(rose) : 0;
}

/* The handler only closes the mask, whatever it let through: what asked is still in ISR for poll. */
static bool ne_irq(void *ctx)
{
        struct ne2000 *d = ctx;
        if (!(inb(d->io + DP_ISR) & (ISR_RECEIVED | ISR_SENT)))
                return false;
        outb(d->io + DP_IMR, 0);
        nic_kick(&d->nic);
        return true;
}

/* That a frame was sent matters only while another waits for its buffer. */
static bool ne_irq_on(struct nic *n)
{
        struct ne2000 *d = container_of(n, struct ne2000, nic);
        u8 mask = d->txq.n || d->loaded ? ISR_RECEIVED | ISR_SENT : ISR_RECEIVED;
        outb(d->io + DP_IMR, mask);
        return inb(d->io + DP_ISR) & mask;
}

static void ne_irq_off(struct nic *n)
{
        struct ne2000 *d = container_of(n, struct ne2000, nic);
        outb(d->io + DP_IMR, 0);
}

static void add(struct stack *st, struct ne2000 *d, const char *name, u8 line, bool level)
{
        struct netif *nif = &d->nic.nif;
        nif->driver = name;
        nif->mtu = 1500;
        nif->caps = NETIF_SG | NETIF_CSUM_TX; /* gathered and summed while copied (copy.c) */
        nif->xmit = ne_xmit;
        nif->set_filter = ne_set_filter;
        d->nic.poll = ne_poll;
        d->nic.irq_on = ne_irq_on;
        d->nic.irq_off = ne_irq_off;
        pktq_init(&d->txq);
        d->bounce = mem_boot(ETH_MAX + 2, 4);
        if (!d->bounce)
                return;
        ne_start(d);
        d->nic.polled = !line || irq_attach(line, ne_irq, d, level) < 0;
        nic_add(st, &d->nic, true);
}

void ne2000_probe_pci(struct stack *st, const struct pci_dev *pci)
{
        struct pci_bar bar;
        struct ne2000 *d = mem_boot(sizeof *d, 8);
        if (!d || !pci_bar(pci, 0, &bar) || !bar.io)
                return;
        pci_enable(pci);
        d->io = (u16)bar.base;
        if (identify(d, false))
                add(st, d, "rtl8029", pci->irq < 16 ? pci->irq : 0, true);
}

void ne2000_probe_isa(struct stack *st)
{
        struct ne2000 probe = {.io = ISA_PORT};
        if (!identify(&probe, true))
                return;
        struct ne2000 *d = mem_boot(sizeof *d, 8);
        if (!d)
                return;
        *d = probe;
        add(st, d, "ne2000", find_line(d), false);
}
