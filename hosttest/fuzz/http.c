/* http.c (fuzz) - request heads from the wire: parser, path decoding, dates and ranges.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include "../../net/service/http_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(const u8 *p, u32 n, struct http_text t)
{
        static const char literal[] = "/"; /* the target of an absolute form without path */

        if (t.p && t.n && !((const u8 *)t.p >= p && (const u8 *)t.p + t.n <= p + n) && memcmp(t.p, literal, 1) != 0)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct http_request r;
        u8 *copy = malloc(size ? size : 1); /* exactly as long: a step over the end is seen */
        u32 n = (u32)size, from, count;
        char path[HTTP_PATH];
        u64 t;

        if (n > 60000)
                n = 60000;
        memcpy(copy, data, n);
        int len = http_parse(copy, n, &r);
        if (len > (int)n || (len < 0 && !r.status) || (len > 0 && r.status))
                abort();
        if (len > 0) {
                inside(copy, n, r.target);
                inside(copy, n, r.host);
                for (u32 i = 0; i < FIELD_N; i++) {
                        inside(copy, n, r.field[i]);
                        http_date_get(r.field[i], &t);
                        if (r.field[i].p && http_range(r.field[i], 1000, &from, &count) == 206 && (from >= 1000 || !count || from + count > 1000))
                                abort();
                }
                if (r.method <= HTTP_HEAD && http_path(r.target, path, sizeof(path)) == 0 && (strstr(path, "/../") || strlen(path) >= sizeof(path)))
                        abort();
        }
        free(copy);
        return 0;
}
