/* front_client.c - clients of the local site's ports, request by request: the head is peeked at until it is complete, then
 * decided. What is wrong in itself goes to the local site, which says so. SPDX-License-Identifier: MIT */
#include "front_impl.h"

int front_client_head(struct front *f, struct tcb *t, struct front_head *h)
{
        const u8 *p;
        u32 all = min_u32(tcp_readable(t), FRONT_HEAD_MAX), run = tcp_peek(t, 0, &p);

        if (run < all) { /* in several buffers */
                tcp_copy(t, 0, f->scratch, all);
                p = f->scratch;
        }
        return front_head_request(p, all, h);
}

static void count(struct front *f, u8 action)
{
        f->count.local += action == FRONT_LOCAL;
        f->count.relayed += action == FRONT_RELAY;
        f->count.handed += action == FRONT_HANDOFF;
        f->count.through += action == FRONT_THROUGH;
}

bool front_refuse(struct front *f, struct tcb *t, u32 status)
{
        struct relay *r = front_relay_new(f, t);

        if (!r)
                return false;
        front_relay_refuse(r, status);
        front_relay_run(r);
        return true;
}

/* No entry is free: says so as far as that goes without one. */
static void refuse_at_once(struct front *f, struct tcb *t)
{
        tcp_set_events(t, &front_past_events);
        front_error_page(f, t, 503);
        tcp_consume(t, tcp_readable(t));
        tcp_close(t);
}

/* Looks on when more has come. */
static void wait_for_head(struct front *f, struct tcb *t)
{
        /* half of the entries is left for those that have asked */
        struct relay *r = f->n_waiting < f->n_relays / 2 ? front_relay_new(f, t) : NULL;

        if (!r) {
                refuse_at_once(f, t);
                return;
        }
        f->count.held++;
        front_relay_state(r, RELAY_HOLD);
        front_relay_run(r);
}

/* True: the local site's. */
bool front_look(void *ctx, struct tcb *t)
{
        struct front *f = ctx;
        struct front_head h;
        struct front_verdict v;
        enum front_came came = f->came ? f->came(f->came_ctx, t) : CAME_NOT;
        int n, status;

        if (came == CAME_BACK)
                return false;
        if (came != CAME_MORE && !f->n_rules && !f->actor[FRONT_THROUGH].take)
                return true;
        n = front_client_head(f, t, &h);
        if (!n && !tcp_eof(t) && tcp_readable(t) < FRONT_HEAD_MAX) {
                wait_for_head(f, t);
                return false;
        }
        if (n <= 0)
                return true;
        front_decide(f, t, &h, &v);
        count(f, v.action);
        if (v.action == FRONT_LOCAL || (v.action == FRONT_HANDOFF && came == CAME_MINE))
                return true; /* what a node was given it answers */
        status = f->actor[v.action].take(f->actor[v.action].ctx, t, &v, &h);
        if (status && !front_refuse(f, t, (u32)status))
                refuse_at_once(f, t);
        return false;
}

void front_give_back(struct front *f, struct tcb *t) { http_adopt(f->http, t); }

/* The local site has the connection from here, and whoever comes next is asked again there. */
static bool give(struct relay *r)
{
        front_relay_drop(r, SERVER, false);
        r->give = r->side[CLIENT];
        r->over = true;
        return false;
}

/* Somebody else takes the connection; the entry is not needed, unless he cannot. */
static bool hand_over(struct relay *r, const struct front_verdict *v, const struct front_head *h)
{
        struct front_actor *a = &r->f->actor[v->action];
        struct tcb *t = r->side[CLIENT];
        int status;

        front_relay_drop(r, SERVER, false);
        status = a->take(a->ctx, t, v, h);
        if (status) {
                front_relay_refuse(r, (u32)status);
                return true;
        }
        r->side[CLIENT] = NULL;
        r->over = true;
        return false;
}

/* Refuses what waits beyond a cap. */
static bool refuse_over(struct relay *r)
{
        u32 status = front_hold_over(r);

        if (status)
                front_relay_refuse(r, status);
        return status != 0;
}

/* The next request of a relayed client. */
static bool decide(struct relay *r)
{
        struct front *f = r->f;
        struct tcb *t = r->side[CLIENT];
        struct front_head h;
        struct front_verdict v;
        enum front_came came = f->came ? f->came(f->came_ctx, t) : CAME_NOT;
        int n;

        if (came == CAME_BACK) {
                front_relay_drop(r, SERVER, false);
                r->side[CLIENT] = NULL;
                r->over = true;
                return false;
        }
        n = front_client_head(f, t, &h);
        if (!n && !tcp_eof(t)) {
                if (r->state == RELAY_HOLD)
                        return refuse_over(r);
                front_relay_state(r, RELAY_HOLD);
                return true;
        }
        if (n <= 0)
                return give(r);
        front_decide(f, t, &h, &v);
        if (v.action == FRONT_LOCAL || (v.action == FRONT_HANDOFF && came == CAME_MINE))
                return give(r);
        count(f, v.action);
        if (v.action != FRONT_RELAY)
                return hand_over(r, &v, &h);
        front_relay_start(r, &v, &h);
        return true;
}

/* Between requests. A target that speaks without being asked, or ends, is let go. */
bool front_client_step(struct relay *r)
{
        struct tcb *t = r->side[CLIENT], *s = r->side[SERVER];

        if (!t) {
                front_relay_drop(r, SERVER, false);
                r->over = true;
                return false;
        }
        if (s && (tcp_readable(s) || tcp_eof(s)))
                front_relay_drop(r, SERVER, tcp_readable(s) != 0);
        if (!tcp_readable(t)) {
                if (tcp_eof(t) || (r->state == RELAY_IDLE && !r->side[SERVER]))
                        return give(r);
                return false;
        }
        if (r->state == RELAY_HOLD && !front_hold_ended(r) && !tcp_eof(t))
                return refuse_over(r);
        return decide(r);
}
