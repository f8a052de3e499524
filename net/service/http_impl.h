/* http_impl.h - inside the web server: requests, cached files, connections. Only net/service/http*.c read this.
 * SPDX-License-Identifier: MIT */
#ifndef HTTP_IMPL_H
#define HTTP_IMPL_H

#include "http.h"
#include "tcp.h"

enum {
        HTTP_LINE_MAX = 8192,     /* request line; RFC 9112 3 asks for 8000 at least */
        HTTP_HEAD_MAX = 12288,    /* request line and header section */
        HTTP_BODY_MAX = 65536,    /* of a request: skipped up to this, else 413 */
        HTTP_REPLY_MAX = 1700,    /* head of a reply, or a whole one that is no file: fits one packet buffer */
        HTTP_SLOTS = 128, HTTP_FILES = 32, HTTP_KEY = 96, HTTP_FILE_HEAD = 320, HTTP_PATH = 512,
        HTTP_TARGET_BACK = 900,   /* longest target that is sent back in Location */
        HTTP_READY = 8, HTTP_SHARED = 100, /* heads kept as buffers; replies that may share one (pkt.refs is a byte) */
        HTTP_MEMOS = 16, HTTP_MEMO_BYTES = 600,
        HTTP_PIECE = 32768,       /* queued at once of a file */
        HTTP_SUM_MAX = 8192,      /* files up to this carry their sum */
        HTTP_RCVBUF = 16384, HTTP_SNDBUF = 1 << 20,
        HTTP_TAIL = 65536,        /* the next request is served when so much of a large reply is left to be acknowledged */
        HTTP_REQUEST_MS = 10000,  /* for a whole request head, else 408 */
        HTTP_IDLE_MS = 60000,     /* between requests */
        HTTP_STALL_MS = 5000, HTTP_STALLS = 12, /* a client that takes nothing for a minute is let go */
        HTTP_LINGER_MS = 2000,    /* reading on after an error reply, so that no RST overtakes it (RFC 9112 9.6) */
        HTTP_RETRY_MS = 50, HTTP_RETRIES = 100, /* when packet buffers have run out */
};

struct http_text { const char *p; u32 n; };

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_OTHER, HTTP_UNKNOWN };
/* Header fields that are kept; Connection, Content-Length and Transfer-Encoding are judged while they are read. */
enum http_field { FIELD_IF_MODIFIED_SINCE, FIELD_IF_NONE_MATCH, FIELD_IF_MATCH, FIELD_IF_UNMODIFIED_SINCE, FIELD_RANGE,
                 FIELD_IF_RANGE, FIELD_N };

/* A parsed request; texts point into the bytes it was parsed from. */
struct http_request {
        u8               method, version; /* version 9, 10 or 11 */
        bool             keep;            /* the connection stays after the reply */
        bool             absolute, has_host, has_length, expects, closes, asks_keep; /* absolute: the target named the host */
        u16              status;          /* the error to answer with, 0 = none */
        u32              body;            /* bytes behind the head */
        struct http_text target, host;    /* target: path and query; host without port */
        struct http_text field[FIELD_N];
};

/* Parses a request head at p. Returns its length, 0 when it is not complete, or -1 with r->status when it is wrong. */
int http_parse(const u8 *p, u32 n, struct http_request *r);

bool http_text_is(struct http_text t, const char *lower); /* ASCII letters of either case alike; `lower` is in lower case */
struct http_text http_trim(const char *p, u32 n);             /* without the blanks and tabs at both ends (RFC 9110 5.6.3) */
u32 http_token(const char *p, u32 n);                        /* how many bytes from p on may stand in a token (RFC 9110 5.6.2) */
/* A header line in its two parts. A folded line and a blank before the colon are none (RFC 9112 5.1, 5.2). */
bool http_field(struct http_text line, struct http_text *name, struct http_text *value);
u32 http_plain_run(const char *p, u32 n);                    /* how many bytes from p on are neither controls nor DEL */
/* The line at p: its length with its end, 0 when that is not there yet, -1 with a byte that no line may hold (a control, a CR that ends
 * nothing). *text, of a whole line: without CR LF, or LF alone (RFC 9112 2.2). */
