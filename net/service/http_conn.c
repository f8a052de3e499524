/* http_conn.c - a connection's life: request after request in order, replies queued whole or pumped, timeouts.
 * Requests are parsed where they lie in the receive queue and consumed when answered; what is incomplete stays there.
 *
 *   IDLE -> READING (head incomplete) -> IDLE | SENDING (reply larger than the send queue) | SKIPPING (request body)
 *   any -> LINGER (error replied, our FIN sent, reading on a little) -> gone;  any -> RETRY (no packet buffer) -> as before
 * Only IDLE needs no slot.
 * SPDX-License-Identifier: MIT */
#include "http_impl.h"

static void serve(struct http *h, struct tcb *t);

/* Buffers or cells have run out: the request stays where it is for a while. */
static bool retry(struct http *h, struct tcb *t)
{
        if (!http_slot_take(h, t, CONN_RETRY, HTTP_RETRY_MS))
                http_drop(h, t);
        return false;
}

/* Behind a reply and its request's body: the next request, or the end. */
static void next(struct http *h, struct tcb *t, bool keep)
{
        if (!keep) {
                http_finish(h, t);
                return;
        }
        http_slot_give(h, t);
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

        if (c->state == CONN_SENDING && http_pump(c) && http_slot_take(h, t, CONN_SKIPPING, HTTP_REQUEST_MS))
                c->stalls = 0;
        if (c->state == CONN_SKIPPING) {
                if (skip(c))
                        next(h, t, c->keep);
                else if (tcp_eof(t))
                        http_finish(h, t);
        }
}

/* Behind a reply: passes over the request's body and goes on. True when the next request may be served at once. */
static bool body_next(struct http *h, struct tcb *t, u32 body, bool keep)
{
        struct http_conn *c = http_conn_of(t);

        if (c->state != CONN_SENDING && body <= tcp_readable(t)) {
                http_slot_give(h, t);
                tcp_consume(t, body);
                if (!keep)
                        http_finish(h, t);
                return keep;
        }
        if (c->state != CONN_SENDING && !(c = http_slot_take(h, t, CONN_SKIPPING, HTTP_REQUEST_MS))) {
                http_drop(h, t);
                return false;
        }
        c->skip = body;
        c->keep = keep;
        go_on(c);
        return false;
}

/* Sends what was decided for a request whose head is `len` bytes; len < 0: it was refused. True: the next may be served at once.
 * */
static bool answer(struct http *h, struct tcb *t, const struct http_request *r, struct http_reply *a, int len, struct pkt *p)
{
        http_write(h, r, a, p);
        if (!http_send_reply(h, t, r, a, p))
                return retry(h, t);
        bool keep = r->keep && a->status != 503;
        http_count(h, a->status);
        if (len < 0 || (a->status >= 400 && !keep)) {
                http_linger(h, t);
                return false;
        }
        tcp_consume(t, (u32)len);
        return body_next(h, t, r->body, keep);
}

/* A small file, whole, in HTTP/1.1, on a connection that stays. */
static bool usual(const struct http_request *r, const struct http_reply *a)
{
        return a->status == 200 && a->file && a->file->whole && r->version == 11 && r->keep && r->method == HTTP_GET;
}

/* The usual reply is queued: passes over its request. True when the next may be served at once. */
static bool answered(struct http *h, struct tcb *t, u32 head, u32 body)
{
        http_count(h, 200);
        tcp_consume(t, head);
        return body_next(h, t, body, true);
}

