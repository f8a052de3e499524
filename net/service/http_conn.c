/* http_conn.c - a connection's life: request after request in order, replies queued whole or pumped, timeouts.
 * Requests are parsed where they lie in the receive queue and consumed when answered; what is incomplete stays there.
 *
 *   IDLE -> READING (head incomplete) -> IDLE | SENDING (reply larger than the send queue) | SKIPPING (request body)
 *   any -> LINGER (error replied, our FIN sent, reading on a little) -> gone;  any -> RETRY (no packet buffer) -> as before
 * Only IDLE needs no slot.
 * SPDX-License-Identifier: MIT */
#include "http_impl.h"

static void serve(struct http *h, struct tcb *t);
static void fired(struct timer *timer);

static struct http_conn *conn_of(struct tcb *t) { return tcp_user(t); }

/* Gives the connection a slot in a state with its timer, or moves it there. NULL when there is none. */
static struct http_conn *slot_take(struct http *h, struct tcb *t, enum http_state state, u32 ms)
{
        struct http_conn *c = conn_of(t);

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
                c->stalls = 0;
                c->keep = true;
                c->timer.fire = fired;
                tcp_set_user(t, c);
        }
        if (c->state != state || !timer_running(&c->timer))
                timer_set(&h->st->wheel, &c->timer, stack_now_ms(h->st) + ms);
        c->state = (u8)state;
        return c;
}

/* Back to the shared idle state. */
static void slot_give(struct http *h, struct tcb *t)
{
        struct http_conn *c = conn_of(t);

        if (c->state == CONN_IDLE)
                return;
        timer_stop(&h->st->wheel, &c->timer);
        c->state = CONN_IDLE;
        c->next = h->slots_free;
        h->slots_free = c;
        h->count.slots_free++;
        tcp_set_user(t, &h->idle);
}

static void drop_connection(struct http *h, struct tcb *t)
{
        slot_give(h, t);
        tcp_abort(t);
}

/* Buffers or cells have run out: the request stays where it is for a while. */
static bool retry(struct http *h, struct tcb *t)
{
        if (!slot_take(h, t, CONN_RETRY, HTTP_RETRY_MS))
                drop_connection(h, t);
        return false;
}

/* The last reply is queued. What came behind the last request is thrown away, for unread data would turn FIN into RST. */
static void finish(struct http *h, struct tcb *t)
{
        slot_give(h, t);
        tcp_consume(t, tcp_readable(t));
        tcp_close(t);
}

/* As finish, after an error: the client may still be sending, and RST for that could overtake the reply (RFC 9112 9.6). */
static void linger(struct http *h, struct tcb *t)
{
        if (tcp_eof(t) || !slot_take(h, t, CONN_LINGER, HTTP_LINGER_MS)) {
                finish(h, t);
                return;
        }
        tcp_shutdown(t);
        tcp_consume(t, tcp_readable(t)); /* t may be gone behind this */
}

static void count_reply(struct http *h, u32 status)
{
        h->count.requests++;
        h->count.ok += status == 200 || status == 206;
        h->count.not_modified += status == 304;
        h->count.client_errors += status >= 400 && status < 500;
        h->count.server_errors += status >= 500;
}

/* Queues as much of the file as there is room for. True when all of it is queued and little of it is still on its way: until
 * then the slot and its timer stay, for a client that takes nothing must not hold what is queued for ever. */
static bool pump(struct http_conn *c)
{
        while (c->left) {
                struct fat_pos was = c->pos;
                const u8 *p;
                u32 room = tcp_send_room(c->t), n;

                if (room < min_u32(c->left, HTTP_PIECE / 4))
                        return false; /* larger pieces, fewer calls */
                n = fat_read(c->h->volume, &c->node, &c->pos, min_u32(min_u32(room, c->left), HTTP_PIECE), &p);
                if (!n || tcp_send_ref(c->t, p, n, NULL) < 0) {
                        c->pos = was;
                        return false;
                }
                c->left -= n;
        }
        return !c->keep || tcp_send_room(c->t) >= HTTP_SNDBUF - HTTP_TAIL;
}

/* Behind a reply and its request's body: the next request, or the end. */
static void next(struct http *h, struct tcb *t, bool keep)
{
        if (!keep) {
                finish(h, t);
                return;
        }
        slot_give(h, t);
        serve(h, t);
}

/* Passes over the body of a request; true when it is all there was. */
static bool skip(struct http_conn *c)
{
        u32 n = min_u32(c->skip, tcp_readable(c->t));

        c->skip -= n;
        tcp_consume(c->t, n);
        return c->skip == 0;
}

/* Continues whatever a slot is for, when bytes came or went. */
static void go_on(struct http_conn *c)
{
        struct http *h = c->h;
        struct tcb *t = c->t;

        if (c->state == CONN_SENDING && pump(c) && slot_take(h, t, CONN_SKIPPING, HTTP_REQUEST_MS))
                c->stalls = 0;
        if (c->state == CONN_SKIPPING) {
                if (skip(c))
                        next(h, t, c->keep);
                else if (tcp_eof(t))
                        finish(h, t);
        }
}

