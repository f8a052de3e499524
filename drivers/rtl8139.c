/* rtl8139.c - Realtek RTL8139: one receive ring that the card fills byte after byte, four transmit slots, one copy each way.
 * Sections are those of the RTL8139C(L) data sheet. No early receive, no wake on LAN. SPDX-License-Identifier: MIT */
#include "driver.h"
#include "clock.h"
#include "io.h"
#include "mem.h"

/* 5: registers */
enum { R_IDR = 0x00, R_MAR = 0x08, R_TSD = 0x10, R_TSAD = 0x20, R_RBSTART = 0x30, R_CR = 0x37, R_CAPR = 0x38, R_IMR = 0x3c, R_ISR = 0x3e,
       R_TCR = 0x40, R_RCR = 0x44, R_9346CR = 0x50, R_CONFIG1 = 0x52, R_MSR = 0x58 };
enum { CR_BUFE = 0x01, CR_TE = 0x04, CR_RE = 0x08, CR_RST = 0x10 };
enum { ISR_ROK = 0x01, ISR_RER = 0x02, ISR_TOK = 0x04, ISR_TER = 0x08, ISR_RXOVW = 0x10, ISR_LINK = 0x20, ISR_FOVW = 0x40,
       ISR_SENT = ISR_TOK | ISR_TER, ISR_OTHERS = ISR_ROK | ISR_RER | ISR_RXOVW | ISR_LINK | ISR_FOVW };
enum { RX_OK = 0x01 };                                                    /* 5.1, in front of each frame */
enum { TSD_OWN = 1 << 13, TSD_BAD = 1 << 30 | 1 << 29 | 1 << 14 };        /* 5.2: aborted, collision, underrun */
enum { RCR_APM = 0x02, RCR_AM = 0x04, RCR_AB = 0x08, RCR_DMA_ANY = 7 << 8, RCR_32K = 2 << 11, RCR_WHOLE = 7 << 13 };
enum { TCR_DMA_2048 = 7 << 8, TCR_GAP = 3 << 24, MSR_NO_LINK = 0x04 };

enum { RING = 32768, SLOTS = 4, SLOT = 1536, TXQ = 64 };

struct rtl8139 {
        struct nic  nic;
        u16         io;
        u8         *ring, *slot;
        u32         at;             /* next byte of the ring to read */
        u32         busy_from, n_busy; /* slots given to the card, in order */
        struct pktq txq;            /* what found no slot */
};

static struct rtl8139 *rtl_of(struct nic *n) { return container_of(n, struct rtl8139, nic); }

static void start(struct rtl8139 *d);

/* 5.1: status and length (with FCS) stand in front of each frame, the next begins 4-aligned. False: the ring is nonsense. */
static bool rx_frame(struct rtl8139 *d)
{
        struct nic *n = &d->nic;
        u16 status = *(volatile u16 *)(d->ring + d->at), with_fcs = *(volatile u16 *)(d->ring + (d->at + 2) % RING);
        if (with_fcs < ETH_HEADER + 4 || with_fcs > RING / 2 || !(status & RX_OK))
                return false;
        u32 len = with_fcs - 4u, from = (d->at + 4) % RING;
        struct pkt *p = NULL;
        if (len > ETH_MAX)
                nic_rx_error(n);
        else
                p = nic_rx_copy(n, d->ring + from, RING - from, d->ring, len);
        d->at = (d->at + 4 + with_fcs + 3) % RING & ~3u;
        outw(d->io + R_CAPR, (u16)(d->at - 16)); /* the card stops 16 bytes short of it */
        if (p)
                netif_rx(&n->nif, p);
        return true;
}

static void tx_reclaim(struct rtl8139 *d)
{
        while (d->n_busy) {
                u32 tsd = inl((u16)(d->io + R_TSD + 4 * d->busy_from));
                if (!(tsd & TSD_OWN))
                        return;
                if (tsd & TSD_BAD)
                        d->nic.nif.count.tx_errors++;
                d->busy_from = (d->busy_from + 1) % SLOTS;
                d->n_busy--;
        }
}

static void tx_pump(struct rtl8139 *d)
{
        struct pkt *p;
        tx_reclaim(d);
        while (d->n_busy < SLOTS && (p = pktq_get(&d->txq))) {
                u32 i = (d->busy_from + d->n_busy) % SLOTS;
                u32 len = nic_gather(d->slot + i * SLOT, ETH_MAX, p);
                if (!len) {
                        nic_tx_too_big(&d->nic, p);
                        continue;
                }
                barrier();
                outl((u16)(d->io + R_TSD + 4 * i), len); /* OWN to 0: go (threshold 0: begins after 8 bytes) */
                d->n_busy++;
                pkt_free(p);
        }
        nic_tx_used(&d->nic, d->txq.n, TXQ);
}

static void rtl_xmit(struct netif *nif, struct pkt *p)
{
        struct rtl8139 *d = container_of(nif, struct rtl8139, nic.nif);
        if (d->txq.n >= TXQ) {
                nic_tx_full(&d->nic, p);
                return;
        }
        pktq_put(&d->txq, p);
        tx_pump(d);
}

