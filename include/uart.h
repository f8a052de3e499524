/* uart.h - the 16550 on COM1: 115200 8N1, FIFO, receive by interrupt, transmit through a ring.
 * SPDX-License-Identifier: MIT */
#ifndef UART_H
#define UART_H

#include "types.h"

/* False when no port answers; then the other calls do nothing. */
bool uart_init(void);
void uart_irq_init(void);
void uart_put(char c);
/* Everything queued goes out, but at most for some ten milliseconds. */
void uart_flush(void);

#endif
