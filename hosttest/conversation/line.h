/* line.h - one stack on a TAP device, for qget and qserve: clock, event loop, and packets shown as they pass.
 * SPDX-License-Identifier: MIT */
#ifndef LINE_H
#define LINE_H

#include "tcp.h"

/* A stack on TAP device `tap` with address "a.b.c.d/plen", its gateway or NULL; exits with a message when that cannot be. */
struct stack *line_open(const char *tap, const char *address, const char *gateway);
/* One turn: waits at most ms for frames and timers, and handles them. */
void line_turn(struct stack *st, u32 ms);
u64 line_now_us(void);
/* Draws every TCP packet on standard error: label, arrow (we are C when `client`), flags, bytes, ms since the first. */
void line_draw(struct stack *st, bool client);
/* Packets drawn or not, since the start or the last line_again. */
u32 line_packets(void);
void line_again(void);
bool line_addr(const char *text, ipaddr *out);

#endif
