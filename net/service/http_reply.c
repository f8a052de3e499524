/* http_reply.c - decides what a request gets (RFC 9110 13: preconditions, in its order) and writes the reply's head.
 * SPDX-License-Identifier: MIT */
#include "fmt.h"
#include "http_impl.h"

static const struct { u16 status; const char *reason, *text; } statuses[] = {
        {200, "OK", ""}, {206, "Partial Content", ""}, {304, "Not Modified", ""},
        {301, "Moved Permanently", "This is a folder; its address ends with a slash."},
        {302, "Found", "This site is closed for now; its visitors are sent elsewhere."},
        {400, "Bad Request", "The request is malformed."},
        {404, "Not Found", "There is no such page here."},
        {405, "Method Not Allowed", "Only GET and HEAD are served."},
        {408, "Request Timeout", "The request did not arrive in time."},
        {412, "Precondition Failed", "The page is not in the state that the request demands."},
        {413, "Content Too Large", "The request's body is too large."},
        {414, "URI Too Long", "The request line is too long."},
        {416, "Range Not Satisfiable", "The page is shorter than that."},
        {431, "Request Header Fields Too Large", "The request's header is too long."},
        {500, "Internal Server Error", "The page is damaged on the volume."},
        {501, "Not Implemented", "This method or transfer coding is not known here."},
        {503, "Service Unavailable", "Too many requests at once; try again."},
        {505, "HTTP Version Not Supported", "HTTP/1.1 is spoken here."},
};

/* A comma-separated list of entity tags, or '*', holds ours. Ours is strong; W/ in front never hurts If-None-Match. */
static bool etag_in(struct http_text t, const char *etag, bool weak_counts)
{
        u32 n = (u32)__builtin_strlen(etag), i = 0;

        if (t.n == 1 && t.p[0] == '*')
                return true;
        while (i < t.n) {
                bool weak = false;
                u32 end;

                while (i < t.n && (t.p[i] == ' ' || t.p[i] == '\t' || t.p[i] == ','))
                        i++;
                if (t.n - i > 2 && t.p[i] == 'W' && t.p[i + 1] == '/') {
                        weak = true;
                        i += 2;
                }
                if (i >= t.n || t.p[i] != '"')
                        return false;
                for (end = i + 1; end < t.n && t.p[end] != '"';)
                        end++;
                if (end < t.n && end + 1 - i == n && __builtin_memcmp(t.p + i, etag, n) == 0 && (weak_counts || !weak))
                        return true;
                i = end + 1;
        }
        return false;
}

/* RFC 9110 13.2.2. 0 = go on, else 304 or 412. */
static u32 preconditions(const struct http_request *r, const struct http_file *f)
{
        const struct http_text *field = r->field;
        u64 since;

        if (field[FIELD_IF_MATCH].p) {
                if (!etag_in(field[FIELD_IF_MATCH], f->etag, false))
                        return 412;
        } else if (field[FIELD_IF_UNMODIFIED_SINCE].p && http_date_get(field[FIELD_IF_UNMODIFIED_SINCE], &since) &&
                   f->mtime > since) {
                return 412;
        }
        if (field[FIELD_IF_NONE_MATCH].p)
                return etag_in(field[FIELD_IF_NONE_MATCH], f->etag, true) ? 304 : 0;
        if (field[FIELD_IF_MODIFIED_SINCE].p && http_date_get(field[FIELD_IF_MODIFIED_SINCE], &since) && f->mtime <= since)
                return 304;
        return 0;
}

/* If-Range (RFC 9110 13.1.5): a range only of the very file that the client has a part of. */
static bool range_applies(const struct http_request *r, const struct http_file *f)
{
        struct http_text t = r->field[FIELD_IF_RANGE];
        u64 date;

        if (!r->field[FIELD_RANGE].p || r->method != HTTP_GET)
                return false;
        if (!t.p)
                return true;
        return t.n && (t.p[0] == '"' ? etag_in(t, f->etag, false) : http_date_get(t, &date) && date == f->mtime);
}

CANARY u32 http_range(struct http_text t, u32 size, u32 *from, u32 *n)
{
        u32 v[2] = {0, 0}, digits[2] = {0, 0}, side = 0;

        *from = 0;
        *n = size;
        if (t.n < 7 || !http_text_is((struct http_text){t.p, 6}, "bytes="))
                return 200;
        for (u32 i = 6; i < t.n; i++) {
                char c = t.p[i];

                if (c == '-' && side == 0) {
                        side = 1;
                } else if (c >= '0' && c <= '9') {
                        v[side] = v[side] > 400000000 ? UINT32_MAX : v[side] * 10 + (u32)(c - '0');
                        digits[side]++;
                } else {
                        return 200; /* several ranges, or nonsense: the whole is always a right answer */
                }
        }
        if (!side || (!digits[0] && !digits[1]) || (digits[0] && digits[1] && v[0] > v[1]))
                return 200;
        if (!digits[0]) { /* the last v[1] bytes */
                *n = min_u32(v[1], size);
                *from = size - *n;
                return *n ? 206 : 416;
        }
        if (v[0] >= size)
                return 416;
        *from = v[0];
        *n = (digits[1] ? min_u32(v[1], size - 1) : size - 1) - v[0] + 1;
        return 206;
}

