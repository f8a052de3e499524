/* http_site.c - sites and ports of the web server: what the `site` and `listen http` lines set.
 * SPDX-License-Identifier: MIT */
#include "http_impl.h"

#define DEFAULT "default"

struct http *http_new(struct stack *st, const struct fat *volume)
{
        struct http *h = stack_alloc(st, sizeof(*h), 64);

        if (!h)
                return NULL;
        h->st = st;
        h->volume = volume;
        h->idle.h = h;
        for (u32 i = 0; i < HTTP_SLOTS; i++) {
                h->slot[i].h = h;
                h->slot[i].next = h->slots_free;
                h->slots_free = &h->slot[i];
        }
        h->count.slots = h->count.slots_free = h->count.slots_low = HTTP_SLOTS;
        return h;
}

/* Host names are kept in lower case. */
static void lower_copy(char *dst, const char *src)
{
        do {
                *dst++ = *src >= 'A' && *src <= 'Z' ? (char)(*src + 32) : *src;
        } while (*src++);
}

static struct http_site *site_named(struct http *h, const char *host)
{
        for (u32 i = 0; i < HTTP_SITES; i++)
                if (h->site[i].host[0] && http_text_is((struct http_text){host, (u32)__builtin_strlen(host)}, h->site[i].host))
                        return &h->site[i];
        return NULL;
}

int http_site_set(struct http *h, const char *host, const char *folder)
{
        struct http_site *s = site_named(h, host);
        struct fat_node n;

        if (!*host || __builtin_strlen(host) >= HTTP_HOST || __builtin_strlen(folder) >= HTTP_FOLDER)
                return E_INVAL;
        if (!h->volume || !fat_lookup(h->volume, folder, &n) || !n.dir)
                return E_NOENT;
        for (u32 i = 0; !s && i < HTTP_SITES; i++)
                if (!h->site[i].host[0])
                        s = &h->site[i];
        if (!s)
                return E_NOMEM;
        if (!s->host[0]) {
                s->closed = false;
                s->away[0] = 0;
        }
        lower_copy(s->host, host);
        __builtin_memcpy(s->folder, folder, __builtin_strlen(folder) + 1);
        http_file_forget(h);
        http_speak_first(h);
        return 0;
}

bool http_site_del(struct http *h, const char *host)
{
        struct http_site *s = site_named(h, host);

        if (!s)
                return false;
        s->host[0] = 0;
        http_file_forget(h);
        http_speak_first(h);
        return true;
}

void http_site_walk(const struct http *h, void (*fn)(void *ctx, const char *host, const char *folder), void *ctx)
{
        for (u32 i = 0; i < HTTP_SITES; i++)
                if (h->site[i].host[0])
                        fn(ctx, h->site[i].host, h->site[i].folder);
}

int http_site_find(const struct http *h, struct http_text host)
{
        int other = -1;

        for (int i = 0; i < HTTP_SITES; i++) {
                if (!h->site[i].host[0])
                        continue;
                if (http_text_is(host, h->site[i].host))
                        return i;
                if (http_text_is((struct http_text){DEFAULT, sizeof(DEFAULT) - 1}, h->site[i].host))
                        other = i;
        }
        return other;
}

/* These may run before their handshake, for they change nothing (RFC 9110 9.2.2). */
static bool idempotent(const u8 *p, u32 n)
{
        return (n >= 4 && !__builtin_memcmp(p, "GET ", 4)) || (n >= 5 && !__builtin_memcmp(p, "HEAD ", 5));
}

int http_listen(struct http *h, ipaddr addr, u16 port) { return http_listen_late(h, addr, port, false); }

int http_listen_late(struct http *h, ipaddr addr, u16 port, bool late)
{
        /* Replies are queued whole, so there is nothing for Nagle to wait for. */
        const struct tcp_opts opts = {.rcvbuf = HTTP_RCVBUF, .sndbuf = HTTP_SNDBUF, .backlog = 64, .nodelay = true,
                                      .keepalive_ms = HTTP_IDLE_MS, .qure = true, .fastopen = true, .optional_syn = late,
                                      .idempotent = idempotent, .speaks_first = h->closed_all};
        struct http_port *free = NULL;
        int err = E_NOMEM;

        for (u32 i = 0; i < HTTP_PORTS; i++) {
                if (!h->port[i].l)
                        free = &h->port[i];
                else if (h->port[i].port == port && ipaddr_eq(h->port[i].addr, addr))
                        return E_INUSE;
        }
        if (!free)
                return E_NOMEM;
        free->l = tcp_listen(h->st, addr, port, &http_events, h, &opts, &err);
        free->addr = addr;
        free->port = port;
        free->late = late;
        return free->l ? 0 : err;
}

bool http_unlisten(struct http *h, ipaddr addr, u16 port)
{
        for (u32 i = 0; i < HTTP_PORTS; i++) {
                struct http_port *p = &h->port[i];

                if (!p->l || p->port != port || !ipaddr_eq(p->addr, addr))
                        continue;
                tcp_unlisten(p->l);
                p->l = NULL;
                return true;
        }
        return false;
}

bool http_port_late(const struct http *h, ipaddr addr, u16 port)
{
        for (u32 i = 0; i < HTTP_PORTS; i++)
                if (h->port[i].l && h->port[i].port == port && ipaddr_eq(h->port[i].addr, addr))
                        return h->port[i].late;
        return false;
}

void http_port_walk(const struct http *h, void (*fn)(void *ctx, ipaddr addr, u16 port), void *ctx)
{
        for (u32 i = 0; i < HTTP_PORTS; i++)
                if (h->port[i].l)
                        fn(ctx, h->port[i].addr, h->port[i].port);
}

void http_counters(const struct http *h, struct http_counters *out) { *out = h->count; }
