/* virtio_net.c - virtio-net (VIRTIO 1.0 5.1): frames through two queues, with checksum and segmentation offload,
 * mergeable receive buffers and event index. Not here: negotiation (virtio_net_probe.c), carrier and filter (virtio_net_ctl.c).
 * One pair of queues. SPDX-License-Identifier: MIT */
#include "virtio_net.h"
#include "mem.h"

enum { GSO_MAX = 65535 + ETH_HEADER };

/* Offers p to the device: header, then frame, so that the frame begins at NIC_RX_AT. */
static void rx_post(struct vnet *d, struct pkt *p)
{
        u8 *hdr = p->head + NIC_RX_AT - d->hdr_len;
        u32 room = PKT_BUF - NIC_RX_AT;
        struct piece piece[2] = {{hdr, d->hdr_len + room}};
        if (d->split) {
                piece[0].len = d->hdr_len;
                piece[1] = (struct piece){hdr + d->hdr_len, room};
        }
        p->data = hdr;
        p->len = 0;
        p->chain = NULL;
        if (!virtq_add(&d->rx, piece, 0, d->split ? 2 : 1, p)) {
                pkt_free(p);
                return;
        }
        d->posted++;
}

void vnet_refill(struct vnet *d)
{
        struct pktpool *pool = &d->nic.nif.st->pkts;
        while (d->posted < d->quota && pool->n_free)
                rx_post(d, pkt_alloc(pool, 0));
        virtq_kick(&d->rx);
}

static void rx_recycle(struct vnet *d, struct pkt *p)
{
        while (p) {
                struct pkt *rest = p->chain;
                rx_post(d, p);
                p = rest;
        }
}

/* Takes the next used buffer with its length set, or NULL. */
static struct pkt *rx_buffer(struct vnet *d)
{
        u32 len;
        struct pkt *p = virtq_take(&d->rx, &len, &d->nic.nif.count.rx_errors);
        if (!p)
                return NULL;
        d->posted--;
        p->len = (u16)min_u32(len, PKT_BUF - NIC_RX_AT + d->hdr_len);
        return p;
}

/* 5.1.6.4: a frame of n buffers; the others follow the first in the used ring. False: they are not all there. */
static bool rx_gather(struct vnet *d, struct pkt *p, u32 n)
{
        for (; n > 1; n--, p = p->chain) {
                p->chain = rx_buffer(d);
                if (!p->chain)
                        return false;
        }
        return true;
}

static void rx_frame(struct vnet *d, struct pkt *p)
{
        struct netif *nif = &d->nic.nif;
        struct vnet_hdr h = {.num_buffers = 1};
        memcpy(&h, p->data, d->hdr_len);
        u32 n = d->merge ? h.num_buffers : 1;
        bool good = p->len >= d->hdr_len + ETH_HEADER && n && n <= d->rx.size;
        if (good && n > 1)
                good = rx_gather(d, p, n);
        if (good) {
                pkt_pull(p, d->hdr_len);
                u32 total = n > 1 ? pkt_total(p) : p->len;
                good = total <= (h.gso_type == GSO_TCPV4 ? GSO_MAX : ETH_MAX);
        }
        if (!good) {
                nic_rx_error(&d->nic);
                rx_recycle(d, p);
                return;
        }
        if (!nic_rx_may_take(nif->st, d->posted, d->quota)) {
                nic_rx_starved(&d->nic);
                rx_recycle(d, p);
                return;
        }
        /* 5.1.6.4.1: the sum is right, or was never on a wire; then the field holds the pseudo-header's sum alone */
        if (h.flags & (HDR_NEEDS_CSUM | HDR_DATA_VALID))
                p->flags |= PKT_CSUM_OK;
        if (h.flags & HDR_NEEDS_CSUM)
                p->flags |= PKT_CSUM_PARTIAL;
        netif_rx(nif, p);
}

static void tx_reclaim(struct vnet *d)
{
        struct pkt *p;
        while ((p = virtq_take(&d->tx, NULL, &d->nic.nif.count.tx_errors)))
                pkt_free(p);
        nic_tx_used(&d->nic, (u32)d->tx.size - d->tx.n_free, d->tx.size);
}

int vnet_poll(struct nic *n, int budget)
{
        struct vnet *d = vnet_of(n);
        int done = 0;
        struct pkt *p;
        tx_reclaim(d);
        for (; done < budget && (p = rx_buffer(d)); done++) {
                rx_frame(d, p);
                if (d->posted < d->quota / 2)
                        vnet_refill(d);
        }
        vnet_refill(d);
        if (d->has_ctl)
                vnet_ctl_poll(d);
        return done;
}

/* 5.1.6.2: what the device has to sum and to cut */
static void tx_header(struct vnet_hdr *h, const struct pkt *p)
{
        *h = (struct vnet_hdr){0};
        if (!(p->flags & PKT_CSUM_TODO))
                return;
        h->flags = HDR_NEEDS_CSUM;
        h->csum_start = p->csum_start;
        h->csum_offset = p->csum_off;
        if (p->gso) {
                h->gso_type = GSO_TCPV4;
                h->gso_size = p->gso;
                h->hdr_len = (u16)(p->csum_start + (p->data[p->csum_start + 12] >> 4) * 4); /* TCP's data offset */
        }
}

void vnet_xmit(struct netif *nif, struct pkt *p)
{
        struct vnet *d = container_of(nif, struct vnet, nic.nif);
        struct piece piece[1 + NIC_PIECES];
        struct vnet_hdr h;
        u32 total = pkt_total(p);
        if (total > (p->gso ? GSO_MAX : nif->mtu + ETH_HEADER + 4u) || total < ETH_HEADER) {
                nic_tx_too_big(&d->nic, p);
                return;
        }
        tx_header(&h, p);
        bool inside = !d->split && pkt_headroom(p) >= d->hdr_len;
        u8 *at = inside ? pkt_push(p, d->hdr_len) : (u8 *)&d->tx_hdr[d->tx.free_head % d->tx.size];
        memcpy(at, &h, d->hdr_len);
        piece[0] = (struct piece){at, d->hdr_len};
        u32 n = nic_pieces(p, piece + !inside, NIC_PIECES);
        if (n > NIC_PIECES) {
                nic_tx_too_big(&d->nic, p);
                return;
        }
        n += !inside;
        if (d->tx.n_free < n) {
                virtq_kick(&d->tx);
                tx_reclaim(d);
        }
        if (!virtq_add(&d->tx, piece, n, 0, p))
                nic_tx_full(&d->nic, p);
        else if ((u16)(d->tx.avail_idx - d->tx.told_idx) >= NIC_TX_TELL)
                virtq_kick(&d->tx);
        if (d->tx.n_free < d->tx.size / 2u)
                tx_reclaim(d);
}

void vnet_flush(struct netif *nif)
{
        struct vnet *d = container_of(nif, struct vnet, nic.nif);
        virtq_kick(&d->tx);
}
