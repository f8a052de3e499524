/* http_send.c - replies into the send queue: small files in one go, large ones as there is room.
 * SPDX-License-Identifier: MIT */
#include "http_impl.h"
#include "platform.h"

void http_count(struct http *h, u32 status)
{
        if (h->count.requests++ == 0)
                h->count.first_answer_us = plat_uptime_us();
        h->count.ok += status == 200 || status == 206;
        h->count.not_modified += status == 304;
        h->count.client_errors += status >= 400 && status < 500;
        h->count.server_errors += status >= 500;
}

/* Queues as much of the file as there is room for. True when all of it is queued and little of it is still on its way: until
 * then the slot and its timer stay, for a client that takes nothing must not hold what is queued for ever. */
bool http_pump(struct http_conn *c)
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

/* The bytes of a file from `from` on go out as there is room for them; without r from here only, nowhere else knows them. False when no slot is free for that. */
static bool send_rest(struct http *h, struct tcb *t, const struct http_request *r, const struct http_file *f, u32 from, u32 n)
{
        struct http_conn *c = http_slot_take(h, t, CONN_SENDING, HTTP_STALL_MS);

        if (!c)
                return false;
        c->node = f->node;
        c->left = n;
        c->start = from;
        if (r)
                http_place_note(c, r, f);
        return fat_seek(h->volume, &f->node, &c->pos, from);
}

/* The body of a small file behind its head, which `p` holds: one segment, if it fits. False when not even the head was queued. */
static bool send_whole(struct http *h, struct tcb *t, const struct http_request *r, struct pkt *p, const u32 *head_sum,
                       const struct http_reply *a)
{
        const struct http_file *f = a->file;

        tcp_cork(t, true);
        if ((head_sum ? tcp_send_pkt_sum(t, p, *head_sum) : tcp_send_pkt(t, p)) < 0) {
                tcp_cork(t, false);
                return false;
        }
        /* Out of cells for the queue the body follows later, or never: then the reply is cut short, which its length shows. */
        if (tcp_send_ref(t, f->whole + a->from, a->n, a->n == f->node.size ? &f->sum : NULL) < 0 &&
            !send_rest(h, t, r, f, a->from, a->n))
                tcp_shutdown(t);
        tcp_cork(t, false);
        return true;
}

/* What nearly every reply is. Nothing of it is copied nor summed again, but once a second when head and body are put into one buffer:
 * one piece is less to queue, to describe to the card and to take back. */
bool http_send_ready(struct http *h, struct tcb *t, struct http_file *f)
{
        u32 n = f->node.size, all = f->head_n + 2 + n, sum;
        struct pkt *p;

        if (tcp_send_room(t) < all || !(p = http_file_ready(h, f, &sum)))
                return false;
        if (p->len == all ? tcp_send_pkt_sum(t, p, sum) < 0 :
            !send_whole(h, t, NULL, p, &sum, &(struct http_reply){.status = 200, .file = f, .n = n}))
                return false;
        h->count.body_bytes += n;
        return true;
}

/* Sends a reply whose head (and body, when it is no file) is in p. False when the send queue has no cell for it. */
bool http_send_reply(struct http *h, struct tcb *t, const struct http_request *r, struct http_reply *a, struct pkt *p)
{
        bool body = a->file && a->status < 300 && r->method == HTTP_GET && a->n;

        h->count.body_bytes += body ? a->n : 0;
        if (body && a->file->whole && p->len + a->n <= tcp_send_room(t))
                return send_whole(h, t, r, p, NULL, a);
        if (body && !send_rest(h, t, r, a->file, a->from, a->n)) { /* takes a slot, and none is free */
                p->len = 0;
                *a = (struct http_reply){.status = 503};
                http_write(h, &(struct http_request){.version = r->version}, a, p);
        }
        return tcp_send_pkt(t, p) == 0;
}
