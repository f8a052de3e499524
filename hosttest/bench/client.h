/* client.h - the peer of the measured stack: builds segments with right checksums, reads and checks the replies.
 * Never counted. SPDX-License-Identifier: MIT */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "netif.h"
#include "stack.h"

struct client { u32 snd, rcv, tsecr; u16 port, dport; bool ts; };

enum { C_FIN = 1, C_SYN = 2, C_RST = 4, C_PSH = 8, C_ACK = 16 };

extern struct stack *bench_stack;
extern struct netif bench_nif;

/* The stack on a card that gathers, without any help for checksums; n_tcbs connections. */
void bench_make(u32 n_tcbs);

/* The clock: so much time is between two frames from now on, 1,000 us at first; and some goes by in which none comes. */
void client_pace(u32 us);
void client_wait(u32 us);
/* A new client toward port dport. */
void client_new(struct client *c, u16 dport, bool ts);
/* Makes the next segment of c (its numbers move on) and hands it to the stack, counted when `count`; replies[] afterwards. */
void client_send(struct client *c, u32 flags, const void *data, u32 n, bool count);
/* Fails unless exactly n frames came out. */
void client_want(u32 n);
/* Reads the last frame that came out: payload bytes; the client's numbers follow it. */
u32 client_take(struct client *c);

/* gateway.c: packets that pass through. */
void rows_of_a_gateway(void);

#endif