/* Parses the head at p and decides. Returns its length, 0 when it is not complete, -1 when it is refused. */
static int understand(struct http *h, const u8 *p, u32 n, struct http_request *r, struct http_reply *a)
{
        int len = http_parse(p, n, r);
        if (!len)
                return 0;
        r->keep &= !r->expects; /* a client that waits for 100 may or may not send its body: RFC 9110 10.1.1 */
        http_decide(h, r, a);
        if (a->status >= 400 && a->status != 404 && a->status != 405 && a->status != 412 && a->status != 416)
                r->keep = false;
        if (usual(r, a) && !r->body)
                http_memo_put(h, p, (u32)len, a->file);
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
static CANARY void serve(struct http *h, struct tcb *t)
{
        struct http_request r;
        struct http_reply a;
        const struct http_memo *m;
        struct pkt *p;
        const u8 *bytes;
        bool more;
        u32 n;
        int len;

        do {
                if (!tcp_readable(t)) {
                        http_slot_give(h, t);
                        if (tcp_eof(t))
                                tcp_close(t);
                        return;
                }
                if (tcp_send_room(t) < HTTP_REPLY_MAX) { /* a client that asks and does not read: as if a file were being sent */
                        struct http_conn *c = http_slot_take(h, t, CONN_SENDING, HTTP_STALL_MS);

                        if (c)
                                c->left = c->skip = 0;
                        return;
                }
                if (h->look && http_conn_of(t)->state == CONN_IDLE && !h->look(h->look_ctx, t))
                        return;
                bytes = head_bytes(h, t, &n);
                m = http_memo_find(h, bytes, n);
                if (m && http_send_ready(h, t, m->file)) {
                        more = answered(h, t, m->n, 0);
                        continue;
                }
                len = understand(h, bytes, n, &r, &a);
                if (!len && tcp_eof(t)) {
                        http_finish(h, t); /* it hung up in the middle */
                        return;
                }
                if (!len) {
                        if (!http_slot_take(h, t, CONN_READING, HTTP_REQUEST_MS))
                                http_drop(h, t);
                        return;
                }
                if (len > 0 && usual(&r, &a) && http_send_ready(h, t, a.file)) {
                        more = answered(h, t, (u32)len, r.body);
                        continue;
                }
                p = pkt_alloc(&h->st->pkts, 0);
                more = p ? answer(h, t, &r, &a, len, p) : retry(h, t);
        } while (more);
}

/* Runs outside the connection's own events: what is queued here is flushed here. */
void http_fired(struct timer *timer)
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
                        http_drop(h, t);
                        return;
                }
                http_count(h, 408);
                http_write(h, &(struct http_request){.version = 11}, &(struct http_reply){.status = 408}, p);
                tcp_send_pkt(t, p);
                http_linger(h, t);
                return;
        case CONN_SENDING: case CONN_RETRY:
                if (c->stalls++ >= (c->state == CONN_SENDING ? HTTP_STALLS : HTTP_RETRIES)) {
                        h->count.timeouts++;
                        http_drop(h, t);
                        return;
                }
                timer_set(&h->st->wheel, timer, stack_now_ms(h->st) + (c->state == CONN_SENDING ? HTTP_STALL_MS : HTTP_RETRY_MS));
                if (c->state == CONN_SENDING)
                        go_on(c);
                else
                        serve(h, t);
                return;
        default:
                http_drop(h, t);
        }
}

/* A QuRe client's SYN: it is told that we are closed before it sends its request (R43). */
static void speak_first(struct http *h, struct tcb *t)
{
        struct pkt *p = tcp_readable(t) ? NULL : pkt_alloc(&h->st->pkts, 0);

        if (!p)
                return; /* its request is here already, and is answered like any other */
        http_count(h, http_write_closed(h, p) ? 302 : 503);
        if (tcp_send_pkt(t, p) == 0)
                http_linger(h, t);
}

static bool on_accept(struct tcb *t)
{
        struct http *h = tcp_listener_user(tcp_listener(t));

        h->count.connections++;
        if (tcp_user(t) != h) { /* it came with its place */
                http_place_go_on(http_conn_of(t));
                return true;
        }
        tcp_set_user(t, &h->idle);
        if (h->closed_all && tcp_unopened(t))
                speak_first(h, t);
        return true;
}

void http_set_look(struct http *h, http_look_fn *fn, void *ctx)
{
        h->look = fn;
        h->look_ctx = ctx;
}

void http_adopt(struct http *h, struct tcb *t)
{
        tcp_set_events(t, &http_events);
        tcp_set_user(t, &h->idle);
        serve(h, t);
}

static void on_readable(struct tcb *t)
{
        struct http_conn *c = http_conn_of(t);

        if (c->state == CONN_IDLE || c->state == CONN_READING)
                serve(c->h, t);
        else if (c->state == CONN_SKIPPING)
                go_on(c);
        else if (c->state == CONN_LINGER)
                tcp_consume(t, tcp_readable(t)); /* with the peer's FIN the connection ends by itself, perhaps in here */
}

static void on_writable(struct tcb *t)
{
        struct http_conn *c = http_conn_of(t);

        if (c->state != CONN_IDLE) {
                c->stalls = 0;
                http_place_go_on(c);
        }
        if (c->state == CONN_SENDING)
                go_on(c);
        else if ((c->state == CONN_IDLE || c->state == CONN_READING) && tcp_readable(t))
                serve(c->h, t);
}

static void on_closed(struct tcb *t, int err)
{
        http_slot_give(http_conn_of(t)->h, t);
}

/* Nothing came for HTTP_IDLE_MS: the end of an idle connection; one that is busy has a timer of its own. */
static void on_idle(struct tcb *t)
{
        struct http_conn *c = http_conn_of(t);

        if (c->state != CONN_IDLE || tcp_readable(t))
                return;
        c->h->count.timeouts++;
        tcp_close(t);
}

const struct tcp_events http_events = {
        .accept = on_accept, .readable = on_readable, .writable = on_writable, .closed = on_closed, .idle = on_idle,
        .place_put = http_place_put, .place_take = http_place_take,
};
