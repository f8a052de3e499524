/* front_through.c - the front's actor for connections that were taken as they passed and belong to nobody here: they go on to
 * where they were going. Not here: how (net/handoff/opening.c). SPDX-License-Identifier: MIT */
#include "front_through.h"
#include "front_impl.h"

static int take(void *ctx, struct tcb *t, const struct front_verdict *v, const struct front_head *head)
{
        int e = through_begin(ctx, t);

        if (e)
                return e == E_NOROUTE ? 502 : 503;
        return 0;
}

void front_through_attach(struct front *f, struct through *th)
{
        front_register(f, FRONT_THROUGH, (struct front_actor){take, th});
        front_look_or_not(f);
}
