/* console.h - the operator's line: serial port, screen and keyboard as one. Output never
 * blocks for long, whatever is (not) there.
 * SPDX-License-Identifier: MIT */
#ifndef CONSOLE_H
#define CONSOLE_H

#include "types.h"

struct thread;

void console_init(void);
/* From now on interrupts carry input, and output that the port cannot take at once. */
void console_irq_init(void);

void console_write(const char *s, size_t n);

/* A byte of input, or -1. The calling thread is woken (thread_wake) by the next one. */
int console_getc(void);

/* From interrupt handlers of input devices: takes bytes; those that find the ring full are lost. */
void console_input(const char *s, size_t n);

/* A panic is being printed: no more interrupts, everything goes out at once. */
void console_panic(void);

/* Paints what changed on the screen when it is time to; from the scheduler. Returns ms until it wants to be
 * called again, UINT32_MAX for not. */
u32 console_poll(void);

#endif
