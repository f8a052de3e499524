/* front_back.c - connections that another front gave to this node: what they may be answered here, and the way back for the rest.
 * Not here: how a connection is given back (net/handoff). SPDX-License-Identifier: MIT */
#include "front_handoff.h"
#include "front_impl.h"

/* The front does not take it, or cannot be heard: the request is not ours to answer. */
static void back(void *ctx, struct tcb *t, enum handoff_reason why)
{
        if (why != HANDOFF_OK && !front_refuse(ctx, t, 503))
                tcp_abort(t);
}

enum front_came front_came(void *ctx, struct tcb *t)
{
        struct front *f = ctx;
        struct handoff *h = handoff_of(f->st);
        const struct handoff_scope *s = handoff_scope(h, t);
        struct front_head head;
        enum handoff_reason why;
        int n;

        if (!s)
                return CAME_NOT;
        if (handoff_first(h, t))
                return CAME_MINE;
        if (!handoff_draining(h)) {
                if (front_scope_is_all(s->b, s->n))
                        return CAME_MINE;
                n = s->n ? front_client_head(f, t, &head) : -1;
                if (!n && !tcp_eof(t) && tcp_readable(t) < FRONT_HEAD_MAX)
                        return CAME_MORE;
                if (n > 0 && front_scope_covers(s->b, s->n, &head))
                        return CAME_MINE;
        }
        tcp_set_events(t, &front_past_events);
        why = handoff_back(h, t, back, f);
        if (why != HANDOFF_OK)
                back(f, t, why);
        return CAME_BACK;
}
