/* e1000_tx.c - sending on the 8254x: gathered, summed and cut by the device (SDM 3.3, 3.5).
 * SPDX-License-Identifier: MIT */
#include "e1000.h"
#include "cksum.h"
#include "mem.h"

enum { CMD_EOP = 1 << 24, CMD_IFCS = 1 << 25, CMD_TSE = 1 << 26, CMD_RS = 1 << 27, CMD_DEXT = 1 << 29, TYPE_DATA = 1 << 20,
       TUCMD_TCP = 1 << 24, TUCMD_IP = 1 << 25, POPTS_IXSM = 1, POPTS_TXSM = 2, TX_DD = 1 };
enum { DESC_MAX = 8192 /* 3.3.7: at most 16,288 */, GSO_MAX = 65535 + ETH_HEADER };

static u32 used(const struct e1000 *d) { return (d->tx_fill - d->tx_clean) % E1000_TX_RING; }

void e1000_tx_reclaim(struct e1000 *d)
{
        while (d->tx_clean != d->tx_fill) {
                u32 last = d->tx_last[d->tx_clean];
                if (!(d->tx[last].data.status & TX_DD))
                        break;
                pkt_free(d->tx_pkt[last]);
                d->tx_pkt[last] = NULL;
                d->tx_clean = (last + 1) % E1000_TX_RING;
        }
        nic_tx_used(&d->nic, used(d), E1000_TX_RING);
}

/* 3.3.6: where the sums begin and go, and how to cut; the device keeps this until the next context descriptor. */
static void put_context(struct e1000 *d, const struct pkt *p, u32 ip, u32 header, u32 total)
{
        volatile union e1000_tx *t = &d->tx[d->tx_fill];
        t->context.ipcss = (u8)ip;
        t->context.ipcso = (u8)(ip + 10);
        t->context.ipcse = (u16)(p->csum_start - 1);
        t->context.tucss = (u8)p->csum_start;
        t->context.tucso = (u8)(p->csum_start + p->csum_off);
        t->context.tucse = 0; /* to the end */
        t->context.cmd = CMD_DEXT | TUCMD_IP | TUCMD_TCP | (p->gso ? CMD_TSE | (total - header) : 0);
        t->context.status = 0;
        t->context.hdrlen = (u8)header;
        t->context.mss = p->gso;
        d->tx_fill = (d->tx_fill + 1) % E1000_TX_RING;
}

/* 3.5.6: the device fills in each segment's IP length and sum, and adds each segment's length to the pseudo-header's sum,
 * which therefore must come without one. Returns the length of all headers, or 0 when they are not in the first buffer. */
static u32 prepare_cut(struct pkt *p, u32 ip, u32 total)
{
        u16 field;
        u8 *tcp = p->data + p->csum_start;
        if ((u32)p->csum_start + 20 > p->len)
                return 0;
        u32 header = p->csum_start + (tcp[12] >> 4) * 4u;
        if (header > p->len || header > 255)
                return 0;
        be16 length = be16_of((u16)(total - p->csum_start));
        memcpy(&field, tcp + p->csum_off, 2);
        field = cksum_fold(field + (u16)~be16_raw(length));
        memcpy(tcp + p->csum_off, &field, 2);
        memset(p->data + ip + 2, 0, 2);
        memset(p->data + ip + 10, 0, 2);
        return header;
}

static void put_data(struct e1000 *d, const struct piece *piece, u32 n, u32 flags, u8 popts)
{
        for (u32 i = 0; i < n; i++) {
                for (u32 off = 0; off < piece[i].len; off += DESC_MAX) {
                        volatile union e1000_tx *t = &d->tx[d->tx_fill];
                        u32 len = min_u32(DESC_MAX, piece[i].len - off);
                        bool last = i + 1 == n && off + len == piece[i].len;
                        t->data.addr = (u32)(uintptr_t)(piece[i].ptr + off);
                        t->data.cmd = len | TYPE_DATA | CMD_DEXT | CMD_IFCS | flags | (last ? CMD_EOP | CMD_RS : 0);
                        t->data.status = 0;
                        t->data.popts = popts;
                        t->data.special = 0;
                        d->tx_fill = (d->tx_fill + 1) % E1000_TX_RING;
                }
        }
}

void e1000_flush(struct netif *nif)
{
        struct e1000 *d = container_of(nif, struct e1000, nic.nif);
        if (d->tx_told == d->tx_fill)
                return;
        d->tx_told = d->tx_fill;
        barrier();
        e_write(d, E_TDT, d->tx_fill);
}

/* Makes room for n descriptors; one always stays free, or full would look like empty (3.4). */
static bool room(struct e1000 *d, u32 n)
{
        if (used(d) + n < E1000_TX_RING)
                return true;
        e1000_flush(&d->nic.nif);
        e1000_tx_reclaim(d);
        return used(d) + n < E1000_TX_RING;
}

void e1000_xmit(struct netif *nif, struct pkt *p)
{
        struct e1000 *d = container_of(nif, struct e1000, nic.nif);
        struct piece piece[NIC_PIECES];
        u32 total = pkt_total(p), n = nic_pieces(p, piece, NIC_PIECES), header = 0, descs = 1;
        u32 ip = p->len >= 18 && p->data[12] == 0x81 && p->data[13] == 0 ? ETH_HEADER + 4 : ETH_HEADER;
        bool todo = p->flags & PKT_CSUM_TODO;
        for (u32 i = 0; i < n && n <= NIC_PIECES; i++)
                descs += (piece[i].len + DESC_MAX - 1) / DESC_MAX;
        if (n > NIC_PIECES || total < ETH_HEADER || total > (p->gso ? GSO_MAX : nif->mtu + ETH_HEADER + 4u) ||
            (todo && p->csum_start > 200)) {
                nic_tx_too_big(&d->nic, p);
                return;
        }
        if (!room(d, descs)) {
                nic_tx_full(&d->nic, p);
                return;
        }
        if (p->gso && !(header = prepare_cut(p, ip, total))) {
                nic_tx_too_big(&d->nic, p);
                return;
        }
        u32 first = d->tx_fill;
        u64 context = (u64)ip << 32 | (u32)p->csum_start << 16 | p->csum_off;
        if (todo && (p->gso || context != d->context)) {
                put_context(d, p, ip, header, total);
                d->context = p->gso ? 0 : context;
        }
        put_data(d, piece, n, p->gso ? CMD_TSE : 0, (u8)(todo ? POPTS_TXSM | (p->gso ? POPTS_IXSM : 0) : 0));
        u32 last = (d->tx_fill - 1) % E1000_TX_RING;
        d->tx_last[first] = (u16)last;
        d->tx_pkt[last] = p;
        if ((d->tx_fill - d->tx_told) % E1000_TX_RING >= NIC_TX_TELL)
                e1000_flush(nif);
        if (used(d) > E1000_TX_RING / 2)
                e1000_tx_reclaim(d);
}