void http_decide(struct http *h, const struct http_request *r, struct http_reply *out)
{
        int site;

        *out = (struct http_reply){.status = r->status};
        if (r->status)
                return;
        if (r->method > HTTP_HEAD) {
                out->status = r->method == HTTP_OTHER ? 405 : 501;
                return;
        }
        site = http_site_find(h, r->host);
        out->status = 404;
        if (site < 0)
                return;
        if (h->site[site].closed) {
                out->location = h->site[site].away;
                out->status = out->location[0] ? 302 : 503;
                return;
        }
        out->file = http_file_find(h, site, r->target, &out->status);
        if (!out->file) {
                bool figures = out->status == 404 && http_text_is((struct http_text){"default", 7}, h->site[site].host) &&
                               http_text_is(r->target, "/status.json");
                if (figures)
                        out->status = 200;
                if (out->status == 301 && r->target.n > HTTP_TARGET_BACK)
                        out->status = 404; /* its Location would not fit a reply's head */
                return;
        }
        out->status = preconditions(r, out->file);
        if (out->status)
                return;
        out->status = 200;
        out->n = out->file->node.size;
        if (range_applies(r, out->file))
                out->status = http_range(r->field[FIELD_RANGE], out->file->node.size, &out->from, &out->n);
        if (out->status == 416)
                out->n = 0;
}

/* Appends text; what does not fit is left out, which the sizes above rule out. */
static void put(struct pkt *p, const char *format, ...)
{
        u32 room = pkt_tailroom(p);
        va_list ap;

        va_start(ap, format);
        int n = fmt_v((char *)p->data + p->len, room, format, ap);
        va_end(ap);
        p->len = (u16)(p->len + min_u32((u32)n, room - 1));
}

static void put_bytes(struct pkt *p, const void *bytes, u32 n)
{
        __builtin_memcpy(p->data + p->len, bytes, n);
        p->len = (u16)(p->len + n);
}

/* RFC 9112 9.3: silence means keep-alive in 1.1 and close in 1.0. */
static void put_end_of_head(struct pkt *p, const struct http_request *r)
{
        static const char keep[] = "Connection: keep-alive\r\n\r\n", close[] = "Connection: close\r\n\r\n";

        if (!r->keep)
                put_bytes(p, close, sizeof(close) - 1);
        else if (r->version == 10)
                put_bytes(p, keep, sizeof(keep) - 1);
        else
                put_bytes(p, "\r\n", 2);
}

/* A redirect goes to the same path with a slash: never to "//name", which browsers take for another host. */
static void put_location(struct pkt *p, struct http_text t)
{
        u32 path = 0;

        while (t.n > 1 && t.p[1] == '/')
                t.p++, t.n--;
        while (path < t.n && t.p[path] != '?')
                path++;
        put(p, "Location: %.*s/%.*s\r\n", (int)path, t.p, (int)(t.n - path), t.p + path);
}

/* Everything that is no file: a small page, or the figures. */
static void write_page(struct http *h, const struct http_request *r, const struct http_reply *a, struct pkt *p)
{
        char body[HTTP_REPLY_MAX - 400];
        const char *reason = "", *text = "";
        u32 n;

        for (u32 i = 0; i < COUNT_OF(statuses); i++)
                if (statuses[i].status == a->status) {
                        reason = statuses[i].reason;
                        text = statuses[i].text;
                }
        if (a->status == 200)
                n = http_status_json(h, body, sizeof(body));
        else
                n = (u32)fmt(body, sizeof(body), "<!DOCTYPE html>\n<title>%u %s</title>\n<h1>%u %s</h1>\n<p>%s</p>\n", a->status,
                             reason, a->status, reason, text);
        if (r->version != 9) {
                put(p, "HTTP/1.1 %u %s\r\nDate: %.29s\r\nServer: qure\r\n", a->status, reason, http_now(h));
                if (a->status == 301)
                        put_location(p, r->target);
                if (a->status == 302)
                        put(p, "Location: %s\r\n", a->location);
                if (a->status == 405)
                        put(p, "Allow: GET, HEAD\r\n");
                if (a->status == 416)
                        put(p, "Content-Range: bytes */%u\r\n", a->file->node.size);
                put(p, "%sContent-Type: %s\r\nContent-Length: %u\r\n", a->status == 200 ? "Cache-Control: no-store\r\n" : "",
                    a->status == 200 ? "application/json" : "text/html; charset=utf-8", n);
                put_end_of_head(p, r);
        }
        if (r->method != HTTP_HEAD)
                put_bytes(p, body, n);
}

void http_write(struct http *h, const struct http_request *r, const struct http_reply *a, struct pkt *p)
{
        struct http_file *f = a->file;

        if (!f || a->status >= 400) {
                write_page(h, r, a, p);
                return;
        }
        if (r->version == 9)
                return;
        const char *now = http_now(h);
        if (a->status == 200) {
                if (f->date_s != h->date_s) {
                        __builtin_memcpy(f->head + f->date_at, now, HTTP_DATE);
                        f->date_s = h->date_s;
                }
                put_bytes(p, f->head, f->head_n);
        } else if (a->status == 304) {
                put(p, "HTTP/1.1 304 Not Modified\r\nDate: %.29s\r\nServer: qure\r\nETag: %s\r\n", now, f->etag);
        } else {
                put(p, "HTTP/1.1 206 Partial Content\r\nDate: %.29s\r\nServer: qure\r\nETag: %s\r\nContent-Type: %s\r\n"
                       "Content-Range: bytes %u-%u/%u\r\nContent-Length: %u\r\n",
                    now, f->etag, f->mime, a->from, a->from + a->n - 1, f->node.size, a->n);
        }
        put_end_of_head(p, r);
}
