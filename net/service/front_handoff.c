/* front_handoff.c - the front's actor for backends that hand over: asks one node after another until one has taken the
 * connection. When none can take this connection as it is, it is relayed to them; when none answers, the front says so itself.
 * Not here: how a connection is handed over (net/handoff).
 * SPDX-License-Identifier: MIT */
#include "front_handoff.h"
#include "front_impl.h"

enum { HANDINGS_MAX = 256 };

/* A connection on its way. */
struct handing { struct handing *next; struct joint *j; s8 backend; u8 target; s16 rule; bool all; u32 tried; };

/* What the two know of each other. */
struct joint { struct front *f; struct handoff *h; struct handing *free; };

static void release(struct handing *g)
{
        front_backend_leave(g->j->f, (u32)g->backend);
        g->next = g->j->free;
        g->j->free = g;
}

static void done(void *ctx, struct tcb *t, enum handoff_reason why);

/* It was the connection that did not fit, not the nodes: relaying to them may work. */
static bool may_relay(enum handoff_reason why)
{
        return why == HANDOFF_STATE || why == HANDOFF_FULL || why == HANDOFF_BLOCK;
}

/* Asks the next node. Else: why no other is left to ask. */
static enum handoff_reason ask(struct handing *g, struct tcb *t, enum handoff_reason last)
{
        struct joint *j = g->j;
        struct handoff_scope scope;
        int i;

        scope.n = (u8)(g->all ? front_scope_all(scope.b) : front_scope_put(j->f, t, g->backend, g->rule, scope.b, HANDOFF_SCOPE));
        while ((i = front_target_take(j->f, (u32)g->backend, &g->tried)) >= 0) {
                ipaddr node = front_backend_at(j->f, (u32)g->backend)->target[i].at.addr;

                handoff_node_add(j->h, node);
                g->target = (u8)i;
                last = handoff_begin(j->h, t, node, &scope, done, g);
                if (last == HANDOFF_OK)
                        break;
                front_target_left(j->f, (u32)g->backend, (u32)i);
                if (may_relay(last))
                        break;
                front_target_failed(j->f, (u32)g->backend, (u32)i);
        }
        return last;
}

/* The same backend, without handing over; 0, or the status for the client. */
static int relay(struct handing *g, struct tcb *t)
{
        struct front *f = g->j->f;
        struct front_verdict v = {FRONT_RELAY, g->backend, -1};
        struct front_head head;

        if (front_client_head(f, t, &head) <= 0)
                return 502;
        f->count.handed--;
        f->count.relayed++;
        return front_relay_take(f, t, &v, &head);
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
        if (!may_relay(why)) {
                front_target_failed(f, (u32)g->backend, g->target);
                why = ask(g, t, why);
        }
        if (why == HANDOFF_OK)
                return;
        int status = may_relay(why) ? relay(g, t) : why == HANDOFF_SILENT ? 504 : 502;
        release(g);
        if (status && !front_refuse(f, t, (u32)status))
                tcp_abort(t);
}

static int take(void *ctx, struct tcb *t, const struct front_verdict *v, const struct front_head *head)
{
        struct joint *j = ctx;
        struct handing *g = j->free;

        if (!g)
                return 503;
        j->free = g->next;
        g->backend = v->backend;
        g->rule = v->rule;
        g->all = !head;
        g->tried = 0;
        front_backend_hold(j->f, (u32)v->backend);
        tcp_set_events(t, &front_past_events);
        enum handoff_reason why = ask(g, t, HANDOFF_UNREACHABLE);
        if (why == HANDOFF_OK)
                return 0;
        int status = may_relay(why) ? relay(g, t) : 502;
        release(g);
        return status;
}

/* A node gives back what nobody was named for: to another that is up, of a backend that both belong to. */
static ipaddr choose(void *ctx, const struct tcb *t, ipaddr from)
{
        struct joint *j = ctx;

        for (u32 i = 0; i < FRONT_BACKENDS; i++) {
                const struct front_backend *b = front_backend_at(j->f, i);
                ipaddr other = IPADDR_ANY;
                bool has = false;

                for (u32 k = 0; b && b->action == FRONT_HANDOFF && k < b->n; k++) {
                        if (ipaddr_eq(b->target[k].at.addr, from))
                                has = true;
                        else if (!b->target[k].down)
                                other = b->target[k].at.addr;
                }
                if (has && !ipaddr_is_any(other)) {
                        handoff_node_add(j->h, other);
                        return other;
                }
        }
        return IPADDR_ANY;
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
        front_register_came(f, front_came, f);
        handoff_on_choose(h, choose, j);
        return true;
}
