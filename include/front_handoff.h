/* front_handoff.h - where the front's decisions and the handoff meet: backends whose action is handoff.
 * SPDX-License-Identifier: MIT */
#ifndef FRONT_HANDOFF_H
#define FRONT_HANDOFF_H

#include "front.h"
#include "handoff.h"

/* From here on backends of f may hand over by h. Once for a front; false = out of memory. */
bool front_handoff_attach(struct front *f, struct handoff *h);
/* What f registers for the node's side: a front_came_fn, ctx the front. */
enum front_came front_came(void *ctx, struct tcb *t);

#endif
