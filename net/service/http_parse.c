/* http_parse.c - request heads (RFC 9112 2 to 7, and HTTP/0.9's single line). Parsed where they lie, line by line.
 * What could be read in two ways by us and somebody in front of us is refused: folded lines, bare CR, blanks before
 * a colon, doubled Host or Content-Length, any Transfer-Encoding.
 * SPDX-License-Identifier: MIT */
#include "http_impl.h"

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

bool http_text_is(struct http_text t, const char *want)
{
        u32 i = 0;

        while (i < t.n && want[i] && lower(t.p[i]) == want[i])
                i++;
        return i == t.n && !want[i];
}

bool http_list_has(struct http_text t, const char *want)
{
        for (u32 i = 0; i < t.n;) {
                u32 n = 0, end;

                while (i < t.n && (t.p[i] == ' ' || t.p[i] == '\t' || t.p[i] == ','))
                        i++;
                while (i + n < t.n && t.p[i + n] != ',')
                        n++;
                for (end = n; end && (t.p[i + end - 1] == ' ' || t.p[i + end - 1] == '\t');)
                        end--;
                if (http_text_is((struct http_text){t.p + i, end}, want))
                        return true;
                i += n;
        }
        return false;
}

/* Four at a time: a byte's top bit comes on by x - 0x20 where it was below, by x - 1 of x ^ 0x7f where it was DEL. */
u32 http_plain_run(const char *p, u32 n)
{
        u32 i = 0;

        for (; i + 4 <= n; i += 4) {
                u32 x = *(const u32_any *)(p + i), del = x ^ 0x7f7f7f7f;
                u32 hit = (((x - 0x20202020) & ~x) | ((del - 0x01010101) & ~del)) & 0x80808080;
                if (hit)
                        return i + (u32)__builtin_ctz(hit) / 8;
        }
        while (i < n && (u8)p[i] >= 0x20 && p[i] != 0x7f)
                i++;
        return i;
}

int http_line(const char *p, u32 n, struct http_text *text)
{
        for (u32 i = http_plain_run(p, n); i < n; i += 1 + http_plain_run(p + i + 1, n - i - 1)) {
                char c = p[i];

                if (c == '\n') {
                        *text = (struct http_text){p, i && p[i - 1] == '\r' ? i - 1 : i};
                        return (int)i + 1;
                }
                if (c != '\t' && !(c == '\r' && (i + 1 == n || p[i + 1] == '\n')))
                        return -1;
        }
        return 0;
}

/* Characters of a token, one bit each. */
u32 http_token(const char *p, u32 n)
{
        static const u32 set[8] = {0, 0x03ff6cfa, 0xc7fffffe, 0x57ffffff};
        u32 i = 0;

        while (i < n && set[(u8)p[i] >> 5] >> (p[i] & 31) & 1)
                i++;
        return i;
}

struct http_text http_trim(const char *p, u32 n)
{
        while (n && (*p == ' ' || *p == '\t'))
                p++, n--;
        while (n && (p[n - 1] == ' ' || p[n - 1] == '\t'))
                n--;
        return (struct http_text){p, n};
}

bool http_field(struct http_text line, struct http_text *name, struct http_text *value)
{
        u32 colon = http_token(line.p, line.n);

        if (!colon || colon == line.n || line.p[colon] != ':')
                return false;
        *name = (struct http_text){line.p, colon};
        *value = http_trim(line.p + colon + 1, line.n - colon - 1);
        return true;
}

static u8 method_of(struct http_text t)
{
        static const char *const other[] = {"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH"};

        if (t.n == 3 && __builtin_memcmp(t.p, "GET", 3) == 0)
                return HTTP_GET;
        if (t.n == 4 && __builtin_memcmp(t.p, "HEAD", 4) == 0)
                return HTTP_HEAD;
        for (u32 i = 0; i < COUNT_OF(other); i++)
                if (t.n == __builtin_strlen(other[i]) && __builtin_memcmp(t.p, other[i], t.n) == 0)
                        return HTTP_OTHER;
        return HTTP_UNKNOWN;
}

/* 9, 10, 11 (also for 1.2 and later: RFC 9110 2.5), or 0 with the status to answer. */
static u8 version_of(const char *p, u32 n, u16 *status)
{
        *status = 400;
        if (n != 8 || __builtin_memcmp(p, "HTTP/", 5) != 0 || p[5] < '0' || p[5] > '9' || p[6] != '.' || p[7] < '0' || p[7] > '9')
                return 0;
        *status = p[5] == '1' ? 0 : 505;
        return p[5] != '1' ? 0 : p[7] == '0' ? 10 : 11;
}

/* Host without port; letters, digits and what may stand in names and address literals. */
static u16 take_host(struct http_request *r, struct http_text t)
{
        u32 end = t.n;

        for (u32 i = 0; i < t.n; i++) {
                char c = lower(t.p[i]);

                if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == ':' ||
                      c == '[' || c == ']'))
                        return 400;
        }
        while (end && t.p[end - 1] >= '0' && t.p[end - 1] <= '9')
                end--;
        if (end && t.p[end - 1] == ':')
                t.n = end - 1;
        r->host = t;
        return 0;
}

