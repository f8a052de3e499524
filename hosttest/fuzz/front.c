/* front.c (fuzz) - what a relay reads of messages: request and reply heads, and where bodies end. The first byte chooses the
 * pieces in which the body comes; any two ways to cut it must agree. What both parsers of requests take, they end alike.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include "../../net/service/front_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(const u8 *p, u32 n, struct http_text t)
{
        if (t.n && !(t.n == 1 && *t.p == '/') && !((const u8 *)t.p >= p && (const u8 *)t.p + t.n <= p + n))
                abort();
}

/* Where the message at p ends, read in pieces of `step`, each in memory of its own. */
static u32 end_of(struct front_body b, const u8 *p, u32 n, u32 step, u8 *kind)
{
        u32 at = 0, k, piece;

        do {
                piece = min_u32(step, n - at);
                u8 *copy = malloc(piece ? piece : 1);

                memcpy(copy, p + at, piece);
                k = front_body_pass(&b, copy, piece);
                free(copy);
                if (k > piece)
                        abort();
                at += k;
        } while (k && at < n);
        front_body_pass(&b, p, 0);
        *kind = b.kind;
        return at;
}

static void check_body(const struct front_head *h, const u8 *p, u32 n, u32 step)
{
        struct front_body b = h->body;
        u8 whole, pieces;

        b.head = h->n;
        u32 end = end_of(b, p, n, n ? n : 1, &whole);
        if (end != end_of(b, p, n, step, &pieces) || whole != pieces || end < min_u32(h->n, n))
                abort();
}

/* http_parse knows no transfer coding and no other scheme; what it takes is taken here too, and ends at the same place. */
static void compare(const u8 *p, u32 n, int len)
{
        struct http_request r;
        int other = http_parse(p, n, &r);

        if (len > 0 && other > 0 && len != other)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct front_head h;
        struct http_text value;
        u32 n = (u32)size, at = 0;

        if (!n || n > 60000)
                return 0;
        u32 step = 1 + data[0] % 61;
        u8 *copy = malloc(--n ? n : 1);
        memcpy(copy, data + 1, n);
        int len = front_head_request(copy, n, &h);
        if (len > (int)n || (len > 0 && (u32)len != h.n))
                abort();
        compare(copy, n, len);
        if (len > 0) {
                inside(copy, n, h.path);
                inside(copy, n, h.host);
                while (front_field(&h, "cookie", &at, &value))
                        inside(copy, n, value);
                check_body(&h, copy, n, step);
        }
        len = front_head_reply(copy, n, step & 1, step & 2, &h);
        if (len > (int)n)
                abort();
        if (len > 0)
                check_body(&h, copy, n, step);
        free(copy);
        return 0;
}
