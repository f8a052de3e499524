/* ne2000.c - NE2000 and RTL8029: frames through the card's own memory by programmed I/O. One copy each way.
 * Not here: finding and starting the card (ne2000_probe.c). No carrier: the card cannot tell. SPDX-License-Identifier: MIT */
#include "ne2000.h"
#include "clock.h"
#include "io.h"

static struct ne2000 *ne_of(struct nic *n) { return container_of(n, struct ne2000, nic); }

static void remote(struct ne2000 *d, u16 at, u32 n, u8 way)
{
        outb(d->io + DP_RBCR0, (u8)n);
        outb(d->io + DP_RBCR1, (u8)(n >> 8));
        outb(d->io + DP_RSAR0, (u8)at);
        outb(d->io + DP_RSAR1, (u8)(at >> 8));
        outb(d->io + DP_CR, way | CR_START);
}

void ne_read(struct ne2000 *d, u16 at, void *dst, u32 n)
{
        n = (n + 1) & ~1u;
        remote(d, at, n, CR_READ);
        insw(d->io + NE_DATA, dst, n / 2);
        outb(d->io + DP_ISR, ISR_RDC);
}

void ne_write(struct ne2000 *d, u16 at, const void *src, u32 n)
{
        n = (n + 1) & ~1u;
        remote(d, at, n, CR_WRITE);
        outsw(d->io + NE_DATA, src, n / 2);
        for (u32 i = 0; i < 100 && !(inb(d->io + DP_ISR) & ISR_RDC); i++)
                clock_delay_us(1); /* the last word may still be on its way */
        outb(d->io + DP_ISR, ISR_RDC);
}

/* CURR is on page 1; the interrupt handler relies on page 0. */
static u8 current_page(struct ne2000 *d)
{
        u32 f = irq_save();
        outb(d->io + DP_CR, CR_PAGE1 | CR_NODMA | CR_START);
        u8 page = inb(d->io + DP1_CURR);
        outb(d->io + DP_CR, CR_NODMA | CR_START);
        irq_restore(f);
        return page;
}

/* From page `at` on, around the end of the ring. */
static void ring_read(struct ne2000 *d, u16 at, u8 *dst, u32 n)
{
        if (at >= d->end << 8)
                at = (u16)(at - ((d->end - NE_RX) << 8));
        u32 first = min_u32(n, (d->end << 8) - at);
        ne_read(d, at, dst, first);
        if (first < n)
                ne_read(d, NE_RX << 8, dst + first, n - first);
}

/* Takes one frame; false when the ring's own bookkeeping is nonsense and the card must be started again. */
static bool rx_frame(struct ne2000 *d)
{
        struct { u8 status, next; u16 count; } h; /* 5.0: in front of each frame; count includes these four */
        struct netif *nif = &d->nic.nif;
        ne_read(d, (u16)(d->next << 8), &h, sizeof h);
        u32 len = (u32)h.count - 4u;
        u32 pages = (h.count + 255u) / 256u, follows = d->next + pages;
        if (follows >= d->end)
                follows -= d->end - NE_RX;
        u32 after = follows + 1 < d->end ? follows + 1 : NE_RX; /* the stored CRC may reach into one page more */
        if (h.next < NE_RX || h.next >= d->end || (h.next != follows && h.next != after) || h.count < 4 + ETH_HEADER)
                return false;
        struct pkt *p = NULL;
        if (len > ETH_MAX || !(h.status & 1))
                nic_rx_error(&d->nic);
        else if (!(p = pkt_alloc(&nif->st->pkts, NIC_RX_AT)))
                nif->count.rx_dropped++;
        if (p) {
                ring_read(d, (u16)((d->next << 8) + 4), p->data, len);
                p->len = (u16)len;
        }
        d->next = h.next;
        outb(d->io + DP_BNRY, (u8)(h.next == NE_RX ? d->end - 1 : h.next - 1));
        if (p)
                netif_rx(nif, p);
        return true;
}

