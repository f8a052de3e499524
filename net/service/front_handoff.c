/* front_handoff.c - the front's actor for backends that hand over: asks one node after another until one has taken the
 * connection, and answers the client itself when none does. Not here: how a connection is handed over (net/handoff).
 * SPDX-License-Identifier: MIT */
#include "front_handoff.h"
#include "front_impl.h"

enum { HANDINGS_MAX = 256 };

/* A connection on its way. */
struct handing { struct handing *next; struct joint *j; s8 backend; u8 target; u32 tried; };

/* What the two know of each other. */
struct joint { struct front *f; struct handoff *h; struct handing *free; };

static void release(struct handing *g)
{
        front_backend_leave(g->j->f, (u32)g->backend);
        g->next = g->j->free;
        g->j->free = g;
}

static void done(void *ctx, struct tcb *t, enum handoff_reason why);

/* Asks the next node; false: there is none left. */
static bool ask(struct handing *g, struct tcb *t)
{
        struct joint *j = g->j;
        int i;

        while ((i = front_target_take(j->f, (u32)g->backend, &g->tried)) >= 0) {
                ipaddr node = front_backend_at(j->f, (u32)g->backend)->target[i].at.addr;

                handoff_node_add(j->h, node);
                g->target = (u8)i;
                enum handoff_reason why = handoff_begin(j->h, t, node, done, g);
                if (why == HANDOFF_OK)
                        return true;
                front_target_left(j->f, (u32)g->backend, (u32)i);
                if (why == HANDOFF_STATE || why == HANDOFF_FULL)
                        return false;
                front_target_failed(j->f, (u32)g->backend, (u32)i);
        }
        return false;
}

static void done(void *ctx, struct tcb *t, enum handoff_reason why)
{
        struct handing *g = ctx;
        struct front *f = g->j->f;

        front_target_left(f, (u32)g->backend, g->target);
        if (why == HANDOFF_OK) {
                front_target_works(f, (u32)g->backend, g->target);
                release(g);
                return;
        }
        front_target_failed(f, (u32)g->backend, g->target);
        if (ask(g, t))
                return;
        release(g);
        struct relay *r = front_relay_new(f, t);
        if (!r) {
                tcp_abort(t);
                return;
        }
        front_relay_refuse(r, why == HANDOFF_SILENT ? 504 : 502);
        front_relay_run(r);
}

static int take(void *ctx, struct tcb *t, const struct front_verdict *v, const struct front_head *head)
{
        struct joint *j = ctx;
        struct handing *g = j->free;

        if (!g)
                return 503;
        j->free = g->next;
        g->backend = v->backend;
        g->tried = 0;
        front_backend_hold(j->f, (u32)v->backend);
        tcp_set_events(t, &front_past_events);
        if (ask(g, t))
                return 0;
        release(g);
        return handoff_has_secret(j->h) ? 503 : 502;
}

bool front_handoff_attach(struct front *f, struct handoff *h)
{
        struct joint *j = stack_alloc(f->st, sizeof(*j), 16);
        struct handing *g = stack_alloc(f->st, HANDINGS_MAX * sizeof(*g), 16);

        if (!j || !g)
                return false;
        *j = (struct joint){.f = f, .h = h};
        for (u32 i = HANDINGS_MAX; i-- > 0;) {
                g[i].j = j;
                g[i].next = j->free;
                j->free = &g[i];
        }
        front_register(f, FRONT_HANDOFF, (struct front_actor){take, j});
        return true;
}
