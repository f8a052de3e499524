/* http_memo.c - requests that came before, byte for byte, and what they got: the same client asks the same way again,
 * and a reply that depends on nothing but the request's bytes and the volume is the same again. Only plain 200 replies
 * of small files in HTTP/1.1 on connections that stay are remembered. Forgotten with the file or when the sites change.
 * SPDX-License-Identifier: MIT */
#include "http_impl.h"

enum { SET = 2, SHORTEST = 20 }; /* entries that one hash may take; "GET / HTTP/1.1\r\n\r\n" has 18 bytes */

static u32 load(const u8 *p)
{
        u32 v;

        __builtin_memcpy(&v, p, 4);
        return v;
}

static u32 differ(const u8 *a, const u8 *b)
{
        return (load(a) ^ load(b)) | (load(a + 4) ^ load(b + 4)) | (load(a + 8) ^ load(b + 8)) | (load(a + 12) ^ load(b + 12));
}

/* Sixteen bytes at a time, the last ones overlapping: n is at least SHORTEST. */
static bool same(const u8 *a, const u8 *b, u32 n)
{
        const u8 *last = a + n - 16;

        for (; a < last; a += 16, b += 16)
                if (differ(a, b))
                        return false;
        return !differ(last, b - (a - last));
}

/* The first entry of the set for a request: by the beginning of its target, since its length is not known yet. */
static struct http_memo *set_of(struct http *h, const u8 *p)
{
        u32 hash = (load(p + 4) * 2654435761u ^ load(p + 8)) * 2654435761u ^ load(p + 12) * 40503u;

        return &h->memo[(hash >> 16) % (HTTP_MEMOS / SET) * SET];
}

const struct http_memo *http_memo_find(struct http *h, const u8 *p, u32 n)
{
        if (n < SHORTEST)
                return NULL;
        struct http_memo *m = set_of(h, p);
        for (u32 i = 0; i < SET; i++, m++)
                if (m->n && m->n <= n && m->life == m->file->life && same(m->bytes, p, m->n))
                        return m;
        return NULL;
}

void http_memo_put(struct http *h, const u8 *p, u32 n, struct http_file *file)
{
        if (n < SHORTEST || n > HTTP_MEMO_BYTES)
                return;
        struct http_memo *m = set_of(h, p);
        m[1] = m[0]; /* the older of the set goes */
        m->n = (u16)n;
        m->file = file;
        m->life = file->life;
        __builtin_memcpy(m->bytes, p, n);
}
