/* front_target.c - a request on its way to a target: which one, connecting, the next one when it fails. The request stays unread
 * until a target has taken the connection; one that may be repeated stays until a reply begins.
 * SPDX-License-Identifier: MIT */
#include "front_impl.h"

/* The head goes out from its beginning. */
static void rewind(struct relay *r)
{
        r->head_off = r->line_off = 0;
        r->reply = REPLY_AWAITED;
        r->eof[SERVER] = r->shut[SERVER] = false;
        r->body[SERVER] = (struct front_body){.kind = r->raw ? BODY_CLOSE : BODY_DONE};
}

void front_connect(struct relay *r)
{
        struct front *f = r->f;
        struct tcp_opts opts = {.rcvbuf = f->pipe_max / 2, .nodelay = true, .keepalive_ms = FRONT_IDLE_MS};
        int i, err;

        while ((i = front_target_take(f, (u32)r->backend, &r->tried)) >= 0) {
                struct front_addr at = f->backend[r->backend].target[i].at;
                struct tcp_names names;

                tcp_names(r->side[CLIENT], &names);
                r->target = (u8)i;
                if (!at.port)
                        at.port = names.lport;
                r->side[SERVER] = tcp_connect(f->st, IPADDR_ANY, 0, at.addr, at.port, &front_server_events, r, &opts, &err);
                if (r->side[SERVER]) {
                        rewind(r);
                        r->fresh = true;
                        f->count.connects++;
                        front_relay_state(r, RELAY_CONNECT);
                        return;
                }
                front_target_left(f, (u32)r->backend, (u32)i);
                if (err == E_NOMEM) {
                        front_relay_refuse(r, 503);
                        return;
                }
                front_target_failed(f, (u32)r->backend, (u32)i);
        }
        front_relay_refuse(r, r->timed_out ? 504 : 502);
}

static void use_backend(struct relay *r, s8 slot)
{
        struct front *f = r->f;

        if (r->backend != slot) {
                front_relay_drop(r, SERVER, false);
                if (r->backend >= 0)
                        front_backend_leave(f, (u32)r->backend);
                front_backend_hold(f, (u32)slot);
                r->backend = slot;
        }
        r->tried = 0;
        r->timed_out = false;
}

void front_relay_start(struct relay *r, const struct front_verdict *v, const struct front_head *h)
{
        struct front *f = r->f;

        use_backend(r, v->backend);
        if (h->lone_lf) {
                front_relay_refuse(r, 400); /* RFC 9112 2.2: we may read a lone LF as an end, the target may not */
                return;
        }
        tcp_consume(r->side[CLIENT], h->skip);
        r->head_n = h->n - h->skip;
        r->is_head = h->is_head;
        r->is_connect = h->is_connect;
        r->closes = h->closes;
        r->repeatable = h->repeatable;
        r->lined = !f->no_forwarded_for && h->version != 9;
        r->head_kept = true;
        r->shut[CLIENT] = false;
        r->body[CLIENT] = h->body;
        if (h->body.kind != BODY_DONE)
                tcp_set_rcvbuf(r->side[CLIENT], f->pipe_max / 2);
        r->old = h->version == 9;
        if (!r->repeatable && stack_now_ms(f->st) - r->moved_ms > FRONT_TRUST_MS)
                front_relay_drop(r, SERVER, false); /* the target may be closing it just now, and the request would be lost */
        if (!r->side[SERVER]) {
                front_connect(r);
                return;
        }
        rewind(r);
        r->fresh = false;
        f->count.reused++;
        front_relay_state(r, RELAY_PIPE);
}

int front_relay_take(void *ctx, struct tcb *t, const struct front_verdict *v, const struct front_head *head)
{
        struct relay *r = front_relay_new(ctx, t);

        if (!r)
                return 503;
        if (head) {
                front_relay_start(r, v, head);
        } else {
                r->raw = r->tcp = true;
                r->body[CLIENT].kind = BODY_CLOSE;
                r->f->count.tunnels++;
                r->f->count.relayed++;
                use_backend(r, v->backend);
                front_connect(r);
        }
        front_relay_run(r);
        return 0;
}

bool front_connect_step(struct relay *r)
{
        if (!r->side[CLIENT]) {
                front_relay_drop(r, SERVER, true);
                r->over = true;
        } else if (!r->side[SERVER]) {
                r->f->count.retried++;
                front_connect(r);
                return true;
        }
        return false;
}

void front_server_lost(struct relay *r)
{
        if (!r->head_kept || !(r->repeatable || !r->head_off)) {
                front_relay_refuse(r, 502);
                return;
        }
        if (r->fresh)
                front_target_failed(r->f, (u32)r->backend, r->target);
        front_relay_drop(r, SERVER, true);
        r->f->count.retried++;
        front_connect(r);
}
