/* front_relay.c - the life of an entry: a client, the target it is relayed to, one timer. Events only note what happened; run()
 * then does what can be done, step by step, so that no step is surprised by another.
 *
 *   IDLE <-> HOLD (head incomplete) -> CONNECT -> PIPE -> IDLE (next request) | LINGER (our FIN is out) -> free
 *   any -> back to the local site, whose the connection is between requests unless a target's connection is kept for it
 * SPDX-License-Identifier: MIT */
#include "front_impl.h"

static void fired(struct timer *timer);

/* What is let go ends by itself. */
static void past_closed(struct tcb *t, int err) { }
const struct tcp_events front_past_events = {.closed = past_closed};

struct relay *front_relay_new(struct front *f, struct tcb *client)
{
        struct relay *r = f->relays_free;
        struct tcp_names names;

        if (!r)
                return NULL;
        f->relays_free = r->next;
        f->count.entries_low = min_u32(f->count.entries_low, --f->count.entries_free);
        tcp_names(client, &names);
        *r = (struct relay){.f = f, .side = {client, NULL}, .backend = -1, .source = names.raddr, .timer.fire = fired};
        tcp_set_events(client, &front_client_events);
        tcp_set_user(client, r);
        front_relay_state(r, RELAY_IDLE);
        return r;
}

static void release(struct relay *r)
{
        struct front *f = r->f;

        if (r->state == RELAY_HOLD)
                front_hold_unchain(r);
        timer_stop(&f->st->wheel, &r->timer);
        for (u32 i = 0; i < 2; i++)
                pkt_free(r->stuck[i]);
        if (r->backend >= 0)
                front_backend_leave(f, (u32)r->backend);
        *r = (struct relay){.f = f, .next = f->relays_free};
        f->relays_free = r;
        f->count.entries_free++;
}

/* When the state's time is up. In PIPE each byte puts it off, which costs nothing: the timer fires early and runs on. */
static u32 due(const struct relay *r)
{
        return r->state == RELAY_PIPE ? r->moved_ms + (r->raw ? FRONT_TUNNEL_MS : FRONT_STALL_MS) : r->due_ms;
}

static void arm(struct relay *r)
{
        u32 now = stack_now_ms(r->f->st), at = r->retry ? now + FRONT_RETRY_MS : due(r);

        if (r->state == RELAY_PIPE && (s32)(at - now) > FRONT_PRESSED_MS)
                at = now + FRONT_PRESSED_MS;
        if (!timer_running(&r->timer) || (s32)(r->timer.due_ms - at) > 0)
                timer_set(&r->f->st->wheel, &r->timer, at);
}

void front_relay_state(struct relay *r, enum relay_state state)
{
        static const u32 ms[] = {FRONT_IDLE_MS, FRONT_HOLD_MS, FRONT_CONNECT_MS, 0, FRONT_LINGER_MS};
        u32 now = stack_now_ms(r->f->st);

        if (r->state == RELAY_HOLD && state != RELAY_HOLD)
                front_hold_unchain(r);
        if (r->state != RELAY_HOLD && state == RELAY_HOLD) {
                r->seen = 0;
                r->in_line = r->any_line = false;
                front_hold_chain(r);
        }
        r->state = (u8)state;
        r->moved_ms = now;
        r->due_ms = now + ms[state];
}

void front_relay_drop(struct relay *r, u32 side, bool reset)
{
        struct tcb *t = r->side[side];

        if (!t)
                return;
        r->side[side] = NULL;
        if (side == SERVER)
                front_target_left(r->f, (u32)r->backend, r->target);
        tcp_set_events(t, &front_past_events);
        if (reset)
                tcp_abort(t);
        else
                tcp_close(t);
}

/* What came behind the last request is thrown away, for unread data would turn FIN into RST. */
void front_relay_finish(struct relay *r)
{
        struct tcb *t = r->side[CLIENT];

        front_relay_drop(r, SERVER, false);
        front_relay_state(r, RELAY_LINGER);
        if (t) {
                tcp_shutdown(t);
                tcp_consume(t, tcp_readable(t));
        }
}