int http_line(const char *p, u32 n, struct http_text *text);
/* The list of tokens holds this one (Connection: a, b). */
bool http_list_has(struct http_text t, const char *lower);

/* Path of a target: percent-decoded, without query, checked that it stays inside. 0, or the status to answer with. */
u32 http_path(struct http_text target, char *dst, u32 size);

/* Dates (RFC 9110 5.6.7): 29 bytes; all three forms are read. */
enum { HTTP_DATE = 29 };
void http_date_put(u64 unix_s, char dst[HTTP_DATE]);
bool http_date_get(struct http_text t, u64 *unix_s);

const char *http_mime(const char *path);

/* A file as it is answered again and again. */
struct http_file {
        u32             hash;
        u32             life;                 /* counts what this place held, http_memo's proof that it is still the same */
        u16             key_n, head_n;
        char            key[HTTP_KEY];        /* site number, then the target as it came */
        char            head[HTTP_FILE_HEAD]; /* reply from the status line on, without Connection and the last line end */
        u16             date_at;              /* where the Date value lies in head */
        u64             date_s, mtime;
        char            etag[32];
        const char     *mime;
        struct fat_node node;
        const u8       *whole;                /* the body when it is one run of at most HTTP_SUM_MAX, else NULL */
        u32             sum;                  /* cksum_add of it */
        u16             tag;                  /* sum of its first bytes */
        struct pkt     *ready;                /* the head for a 1.1 connection that stays, dated ready_s, and the body if it fits; or NULL */
        u64             ready_s;
        u32             ready_sum;
};

/* A request that came before, as bytes, and the file that it got with 200 (http_memo.c). */
struct http_memo {
        u16               n;                  /* 0 = unused */
        u32               life;
        struct http_file *file;
        u8                bytes[HTTP_MEMO_BYTES];
};
struct http;
const struct http_memo *http_memo_find(struct http *h, const u8 *p, u32 n);
void http_memo_put(struct http *h, const u8 *p, u32 n, struct http_file *file);

enum http_state { CONN_IDLE, CONN_READING, CONN_SENDING, CONN_SKIPPING, CONN_LINGER, CONN_RETRY };
enum { HTTP_MOVE_TARGET = 128 }; /* a target that fits a place: longer replies stay where they are */

/* What a connection needs while it is not idle. All idle ones share http->idle. */
struct http_conn {
        struct http     *h;
        struct tcb      *t;
        struct http_conn *next;     /* free list */
        struct timer     timer;
        u8               state;
        bool             keep;      /* after this reply */
        u8               stalls;
        u32              skip;      /* body bytes of the request to pass over */
        struct fat_node  node;      /* SENDING: what, from where, how much */
        struct fat_pos   pos;
        u32              left;
        u8               site;      /* SENDING: how to find the file elsewhere, and that it is the same one; no target = too long */
        u8               target_n;
        u32              start;     /* first byte of the file in this reply */
        char             etag[32], target[HTTP_MOVE_TARGET];
};

struct http_site { char host[HTTP_HOST], folder[HTTP_FOLDER], away[HTTP_AWAY]; bool closed; }; /* host "" = free; [0] is "default" */
struct http_port { struct listener *l; ipaddr addr; u16 port; bool late; };

struct http {
        struct stack        *st;
        const struct fat    *volume;
        struct http_site     site[HTTP_SITES];
        struct http_port     port[HTTP_PORTS];
        bool                 closed_all;          /* every site is, and sends its visitors to away_all */
        const char          *away_all;
        struct http_conn     idle;                /* the shared one */
        struct http_conn    *slots_free;
        struct http_conn     slot[HTTP_SLOTS];
        struct http_file     file[HTTP_FILES], spare; /* spare: a target too long to be kept */
        struct http_memo     memo[HTTP_MEMOS];
        struct http_counters count;
        http_look_fn        *look;                /* asked before each request, with look_ctx; may be NULL */
        void                *look_ctx;
        u32                  n_ready;
        u64                  date_s;
        u32                  date_ms;             /* when the clock was asked last, by the stack's */
        char                 date[HTTP_DATE];     /* of date_s */
        u8                   head[HTTP_HEAD_MAX]; /* a request that came in several buffers */
};

