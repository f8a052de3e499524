/* front.h - the front: a buffered packet filter (R79) before the services. It follows a connection until enough is known,
 * decides by rules, and hands the connection, its bytes still unread, to who shall answer: the local site, a relay through this
 * machine, or whoever registered for FRONT_HANDOFF. What is done with a connection is kept apart from how it is decided.
 * doc/front.md tells all.
 * SPDX-License-Identifier: MIT */
#ifndef FRONT_H
#define FRONT_H

#include "stack.h"

struct front;
struct front_head;
struct http;
struct tcb;

/* Sizes with the final 0, and how many there can be. */
enum { FRONT_NAME = 32, FRONT_TEXT = 64, FRONT_BACKENDS = 16, FRONT_TARGETS = 8, FRONT_RULES = 64, FRONT_PORTS = 8 };

enum front_action { FRONT_LOCAL, FRONT_RELAY, FRONT_HANDOFF, FRONT_THROUGH, FRONT_ACTIONS };

struct front_addr { ipaddr addr; u16 port; };   /* port 0: the one that the client came to (R75) */

/* A machine behind a backend's name, with what experience says of it (passive health). */
struct front_target {
        struct front_addr at;
        bool down;              /* failed; not chosen before until_ms while another is left */
        u32  until_ms;
        u32  active;            /* connections at present */
        u32  total, failures;
};

/* Open to inspection; written by front_backend.c alone. A slot without name and without users is free. */
struct front_backend {
        char name[FRONT_NAME];
        u8   action;            /* FRONT_RELAY or FRONT_HANDOFF */
        u8   n, next;           /* targets; whose turn it is */
        u32  users;             /* connections that remember this slot */
        struct front_target target[FRONT_TARGETS];
};

/* Conditions of a rule: all that it has must hold. The lower four need a request's head. */
enum front_cond {
        COND_PATH = 1, COND_HOST = 2, COND_COOKIE = 4, COND_ETAG = 8,
        COND_SOURCE = 16, COND_PORT = 32,
        COND_HEAD = COND_PATH | COND_HOST | COND_COOKIE | COND_ETAG,
};

struct front_rule {
        s8     backend;         /* slot, -1 = the local site, -2 = let through; set by front_rule_add */
        u8     conds;
        u8     plen;
        u16    port;            /* that the client came to */
        ipaddr net;             /* of the client, plen bits */
        char   path[FRONT_TEXT];   /* prefix of the target's path, bytes as they came */
        char   host[FRONT_TEXT];   /* any case, without port */
        char   cookie[FRONT_TEXT]; /* KEY=VALUE; a last '*' takes any rest */
        char   etag[FRONT_TEXT];   /* prefix of an entity tag in If-None-Match or If-Match, quotes and W/ left out */
        u32    hits;
};

/* What was decided. */
struct front_verdict {
        u8  action;             /* enum front_action */
        s8  backend;            /* slot; -1 with FRONT_LOCAL */
        s16 rule;               /* its number from 0, -1 = none matched */
};

/* Who does what was decided. */
struct front_actor {
        /* Takes t, whose events and user pointer it then owns; everything the client sent is unread, head included (head is NULL
         * on a port without parsing). 0, or the HTTP status that the client gets instead (502, 503), t being untouched. */
        int (*take)(void *ctx, struct tcb *t, const struct front_verdict *v, const struct front_head *head);
        void *ctx;
};

/* What a connection is to the front before it decides: a client's own; one that another front gave to this node, which answers this
 * request of it, or cannot know before more of its head is here; or one that is on its way back to that front. */
enum front_came { CAME_NOT, CAME_MINE, CAME_MORE, CAME_BACK };
typedef enum front_came front_came_fn(void *ctx, struct tcb *t);

