/* netloop.h - the thread that is the stack's heart in the kernel, and how other threads wait for the stack.
 * SPDX-License-Identifier: MIT */
#ifndef NETLOOP_H
#define NETLOOP_H

#include "stack.h"

/* Makes the appliance's stack with pools as large as free memory allows; panics when there is too little. */
struct stack *netloop_stack_new(void);

/* Pool sizes for so much free memory: pure arithmetic. */
void netloop_sizes(u32 free_kb, struct stack_config *cfg);

/* Starts the net thread. */
void netloop_start(struct stack *st);

/* What other threads asked of the stack goes out when the net thread runs next, which is soon. */
void netloop_kick(void);

/* Any other thread: what it asked of the stack goes out, then it sleeps until the net thread has done something, it is woken,
 * or ms passed. Has the type of stack_config.wait. */
void netloop_wait(void *ctx, u32 ms);

#endif
