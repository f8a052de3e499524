/* http_place.c - where a connection of the web server is in its work, for the node that it is moved to, and there.
 * Between requests that is nothing: an incomplete head is unread, and is read again there. Within a reply it is the file's rest:
 *
 *   0 state, flags | 2 length of entity tag, of site, of target, 0 | 6 body bytes to pass over, next byte of the file, bytes left
 *     (4 each) | 18 entity tag, site's name, target as it came
 *
 * The file is opened there by site and target, and must have the same entity tag. What is no file is queued whole.
 * SPDX-License-Identifier: MIT */
#include "http_impl.h"

enum { PLACE_HEAD = 18, PLACE_KEEP = 1, PLACE_FILE = 2 };
_Static_assert(PLACE_HEAD + 31 + HTTP_HOST - 1 + HTTP_MOVE_TARGET <= TCP_PLACE_MAX, "any place fits the block");

static u32 time_of(u8 state)
{
        return state == CONN_SENDING ? HTTP_STALL_MS : state == CONN_LINGER ? HTTP_LINGER_MS : HTTP_REQUEST_MS;
}

void http_place_go_on(struct http_conn *c)
{
        if (!timer_running(&c->timer))
                http_slot_take(c->h, c->t, c->state, time_of(c->state));
}

void http_place_note(struct http_conn *c, const struct http_request *r, const struct http_file *f)
{
        bool fits = r->target.n <= sizeof(c->target);
        int site = http_site_find(c->h, r->host);

        c->site = (u8)site;
        c->target_n = fits && site >= 0 ? (u8)r->target.n : 0;
        if (c->target_n)
                __builtin_memcpy(c->target, r->target.p, c->target_n);
        __builtin_memcpy(c->etag, f->etag, sizeof(c->etag));
}

static u8 *put32(u8 *p, u32 v)
{
        __builtin_memcpy(p, &v, 4);
        return p + 4;
}

static u8 *put(u8 *p, u8 *n, const char *text, u32 len)
{
        *n = (u8)len;
        __builtin_memcpy(p, text, len);
        return p + len;
}

/* What of the file is queued and was never sent need not travel as bytes. */
static void take_back(struct http_conn *c)
{
        u32 n = c->target_n ? tcp_unqueue(c->t, c->pos.off - c->start) : 0, at = c->pos.off - n;

        c->left += n;
        if (n)
                fat_seek(c->h->volume, &c->node, &c->pos, at);
}

/* The reply's rest, and how to find it. */
static int put_work(const struct http_conn *c, u8 *dst, const char **why)
{
        const char *site = c->h->site[c->site].host;
        u8 *p = dst + 6;

        __builtin_memset(dst, 0, PLACE_HEAD);
        dst[0] = c->state;
        dst[1] = (u8)((c->keep ? PLACE_KEEP : 0) | (c->left ? PLACE_FILE : 0));
        p = put32(put32(put32(p, c->skip), c->pos.off), c->left);
        if (!c->left)
                return PLACE_HEAD;
        if (!c->target_n || !site[0]) {
                *why = "its target is too long, or its site is gone";
                return -1;
        }
        p = put(p, &dst[2], c->etag, (u32)__builtin_strlen(c->etag));
        p = put(p, &dst[3], site, (u32)__builtin_strlen(site));
        return (int)(put(p, &dst[4], c->target, c->target_n) - dst);
}

int http_place_put(struct tcb *t, u8 *dst, u32 max, const char **why)
{
        struct http_conn *c = http_conn_of(t);

        if (c->state == CONN_IDLE || c->state == CONN_READING || c->state == CONN_RETRY) {
                http_slot_give(c->h, t);
                return 0;
        }
        if (c->state == CONN_SENDING)
                take_back(c);
        int n = put_work(c, dst, why);
        if (n > 0)
                timer_stop(&c->h->st->wheel, &c->timer);
        return n;
}

static u32 get32(const u8 *p)
{
        u32 v;

        __builtin_memcpy(&v, p, 4);
        return v;
}

/* The file that it was, and its place there. */
static bool take_file(struct http *h, struct http_conn *c, const u8 *src, const char *text)
{
        u32 status, from = get32(src + 10), left = get32(src + 14);
        int site = http_site_find(h, (struct http_text){text + src[2], src[3]});
        struct http_text target = {text + src[2] + src[3], src[4]};
        struct http_file *f = site >= 0 ? http_file_find(h, site, target, &status) : NULL;

        if (!f || from > f->node.size || left > f->node.size - from || __builtin_strlen(f->etag) != src[2] ||
            __builtin_memcmp(f->etag, text, src[2]))
                return false;
        c->node = f->node;
        c->left = left;
        c->start = from;
        c->pos = (struct fat_pos){0, 0};
        http_place_note(c, &(struct http_request){.target = target, .host = {text + src[2], src[3]}}, f);
        return fat_seek(h->volume, &c->node, &c->pos, from);
}

bool http_place_take(struct tcb *t, const u8 *src, u32 n)
{
        struct http *h = tcp_user(t);
        bool good = n >= PLACE_HEAD && n == (u32)PLACE_HEAD + src[2] + src[3] + src[4] &&
                    (src[0] == CONN_SENDING || src[0] == CONN_SKIPPING || src[0] == CONN_LINGER) && get32(src + 6) <= HTTP_BODY_MAX;

        if (!good)
                return false;
        tcp_set_user(t, &h->idle);
        struct http_conn *c = http_slot_take(h, t, src[0], 1);
        if (!c) {
                tcp_set_user(t, h);
                return false;
        }
        timer_stop(&h->st->wheel, &c->timer); /* until it starts */
        c->keep = src[1] & PLACE_KEEP;
        c->skip = get32(src + 6);
        if ((src[1] & PLACE_FILE) && !take_file(h, c, src, (const char *)src + PLACE_HEAD)) {
                http_slot_give(h, t);
                tcp_set_user(t, h);
                return false;
        }
        return true;
}
