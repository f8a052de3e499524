/* http_slot.c - slots: what a connection holds while it is not idle; and the three ways in which one ends.
 * SPDX-License-Identifier: MIT */
#include "http_impl.h"

/* Gives the connection a slot in a state with its timer, or moves it there. NULL when there is none. */
struct http_conn *http_slot_take(struct http *h, struct tcb *t, enum http_state state, u32 ms)
{
        struct http_conn *c = http_conn_of(t);

        if (c->state == CONN_IDLE) {
                c = h->slots_free;
                if (!c) {
                        h->count.busy++;
                        return NULL;
                }
                h->slots_free = c->next;
                h->count.slots_low = min_u32(h->count.slots_low, --h->count.slots_free);
                c->t = t;
                c->skip = c->left = 0;
                c->target_n = 0;
                c->stalls = 0;
                c->keep = true;
                c->timer.fire = http_fired;
                tcp_set_user(t, c);
        }
        if (c->state != state || !timer_running(&c->timer))
                timer_set(&h->st->wheel, &c->timer, stack_now_ms(h->st) + ms);
        c->state = (u8)state;
        return c;
}

/* Back to the shared idle state. */
void http_slot_give(struct http *h, struct tcb *t)
{
        struct http_conn *c = http_conn_of(t);

        if (c->state == CONN_IDLE)
                return;
        timer_stop(&h->st->wheel, &c->timer);
        c->state = CONN_IDLE;
        c->next = h->slots_free;
        h->slots_free = c;
        h->count.slots_free++;
        tcp_set_user(t, &h->idle);
}

void http_drop(struct http *h, struct tcb *t)
{
        http_slot_give(h, t);
        tcp_abort(t);
}

/* The last reply is queued. What came behind the last request is thrown away, for unread data would turn FIN into RST. */
void http_finish(struct http *h, struct tcb *t)
{
        http_slot_give(h, t);
        tcp_consume(t, tcp_readable(t));
        tcp_close(t);
}

/* As finish, after an error: the client may still be sending, and RST for that could overtake the reply (RFC 9112 9.6). */
void http_linger(struct http *h, struct tcb *t)
{
        if (tcp_eof(t) || !http_slot_take(h, t, CONN_LINGER, HTTP_LINGER_MS)) {
                http_finish(h, t);
                return;
        }
        tcp_shutdown(t);
        tcp_consume(t, tcp_readable(t)); /* t may be gone behind this */
}
