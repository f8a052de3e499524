/* lan.h - a client, a front and a node, each a stack of its own, on one LAN in one process under virtual time, for counting what
 * the work costs on one of them. The drivers gather and help with nothing else. SPDX-License-Identifier: MIT */
#ifndef BENCH_LAN_H
#define BENCH_LAN_H

#include "netif.h"
#include "stack.h"

enum { CLIENT, FRONT, NODE, MACHINES, NOBODY = MACHINES };
#define SERVICE IPADDR(10, 0, 0, 80)

struct machine { struct stack *st; struct netif nif; ipaddr addr; size_t allocated; };
extern struct machine lan[MACHINES];

void lan_make(void);
/* Carries frames until nobody has any; what a machine got at one time is one batch. What `counted` does with them is counted. */
void lan_carry(int counted);
/* The same for ms of virtual time, timers firing. */
void lan_run(u32 ms, int counted);
/* Fails with a word unless ok. */
void lan_check(bool ok, const char *what);

#endif
