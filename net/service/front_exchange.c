/* front_exchange.c - one request and its reply between client and target, or a tunnel; what either side's end means.
 * Never more than one request is on its way to a target: what a client sends ahead waits, and is decided when its turn comes.
 * SPDX-License-Identifier: MIT */
#include "fmt.h"
#include "front_impl.h"

/* Copies the head's bytes up to `end`: a few hundred, and the original stays to be sent again. */
static bool send_part(struct relay *r, u32 end)
{
        const u8 *p;

        while (r->head_off < end) {
                u32 n = tcp_peek(r->side[CLIENT], r->head_off, &p);
                int done = tcp_send(r->side[SERVER], p, min_u32(n, end - r->head_off));

                if (done <= 0) {
                        r->retry = true;
                        return false;
                }
                r->head_off += (u32)done;
        }
        return true;
}

static bool send_line(struct relay *r)
{
        char line[48];
        u32 n = (u32)fmt(line, sizeof(line), "X-Forwarded-For: %I\r\n", &r->source);

        while (r->line_off < n) {
                int done = tcp_send(r->side[SERVER], line + r->line_off, n - r->line_off);

                if (done <= 0) {
                        r->retry = true;
                        return false;
                }
                r->line_off += (u32)done;
        }
        return true;
}

static void consume_head(struct relay *r)
{
        if (!r->head_kept)
                return;
        r->head_kept = false;
        tcp_consume(r->side[CLIENT], r->head_n);
}

/* The head, with a line of ours as its last field: what a list of such fields says in front of it is hearsay. */
static void send_head(struct relay *r)
{
        u32 cut = r->lined ? r->head_n - 2 : r->head_n;

        if (!r->head_kept || r->head_off == r->head_n || !r->side[CLIENT] || !r->side[SERVER])
                return;
        if (!send_part(r, cut) || (r->lined && !send_line(r)) || !send_part(r, r->head_n))
                return;
        r->moved_ms = stack_now_ms(r->f->st);
        if (!r->repeatable)
                consume_head(r);
}

static bool asked(const struct relay *r)
{
        return r->head_off == r->head_n && !r->body[CLIENT].head && r->body[CLIENT].kind == BODY_DONE && !r->stuck[CLIENT];
}

static bool answered(const struct relay *r)
{
        return r->reply == REPLY_FINAL && !r->body[SERVER].head && r->body[SERVER].kind == BODY_DONE && !r->stuck[SERVER];
}

static void begin_reply(struct relay *r, const struct front_head *h)
{
        bool tunnel = h->status == 101 || (r->is_connect && h->status >= 200 && h->status < 300);

        consume_head(r);
        r->begun = true;
        r->reply = h->status < 200 && !tunnel ? REPLY_INTERIM : REPLY_FINAL;
        r->body[SERVER] = h->body;
        r->body[SERVER].head = h->n;
        if (r->reply == REPLY_FINAL)
                r->closes |= h->closes;
        if (tunnel) {
                r->raw = true;
                r->body[CLIENT].kind = r->body[SERVER].kind = BODY_CLOSE;
                r->f->count.tunnels++;
        }
}

/* Reads the next reply's head where it lies. False: none yet. */
static bool reply_head(struct relay *r)
{
        struct tcb *t = r->side[SERVER];
        u32 all = t ? min_u32(tcp_readable(t), FRONT_HEAD_MAX) : 0;
        struct front_head h;
        const u8 *p;
        int len;

        if (!all || !r->side[CLIENT])
                return false;
        if (r->old) { /* HTTP/0.9: the reply is what comes */
                begin_reply(r, &(struct front_head){.status = 200, .closes = true, .body.kind = BODY_CLOSE});
                return true;
        }
        if (tcp_peek(t, 0, &p) < all) {
                tcp_copy(t, 0, r->f->scratch, all);
                p = r->f->scratch;
        }
        len = front_head_reply(p, all, r->is_head, r->is_connect, &h);
        if (len > 0)
                begin_reply(r, &h);
        else if (len < 0 || all == FRONT_HEAD_MAX)
                r->body[SERVER].kind = BODY_BAD;
        return len > 0;
}

static void pass_replies(struct relay *r)
{
        for (;;) {
                if (!r->raw && r->reply == REPLY_AWAITED && !reply_head(r))
                        return;
                front_pipe(r, SERVER);
                if (r->reply != REPLY_INTERIM || r->body[SERVER].head || r->stuck[SERVER])
                        return;
                r->reply = REPLY_AWAITED; /* RFC 9110 15.2: others follow */
        }
}

/* The end that nobody wanted: both sides see RST, so that neither takes what came for the whole. */
static bool break_off(struct relay *r)
{
        r->f->count.aborted++;
        front_relay_drop(r, SERVER, true);
        front_relay_drop(r, CLIENT, true);
        r->over = true;
        return false;
}

static bool refuse(struct relay *r, u32 status)
{
        if (r->begun)
                return break_off(r);
        front_relay_refuse(r, status);
        return true;
}

/* The reply is out. The connection goes on with the next request, unless one of the three does not want that. */
static bool next(struct relay *r, bool server_over)
{
        if (r->closes || (server_over && !asked(r))) {
                front_relay_finish(r);
                return true;
        }
        if (!asked(r))
                return false; /* answered early: the rest of the body is still to be passed on */
        r->begun = false;
        front_relay_state(r, RELAY_IDLE);
        return true;
}

static bool exchange_ends(struct relay *r)
{
        bool lost = !r->side[SERVER] && !r->eof[SERVER], over = front_drained(r, SERVER);

        if (r->reply == REPLY_AWAITED && r->side[SERVER] && tcp_eof(r->side[SERVER]))
                over = true; /* in the middle of a head */
        if (!r->side[CLIENT])
                return break_off(r);
        if (r->body[CLIENT].kind == BODY_BAD)
                return refuse(r, 400);
        if (r->body[SERVER].kind == BODY_BAD)
                return refuse(r, 502);
        if (over && r->reply == REPLY_FINAL && r->body[SERVER].kind == BODY_CLOSE && !r->body[SERVER].head)
                r->body[SERVER].kind = BODY_DONE;
        if (answered(r))
                return next(r, over || lost);
        if (over || lost) {
                if (r->begun)
                        return break_off(r);
                front_server_lost(r);
                return true;
        }
        if (!asked(r) && front_drained(r, CLIENT) && !r->shut[SERVER]) {
                r->shut[SERVER] = true;
                tcp_shutdown(r->side[SERVER]); /* the client ended in the middle of its request */
        }
        return false;
}

/* Each direction closes by itself (R40); a reset goes through. */
static bool tunnel_ends(struct relay *r)
{
        for (u32 i = 0; i < 2; i++) {
                if (!r->side[i] && !r->eof[i])
                        return break_off(r);
                if (front_drained(r, i) && r->side[!i] && !r->shut[!i]) {
                        r->shut[!i] = true;
                        tcp_shutdown(r->side[!i]);
                }
        }
        if (!front_drained(r, CLIENT) || !front_drained(r, SERVER))
                return false;
        front_relay_drop(r, SERVER, false);
        front_relay_drop(r, CLIENT, false);
        r->over = true;
        return false;
}

bool front_exchange_step(struct relay *r)
{
        send_head(r);
        if (!r->head_kept)
                front_pipe(r, CLIENT);
        pass_replies(r);
        return r->raw ? tunnel_ends(r) : exchange_ends(r);
}