/* The bytes of a file from `from` on go out as there is room for them. False when no slot is free for that. */
static bool send_rest(struct http *h, struct tcb *t, const struct http_file *f, u32 from, u32 n)
{
        struct http_conn *c = slot_take(h, t, CONN_SENDING, HTTP_STALL_MS);

        if (!c)
                return false;
        c->node = f->node;
        c->left = n;
        return fat_seek(h->volume, &f->node, &c->pos, from);
}

/* The body of a small file behind its head, which `p` holds: one segment, if it fits. False when not even the head was queued. */
static bool send_whole(struct http *h, struct tcb *t, struct pkt *p, const u32 *head_sum, const struct http_reply *a)
{
        const struct http_file *f = a->file;

        tcp_cork(t, true);
        if ((head_sum ? tcp_send_pkt_sum(t, p, *head_sum) : tcp_send_pkt(t, p)) < 0) {
                tcp_cork(t, false);
                return false;
        }
        /* Out of cells for the queue the body follows later, or never: then the reply is cut short, which its length shows. */
        if (tcp_send_ref(t, f->whole + a->from, a->n, a->n == f->node.size ? &f->sum : NULL) < 0 && !send_rest(h, t, f, a->from, a->n))
                tcp_shutdown(t);
        tcp_cork(t, false);
        return true;
}

/* What nearly every reply is: a small file, whole, in HTTP/1.1, on a connection that stays. Nothing of it is copied, nor summed
 * again. False when it is not that, or there is no room. */
static bool send_ready(struct http *h, struct tcb *t, const struct http_request *r, const struct http_reply *a)
{
        struct http_file *f = a->file;
        struct pkt *p;
        u32 sum;

        if (a->status != 200 || !f || !f->whole || r->version != 11 || !r->keep || r->method != HTTP_GET)
                return false;
        if (tcp_send_room(t) < f->head_n + 2 + a->n || !(p = http_file_ready(h, f, &sum)))
                return false;
        if (!send_whole(h, t, p, &sum, a))
                return false;
        h->count.body_bytes += a->n;
        return true;
}

/* Sends a reply whose head (and body, when it is no file) is in p. False when the send queue has no cell for it. */
static bool send_reply(struct http *h, struct tcb *t, const struct http_request *r, struct http_reply *a, struct pkt *p)
{
        bool body = a->file && a->status < 300 && r->method == HTTP_GET && a->n;

        h->count.body_bytes += body ? a->n : 0;
        if (body && a->file->whole && p->len + a->n <= tcp_send_room(t))
                return send_whole(h, t, p, NULL, a);
        if (body && !send_rest(h, t, a->file, a->from, a->n)) { /* takes a slot, and none is free */
                p->len = 0;
                *a = (struct http_reply){.status = 503};
                http_write(h, &(struct http_request){.version = r->version}, a, p);
        }
        return tcp_send_pkt(t, p) == 0;
}

/* Behind a reply: passes over the request's body and goes on. True when the next request may be served at once. */
static bool body_next(struct http *h, struct tcb *t, u32 body, bool keep)
{
        struct http_conn *c = conn_of(t);

        if (c->state != CONN_SENDING && body <= tcp_readable(t)) {
                slot_give(h, t);
                tcp_consume(t, body);
                if (!keep)
                        finish(h, t);
                return keep;
        }
        if (c->state != CONN_SENDING && !(c = slot_take(h, t, CONN_SKIPPING, HTTP_REQUEST_MS))) {
                drop_connection(h, t);
                return false;
        }
        c->skip = body;
        c->keep = keep;
        go_on(c);
        return false;
}

/* Sends what was decided for a request whose head is `len` bytes; len < 0: it was refused. True: the next may be served at once. */
static bool answer(struct http *h, struct tcb *t, const struct http_request *r, struct http_reply *a, int len, struct pkt *p)
{
        http_write(h, r, a, p);
        if (!send_reply(h, t, r, a, p))
                return retry(h, t);
        bool keep = r->keep && a->status != 503;
        count_reply(h, a->status);
        if (len < 0 || (a->status >= 400 && !keep)) {
                linger(h, t);
                return false;
        }
        tcp_consume(t, (u32)len);
        return body_next(h, t, r->body, keep);
}

/* Parses the head at p and decides. Returns its length, 0 when it is not complete, -1 when it is refused. */
static int understand(struct http *h, const u8 *p, u32 n, struct http_request *r, struct http_reply *a)
{
        const struct http_memo *m = http_memo_find(h, p, n);

        if (m) {
                *r = (struct http_request){.version = m->version, .keep = true};
                *a = (struct http_reply){200, m->file, 0, m->file->node.size};
                return m->n;
        }
        int len = http_parse(p, n, r);
        if (!len)
                return 0;
        r->keep &= !r->expects; /* a client that waits for 100 may or may not send its body: RFC 9110 10.1.1 */
        http_decide(h, r, a);
        if (a->status >= 400 && a->status != 404 && a->status != 405 && a->status != 412 && a->status != 416)
                r->keep = false;
        if (a->status == 200 && a->file && a->file->whole && r->keep && r->method == HTTP_GET && !r->body)
                http_memo_put(h, p, (u32)len, a->file, r->version);
        return len;
}