void front_relay_refuse(struct relay *r, u32 status)
{
        front_relay_drop(r, SERVER, true);
        if (!r->tcp && r->side[CLIENT] && front_error_page(r->f, r->side[CLIENT], status)) {
                front_relay_finish(r);
                return;
        }
        r->f->count.aborted++;
        front_relay_drop(r, CLIENT, true);
        r->over = true;
}

/* Reads on until the client is done, or its time is up. */
static bool linger_step(struct relay *r)
{
        struct tcb *t = r->side[CLIENT];

        if (t)
                tcp_consume(t, tcp_readable(t));
        t = r->side[CLIENT]; /* it may have ended in there */
        if (t && tcp_eof(t))
                front_relay_drop(r, CLIENT, false);
        r->over = !r->side[CLIENT];
        return false;
}

void front_relay_run(struct relay *r)
{
        static bool (*const steps[])(struct relay *) = {
                front_client_step, front_client_step, front_connect_step, front_exchange_step, linger_step,
        };
        struct front *f = r->f;
        struct tcb *give;

        if (r->inside)
                return;
        r->inside = true;
        r->retry = false;
        while (!r->over && steps[r->state](r))
                ;
        r->inside = false;
        if (!r->over) {
                arm(r);
                return;
        }
        give = r->give;
        release(r);
        if (give)
                http_adopt(f->http, give);
}

/* The state's time is up. */
static void timed_out(struct relay *r)
{
        struct front *f = r->f;

        switch (r->state) {
        case RELAY_HOLD: front_relay_refuse(r, 408); break;
        case RELAY_CONNECT:
                front_target_failed(f, (u32)r->backend, r->target);
                front_relay_drop(r, SERVER, true);
                r->timed_out = true;
                break;
        case RELAY_PIPE:
                if (!r->raw && !r->begun) {
                        front_relay_refuse(r, 504);
                        break;
                }
                f->count.aborted++;
                front_relay_drop(r, SERVER, true);
                front_relay_drop(r, CLIENT, true);
                r->over = true;
                break;
        default: /* IDLE, LINGER: nothing is lost */
                front_relay_drop(r, SERVER, false);
                front_relay_drop(r, CLIENT, false);
                r->over = true;
        }
}

static void fired(struct timer *timer)
{
        struct relay *r = container_of(timer, struct relay, timer);

        u32 now = stack_now_ms(r->f->st);

        if ((s32)(now - due(r)) >= 0 || (r->state == RELAY_PIPE && now - r->moved_ms >= FRONT_PRESSED_MS && front_holds_much(r)))
                timed_out(r);
        front_relay_run(r);
}

static void client_event(struct tcb *t) { front_relay_run(tcp_user(t)); }

static void client_closed(struct tcb *t, int err)
{
        struct relay *r = tcp_user(t);

        r->side[CLIENT] = NULL;
        r->eof[CLIENT] = err == 0;
        front_relay_run(r);
}

static void server_connected(struct tcb *t)
{
        struct relay *r = tcp_user(t);

        front_target_works(r->f, (u32)r->backend, r->target);
        front_relay_state(r, RELAY_PIPE);
        front_relay_run(r);
}

static void server_closed(struct tcb *t, int err)
{
        struct relay *r = tcp_user(t);

        if (r->state == RELAY_CONNECT)
                front_target_failed(r->f, (u32)r->backend, r->target);
        front_target_left(r->f, (u32)r->backend, r->target);
        r->side[SERVER] = NULL;
        r->eof[SERVER] = err == 0;
        front_relay_run(r);
}

/* Half of a relay is another connection. */
static int no_place(struct tcb *t, u8 *dst, u32 max, const char **why)
{
        const struct relay *r = tcp_user(t);

        *why = r->raw ? "it is a tunnel" : r->state == RELAY_HOLD ? "its request is incomplete" : "it is relayed";
        return -1;
}

const struct tcp_events front_client_events = {
        .readable = client_event, .writable = client_event, .closed = client_closed, .place_put = no_place,
};
const struct tcp_events front_server_events = {
        .connected = server_connected, .readable = client_event, .writable = client_event, .closed = server_closed,
        .place_put = no_place,
};
