/* http.h - the web server (RFC 9110, 9112): GET and HEAD of files of a FAT volume, several sites, keep-alive,
 * pipelining, conditional and range requests. Written against the event face of tcp.h; an idle connection costs
 * nothing beside its TCB.
 * SPDX-License-Identifier: MIT */
#ifndef HTTP_H
#define HTTP_H

#include "fat.h"
#include "stack.h"

struct http;
struct tcb;

/* sizes with the final 0; how many there can be */
enum { HTTP_HOST = 64, HTTP_FOLDER = 128, HTTP_AWAY = 96, HTTP_SITES = 16, HTTP_PORTS = 4 };

/* Makes the server's pools with stack_alloc; volume may be NULL (then nothing is found). NULL = out of memory. */
struct http *http_new(struct stack *st, const struct fat *volume);

/* The default site also answers /status.json with live figures, unless it has such a file.
 * Host names of requests without case or port -> folder of the volume; "default" = all other names, and requests without one.
 * Setting a name again moves it. 0, E_NOENT (no such folder), E_INVAL (too long), E_NOMEM. */
int  http_site_set(struct http *h, const char *host, const char *folder);
bool http_site_del(struct http *h, const char *host);
void http_site_walk(const struct http *h, void (*fn)(void *ctx, const char *host, const char *folder), void *ctx);

/* Where visitors of a closed site are sent; "" = nowhere, they get 503.
 * 0, E_NOENT (no such site), E_INVAL (too long, no URL). */
int  http_site_away(struct http *h, const char *host, const char *url);
bool http_away_good(const char *url);
/* Closes a site for maintenance, or opens it; host NULL = all. While all are closed and send visitors to the same place, clients
 * that speak QuRe are told before they send their request (R43). 0 or E_NOENT. */
int  http_site_close(struct http *h, const char *host, bool closed);
bool http_site_closed(const struct http *h, const char *host, const char **away);

/* Serves on addr:port (any() = all ours). 0, E_INUSE, E_NOMEM. Taking it back leaves accepted connections alone. */
int  http_listen(struct http *h, ipaddr addr, u16 port);
/* The same; late: a QuRe client's SYN is acknowledged, ours goes with the reply (R38). */
int  http_listen_late(struct http *h, ipaddr addr, u16 port, bool late);
bool http_port_late(const struct http *h, ipaddr addr, u16 port);
bool http_unlisten(struct http *h, ipaddr addr, u16 port);
void http_port_walk(const struct http *h, void (*fn)(void *ctx, ipaddr addr, u16 port), void *ctx);

/* A look at each request before it is served (front.h). Called with the connection idle and bytes unread; the head may be
 * incomplete. true: serve it. false: somebody else took the connection (tcp_set_events), or ended it. fn NULL = no looks. */
typedef bool http_look_fn(void *ctx, struct tcb *t);
void http_set_look(struct http *h, http_look_fn *fn, void *ctx);
/* Takes a connection with whatever is unread on it, as if it had been accepted here just now, and serves it;
 * t may be gone after this. */
void http_adopt(struct http *h, struct tcb *t);

struct http_counters {
        /* busy: refused for want of a request slot */
        u32 connections, requests, ok, not_modified, client_errors, server_errors, timeouts, busy;
        u32 slots_free, slots_low, slots;
        u64 body_bytes;
        u64 first_answer_us; /* the platform's uptime at the first request that was answered, 0 = none was */
};
void http_counters(const struct http *h, struct http_counters *out);

#endif
