/* front_head.c - heads of requests and replies, as far as passing them on needs (RFC 9112 2 to 6): where they end, whom they
 * name, how far the body goes, whether the connection stays. What two readers could take differently is refused: folded lines,
 * bare CR, blanks before a colon, two lengths, a length beside a transfer coding, codings other than "chunked" alone.
 * SPDX-License-Identifier: MIT */
#include "front_impl.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool text_equals(struct http_text t, const char *want)
{
        return t.n == __builtin_strlen(want) && __builtin_memcmp(t.p, want, t.n) == 0;
}

/* HTTP/1.0 or 1.1 (any later 1.x counts as 1.1, RFC 9110 2.5); 0 for others. */
static u8 version_of(struct http_text t)
{
        if (t.n != 8 || __builtin_memcmp(t.p, "HTTP/1.", 7) != 0 || !is_digit(t.p[7]))
                return 0;
        return t.p[7] == '0' ? 10 : 11;
}

/* Name or address without the port. */
static struct http_text without_port(struct http_text t)
{
        u32 end = t.n;

        while (end && is_digit(t.p[end - 1]))
                end--;
        if (end && t.p[end - 1] == ':')
                t.n = end - 1;
        return t;
}

/* RFC 9112 3.2: /path?query; http://host/path, whose host replaces the field; host:port of CONNECT; "*". */
static bool take_target(struct front_head *h, struct http_text t)
{
        u32 end;

        for (u32 i = 0; i < t.n; i++)
                if ((u8)t.p[i] <= 0x20)
                        return false;
        h->path = t;
        if (!t.n || t.p[0] == '/' || h->is_connect || text_equals(t, "*"))
                return t.n != 0;
        if (t.n < 8 || !http_text_is((struct http_text){t.p, 7}, "http://"))
                return false;
        for (end = 7; end < t.n && t.p[end] != '/' && t.p[end] != '?';)
                end++;
        h->path = end < t.n ? (struct http_text){t.p + end, t.n - end} : (struct http_text){"/", 1};
        h->host = without_port((struct http_text){t.p + 7, end - 7});
        return end > 7;
}

static bool is_repeatable(struct http_text method)
{
        static const char *const safe_to_repeat[] = {"GET", "HEAD", "OPTIONS", "TRACE", "DELETE"}; /* PUT comes with a body */

        for (u32 i = 0; i < COUNT_OF(safe_to_repeat); i++)
                if (text_equals(method, safe_to_repeat[i]))
                        return true;
        return false;
}

static bool request_line(struct front_head *h, struct http_text t)
{
        u32 a = http_token(t.p, t.n), b;

        if (!a || a == t.n || t.p[a] != ' ')
                return false;
        struct http_text method = {t.p, a};
        h->is_head = text_equals(method, "HEAD");
        h->is_connect = text_equals(method, "CONNECT");
        h->repeatable = is_repeatable(method);
        for (b = a + 1; b < t.n && t.p[b] != ' ';)
                b++;
        h->version = b == t.n ? 9 : version_of((struct http_text){t.p + b + 1, t.n - b - 1});
        if (!h->version || (h->version == 9 && !text_equals(method, "GET")))
                return false;
        return take_target(h, (struct http_text){t.p + a + 1, b - a - 1});
}

static bool status_line(struct front_head *h, struct http_text t)
{
        if (t.n < 12 || t.p[8] != ' ' || (t.n > 12 && t.p[12] != ' '))
                return false;
        if (!is_digit(t.p[9]) || !is_digit(t.p[10]) || !is_digit(t.p[11]))
                return false;
        h->version = version_of((struct http_text){t.p, 8});
        h->status = (u16)((t.p[9] - '0') * 100 + (t.p[10] - '0') * 10 + t.p[11] - '0');
        return h->version && h->status >= 100;
}

/* RFC 9112 6.3: two lengths are an attack until proven otherwise; so is one beyond 2^60. */
static bool take_length(struct front_head *h, struct http_text t)
{
        if (h->has_length || !t.n)
                return false;
        h->has_length = true;
        for (u32 i = 0; i < t.n; i++) {
                if (!is_digit(t.p[i]) || h->body.left >> 56)
                        return false;
                h->body.left = h->body.left * 10 + (u32)(t.p[i] - '0');
        }
        return true;
}

