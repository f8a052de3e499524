/* service.c - `site` and `listen`: what the machine serves.
 * SPDX-License-Identifier: MIT */
#include "commands.h"
#include "echo.h"
#include "http.h"

static struct http *http;

/* The one web server, made when it is first spoken of. */
static struct http *the_http(struct words *w)
{
        const char *why;
        const struct fat *f = volume(&why);

        if (!http && (http = http_new(plat_stack(), f)))
                front_meets_http(http);
        if (!http)
                words_refuse(w, "out of memory for the web server");
        else if (!f)
                out("web server without files: %s\n", why);
        return http;
}

struct http *service_http(void) { return http; }

int cmd_site(struct words *w)
{
        const char *host, *folder, *away = "";

        if (!take_word(w, "a host name or default", &host) || !take_word(w, "a folder of the volume", &folder))
                return -1;
        if (take_if(w, "redirect-when-closed") && !take_word(w, "a URL", &away))
                return -1;
        if (!take_end(w))
                return -1;
        if (!http_away_good(away))
                return words_refuse(w, "%s is too long, or no URL", away);
        if (!the_http(w))
                return -1;
        int e = http_site_set(http, host, folder);
        if (e == E_NOENT)
                return words_refuse(w, "the volume has no folder %s", folder);
        if (e == E_INVAL)
                return words_refuse(w, "host name or folder name is empty or too long");
        if (e < 0)
                return words_refuse(w, "too many sites");
        return http_site_away(http, host, away);
}

static int site_close(struct words *w, bool closed)
{
        const char *host;

        if (!take_word(w, "a site, or all", &host) || !take_end(w))
                return -1;
        bool all = !__builtin_strcmp(host, "all");
        return http && http_site_close(http, all ? NULL : host, closed) == 0 ? 0 : words_refuse(w, "there is no site %s", host);
}

int cmd_closed(struct words *w) { return site_close(w, true); }
int no_closed(struct words *w) { return site_close(w, false); }

int no_site(struct words *w)
{
        const char *host, *folder;

        if (!take_word(w, "a host name or default", &host))
                return -1;
        if (words_more(w) && !take_word(w, "a folder", &folder))
                return -1;
        if (take_if(w, "redirect-when-closed") && !take_word(w, "a URL", &folder))
                return -1;
        if (!take_end(w))
                return -1;
        return http && http_site_del(http, host) ? 0 : words_refuse(w, "there is no site %s", host);
}

static void print_site(void *ctx, const char *host, const char *folder)
{
        const char *away;
        bool closed = http_site_closed(http, host, &away);

        out(away[0] ? "site %w %w redirect-when-closed %s\n" : "site %w %w\n", host, folder, away);
        if (closed)
                out("closed %w\n", host);
}

void show_site(void)
{
        if (http)
                http_site_walk(http, print_site, NULL);
}

/* The services of `listen` beside http: RFC 862 and 863, at most one port each. */
static struct { const char *name; int kind; u16 port; } small[] = {{"echo", ECHO_ECHO, 0}, {"discard", ECHO_DISCARD, 0}};

int listen_done(struct words *w, u32 port, int e)
{
        return !e ? 0 : words_refuse(w, "port %u: %s", port,
                                     e == E_INUSE ? "it is taken; take its `listen` line back first (`show config` has it)"
                                     : e == E_NOMEM ? "that is one too many; take another `listen` line back first"
                                                    : stack_strerror(e));
}

/* Takes the rest of `listen http`. */
static int listen_http(struct words *w, bool on)
{
        u32 port;
        ipaddr a = IPADDR_ANY;
        bool late = false;

        if (!take_u32(w, "a port", 1, 65535, &port))
                return -1;
        if (take_if(w, "address") && !take_addr(w, &a))
                return -1;
        if (take_if(w, "optional-syn")) {
                late = take_if(w, "on");
                if (!late && !take_if(w, "off"))
                        return words_miss(w, "on or off");
        }
        if (!take_end(w))
                return -1;
        if (!on)
                return http && http_unlisten(http, a, (u16)port) ? 0 : words_refuse(w, "http does not listen on port %u", port);
        if (!the_http(w))
                return -1;
        return listen_done(w, port, http_listen_late(http, a, (u16)port, late));
}

static int listen_small(struct words *w, u32 i, bool on)
{
        u32 port;

        if (!take_u32(w, "a port", 1, 65535, &port) || !take_end(w))
                return -1;
        if (!on) {
                if (small[i].port != port)
                        return words_refuse(w, "%s does not listen on port %u", small[i].name, port);
                echo_unlisten(plat_stack(), (u16)port, small[i].kind);
                small[i].port = 0;
                return 0;
        }
        if (small[i].port)
                return words_refuse(w, "%s listens on port %u already", small[i].name, small[i].port);
        int e = echo_listen(plat_stack(), (u16)port, small[i].kind);
        if (!e)
                small[i].port = (u16)port;
        return listen_done(w, port, e);
}

static int listen_any(struct words *w, bool on)
{
        if (take_if(w, "http"))
                return listen_http(w, on);
        if (take_if(w, "tcp"))
                return listen_tcp(w, on);
        for (u32 i = 0; i < COUNT_OF(small); i++)
                if (take_if(w, small[i].name))
                        return listen_small(w, i, on);
        return words_miss(w, "http, tcp, echo or discard");
}

int cmd_listen(struct words *w) { return listen_any(w, true); }
int no_listen(struct words *w) { return listen_any(w, false); }

static void print_port(void *ctx, ipaddr addr, u16 port)
{
        const char *late = http_port_late(http, addr, port) ? " optional-syn on" : "";

        if (ipaddr_is_any(addr))
                out("listen http %u%s\n", port, late);
        else
                out("listen http %u address %I%s\n", port, &addr, late);
}

void show_listen(void)
{
        if (http)
                http_port_walk(http, print_port, NULL);
        show_listen_tcp();
        for (u32 i = 0; i < COUNT_OF(small); i++)
                if (small[i].port)
                        out("listen %s %u\n", small[i].name, small[i].port);
}

void service_statistics(void)
{
        struct http_counters c;

        front_statistics();
        if (!http)
                return;
        http_counters(http, &c);
        out("http: %u connections, %u requests: %u served, %u not modified, %u client errors, %u server errors\n", c.connections,
            c.requests, c.ok, c.not_modified, c.client_errors, c.server_errors);
        out("http: %llu bytes of files, %u timeouts, %u refused as busy, %u of %u request slots free, %u at the least\n",
            c.body_bytes, c.timeouts, c.busy, c.slots_free, c.slots, c.slots_low);
}
