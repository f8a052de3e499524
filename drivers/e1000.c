/* e1000.c - Intel 82540EM and its family: receiving, interrupts, carrier, filter, starting (SDM 3.2, 13, 14).
 * Not here: sending (e1000_tx.c). No jumbo frames. SPDX-License-Identifier: MIT */
#include "e1000.h"
#include "clock.h"
#include "mem.h"

/* 13.4 */
enum { CTRL_ASDE = 1 << 5, CTRL_SLU = 1 << 6, CTRL_RST = 1 << 26, CTRL_LRST = 1 << 3, CTRL_ILOS = 1 << 7, STATUS_LU = 1 << 1,
       RCTL_EN = 1 << 1, RCTL_BAM = 1 << 15, RCTL_SECRC = 1 << 26, TCTL_EN = 1 << 1, TCTL_PSP = 1 << 3, TCTL_CT = 15 << 4,
       TCTL_COLD = 64 << 12, RXCSUM_OFFLOAD = 1 << 8 | 1 << 9, EERD_START = 1, EERD_DONE = 1 << 4, TIPG_COPPER = 8 | 8 << 10 | 6 << 20 };
#define RAH_VALID (1u << 31)
enum { ICR_LSC = 1 << 2, ICR_RXDMT0 = 1 << 4, ICR_RXO = 1 << 6, ICR_RXT0 = 1 << 7, ICR_WANTED = ICR_LSC | ICR_RXDMT0 | ICR_RXO | ICR_RXT0 };

static struct e1000 *e_of(struct nic *n) { return container_of(n, struct e1000, nic); }

static u32 posted(const struct e1000 *d) { return (d->rx_fill - d->rx_clean) % E1000_RX_RING; }

static void rx_post(struct e1000 *d, struct pkt *p)
{
        volatile struct e1000_rx *r = &d->rx[d->rx_fill];
        p->data = p->head + NIC_RX_AT;
        r->addr = (u32)(uintptr_t)p->data;
        r->status = 0;
        d->rx_pkt[d->rx_fill] = p;
        d->rx_fill = (d->rx_fill + 1) % E1000_RX_RING;
}

static void rx_refill(struct e1000 *d)
{
        struct pktpool *pool = &d->nic.nif.st->pkts;
        while (posted(d) < d->quota && pool->n_free)
                rx_post(d, pkt_alloc(pool, NIC_RX_AT));
}

/* The frame in p, or NULL when it is broken, too long for one buffer, or may not be taken; p then goes back into the ring. */
static struct pkt *rx_judge(struct e1000 *d, struct pkt *p, u32 len, u8 status, u8 errors)
{
        bool rest = d->rx_skip;
        d->rx_skip = !(status & RX_EOP);
        if (rest || !(status & RX_EOP) || (errors & RX_BROKEN) || len < ETH_HEADER || len > ETH_MAX) {
                if (!rest)
                        nic_rx_error(&d->nic);
        } else if (!nic_rx_may_take(d->nic.nif.st, posted(d), d->quota)) {
                nic_rx_starved(&d->nic);
        } else {
                p->len = (u16)len;
                /* 3.2.9: the device looked at the transport's sum and found it right */
                if ((status & (RX_IXSM | RX_TCPCS)) == RX_TCPCS && !(errors & RX_TCPE))
                        p->flags |= PKT_CSUM_OK;
                return p;
        }
        rx_post(d, p);
        return NULL;
}

static int e1000_poll(struct nic *n, int budget)
{
        struct e1000 *d = e_of(n);
        int done = 0;
        e1000_tx_reclaim(d);
        for (; done < budget && d->rx_clean != d->rx_fill; done++) {
                volatile struct e1000_rx *r = &d->rx[d->rx_clean];
                u8 status = r->status;
                if (!(status & RX_DD))
                        break;
                barrier();
                struct pkt *p = d->rx_pkt[d->rx_clean];
                u32 len = r->len;
                u8 errors = r->errors;
                d->rx_clean = (d->rx_clean + 1) % E1000_RX_RING;
                p = rx_judge(d, p, len, status, errors);
                if (p)
                        netif_rx(&n->nif, p);
                if (posted(d) < d->quota / 2)
                        rx_refill(d);
        }
        rx_refill(d);
        if (done || d->rx_fill != d->rx_told) {
                d->rx_told = d->rx_fill;
                barrier();
                e_write(d, E_RDT, d->rx_fill);
        }
        return done;
}

/* 13.4.17: reading ICR clears it. */
static bool e1000_irq(void *ctx)
{
        struct e1000 *d = ctx;
        u32 icr = e_read(d, E_ICR);
        if (!(icr & ICR_WANTED))
                return icr != 0;
        e_write(d, E_IMC, 0xffffffffu);
        if (icr & ICR_LSC)
                d->nic.link_due = true;
        nic_kick(&d->nic);
        return true;
}

static bool e1000_irq_on(struct nic *n)
{
        struct e1000 *d = e_of(n);
        if (e_read(d, E_ICR) & ICR_LSC)
                n->link_due = true;
        e_write(d, E_IMS, ICR_WANTED);
        return n->link_due || (d->rx[d->rx_clean].status & RX_DD);
}

static void e1000_irq_off(struct nic *n) { e_write(e_of(n), E_IMC, 0xffffffffu); }

static void e1000_link_poll(struct nic *n) { netif_link(&n->nif, e_read(e_of(n), E_STATUS) & STATUS_LU); }

