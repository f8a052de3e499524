/* e1000.h - Intel 8254x: registers and descriptors as the two driver files share them.
 * Sections are those of Intel's "PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual".
 * SPDX-License-Identifier: MIT */
#ifndef E1000_H
#define E1000_H

#include "driver.h"
#include "io.h"

/* 13.4 */
enum { E_CTRL = 0x0000, E_STATUS = 0x0008, E_EERD = 0x0014, E_ICR = 0x00c0, E_IMS = 0x00d0, E_IMC = 0x00d8, E_RCTL = 0x0100,
       E_TCTL = 0x0400, E_TIPG = 0x0410, E_RDBAL = 0x2800, E_RDBAH = 0x2804, E_RDLEN = 0x2808, E_RDH = 0x2810, E_RDT = 0x2818,
       E_RDTR = 0x2820, E_TDBAL = 0x3800, E_TDBAH = 0x3804, E_TDLEN = 0x3808, E_TDH = 0x3810, E_TDT = 0x3818, E_RXCSUM = 0x5000,
       E_MTA = 0x5200, E_RAL = 0x5400, E_RAH = 0x5404, E_REGS = 0x20000 };

/* 3.2.3 */
struct e1000_rx { u64 addr; u16 len, csum; u8 status, errors; u16 special; };
enum { RX_DD = 0x01, RX_EOP = 0x02, RX_IXSM = 0x04, RX_TCPCS = 0x20, RX_TCPE = 0x20, RX_BROKEN = 0x97 /* CE SE SEQ CXE RXE */ };

/* 3.3.6 (context) and 3.3.7 (data): `cmd` holds the length in its low 20 bits, the type and the command above */
union e1000_tx {
        struct { u8 ipcss, ipcso; u16 ipcse; u8 tucss, tucso; u16 tucse; u32 cmd; u8 status, hdrlen; u16 mss; } context;
        struct { u64 addr; u32 cmd; u8 status, popts; u16 special; } data;
};
_Static_assert(sizeof(struct e1000_rx) == 16 && sizeof(union e1000_tx) == 16, "8254x SDM 3.2.3, 3.3.7");

enum { E1000_RX_RING = 128, E1000_TX_RING = 256 }; /* multiples of 8 */

struct e1000 {
        struct nic       nic;
        volatile u8     *regs;
        volatile struct e1000_rx *rx;
        volatile union e1000_tx  *tx;
        /* The device owns rx[rx_clean, rx_fill) and tx[tx_clean, tx_fill), modulo the ring, never all of it. */
        u32              rx_clean, rx_fill, tx_clean, tx_fill, tx_told, rx_told, quota;
        bool             rx_skip;                     /* inside a frame that spans buffers: dropped to its end */
        struct pkt      *rx_pkt[E1000_RX_RING];
        struct pkt      *tx_pkt[E1000_TX_RING];       /* at a packet's last descriptor */
        u16              tx_last[E1000_TX_RING];      /* at its first: which one is the last */
        u64              context;                     /* offsets that the device remembers from the last context descriptor */
};

static inline u32 e_read(const struct e1000 *d, u32 reg) { return mmio_read32(d->regs + reg); }
static inline void e_write(struct e1000 *d, u32 reg, u32 v) { mmio_write32(d->regs + reg, v); }

/* e1000_tx.c */
void e1000_xmit(struct netif *nif, struct pkt *p);
void e1000_flush(struct netif *nif);
void e1000_tx_reclaim(struct e1000 *d);

#endif
