/* tcp_statistics.h - what TCP counts, with names for people (netstat -s).
 * SPDX-License-Identifier: MIT */
#ifndef TCP_STATISTICS_H
#define TCP_STATISTICS_H

#include "stack.h"

/* Calls fn for each counter of the stack's TCP: fn(ctx, "segments received", 12). */
void tcp_statistics(struct stack *st, void (*fn)(void *ctx, const char *name, u32 n), void *ctx);

#endif