static int rtl_poll(struct nic *n, int budget)
{
        struct rtl8139 *d = rtl_of(n);
        u16 isr = inw(d->io + R_ISR);
        int done = 0;
        outw(d->io + R_ISR, isr & (ISR_OTHERS | ISR_SENT));
        if (isr & ISR_LINK)
                n->link_due = true;
        if (isr & (ISR_RER | ISR_RXOVW | ISR_FOVW))
                nic_rx_error(n);
        for (; done < budget && !(inb(d->io + R_CR) & CR_BUFE); done++) {
                barrier();
                if (!rx_frame(d)) {
                        nic_rx_error(n);
                        start(d);
                        break;
                }
        }
        if (isr & (ISR_RXOVW | ISR_FOVW))
                outw(d->io + R_ISR, ISR_RXOVW | ISR_FOVW); /* clears only after CAPR moved */
        tx_pump(d);
        return done;
}

/* The handler only closes the mask, whatever it let through: what asked is still in ISR for poll. */
static bool rtl_irq(void *ctx)
{
        struct rtl8139 *d = ctx;
        u16 isr = inw(d->io + R_ISR);
        if (isr == 0xffff || !(isr & (ISR_OTHERS | ISR_SENT)))
                return false;
        outw(d->io + R_IMR, 0);
        nic_kick(&d->nic);
        return true;
}

/* That a frame was sent matters only while another waits for its slot. */
static bool rtl_irq_on(struct nic *n)
{
        struct rtl8139 *d = rtl_of(n);
        u16 mask = d->txq.n ? ISR_OTHERS | ISR_SENT : ISR_OTHERS;
        outw(d->io + R_IMR, mask);
        return inw(d->io + R_ISR) & mask;
}

static void rtl_irq_off(struct nic *n) { outw(rtl_of(n)->io + R_IMR, 0); }

static bool link(const struct rtl8139 *d) { return !(inb(d->io + R_MSR) & MSR_NO_LINK); }

static void rtl_link_poll(struct nic *n) { netif_link(&n->nif, link(rtl_of(n))); }

static void rtl_set_filter(struct netif *nif)
{
        struct rtl8139 *d = container_of(nif, struct rtl8139, nic.nif);
        u32 mar[2] = {0};
        for (u32 i = 0; i < nif->n_groups; i++) {
                u32 bit = nic_mac_hash(nif->groups[i]);
                mar[bit / 32] |= 1u << bit % 32;
        }
        outl(d->io + R_MAR, mar[0]);
        outl(d->io + R_MAR + 4, mar[1]);
}

/* 5.7 and 5.8: receiver and transmitter are on before their configuration is written */
static void start(struct rtl8139 *d)
{
        outb(d->io + R_CONFIG1, 0);
        outb(d->io + R_CR, CR_RST);
        for (u32 i = 0; i < 1000 && (inb(d->io + R_CR) & CR_RST); i++)
                clock_delay_us(10);
        outw(d->io + R_IMR, 0);
        outl(d->io + R_RBSTART, (u32)(uintptr_t)d->ring);
        for (u32 i = 0; i < SLOTS; i++)
                outl((u16)(d->io + R_TSAD + 4 * i), (u32)(uintptr_t)(d->slot + i * SLOT));
        outb(d->io + R_CR, CR_TE | CR_RE);
        outl(d->io + R_RCR, RCR_APM | RCR_AM | RCR_AB | RCR_DMA_ANY | RCR_32K | RCR_WHOLE);
        outl(d->io + R_TCR, TCR_DMA_2048 | TCR_GAP);
        outw(d->io + R_CAPR, (u16)-16);
        rtl_set_filter(&d->nic.nif);
        d->at = d->busy_from = d->n_busy = 0;
}

void rtl8139_probe(struct stack *st, const struct pci_dev *pci)
{
        struct pci_bar bar;
        struct rtl8139 *d = mem_boot(sizeof *d, 8);
        if (!d || !pci_bar(pci, 0, &bar) || !bar.io)
                return;
        d->ring = mem_boot(RING + 16, 256);
        d->slot = mem_boot(SLOTS * SLOT, 32);
        if (!d->ring || !d->slot)
                return;
        pci_enable(pci);
        d->io = (u16)bar.base;
        struct netif *nif = &d->nic.nif;
        for (u32 i = 0; i < 6; i++)
                nif->mac.b[i] = inb((u16)(d->io + R_IDR + i));
        nif->driver = "rtl8139";
        nif->mtu = 1500;
        nif->caps = NETIF_SG | NETIF_CSUM_TX | NETIF_CSUM_RX; /* gathered and summed while copied (copy.c) */
        nif->xmit = rtl_xmit;
        nif->set_filter = rtl_set_filter;
        d->nic.poll = rtl_poll;
        d->nic.irq_on = rtl_irq_on;
        d->nic.irq_off = rtl_irq_off;
        d->nic.link_poll = rtl_link_poll;
        pktq_init(&d->txq);
        start(d);
        d->nic.polled = irq_attach(pci->irq, rtl_irq, d, true) < 0;
        if (!nic_add(st, &d->nic, link(d)))
                outb(d->io + R_CR, CR_RST);
}