static bool take_field(struct front_head *h, struct http_text name, struct http_text value)
{
        switch (name.n) {
        case 4:
                if (!http_text_is(name, "host"))
                        break;
                if (h->has_host)
                        return false;
                h->has_host = true;
                if (!h->host.n)
                        h->host = without_port(value);
                break;
        case 10:
                if (!http_text_is(name, "connection"))
                        break;
                h->closes |= http_list_has(value, "close");
                h->asks_keep |= http_list_has(value, "keep-alive");
                break;
        case 14:
                return !http_text_is(name, "content-length") || take_length(h, value);
        case 17:
                if (!http_text_is(name, "transfer-encoding"))
                        break;
                h->chunked = !h->has_coding && http_text_is(value, "chunked");
                h->has_coding = true;
        }
        return true;
}

/* http_line, and whether it ended without CR. */
static int line_of(struct front_head *h, const char *p, u32 n, struct http_text *t)
{
        int len = http_line(p, n, t);

        h->lone_lf |= len > 0 && t->n + 1 == (u32)len;
        return len;
}

/* Start line and header section. Length, 0, or -1. */
static int parse(const u8 *bytes, u32 n, struct front_head *h, bool (*first)(struct front_head *, struct http_text))
{
        const char *p = (const char *)bytes;
        struct http_text t, name, value;
        u32 at = h->skip;
        int len = line_of(h, p + at, n - at, &t);

        h->p = bytes;
        if (len <= 0)
                return len;
        if (!first(h, t))
                return -1;
        at += (u32)len;
        h->fields = at;
        while (h->version != 9) { /* R55: HTTP/0.9 is one line */
                len = line_of(h, p + at, n - at, &t);
                if (len <= 0)
                        return len;
                at += (u32)len;
                if (!t.n)
                        break;
                if (!http_field(t, &name, &value) || !take_field(h, name, value))
                        return -1;
        }
        h->n = at;
        return (int)at;
}

/* RFC 9112 9.3: silence means keep-alive in 1.1 and close in 1.0. */
static void judge_connection(struct front_head *h) { h->closes |= h->version < 11 && !h->asks_keep; }

int front_head_request(const u8 *p, u32 n, struct front_head *h)
{
        *h = (struct front_head){.version = 0};
        while (h->skip < n && h->skip < FRONT_NEWLINES && (p[h->skip] == '\r' || p[h->skip] == '\n'))
                h->skip++; /* RFC 9112 2.2 */
        int len = parse(p, n, h, request_line);
        if (len <= 0)
                return len;
        if ((h->has_coding && (!h->chunked || h->has_length || h->version < 11)) || (h->version == 11 && !h->has_host))
                return -1; /* RFC 9112 6.1, 6.3: request smuggling's door */
        h->body.kind = h->has_coding ? BODY_CHUNKED : h->body.left ? BODY_LENGTH : BODY_DONE;
        h->repeatable &= h->body.kind == BODY_DONE;
        judge_connection(h);
        return len;
}

int front_head_reply(const u8 *p, u32 n, bool to_head, bool to_connect, struct front_head *h)
{
        *h = (struct front_head){.version = 0};
        if (__builtin_memcmp(p, "HTTP/1.", min_u32(n, 7)) != 0)
                return -1;
        int len = parse(p, n, h, status_line);
        if (len <= 0)
                return len;
        if (h->has_coding && h->has_length)
                return -1;
        judge_connection(h);
        if (to_head || h->status < 200 || h->status == 204 || h->status == 304 || (to_connect && h->status < 300))
                h->body = (struct front_body){.kind = BODY_DONE}; /* RFC 9112 6.3, 1 and 2 */
        else if (h->has_coding)
                h->body.kind = h->chunked && h->version == 11 ? BODY_CHUNKED : BODY_CLOSE;
        else
                h->body.kind = !h->has_length ? BODY_CLOSE : h->body.left ? BODY_LENGTH : BODY_DONE;
        h->closes |= h->body.kind == BODY_CLOSE;
        return len;
}

bool front_field(const struct front_head *h, const char *want, u32 *at, struct http_text *value)
{
        const char *p = (const char *)h->p;
        struct http_text t, name;

        for (u32 i = *at ? *at : h->fields; i < h->n;) {
                i += (u32)http_line(p + i, h->n - i, &t); /* was parsed: is complete and right */
                *at = i;
                if (t.n && http_field(t, &name, value) && http_text_is(name, want))
                        return true;
        }
        return false;
}