/* Number of the site for a host name, or -1. */
int http_site_find(const struct http *h, struct http_text host);
/* The file of a target. NULL with *status: 301 (a folder without its slash), 400, 404, 500. */
struct http_file *http_file_find(struct http *h, int site, struct http_text target, u32 *status);
void http_file_forget(struct http *h);
/* Sites changed: is what everybody gets the same? */
void http_speak_first(struct http *h);
/* That reply; true when it is a redirect. */
bool http_write_closed(struct http *h, struct pkt *p);
/* The whole head of a 200 reply in HTTP/1.1 that keeps its connection, for a file that is `whole`, and the body behind it when one buffer
 * holds both: that buffer with a reference for the caller, and its sum. NULL when buffers are short. */
struct pkt *http_file_ready(struct http *h, struct http_file *f, u32 *sum);
/* The current date text, renewed once a second. */
const char *http_now(struct http *h);

/* Live figures as JSON; bytes written. */
u32 http_status_json(const struct http *h, char *dst, u32 size);

/* What is answered. A file's bytes [from, from + n) follow the head unless the method was HEAD. */
struct http_reply { u32 status; struct http_file *file; u32 from, n; const char *location; };

/* Decides what a good request gets. */
void http_decide(struct http *h, const struct http_request *r, struct http_reply *out);
/* Writes the head (and the body of what is no file) into p. */
void http_write(struct http *h, const struct http_request *r, const struct http_reply *a, struct pkt *p);
/* The byte range that a Range field asks of size bytes: 200 (none, or not understood), 206 with *from and *n, or 416. */
u32 http_range(struct http_text t, u32 size, u32 *from, u32 *n);

/* http_slot.c */
static inline struct http_conn *http_conn_of(struct tcb *t) { return tcp_user(t); }
/* Gives the connection a slot in a state with its timer, or moves it there. NULL when there is none. */
struct http_conn *http_slot_take(struct http *h, struct tcb *t, enum http_state state, u32 ms);
/* Back to the shared idle state. */
void http_slot_give(struct http *h, struct tcb *t);
void http_drop(struct http *h, struct tcb *t);   /* ends it by RST */
void http_finish(struct http *h, struct tcb *t); /* the last reply is queued: ends it by FIN */
void http_linger(struct http *h, struct tcb *t); /* the same after an error: reads on a little */

/* http_send.c */
void http_count(struct http *h, u32 status);
/* Queues more of the file that a slot is for. True when all of it is queued and little of it is still on its way. */
bool http_pump(struct http_conn *c);
/* The 200 reply in HTTP/1.1 that keeps its connection, with a file that is `whole`; false when there is no room. */
bool http_send_ready(struct http *h, struct tcb *t, struct http_file *f);
/* Any reply, whose head (and body, when it is no file) is in p. False when the send queue has no cell for it. */
bool http_send_reply(struct http *h, struct tcb *t, const struct http_request *r, struct http_reply *a, struct pkt *p);

/* http_place.c: where a connection is, for another node (tcp.h). */
int http_place_put(struct tcb *t, u8 *dst, u32 max, const char **why);
bool http_place_take(struct tcb *t, const u8 *src, u32 n);
/* How another node would ask for the file that c is about to send. */
void http_place_note(struct http_conn *c, const struct http_request *r, const struct http_file *f);
/* A slot that waited, or came from elsewhere, has its time again. */
void http_place_go_on(struct http_conn *c);

/* http_conn.c: a slot's time is up. */
void http_fired(struct timer *timer);
extern const struct tcp_events http_events;

#endif
