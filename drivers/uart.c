/* uart.c - 16550A serial port COM1. Transmit goes through a ring that interrupts empty; a port that stops taking bytes
 * (or was never there) costs bytes, never time without bound. No flow control.
 * SPDX-License-Identifier: MIT */
#include "console.h"
#include "io.h"
#include "irq.h"
#include "uart.h"

enum {
        COM1 = 0x3f8, COM1_IRQ = 4,
        DATA = COM1, IER = COM1 + 1, IIR = COM1 + 2, FCR = COM1 + 2, LCR = COM1 + 3, MCR = COM1 + 4, LSR = COM1 + 5,
        SCRATCH = COM1 + 7,
        IER_RX = 1, IER_TX = 2,
        LCR_8N1 = 3, LCR_DLAB = 0x80,
        FCR_ON_CLEAR_14 = 0xc7,        /* FIFOs on and emptied, receive interrupt at 14 bytes or a pause */
        MCR_DTR_RTS_OUT2 = 0x0b,       /* OUT2 is the interrupt's gate on PCs */
        LSR_DATA = 1, LSR_THRE = 0x20,
        FIFO = 16,
        SPINS = 20000,                 /* reads of LSR, about 1 us each: 20 ms is more than a full FIFO at 115200 takes */
        TX_RING = 4096,
};

static struct {
        bool present, irqs;
        u8 ier;
        u32 head, tail;                /* bytes ever put and taken */
        char ring[TX_RING];
} tx;

/* Fills the FIFO when it is empty. True when it was. */
static bool tx_pump(void)
{
        if (!(inb(LSR) & LSR_THRE))
                return false;
        for (int i = 0; i < FIFO && tx.tail != tx.head; i++)
                outb(DATA, (u8)tx.ring[tx.tail++ % TX_RING]);
        u8 ier = tx.irqs ? IER_RX | (tx.tail != tx.head ? IER_TX : 0) : 0;
        if (ier != tx.ier)
                outb(IER, tx.ier = ier);
        return true;
}

/* Waits for the FIFO, bounded. A port that takes nothing for so long is given up until it interrupts again. */
static bool tx_wait(void)
{
        for (int i = 0; i < SPINS; i++)
                if (tx_pump())
                        return true;
        tx.tail = tx.head;
        return false;
}

void uart_put(char c)
{
        if (!tx.present)
                return;
        u32 f = irq_save();
        if (tx.head - tx.tail == TX_RING)
                tx_wait();
        tx.ring[tx.head++ % TX_RING] = c;
        if (!(tx.ier & IER_TX))
                tx_pump();
        if (tx.irqs && tx.tail != tx.head && !(tx.ier & IER_TX))
                outb(IER, tx.ier = IER_RX | IER_TX);
        irq_restore(f);
}

void uart_flush(void)
{
        u32 f = irq_save();
        while (tx.present && tx.tail != tx.head && tx_wait())
                ;
        irq_restore(f);
}

static bool uart_irq(void *ctx)
{
        enum { NONE_PENDING = 1, LIMIT = 64 };
        if (inb(IIR) & NONE_PENDING)
                return false;
        char buf[LIMIT];
        u32 n = 0;
        while (n < LIMIT && (inb(LSR) & LSR_DATA))
                buf[n++] = (char)inb(DATA);
        console_input(buf, n);
        tx_pump();
        return true;
}

bool uart_init(void)
{
        outb(SCRATCH, 0x5a);
        if (inb(SCRATCH) != 0x5a)
                return false;
        outb(IER, 0);
        outb(LCR, LCR_DLAB);
        outb(COM1, 1);                 /* divisor 1: 115200 */
        outb(COM1 + 1, 0);
        outb(LCR, LCR_8N1);
        outb(FCR, FCR_ON_CLEAR_14);
        outb(MCR, MCR_DTR_RTS_OUT2);
        return tx.present = true;
}

void uart_irq_init(void)
{
        if (!tx.present || irq_attach(COM1_IRQ, uart_irq, NULL, false) < 0)
                return;
        u32 f = irq_save();
        tx.irqs = true;
        outb(IER, tx.ier = IER_RX | IER_TX);
        irq_restore(f);
}
