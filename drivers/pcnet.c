/* pcnet.c - AMD Am79C970A (PCnet-PCI II) in 32-bit mode: descriptor rings, gathered sending.
 * Sections are those of AMD's Am79C970A data sheet. No checksum offload. SPDX-License-Identifier: MIT */
#include "driver.h"
#include "clock.h"
#include "io.h"
#include "mem.h"

/* "I/O Resources", 32-bit (DWIO) */
enum { P_APROM = 0x00, P_RDP = 0x10, P_RAP = 0x14, P_RESET = 0x18, P_BDP = 0x1c, P_RESET16 = 0x14 };
/* CSR0 */
enum { C0_INIT = 1, C0_STRT = 2, C0_STOP = 4, C0_TDMD = 8, C0_IENA = 0x40, C0_INTR = 0x80, C0_IDON = 0x100, C0_MISS = 0x1000,
       C0_EVENTS = 0x7f00 };
enum { C3_MASKS = 0x0200 | 0x0100 | 0x0040 /* TINTM, IDONM, DXSUFLO */, C4_SETTINGS = 0x0915 /* APAD_XMT, and the masks of counters */,
       C5_SPND = 1 };
enum { BCR_LINK = 4, BCR_STYLE = 20, STYLE_32 = 2, LED_OUT = 0x8000 };

/* Software style 2: receive (RMD) and transmit (TMD) descriptors have one form; `flags` has the negated length in its low 12 bits. */
struct pcnet_desc { u32 addr, flags, misc, reserved; };
#define D_OWN (1u << 31)
#define D_ERR (1u << 30)
enum { D_STP = 1 << 25, D_ENP = 1 << 24, D_ONES = 0xf000 };

/* Initialization block, 32-bit form: logarithms of the ring sizes, addresses */
struct pcnet_init { u16 mode; u8 rlen, tlen; macaddr mac; u16 reserved; u32 ladrf[2], rx, tx; };
_Static_assert(sizeof(struct pcnet_init) == 28, "Am79C970A, Initialization Block");

enum { RX_LOG = 6, RX_RING = 1 << RX_LOG, TX_LOG = 7, TX_RING = 1 << TX_LOG, RX_BYTES = 1600 };

struct pcnet {
        struct nic         nic;
        u16                io;
        volatile bool      irq_wanted;
        volatile struct pcnet_desc *rx, *tx;
        struct pcnet_init *init;
        /* The card owns rx[rx_clean, rx_fill) and tx[tx_clean, tx_fill), counted without end. */
        u32                rx_clean, rx_fill, tx_clean, tx_fill, tx_told, quota;
        bool               rx_skip; /* inside a frame that spans buffers: dropped to its end */
        struct pkt        *rx_pkt[RX_RING], *tx_pkt[TX_RING]; /* tx_pkt: at a packet's last descriptor */
};

static struct pcnet *pcnet_of(struct nic *n) { return container_of(n, struct pcnet, nic); }

/* The address port stays at CSR0, which the interrupt handler and the packet path use; others are selected with interrupts off. */
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
static u32 csr0(struct pcnet *d) { return inl(d->io + P_RDP); }
static void set_csr0(struct pcnet *d, u32 v) { outl(d->io + P_RDP, v | (d->irq_wanted ? C0_IENA : 0)); }
static void set_csr(struct pcnet *d, u32 reg, u32 v) { other(d, P_RDP, reg, true, v); }

static void rx_post(struct pcnet *d, struct pkt *p)
{
        volatile struct pcnet_desc *r = &d->rx[d->rx_fill % RX_RING];
        p->data = p->head + NIC_RX_AT;
        d->rx_pkt[d->rx_fill++ % RX_RING] = p;
        r->addr = (u32)(uintptr_t)p->data;
        r->misc = 0;
        barrier();
        r->flags = D_OWN | D_ONES | (-RX_BYTES & 0xfff);
}

static void rx_refill(struct pcnet *d)
{
        struct pktpool *pool = &d->nic.nif.st->pkts;
        while (d->rx_fill - d->rx_clean < d->quota && pool->n_free)
                rx_post(d, pkt_alloc(pool, NIC_RX_AT));
}

/* The frame in p, or NULL when it is broken, spans buffers, or may not be taken; p then goes back into the ring. */
static struct pkt *rx_judge(struct pcnet *d, struct pkt *p, u32 flags, u32 with_fcs)
{
        bool rest = d->rx_skip && !(flags & D_STP);
        d->rx_skip = !(flags & D_ENP);
        if (rest || (flags & (D_STP | D_ENP | D_ERR)) != (D_STP | D_ENP) || with_fcs < ETH_HEADER + 4 || with_fcs > ETH_MAX + 4) {
                if (!rest)
                        nic_rx_error(&d->nic);
        } else if (!nic_rx_may_take(d->nic.nif.st, d->rx_fill - d->rx_clean, d->quota)) {
                nic_rx_starved(&d->nic);
        } else {
                p->len = (u16)(with_fcs - 4);
                return p;
        }
        rx_post(d, p);
        return NULL;
}

