/* through.h - the transparent proxy at a gateway: connections that pass through to any address are taken as if they were ours,
 * their request is read, and then they are answered here, relayed, or let through to where they were going. Who is let through
 * speaks with his target directly; this machine only rewrites what differs, by constants (doc/front.md). Needs forwarding (ip.h).
 * SPDX-License-Identifier: MIT */
#ifndef THROUGH_H
#define THROUGH_H

#include "stack.h"

struct through;
struct tcb;

enum { THROUGH_PORTS = 8 };

/* Makes the proxy of a stack with `passages` entries of 44 bytes for connections that were let through (0: 4 for each TCB).
 * Once; NULL = out of memory. */
struct through *through_new(struct stack *st, u32 passages);

/* Connections through this machine to port of addresses in net/plen are taken from their SYN on; older ones pass. A listener on the
 * port accepts them: tcp_names tells whom they were for. 0, E_EXIST, E_NOMEM; E_NOENT. */
int  through_intercept(struct through *th, u16 port, ipaddr net, u8 plen);
int  through_leave(struct through *th, u16 port, ipaddr net, u8 plen);
void through_walk(const struct through *th, void (*fn)(void *ctx, u16 port, ipaddr net, u8 plen), void *ctx);
bool through_any(const struct through *th);

/* t was for somebody else. */
bool through_taken(const struct tcb *t);

/* Lets t, with the bytes that it has not read, through to where it was going. 0: begun, t is no longer the caller's, and what
 * goes wrong reaches the client as RST. E_INVAL: t is for this machine, or cannot be let through as it is now (something is on
 * its way to the client); E_NOMEM; E_NOROUTE; E_INUSE. Then t is untouched. */
int through_begin(struct through *th, struct tcb *t);

struct through_counters {
        u32 taken, begun, through;      /* SYNs taken; connections to be let through, and those that were */
        u32 refused, silent, differs;   /* targets: reset, no answer, options that cannot be translated */
        u32 kept, kept_lost, early;     /* packets meanwhile: the client's, those too many, the target's that came too soon */
        u32 translated, expired, full;
        u32 passages, passages_max, opening;    /* at present */
};
void through_counters(const struct through *th, struct through_counters *out);

/* Connections let through at present. */
struct through_passage { ipaddr client, target; u16 client_port, target_port; const char *state; u32 idle_s; };
void through_passages(const struct through *th, bool (*fn)(void *ctx, const struct through_passage *p), void *ctx);

#endif