static void tx_load(struct ne2000 *d)
{
        struct pkt *p;
        while (!d->loaded && (p = pktq_get(&d->txq))) {
                u32 n = nic_gather(d->bounce, ETH_MAX, p);
                if (!n) {
                        nic_tx_too_big(&d->nic, p);
                        continue;
                }
                ne_write(d, (u16)(d->spare << 8), d->bounce, n);
                d->loaded = (u16)n;
                pkt_free(p);
        }
        nic_tx_used(&d->nic, d->txq.n, NE_TXQ);
}

/* Starts what is loaded once the wire is free, then loads the other buffer (6.0). */
static void tx_pump(struct ne2000 *d)
{
        for (;;) {
                if (d->sending && (inb(d->io + DP_CR) & CR_SEND))
                        return;
                d->sending = false;
                if (!d->loaded)
                        tx_load(d);
                if (!d->loaded)
                        return;
                outb(d->io + DP_TPSR, d->spare);
                outb(d->io + DP_TBCR0, (u8)d->loaded);
                outb(d->io + DP_TBCR1, (u8)(d->loaded >> 8));
                outb(d->io + DP_CR, CR_NODMA | CR_SEND | CR_START);
                d->sending = true;
                d->loaded = 0;
                d->spare = d->spare == NE_TX0 ? NE_TX1 : NE_TX0;
                tx_load(d);
        }
}

void ne_xmit(struct netif *nif, struct pkt *p)
{
        struct ne2000 *d = container_of(nif, struct ne2000, nic.nif);
        if (d->txq.n >= NE_TXQ) {
                nic_tx_full(&d->nic, p);
                return;
        }
        pktq_put(&d->txq, p);
        nic_tx_used(&d->nic, d->txq.n, NE_TXQ);
        tx_pump(d);
}

/* 8.0, overflow of the receive ring: the card must be stopped, emptied and started in exactly this way. */
static void overflow(struct ne2000 *d)
{
        d->nic.nif.count.rx_errors++;
        outb(d->io + DP_CR, CR_NODMA | CR_STOP);
        clock_delay_us(1600); /* a frame on the wire may end */
        outb(d->io + DP_RBCR0, 0);
        outb(d->io + DP_RBCR1, 0);
        bool cut = d->sending && !(inb(d->io + DP_ISR) & (ISR_PTX | ISR_TXE));
        outb(d->io + DP_TCR, TCR_LOOPBACK);
        outb(d->io + DP_CR, CR_NODMA | CR_START);
        while (current_page(d) != d->next && rx_frame(d))
                ;
        outb(d->io + DP_ISR, ISR_OVW);
        outb(d->io + DP_TCR, TCR_NORMAL);
        if (cut)
                outb(d->io + DP_CR, CR_NODMA | CR_SEND | CR_START);
}

int ne_poll(struct nic *n, int budget)
{
        struct ne2000 *d = ne_of(n);
        u8 isr = inb(d->io + DP_ISR);
        int done = 0;
        outb(d->io + DP_ISR, isr & (ISR_PRX | ISR_RXE | ISR_PTX | ISR_TXE | ISR_CNT));
        if (isr & ISR_RXE)
                nic_rx_error(n);
        if (isr & ISR_TXE)
                n->nif.count.tx_errors++;
        if (isr & ISR_OVW)
                overflow(d);
        for (; done < budget && current_page(d) != d->next; done++) {
                if (!rx_frame(d)) {
                        nic_rx_error(n);
                        ne_start(d);
                        break;
                }
        }
        tx_pump(d);
        return done;
}

/* 10.0, MAR0 to MAR7 */
void ne_set_filter(struct netif *nif)
{
        struct ne2000 *d = container_of(nif, struct ne2000, nic.nif);
        u8 mar[8] = {0};
        for (u32 i = 0; i < nif->n_groups; i++) {
                u32 bit = nic_mac_hash(nif->groups[i]);
                mar[bit / 8] |= (u8)(1u << bit % 8);
        }
        u32 f = irq_save();
        outb(d->io + DP_CR, CR_PAGE1 | CR_NODMA | CR_START);
        for (u32 i = 0; i < 8; i++)
                outb((u16)(d->io + DP1_MAR + i), mar[i]);
        outb(d->io + DP_CR, CR_NODMA | CR_START);
        irq_restore(f);
}
