/* http_memo.c - requests that came before, byte for byte, and what they got: the same client asks the same way again,
 * and a reply that depends on nothing but the request's bytes and the volume is the same again. Only plain 200 replies
 * of small files on connections that stay are remembered. Forgotten with the file or when the sites change.
 * SPDX-License-Identifier: MIT */
#include "http_impl.h"

enum { SET = 2, SHORTEST = 20 }; /* entries that one hash may take; "GET / HTTP/1.1\r\n\r\n" has 18 bytes */

static u32 load(const u8 *p)
{
        u32 v;

        __builtin_memcpy(&v, p, 4);
        return v;
}

/* Words, the last one overlapping: n is at least 4. */
static bool same(const u8 *a, const u8 *b, u32 n)
{
        for (u32 i = 0; i + 4 < n; i += 4)
                if (load(a + i) != load(b + i))
                        return false;
        return load(a + n - 4) == load(b + n - 4);
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

void http_memo_put(struct http *h, const u8 *p, u32 n, struct http_file *file, u8 version)
{
        if (n < SHORTEST || n > HTTP_MEMO_BYTES)
                return;
        struct http_memo *m = set_of(h, p);
        m[1] = m[0]; /* the older of the set goes */
        m->n = (u16)n;
        m->version = version;
        m->file = file;
        m->life = file->life;
        __builtin_memcpy(m->bytes, p, n);
}
