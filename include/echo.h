/* echo.h - the echo and discard services (RFC 862, 863), on TCP and UDP.
 * SPDX-License-Identifier: MIT */
#ifndef ECHO_H
#define ECHO_H

#include "stack.h"

enum echo_kind { ECHO_ECHO, ECHO_DISCARD };

/* Serves `kind` on a port of all our addresses. 0, E_INUSE, E_NOMEM. */
int echo_listen(struct stack *st, u16 port, int kind);
/* Stops accepting there; connections that are open stay. false when it did not listen. */
bool echo_unlisten(struct stack *st, u16 port, int kind);

#endif