/* The head of the next request in one piece: where it lies, or copied together. */
static const u8 *head_bytes(struct http *h, struct tcb *t, u32 *n)
{
        const u8 *p;
        u32 all = min_u32(tcp_readable(t), HTTP_HEAD_MAX), run = tcp_peek(t, 0, &p);

        *n = all;
        if (run >= all)
                return p;
        *n = tcp_copy(t, 0, h->head, all);
        return h->head;
}

/* Answers complete requests, one after the other, as long as there is room for replies. */
static void serve(struct http *h, struct tcb *t)
{
        struct http_request r;
        struct http_reply a;
        struct pkt *p;
        const u8 *bytes;
        bool more;
        u32 n;
        int len;

        do {
                if (!tcp_readable(t)) {
                        slot_give(h, t);
                        if (tcp_eof(t))
                                tcp_close(t);
                        return;
                }
                if (tcp_send_room(t) < HTTP_REPLY_MAX) { /* a client that asks and does not read: as if a file were being sent */
                        struct http_conn *c = slot_take(h, t, CONN_SENDING, HTTP_STALL_MS);

                        if (c)
                                c->left = c->skip = 0;
                        return;
                }
                bytes = head_bytes(h, t, &n);
                len = understand(h, bytes, n, &r, &a);
                if (!len && tcp_eof(t)) {
                        finish(h, t); /* it hung up in the middle */
                        return;
                }
                if (!len) {
                        if (!slot_take(h, t, CONN_READING, HTTP_REQUEST_MS))
                                drop_connection(h, t);
                        return;
                }
                if (len > 0 && send_ready(h, t, &r, &a)) {
                        count_reply(h, 200);
                        tcp_consume(t, (u32)len);
                        more = body_next(h, t, r.body, true);
                        continue;
                }
                p = pkt_alloc(&h->st->pkts, 0);
                more = p ? answer(h, t, &r, &a, len, p) : retry(h, t);
        } while (more);
}

/* A slot's time is up. Runs outside the connection's own events: what is queued here is flushed here. */
static void fired(struct timer *timer)
{
        struct http_conn *c = container_of(timer, struct http_conn, timer);
        struct http *h = c->h;
        struct tcb *t = c->t;
        struct pkt *p;

        switch (c->state) {
        case CONN_READING: case CONN_SKIPPING:
                h->count.timeouts++;
                p = c->state == CONN_READING ? pkt_alloc(&h->st->pkts, 0) : NULL;
                if (!p) {
                        drop_connection(h, t);
                        return;
                }
                count_reply(h, 408);
                http_write(h, &(struct http_request){.version = 11}, &(struct http_reply){.status = 408}, p);
                tcp_send_pkt(t, p);
                linger(h, t);
                return;
        case CONN_SENDING: case CONN_RETRY:
                if (c->stalls++ >= (c->state == CONN_SENDING ? HTTP_STALLS : HTTP_RETRIES)) {
                        h->count.timeouts++;
                        drop_connection(h, t);
                        return;
                }
                timer_set(&h->st->wheel, timer, stack_now_ms(h->st) + (c->state == CONN_SENDING ? HTTP_STALL_MS : HTTP_RETRY_MS));
                if (c->state == CONN_SENDING)
                        go_on(c);
                else
                        serve(h, t);
                return;
        default:
                drop_connection(h, t);
        }
}

static bool on_accept(struct tcb *t)
{
        struct http *h = tcp_listener_user(tcp_listener(t));

        h->count.connections++;
        tcp_set_user(t, &h->idle);
        return true;
}

static void on_readable(struct tcb *t)
{
        struct http_conn *c = conn_of(t);

        if (c->state == CONN_IDLE || c->state == CONN_READING)
                serve(c->h, t);
        else if (c->state == CONN_SKIPPING)
                go_on(c);
        else if (c->state == CONN_LINGER)
                tcp_consume(t, tcp_readable(t)); /* with the peer's FIN the connection ends by itself, perhaps in here */
}

static void on_writable(struct tcb *t)
{
        struct http_conn *c = conn_of(t);

        if (c->state != CONN_IDLE)
                c->stalls = 0;
        if (c->state == CONN_SENDING)
                go_on(c);
        else if ((c->state == CONN_IDLE || c->state == CONN_READING) && tcp_readable(t))
                serve(c->h, t);
}

static void on_closed(struct tcb *t, int err)
{
        slot_give(conn_of(t)->h, t);
}

/* Nothing came for HTTP_IDLE_MS: the end of an idle connection; one that is busy has a timer of its own. */
static void on_idle(struct tcb *t)
{
        struct http_conn *c = conn_of(t);

        if (c->state != CONN_IDLE || tcp_readable(t))
                return;
        c->h->count.timeouts++;
        tcp_close(t);
}

const struct tcp_events http_events = {
        .accept = on_accept, .readable = on_readable, .writable = on_writable, .closed = on_closed, .idle = on_idle,
};