/* RFC 9112 3.2: origin-form, or absolute-form whose authority replaces Host; the others belong to methods we do not serve. */
static u16 take_target(struct http_request *r, struct http_text t)
{
        u32 host, end;

        for (u32 i = 0; i < t.n; i++)
                if ((u8)t.p[i] <= 0x20 || t.p[i] == '#')
                        return 400;
        r->target = t;
        if (!t.n)
                return 400;
        if (t.p[0] == '/' || r->method > HTTP_HEAD)
                return 0;
        if (t.n < 8 || !http_text_is((struct http_text){t.p, 7}, "http://"))
                return 400;
        for (host = end = 7; end < t.n && t.p[end] != '/' && t.p[end] != '?';)
                end++;
        r->absolute = true;
        r->target = end < t.n ? (struct http_text){t.p + end, t.n - end} : (struct http_text){"/", 1};
        return end == host ? 400 : take_host(r, (struct http_text){t.p + host, end - host});
}

/* Method SP target SP version, or HTTP/0.9's GET SP target. */
static u16 request_line(struct http_request *r, const char *p, u32 n)
{
        u32 a = http_token(p, n), b;
        u16 status = 0;

        if (!a || a == n || p[a] != ' ')
                return 400;
        r->method = method_of((struct http_text){p, a});
        for (b = a + 1; b < n && p[b] != ' ';)
                b++;
        if (b < n) {
                r->version = version_of(p + b + 1, n - b - 1, &status);
                if (status)
                        return status;
        } else {
                r->version = 9;
                if (r->method != HTTP_GET)
                        return 400;
        }
        return take_target(r, (struct http_text){p + a + 1, b - a - 1});
}

static u16 take_length(struct http_request *r, struct http_text t)
{
        u32 n = 0;

        if (r->has_length || !t.n)
                return 400; /* RFC 9112 6.3: two lengths are an attack until proven otherwise */
        r->has_length = true;
        for (u32 i = 0; i < t.n; i++) {
                if (t.p[i] < '0' || t.p[i] > '9')
                        return 400;
                n = n > HTTP_BODY_MAX ? n : n * 10 + (u32)(t.p[i] - '0');
        }
        r->body = n;
        return 0;
}

static u16 take_field(struct http_request *r, struct http_text name, struct http_text value)
{
        static const struct { const char *name; u8 n, field; } kept[] = {
                {"if-modified-since", 17, FIELD_IF_MODIFIED_SINCE}, {"if-none-match", 13, FIELD_IF_NONE_MATCH},
                        {"if-match", 8, FIELD_IF_MATCH},
                {"if-unmodified-since", 19, FIELD_IF_UNMODIFIED_SINCE}, {"range", 5, FIELD_RANGE},
                        {"if-range", 8, FIELD_IF_RANGE}};

        switch (lower(name.p[0])) {
        case 'h':
                if (!http_text_is(name, "host"))
                        break;
                if (r->has_host)
                        return 400;
                r->has_host = true;
                return r->absolute ? 0 : take_host(r, value);
        case 'c':
                if (http_text_is(name, "connection")) {
                        r->closes |= http_list_has(value, "close");
                        r->asks_keep |= http_list_has(value, "keep-alive");
                } else if (http_text_is(name, "content-length")) {
                        return take_length(r, value);
                }
                break;
        case 't':
                if (http_text_is(name, "transfer-encoding"))
                        return r->has_length ? 400 : 501;
                break;
        case 'e':
                r->expects |= http_text_is(name, "expect");
                break;
        case 'i': case 'r':
                for (u32 i = 0; i < COUNT_OF(kept); i++)
                        if (name.n == kept[i].n && !r->field[kept[i].field].p && http_text_is(name, kept[i].name))
                                r->field[kept[i].field] = value;
                break;
        }
        return 0;
}

static int wrong(struct http_request *r, u16 status)
{
        r->status = status;
        r->keep = false;
        return -1;
}

int http_parse(const u8 *bytes, u32 n, struct http_request *r)
{
        const char *p = (const char *)bytes;
        struct http_text line, name, value;
        u32 at = 0;
        int len;
        u16 status;

        *r = (struct http_request){.version = 11};
        while (at < n && at < 4 && (p[at] == '\r' || p[at] == '\n'))
                at++; /* RFC 9112 2.2: empty lines in front are ignored */
        len = http_line(p + at, n - at, &line);
        if (len < 0)
                return wrong(r, 400);
        if (len ? line.n > HTTP_LINE_MAX : n - at >= HTTP_LINE_MAX)
                return wrong(r, 414);
        if (!len)
                return 0;
        if ((status = request_line(r, line.p, line.n)))
                return wrong(r, status);
        at += (u32)len;
        if (r->version == 9)
                return (int)at; /* R55: one line end is the end of an HTTP/0.9 request */
        for (;; at += (u32)len) {
                len = http_line(p + at, n - at, &line);
                if (len < 0)
                        return wrong(r, 400);
                if (at + (u32)len > HTTP_HEAD_MAX || (!len && n >= HTTP_HEAD_MAX))
                        return wrong(r, 431);
                if (!len)
                        return 0;
                if (!line.n)
                        break;
                if (!http_field(line, &name, &value))
                        return wrong(r, 400);
                if ((status = take_field(r, name, value)))
                        return wrong(r, status);
        }
        r->keep = !r->closes && (r->version == 11 || r->asks_keep);
        if (r->version == 11 && !r->has_host)
                return wrong(r, 400); /* RFC 9112 3.2 */
        if (r->body > HTTP_BODY_MAX)
                return wrong(r, 413);
        return (int)at + len;
}
