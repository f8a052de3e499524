/* front_through.h - where the front's decisions and the transparent proxy meet.
 * SPDX-License-Identifier: MIT */
#ifndef FRONT_THROUGH_H
#define FRONT_THROUGH_H

#include "front.h"
#include "through.h"

/* From here on what no rule decides of connections for other machines' addresses is let through by th. */
void front_through_attach(struct front *f, struct through *th);

#endif