static void tx_reclaim(struct pcnet *d)
{
        while (d->tx_clean != d->tx_fill) {
                u32 i = d->tx_clean % TX_RING, flags = d->tx[i].flags;
                if (flags & D_OWN)
                        return;
                if (flags & D_ERR)
                        d->nic.nif.count.tx_errors++;
                pkt_free(d->tx_pkt[i]);
                d->tx_pkt[i] = NULL;
                d->tx_clean++;
        }
}

static int pcnet_poll(struct nic *n, int budget)
{
        struct pcnet *d = pcnet_of(n);
        u32 events = csr0(d) & C0_EVENTS;
        int done = 0;
        if (events)
                set_csr0(d, events);
        if (events & C0_MISS)
                n->nif.count.rx_dropped++;
        tx_reclaim(d);
        for (; done < budget && d->rx_clean != d->rx_fill; done++) {
                volatile struct pcnet_desc *r = &d->rx[d->rx_clean % RX_RING];
                u32 flags = r->flags;
                if (flags & D_OWN)
                        break;
                barrier();
                struct pkt *p = d->rx_pkt[d->rx_clean++ % RX_RING];
                p = rx_judge(d, p, flags, r->misc & 0xfff);
                if (p)
                        netif_rx(&n->nif, p);
                if (d->rx_fill - d->rx_clean < d->quota / 2)
                        rx_refill(d);
        }
        rx_refill(d);
        return done;
}

/* One descriptor a piece; the first is handed over last, so that the card never runs into a half-written packet. */
static void pcnet_xmit(struct netif *nif, struct pkt *p)
{
        struct pcnet *d = container_of(nif, struct pcnet, nic.nif);
        struct piece piece[NIC_PIECES];
        u32 n = nic_pieces(p, piece, NIC_PIECES), total = pkt_total(p);
        if (n > NIC_PIECES || total < ETH_HEADER || total > nif->mtu + ETH_HEADER + 4u) {
                nic_tx_too_big(&d->nic, p);
                return;
        }
        if (d->tx_fill - d->tx_clean + n > TX_RING)
                tx_reclaim(d);
        if (d->tx_fill - d->tx_clean + n > TX_RING) {
                nic_tx_full(&d->nic, p);
                return;
        }
        for (u32 i = n; i-- > 0;) {
                volatile struct pcnet_desc *t = &d->tx[(d->tx_fill + i) % TX_RING];
                t->addr = (u32)(uintptr_t)piece[i].ptr;
                t->misc = 0;
                barrier();
                t->flags = D_OWN | D_ONES | (-piece[i].len & 0xfff) | (i == 0 ? D_STP : 0) | (i + 1 == n ? D_ENP : 0);
        }
        d->tx_fill += n;
        d->tx_pkt[(d->tx_fill - 1) % TX_RING] = p;
}

static void pcnet_flush(struct netif *nif)
{
        struct pcnet *d = container_of(nif, struct pcnet, nic.nif);
        if (d->tx_told == d->tx_fill)
                return;
        d->tx_told = d->tx_fill;
        set_csr0(d, C0_TDMD);
}

/* The handler only takes IENA away: the events are still in CSR0 for poll. */
static bool pcnet_irq(void *ctx)
{
        struct pcnet *d = ctx;
        if (!d->irq_wanted || !(csr0(d) & C0_INTR))
                return false;
        d->irq_wanted = false;
        set_csr0(d, 0);
        nic_kick(&d->nic);
        return true;
}

static bool pcnet_irq_on(struct nic *n)
{
        struct pcnet *d = pcnet_of(n);
        d->irq_wanted = true;
        set_csr0(d, 0);
        return d->rx_clean != d->rx_fill && !(d->rx[d->rx_clean % RX_RING].flags & D_OWN);
}

static void pcnet_irq_off(struct nic *n)
{
        struct pcnet *d = pcnet_of(n);
        d->irq_wanted = false;
        set_csr0(d, 0);
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
        if (!(csr0(d) & C0_STOP))
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
        set_csr0(d, C0_INIT);
        for (u32 i = 0; i < 1000 && !(csr0(d) & C0_IDON); i++)
                clock_delay_us(10);
        if (!(csr0(d) & C0_IDON))
                return false;
        set_csr0(d, C0_IDON | C0_STRT);
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
                rx_refill(d);
        else
                set_csr0(d, C0_STOP);
}
