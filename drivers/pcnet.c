/* pcnet.c - AMD Am79C970A (PCnet-PCI II): frames through descriptor rings, gathered sending.
 * Not here: registers, filter, starting (pcnet_probe.c). No checksum offload. SPDX-License-Identifier: MIT */
#include "pcnet.h"

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

void pcnet_refill(struct pcnet *d)
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

/* A device that finds its descriptor not ready looks for another that is (QEMU's does) and may so pass one by that we hand over in the
 * same moment. Then frames lie behind a descriptor that waits to be filled: that one goes to the end of the ring. False: nothing lies there. */
static bool rx_passed_by(struct pcnet *d)
{
        u32 skip = 1, posted = d->rx_fill - d->rx_clean;
        while (skip < posted && (d->rx[(d->rx_clean + skip) % RX_RING].flags & D_OWN))
                skip++;
        if (skip >= posted)
                return false;
        for (; skip; skip--) {
                u32 i = d->rx_clean++ % RX_RING;
                d->rx[i].flags = 0;
                rx_post(d, d->rx_pkt[i]);
        }
        return true;
}

static void tx_reclaim(struct pcnet *d)
{
        while (d->tx_clean != d->tx_fill) {
                u32 i = d->tx_clean % TX_RING, flags = d->tx[i].flags;
                if (flags & D_OWN)
                        break;
                if (flags & D_ERR)
                        d->nic.nif.count.tx_errors++;
                pkt_free(d->tx_pkt[i]);
                d->tx_pkt[i] = NULL;
                d->tx_clean++;
        }
        nic_tx_used(&d->nic, d->tx_fill - d->tx_clean, TX_RING);
}

int pcnet_poll(struct nic *n, int budget)
{
        struct pcnet *d = pcnet_of(n);
        u32 events = pcnet_csr0(d) & C0_EVENTS;
        int done = 0;
        if (events)
                pcnet_set_csr0(d, events);
        if (events & C0_MISS)
                n->nif.count.rx_dropped++;
        tx_reclaim(d);
        for (; done < budget && d->rx_clean != d->rx_fill; done++) {
                volatile struct pcnet_desc *r = &d->rx[d->rx_clean % RX_RING];
                u32 flags = r->flags;
                if (flags & D_OWN) {
                        if (!(events & C0_RINT) || !rx_passed_by(d))
                                break;
                        continue;
                }
                barrier();
                struct pkt *p = d->rx_pkt[d->rx_clean++ % RX_RING];
                p = rx_judge(d, p, flags, r->misc & 0xfff);
                if (p)
                        netif_rx(&n->nif, p);
                if (d->rx_fill - d->rx_clean < d->quota / 2)
                        pcnet_refill(d);
        }
        pcnet_refill(d);
        return done;
}

void pcnet_flush(struct netif *nif)
{
        struct pcnet *d = container_of(nif, struct pcnet, nic.nif);
        if (d->tx_told == d->tx_fill)
                return;
        d->tx_told = d->tx_fill;
        pcnet_set_csr0(d, C0_TDMD);
}

/* One descriptor a piece; the first is handed over last, so that the card never runs into a half-written packet. */
void pcnet_xmit(struct netif *nif, struct pkt *p)
{
        struct pcnet *d = container_of(nif, struct pcnet, nic.nif);
        struct piece piece[NIC_PIECES];
        u32 n = nic_pieces(p, piece, NIC_PIECES), total = pkt_total(p);
        if (n > NIC_PIECES || total < ETH_HEADER || total > nif->mtu + ETH_HEADER + 4u) {
                nic_tx_too_big(&d->nic, p);
                return;
        }
        if (d->tx_fill - d->tx_clean + n > TX_RING) {
                pcnet_flush(nif);
                tx_reclaim(d);
        }
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
        if (d->tx_fill - d->tx_told >= NIC_TX_TELL)
                pcnet_flush(nif);
        if (d->tx_fill - d->tx_clean > TX_RING / 2)
                tx_reclaim(d);
}