/* 13.5.1: bits 47 to 36 of the address choose one of 4,096. RCTL stays as it is: QEMU's device is deaf for a second after each write to it. */
static void e1000_set_filter(struct netif *nif)
{
        struct e1000 *d = container_of(nif, struct e1000, nic.nif);
        u32 mta[128] = {0};
        for (u32 i = 0; i < nif->n_groups; i++) {
                const u8 *b = nif->groups[i].b;
                u32 hash = ((u32)b[5] << 8 | b[4]) >> 4;
                mta[hash >> 5] |= 1u << (hash & 31);
        }
        for (u32 i = 0; i < COUNT_OF(mta); i++)
                e_write(d, E_MTA + 4 * i, mta[i]);
}

/* 5.3.1: words 0 to 2 of the EEPROM hold the address; what the device loaded from there is the fall-back. */
static void read_mac(struct e1000 *d)
{
        macaddr *mac = &d->nic.nif.mac;
        u32 ral = e_read(d, E_RAL), rah = e_read(d, E_RAH);
        u16 word[3] = {(u16)ral, (u16)(ral >> 16), (u16)rah};
        for (u32 i = 0; i < 3; i++) {
                u32 v = 0;
                e_write(d, E_EERD, i << 8 | EERD_START);
                for (u32 spin = 0; spin < 1000 && !((v = e_read(d, E_EERD)) & EERD_DONE); spin++)
                        clock_delay_us(2);
                if (v & EERD_DONE)
                        word[i] = (u16)(v >> 16);
        }
        memcpy(mac->b, word, 6);
        e_write(d, E_RAL, (u32)word[1] << 16 | word[0]);
        e_write(d, E_RAH, RAH_VALID | word[2]);
}

static bool make_rings(struct e1000 *d)
{
        d->rx = mem_boot(E1000_RX_RING * sizeof *d->rx, 128);
        d->tx = mem_boot(E1000_TX_RING * sizeof *d->tx, 128);
        return d->rx && d->tx;
}

/* 14.3 to 14.5 */
static void start(struct e1000 *d)
{
        e_write(d, E_IMC, 0xffffffffu);
        e_write(d, E_CTRL, e_read(d, E_CTRL) | CTRL_RST);
        clock_delay_us(20);
        for (u32 i = 0; i < 1000 && (e_read(d, E_CTRL) & CTRL_RST); i++)
                clock_delay_us(10);
        e_write(d, E_IMC, 0xffffffffu);
        e_write(d, E_CTRL, (e_read(d, E_CTRL) & ~(u32)(CTRL_LRST | CTRL_ILOS)) | CTRL_SLU | CTRL_ASDE);
        read_mac(d);
        e1000_set_filter(&d->nic.nif);
        e_write(d, E_RDBAL, (u32)(uintptr_t)d->rx);
        e_write(d, E_RDBAH, 0);
        e_write(d, E_RDLEN, E1000_RX_RING * sizeof *d->rx);
        e_write(d, E_RDH, 0);
        e_write(d, E_RDT, 0);
        e_write(d, E_RDTR, 0);
        e_write(d, E_TDBAL, (u32)(uintptr_t)d->tx);
        e_write(d, E_TDBAH, 0);
        e_write(d, E_TDLEN, E1000_TX_RING * sizeof *d->tx);
        e_write(d, E_TDH, 0);
        e_write(d, E_TDT, 0);
        e_write(d, E_TIPG, TIPG_COPPER);
        e_write(d, E_TCTL, TCTL_EN | TCTL_PSP | TCTL_CT | TCTL_COLD);
        e_write(d, E_RXCSUM, RXCSUM_OFFLOAD);
        e_write(d, E_RCTL, RCTL_EN | RCTL_BAM | RCTL_SECRC); /* buffers of 2,048; longer frames are not accepted (LPE off) */
        (void)e_read(d, E_ICR);
}

void e1000_probe(struct stack *st, const struct pci_dev *pci)
{
        struct pci_bar bar;
        struct e1000 *d = mem_boot(sizeof *d, 8);
        if (!d || !pci_bar(pci, 0, &bar) || bar.io || bar.size < E_REGS || !make_rings(d))
                return;
        pci_enable(pci);
        d->regs = mem_map_device(bar.base, E_REGS);
        if (!d->regs)
                return;
        struct netif *nif = &d->nic.nif;
        nif->driver = "e1000";
        nif->mtu = 1500;
        nif->caps = NETIF_SG | NETIF_CSUM_TX | NETIF_CSUM_RX | NETIF_TSO;
        nif->xmit = e1000_xmit;
        nif->flush = e1000_flush;
        nif->set_filter = e1000_set_filter;
        d->nic.poll = e1000_poll;
        d->nic.irq_on = e1000_irq_on;
        d->nic.irq_off = e1000_irq_off;
        d->nic.link_poll = e1000_link_poll;
        d->quota = nic_rx_quota(st, E1000_RX_RING - 1);
        start(d);
        d->nic.polled = irq_attach(pci->irq, e1000_irq, d, true) < 0;
        if (!nic_add(st, &d->nic, e_read(d, E_STATUS) & STATUS_LU)) {
                e_write(d, E_RCTL, 0);
                return;
        }
        rx_refill(d);
        e_write(d, E_RDT, d->rx_told = d->rx_fill);
}
