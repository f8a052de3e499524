/* driver.h - what the card drivers share: probe functions, receive buffers, gathering, the multicast hash.
 * SPDX-License-Identifier: MIT */
#ifndef DRIVER_H
#define DRIVER_H

#include "nic.h"
#include "pci.h"
#include "stack.h"

enum {
        ETH_HEADER = 14,
        ETH_MAX    = 1518,              /* largest frame without FCS: 14 + 802.1Q tag 4 + 1500 */
        ETH_MIN    = 60,                /* shortest frame without FCS; a sender pads */
        NIC_RX_AT  = PKT_HEADROOM + 2,  /* where a received frame begins: its IP header is then 4-aligned, with room for a reply in place */
        NIC_TX_TELL = 32,               /* after so many the device may begin although the batch goes on: the ring must not fill up unseen */
        NIC_PIECES = 40,                /* most pieces of one packet: 64 KiB of segments to cut, two frags a buffer */
};

/* One function per device: takes the device at d, adds its nic to st. */
void virtio_net_probe(struct stack *st, const struct pci_dev *d);
void virtio_rng_probe(struct stack *st, const struct pci_dev *d);
void e1000_probe(struct stack *st, const struct pci_dev *d);
void rtl8139_probe(struct stack *st, const struct pci_dev *d);
void pcnet_probe(struct stack *st, const struct pci_dev *d);
void ne2000_probe_pci(struct stack *st, const struct pci_dev *d);
void ne2000_probe_isa(struct stack *st);

/* One line for people through the stack's log. */
#define nic_log(st, ...) stack_log(st, __VA_ARGS__)

/* How many of a ring's slots to fill with receive buffers: at most a quarter of the pool, so that several cards fit into a small one. */
u32 nic_rx_quota(const struct stack *st, u32 ring);

/* May a received buffer go up although `posted` remain of `quota`? Refusing keeps the last quarter in the ring when the
 * pool is empty, so that frames (the acknowledgements that free buffers) keep arriving. */
static inline bool nic_rx_may_take(const struct stack *st, u32 posted, u32 quota)
{
        return posted > quota / 4 || st->pkts.n_free > 0;
}

/* Counts a frame that the device or the wire broke, and one for which no buffer was free. */
static inline void nic_rx_error(struct nic *n) { n->nif.count.rx_errors++; }
static inline void nic_rx_starved(struct nic *n)
{
        n->nif.count.rx_dropped++;
        n->nif.st->pkts.drops[DROP_POOL_EMPTY]++;
}
/* Gives up a packet for which the ring has no room. */
static inline void nic_tx_full(struct nic *n, struct pkt *p)
{
        n->nif.count.tx_dropped++;
        pkt_drop(p, DROP_NIF_TX_FULL);
}
static inline void nic_tx_too_big(struct nic *n, struct pkt *p)
{
        n->nif.count.tx_dropped++;
        pkt_drop(p, DROP_NIF_TX_TOO_BIG);
}

/* `used` of the ring's places for sending are taken: behind three quarters of them connections wait rather than fill it (netif.busy). */
static inline void nic_tx_used(struct nic *n, u32 used, u32 ring) { n->nif.busy = used > ring / 4 * 3; }

/* The contiguous pieces of a packet in order of the wire, none empty. Their number, or max + 1 when there are more. */
struct piece { const u8 *ptr; u32 len; };
u32 nic_pieces(const struct pkt *p, struct piece *out, u32 max);

/* Copies a whole packet to dst (max bytes), padded with zeros to ETH_MIN; for a PKT_CSUM_TODO packet sums while copying and stores the
 * checksum. The bytes written, or 0 when it is larger than max. p stays the caller's. */
u32 nic_gather(u8 *dst, u32 max, const struct pkt *p);

/* Copies a received frame of n <= ETH_MAX bytes that lies at src, or wraps from src[first) to rest, into a new packet, and sets PKT_CSUM_OK
 * when the sum taken on the way proves its TCP or UDP checksum. NULL when no buffer is free (counted). */
struct pkt *nic_rx_copy(struct nic *n, const u8 *src, u32 first, const u8 *rest, u32 len);

/* IEEE 802.3 CRC-32 of a station address, as multicast hash filters take it: least significant bit first (reflected), not inverted. */
u32 nic_mac_crc(macaddr mac);
/* Which of 64 bits it chooses where the six bits that left the shift register first count, most significant first (DP8390, RTL8139). */
u32 nic_mac_hash(macaddr mac);

#endif
