/* http_path.c - from the target of a request to the path of a file: percent-decoding, and no way out of the folder.
 * SPDX-License-Identifier: MIT */
#include "http_impl.h"

static int hex(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The path, decoded, holds no step upwards: checked after decoding, so that no spelling of ".." passes. */
static bool stays_inside(const char *path)
{
        for (u32 i = 0; path[i]; i++)
                if ((i == 0 || path[i - 1] == '/') && path[i] == '.' && path[i + 1] == '.' &&
                    (path[i + 2] == '/' || !path[i + 2]))
                        return false;
        return true;
}

u32 http_path(struct http_text t, char *dst, u32 size)
{
        u32 o = 0;

        for (u32 i = 0; i < t.n && t.p[i] != '?'; i++) {
                int c = (u8)t.p[i];

                if (c == '%') {
                        int hi = t.n - i > 2 ? hex(t.p[i + 1]) : -1, lo = hi < 0 ? -1 : hex(t.p[i + 2]);

                        if (lo < 0)
                                return 400;
                        c = hi << 4 | lo;
                        i += 2;
                }
                if (c < 0x20 || c == 0x7f || c == '\\')
                        return 400;
                if (o + 1 >= size)
                        return 404; /* no name on the volume is that long */
                dst[o++] = (char)c;
        }
        dst[o] = 0;
        return stays_inside(dst) ? 0 : 400;
}
