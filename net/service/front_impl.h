/* front_impl.h - inside the front: message framing, decisions, relays. Only net/service/front*.c and their tests read this.
 * SPDX-License-Identifier: MIT */
#ifndef FRONT_IMPL_H
#define FRONT_IMPL_H

#include "front.h"
#include "http_impl.h"
#include "tcp.h"

/* Limits and times, each with its reason. */
enum {
        FRONT_HEAD_MAX = HTTP_HEAD_MAX,     /* what waits for its end; the local site's own limit, so both say 431 alike */
        FRONT_HOLD_MS = 10000,              /* for a whole head, else 408 */
        FRONT_SOURCE_HOLDS = 16,            /* heads that one source address may have incomplete at a time ... */
        FRONT_SOURCE_BYTES = 49152,         /* ... and their bytes: four of the longest */
        FRONT_BUCKETS = 64,                 /* of sources; a power of two */
        FRONT_CONNECT_MS = 3000,            /* a target's handshake: the first SYN and one more */
        FRONT_DOWN_MS = 5000,               /* a failed target is left alone so long */
        FRONT_STALL_MS = 60000,             /* nothing moves in an exchange, or no reply begins */
        FRONT_PRESSED_MS = 3000,            /* nothing moves although much waits, and buffers are short */
        FRONT_TUNNEL_MS = 3600000,          /* nothing moves in a tunnel */
        FRONT_IDLE_MS = HTTP_IDLE_MS,       /* between requests */
        FRONT_LINGER_MS = HTTP_LINGER_MS,
        FRONT_TRUST_MS = 1000,              /* what may not be sent twice takes a kept connection only if just used */
        FRONT_RETRY_MS = 20,                /* when buffers have run out */
        FRONT_SMALL = 600,                  /* shorter pieces join the last buffer: one a buffer would empty the pool */
        FRONT_CHUNK_LINE = 256,             /* of a chunked body, extensions included */
        FRONT_TRAILERS = 8192,
        FRONT_NEWLINES = 4,                 /* empty lines in front of a request (RFC 9112 2.2) */
};

/* --- framing (RFC 9112 6, 7) --- */

/* How far a message goes. `head` bytes pass first, then what `kind` says. */
enum body_kind { BODY_DONE, BODY_LENGTH, BODY_CHUNKED, BODY_CLOSE /* all there is */, BODY_BAD };
struct front_body {
        u8  kind, step;         /* step: where in a chunk (front_body.c) */
        u16 line;               /* bytes of this chunk's line, or of the trailers */
        u32 head;
        u64 left;               /* of the body, or of this chunk */
};
/* How many of the n bytes at p belong to the message; b moves on behind them. Fewer than n, or 0: it ends there (BODY_DONE), or
 * breaks the grammar there (BODY_BAD). */
u32 front_body_pass(struct front_body *b, const u8 *p, u32 n);

/* A parsed head, of a request or a reply; texts point into the bytes. */
struct front_head {
        const u8 *p;
        u32  n, skip;           /* length; empty lines in front, which are in n and are not passed on */
        u32  fields;            /* offset of the header section */
        u16  status;            /* of a reply */
        u8   version;           /* 9, 10, 11 */
        bool is_head, is_connect;
        bool repeatable;        /* an idempotent method without a body: may be sent twice (RFC 9110 9.2.2) */
        bool closes, asks_keep; /* Connection; after parsing, closes tells whether the connection ends behind this message */
        bool lone_lf;           /* a line ended without CR: whoever is behind us may read that differently */
        bool has_length, has_coding, chunked, has_host;
        struct http_text path, host; /* path: with query; of CONNECT the authority, or "*" */
        struct front_body body; /* body.head is not set */
};
/* Parses at most n bytes at p. Length, 0 when incomplete, -1 when wrong. */
int front_head_request(const u8 *p, u32 n, struct front_head *h);
int front_head_reply(const u8 *p, u32 n, bool to_head, bool to_connect, struct front_head *h);
/* The next value of a header field from *at on (0 at first); name in lower case. */
bool front_field(const struct front_head *h, const char *name, u32 *at, struct http_text *value);

/* --- deciding --- */

/* The first rule that matches. head NULL: only source and port are known, and rules that need more do not match. */
void front_decide(struct front *f, const struct tcb *t, const struct front_head *head, struct front_verdict *v);
bool front_rule_holds(const struct front_rule *r, const struct front_head *h); /* those of its conditions that need the head */
bool front_rule_may(const struct front_rule *r, const struct tcb *t);          /* the others */
void front_look_or_not(struct front *f); /* without rules the local site is not looked at, and costs what it did */
bool front_rules_use(const struct front *f, s8 backend);
void front_rules_move(struct front *f, s8 from, s8 to);

/* --- relays --- */

enum { CLIENT, SERVER };
enum relay_state {
        RELAY_IDLE,             /* between requests, target's connection kept */
        RELAY_HOLD,             /* a head is incomplete */
        RELAY_CONNECT,          /* a target's handshake */
        RELAY_PIPE,             /* bytes move */
        RELAY_LINGER,           /* our FIN is out: reading on a little, so that no RST overtakes it (RFC 9112 9.6) */
};
enum reply_state { REPLY_AWAITED, REPLY_INTERIM, REPLY_FINAL };

