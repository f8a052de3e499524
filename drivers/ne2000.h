/* ne2000.h - the NE2000's controller, National DP8390D (and Realtek's RTL8029AS, the same on PCI), as its two driver files share it.
 * Sections are those of the DP8390D/NS32490D data sheet. SPDX-License-Identifier: MIT */
#ifndef NE2000_H
#define NE2000_H

#include "driver.h"

/* 10.0: registers of page 0 (several differ between reading and writing), then of page 1; the NE2000's own two ports */
enum { DP_CR = 0, DP_PSTART = 1, DP_PSTOP = 2, DP_BNRY = 3, DP_TSR = 4, DP_TPSR = 4, DP_TBCR0 = 5, DP_TBCR1 = 6, DP_ISR = 7,
       DP_RSAR0 = 8, DP_RSAR1 = 9, DP_RBCR0 = 10, DP_RBCR1 = 11, DP_RCR = 12, DP_TCR = 13, DP_DCR = 14, DP_IMR = 15,
       DP1_PAR = 1, DP1_CURR = 7, DP1_MAR = 8, NE_DATA = 16, NE_RESET = 31 };
enum { CR_STOP = 0x01, CR_START = 0x02, CR_SEND = 0x04, CR_READ = 0x08, CR_WRITE = 0x10, CR_NODMA = 0x20, CR_PAGE1 = 0x40 };
enum { ISR_PRX = 0x01, ISR_PTX = 0x02, ISR_RXE = 0x04, ISR_TXE = 0x08, ISR_OVW = 0x10, ISR_CNT = 0x20, ISR_RDC = 0x40, ISR_RST = 0x80,
       ISR_SENT = ISR_PTX | ISR_TXE, ISR_RECEIVED = ISR_PRX | ISR_RXE | ISR_OVW };
enum { RCR_BROADCAST = 0x04, RCR_MULTICAST = 0x08, RCR_MONITOR = 0x20, TCR_NORMAL = 0, TCR_LOOPBACK = 0x02,
       DCR_WORDS = 0x49 /* 16 bit transfers, no loopback, FIFO threshold 8 bytes */ };

/* The card's 16 KiB (32 KiB on many) in pages of 256 bytes: two transmit buffers, then the receive ring. */
enum { NE_TX0 = 0x40, NE_TX1 = 0x46, NE_RX = 0x4c, NE_END_16K = 0x80, NE_END_32K = 0xc0, NE_TXQ = 64 };

struct ne2000 {
        struct nic  nic;
        u16         io;
        u8          end;            /* page behind the receive ring */
        u8          next;           /* page at which the next received frame begins */
        /* One buffer is on the wire (`sending`), the other may be loaded; what does not fit waits in txq. */
        bool        sending;
        u8          spare;          /* page of the buffer that is not on the wire */
        u16         loaded;         /* bytes in it, 0 = empty */
        struct pktq txq;
        u8         *bounce;         /* a packet made contiguous, for word transfers */
};

/* Stops the card, sets it up from scratch and starts it (7.0, initialization sequence). */
void ne_start(struct ne2000 *d);
/* Copies between the card's memory at `at` and ours, in words; n is rounded up to even (11.0, remote DMA). */
void ne_read(struct ne2000 *d, u16 at, void *dst, u32 n);
void ne_write(struct ne2000 *d, u16 at, const void *src, u32 n);

int  ne_poll(struct nic *n, int budget);
void ne_xmit(struct netif *nif, struct pkt *p);
void ne_set_filter(struct netif *nif);

#endif
