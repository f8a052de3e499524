/* pcnet.h - AMD Am79C970A: registers and descriptors as the two driver files share them. Names in quotes are headings of
 * AMD's Am79C970A data sheet. SPDX-License-Identifier: MIT */
#ifndef PCNET_H
#define PCNET_H

#include "driver.h"
#include "io.h"

/* "I/O Resources", 32-bit (DWIO) */
enum { P_APROM = 0x00, P_RDP = 0x10, P_RAP = 0x14, P_RESET = 0x18, P_BDP = 0x1c, P_RESET16 = 0x14 };
/* CSR0 */
enum { C0_INIT = 1, C0_STRT = 2, C0_STOP = 4, C0_TDMD = 8, C0_IENA = 0x40, C0_INTR = 0x80, C0_IDON = 0x100, C0_RINT = 0x400, C0_MISS = 0x1000,
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

enum { RX_LOG = 7, RX_RING = 1 << RX_LOG, TX_LOG = 7, TX_RING = 1 << TX_LOG, RX_BYTES = 1600 };

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

static inline struct pcnet *pcnet_of(struct nic *n) { return container_of(n, struct pcnet, nic); }

/* The address port stays at CSR0, which the interrupt handler and the packet path use. Writing keeps IENA as irq_wanted says. */
static inline u32 pcnet_csr0(const struct pcnet *d) { return inl(d->io + P_RDP); }
static inline void pcnet_set_csr0(struct pcnet *d, u32 v) { outl(d->io + P_RDP, v | (d->irq_wanted ? C0_IENA : 0)); }

/* pcnet.c: fills the receive ring; the nic's and the netif's functions. */
void pcnet_refill(struct pcnet *d);
int  pcnet_poll(struct nic *n, int budget);
void pcnet_xmit(struct netif *nif, struct pkt *p);
void pcnet_flush(struct netif *nif);

#endif
