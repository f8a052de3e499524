/* http_mime.c - content types by the ending of a file's name.
 * SPDX-License-Identifier: MIT */
#include "http_impl.h"

const char *http_mime(const char *path)
{
        static const struct { const char *end, *type; } types[] = {
                {"html", "text/html; charset=utf-8"}, {"htm", "text/html; charset=utf-8"}, {"css", "text/css; charset=utf-8"},
                {"js", "text/javascript; charset=utf-8"}, {"mjs", "text/javascript; charset=utf-8"},
                {"json", "application/json"}, {"txt", "text/plain; charset=utf-8"}, {"md", "text/plain; charset=utf-8"},
                {"conf", "text/plain; charset=utf-8"}, {"xml", "application/xml"}, {"svg", "image/svg+xml"},
                {"png", "image/png"}, {"jpg", "image/jpeg"}, {"jpeg", "image/jpeg"}, {"gif", "image/gif"},
                {"webp", "image/webp"}, {"avif", "image/avif"}, {"ico", "image/x-icon"}, {"pdf", "application/pdf"},
                {"wasm", "application/wasm"}, {"woff", "font/woff"}, {"woff2", "font/woff2"}, {"ttf", "font/ttf"},
                {"otf", "font/otf"}, {"mp3", "audio/mpeg"}, {"ogg", "audio/ogg"}, {"mp4", "video/mp4"}, {"webm", "video/webm"},
                {"zip", "application/zip"}, {"gz", "application/gzip"}, {"csv", "text/csv; charset=utf-8"},
                {"webmanifest", "application/manifest+json"},
        };
        const char *dot = NULL;

        for (const char *s = path; *s; s++)
                dot = *s == '.' ? s + 1 : *s == '/' ? NULL : dot;
        for (u32 i = 0; dot && i < COUNT_OF(types); i++)
                if (http_text_is((struct http_text){dot, (u32)__builtin_strlen(dot)}, types[i].end))
                        return types[i].type;
        return "application/octet-stream";
}
