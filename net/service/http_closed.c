/* http_closed.c - sites that are closed for maintenance, or have moved (R43, R44): their requests are answered by a redirect or
 * 503. When every site is closed and all send visitors to one place, nobody's request needs reading: a client that speaks QuRe
 * is answered at its SYN and never sends it. SPDX-License-Identifier: MIT */
#include "fmt.h"
#include "http_impl.h"

static struct http_site *site_named(struct http *h, const char *host)
{
        int i = http_site_find(h, (struct http_text){host, (u32)__builtin_strlen(host)});

        return i >= 0 && http_text_is((struct http_text){host, (u32)__builtin_strlen(host)},
                                      h->site[i].host) ? &h->site[i] : NULL;
}

void http_speak_first(struct http *h)
{
        const struct http_site *same = NULL;

        h->closed_all = true;
        for (u32 i = 0; i < HTTP_SITES; i++) {
                const struct http_site *s = &h->site[i];

                if (!s->host[0])
                        continue;
                if (!s->closed || (same && __builtin_strcmp(same->away, s->away)))
                        h->closed_all = false;
                same = s;
        }
        h->closed_all &= same != NULL;
        h->away_all = h->closed_all ? same->away : "";
        for (u32 i = 0; i < HTTP_PORTS; i++)
                if (h->port[i].l)
                        tcp_speaks_first(h->port[i].l, h->closed_all);
}

bool http_away_good(const char *url)
{
        u32 n = 0;

        while (url[n] > ' ' && url[n] <= '~') /* it goes into a header field */
                n++;
        return !url[n] && n < HTTP_AWAY;
}

int http_site_away(struct http *h, const char *host, const char *url)
{
        struct http_site *s = site_named(h, host);

        if (!s)
                return E_NOENT;
        if (!http_away_good(url))
                return E_INVAL;
        __builtin_memcpy(s->away, url, __builtin_strlen(url) + 1);
        http_speak_first(h);
        return 0;
}

int http_site_close(struct http *h, const char *host, bool closed)
{
        struct http_site *s = host ? site_named(h, host) : NULL;

        if (host && !s)
                return E_NOENT;
        for (u32 i = 0; i < HTTP_SITES; i++)
                if (h->site[i].host[0] && (!s || s == &h->site[i]))
                        h->site[i].closed = closed;
        http_file_forget(h); /* what was kept of its pages is not to be served */
        http_speak_first(h);
        return 0;
}

bool http_site_closed(const struct http *h, const char *host, const char **away)
{
        const struct http_site *s = site_named((struct http *)h, host);

        *away = s ? s->away : "";
        return s && s->closed;
}

/* As short as can be: before its address is proven a client gets three bytes for each of its own. */
bool http_write_closed(struct http *h, struct pkt *p)
{
        u32 n;

        if (h->away_all[0])
                n = (u32)fmt((char *)p->data, pkt_tailroom(p),
                             "HTTP/1.1 302 Found\r\nLocation: %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", h->away_all);
        else
                n = (u32)fmt((char *)p->data, pkt_tailroom(p),
                             "HTTP/1.1 503 Closed\r\nRetry-After: 60\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        p->len = (u16)min_u32(n, pkt_tailroom(p) - 1);
        return h->away_all[0] != 0;
}