/* Makes the front: `relays` entries for connections that wait or are relayed (0: half of the TCBs). NULL = out of memory. */
struct front *front_new(struct stack *st, u32 relays);
/* Its local site, whose requests it looks at while there are rules. Once. */
void front_attach(struct front *f, struct http *h);
/* Registers who does FRONT_HANDOFF; without it such backends are refused (E_NOENT). */
void front_register(struct front *f, enum front_action action, struct front_actor actor);
/* Who knows which connections came from another front. */
void front_register_came(struct front *f, front_came_fn *fn, void *ctx);
bool front_can(const struct front *f, enum front_action action);
/* Takes a connection back, bytes unread, to be decided anew (keep-alive: the next request may be another node's). */
void front_give_back(struct front *f, struct tcb *t);
/* X-Forwarded-For on relayed requests; on at first. */
void front_forwarded_for(struct front *f, bool on);
bool front_forwards_for(const struct front *f);

/* Makes a backend, or gives one its new targets; connections in hand keep the old ones. 0, E_INVAL (name, number of targets),
 * E_NOMEM (too many backends), E_NOENT (nobody does this action). */
int front_backend_set(struct front *f, const char *name, enum front_action action, const struct front_addr *targets, u32 n);
/* 0, E_NOENT, E_INUSE (a rule or a port names it). */
int front_backend_del(struct front *f, const char *name);
int front_backend_find(const struct front *f, const char *name);               /* slot or -1 */
const struct front_backend *front_backend_at(const struct front *f, u32 slot); /* NULL when free */

/* For actors: the target whose turn it is, except those in the bits of *tried, which gains its bit; those that are down only when
 * nothing else is left. -1 = all were tried. Counts it active: front_target_left when the connection is over. */
int  front_target_take(struct front *f, u32 slot, u32 *tried);
void front_target_left(struct front *f, u32 slot, u32 target);
void front_target_failed(struct front *f, u32 slot, u32 target); /* refused or silent: down for a while */
void front_target_works(struct front *f, u32 slot, u32 target);
/* A connection remembers a slot: it is not given to another backend meanwhile. */
void front_backend_hold(struct front *f, u32 slot);
void front_backend_leave(struct front *f, u32 slot);

/* Adds a rule behind the others; backend NULL = the local site, "through" = where the client was going (include/through.h; for
 * connections of our own addresses the local site). 0, E_INVAL (no condition), E_NOENT (no such backend), E_EXIST,
 * E_NOMEM. */
int front_rule_add(struct front *f, const char *backend, const struct front_rule *r);
int front_rule_del(struct front *f, const char *backend, const struct front_rule *r); /* the equal one; 0 or E_NOENT */
const struct front_rule *front_rule_at(const struct front *f, u32 i);                 /* in their order; NULL behind the last */

/* Relays every connection to addr:port without reading it, to `backend` unless a rule by source or port says otherwise.
 * 0, E_NOENT, E_INUSE, E_NOMEM. */
int  front_listen(struct front *f, ipaddr addr, u16 port, const char *backend);
bool front_unlisten(struct front *f, ipaddr addr, u16 port);
void front_port_walk(const struct front *f, void (*fn)(void *ctx, ipaddr addr, u16 port, const char *backend), void *ctx);

struct front_counters {
        u32 local, relayed, handed, through; /* requests (tcp ports: connections) by what was decided */
        u32 connects, reused, retried;       /* connections to targets; requests on a kept one; targets tried after another */
        u32 tunnels;                         /* connections that became tunnels (CONNECT, Upgrade), and those of tcp ports */
        u32 held, late, too_long, crowded;   /* heads waited for; ended by time, by bytes, by the cap per source */
        u32 busy;                            /* refused for want of an entry or a TCB */
        u32 bad_gateway, gateway_timeout, bad_request, aborted;
        u32 entries, entries_free, entries_low, waiting;
        u64 to_targets, to_clients;          /* body bytes and replies moved */
};
void front_counters(const struct front *f, struct front_counters *out);

/* Connections relayed at present. server is all 0 while there is none. */
struct front_relayed { struct front_addr client, server; const char *backend, *state; u32 idle_ms; };
void front_walk(const struct front *f, bool (*fn)(void *ctx, const struct front_relayed *r), void *ctx);

#endif