struct relay {
        struct front      *f;
        struct relay      *next;        /* free list, or holds of the same bucket */
        struct tcb        *side[2];     /* NULL: gone */
        struct timer       timer;
        u32                due_ms;      /* end of the state's time; of PIPE: nothing moved since moved_ms */
        u32                moved_ms;
        u8                 state, reply; /* enum relay_state, reply_state */
        s8                 backend;     /* -1 = none yet */
        u8                 target;
        u32                tried;       /* targets, one bit each */
        ipaddr             source;
        bool               raw;         /* a tunnel: no messages, bytes until both directions are closed */
        bool               tcp;         /* of a port without parsing: errors are RST */
        bool               inside, over, retry; /* run() is in it; to be freed; look again soon, there was no buffer */
        bool               fresh;       /* this target's connection has not carried a request before */
        bool               timed_out;   /* some target was silent */
        bool               eof[2];      /* that side ended normally, everything was read */
        bool               shut[2];     /* our FIN toward that side is queued */
        /* the request in hand */
        bool               is_head, is_connect, repeatable, closes;
        bool               lined, old;  /* gets an X-Forwarded-For line; is HTTP/0.9 */
        bool               begun;       /* the client has seen some of the reply */
        bool               head_kept;   /* its head is still unread, to be sent again if need be */
        u32                head_n, head_off, line_off;
        struct front_body  body[2];     /* request, reply */
        struct pkt        *stuck[2];    /* taken from that side, not yet queued at the other */
        /* the head being waited for */
        u32                seen;        /* bytes looked at */
        bool               in_line, any_line; /* bytes since the last line end; a line came */
        struct tcb        *give;        /* to the local site when run() ends */
};

struct front_port { struct front *f; struct listener *l; ipaddr addr; u16 port; s8 backend; };

struct front {
        struct stack         *st;
        struct http          *http;
        struct front_actor    actor[FRONT_ACTIONS];
        struct front_backend  backend[FRONT_BACKENDS];
        struct front_rule     rule[FRONT_RULES];
        struct front_port     port[FRONT_PORTS];
        u32                   n_rules, n_relays, n_waiting, pipe_max;
        bool                  no_forwarded_for;
        front_came_fn        *came;         /* NULL: nothing ever comes */
        void                 *came_ctx;
        struct relay         *relay, *relays_free, *holds[FRONT_BUCKETS];
        struct front_counters count;
        u8                    scratch[FRONT_HEAD_MAX]; /* a head that lies in several buffers */
};

/* front_client.c: clients of the local site's ports, request by request */
bool front_look(void *ctx, struct tcb *t);                  /* an http_look_fn */
/* The next head of t: front_head_request's result, all of it in one piece at h->p. */
int  front_client_head(struct front *f, struct tcb *t, struct front_head *h);
bool front_refuse(struct front *f, struct tcb *t, u32 status); /* error page, and linger; false: no entry is free for that */
bool front_client_step(struct relay *r);                    /* IDLE, HOLD */

/* front_scope.c: what a node may answer by itself of a connection that it gets; bytes of at most n at dst, 0: nothing */
u32  front_scope_put(const struct front *f, const struct tcb *t, s8 backend, s32 rule, u8 *dst, u32 n);
u32  front_scope_all(u8 *dst);                              /* everything: of a port where requests are not told apart */
bool front_scope_is_all(const u8 *b, u32 n);
bool front_scope_covers(const u8 *b, u32 n, const struct front_head *h);

/* front_hold.c: heads waited for, and their caps */
bool front_hold_ended(struct relay *r);                     /* the bytes that came may complete the head */
u32  front_hold_over(struct relay *r);                      /* status when a cap is reached, else 0 */
void front_hold_chain(struct relay *r), front_hold_unchain(struct relay *r);

/* front_relay.c: life of an entry */
struct relay *front_relay_new(struct front *f, struct tcb *client); /* NULL: none free, counted */
void front_relay_state(struct relay *r, enum relay_state state);
void front_relay_run(struct relay *r);                      /* does what can be done; r may be gone behind this */
void front_relay_drop(struct relay *r, u32 side, bool reset); /* lets go of one side: FIN behind what is queued, or RST */
void front_relay_finish(struct relay *r);                   /* the client has all it will get: FIN, linger */
void front_relay_refuse(struct relay *r, u32 status);       /* error page (RST on a tcp port), then finish */
extern const struct tcp_events front_client_events, front_server_events, front_past_events;

/* front_target.c: choosing and reaching targets */
void front_connect(struct relay *r);                        /* the next target, or the error */
/* FRONT_RELAY's actor */
int  front_relay_take(void *ctx, struct tcb *t, const struct front_verdict *v, const struct front_head *head);
void front_relay_start(struct relay *r, const struct front_verdict *v, const struct front_head *head);
bool front_connect_step(struct relay *r);                   /* CONNECT */
void front_server_lost(struct relay *r);                    /* no reply came: another target, or 502 */

/* front_pipe.c: bytes from one side to the other, without copying */
void front_pipe(struct relay *r, u32 from);
bool front_drained(const struct relay *r, u32 from);        /* that side ended and all it sent was passed on */
bool front_holds_much(const struct relay *r);               /* buffers are short, and this relay has its share of them */

/* front_exchange.c: one request and its reply, or a tunnel */
bool front_exchange_step(struct relay *r);                  /* PIPE */

/* front_error.c */
bool front_error_page(struct front *f, struct tcb *t, u32 status);

#endif
