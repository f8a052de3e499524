/* talk.h - a client and a server for conversations between two stacks: a request ends with the client's FIN or a line end, the
 * reply is bytes of a pattern, and then the server closes. SPDX-License-Identifier: MIT */
#ifndef TALK_H
#define TALK_H

#include "duo.h"

enum { TALK_PORT = 80, TALK_MAX = 1 << 20 };

static u8 talk_bytes[TALK_MAX];

static struct talk {
        struct duo *d;
        struct listener *l;
        /* server */
        u32  reply;                   /* bytes to answer with */
        bool silent;                  /* one-way: never answers */
        bool keep;                    /* its direction stays open after an answer */
        bool later;                   /* takes the request, answers by talk_answer */
        bool open_first;              /* opens its direction before it has anything to say */
        bool refuses;                 /* answers at the SYN, without reading */
        int  accepted, requests, server_closed, server_err;
        u32  got;                     /* of all requests */
        struct tcb *s;
        /* client */
        struct tcb *c;
        u32  got_reply;
        bool stay;                    /* does not close */
        int  connected, closed, err, eofs;
        u32  withdrawn;
} K;

static inline bool talk_idempotent(const u8 *p, u32 n) { return n >= 4 && !memcmp(p, "GET ", 4); }

static inline void talk_answer(struct tcb *t)
{
        if (K.reply)
                tcp_send_ref(t, talk_bytes, K.reply, NULL);
        if (!K.keep)
                tcp_close(t);
}

static inline bool talk_accept(struct tcb *t)
{
        K.accepted++;
        K.s = t;
        if (K.refuses)
                talk_answer(t);
        return true;
}

static inline void talk_server_readable(struct tcb *t)
{
        const u8 *p;
        u32 n = tcp_readable(t), run;
        bool whole = tcp_eof(t);
        for (u32 at = 0; at < n && (run = tcp_peek(t, at, &p)) != 0; at += run)
                whole |= memchr(p, '\n', run) != NULL;
        if (!whole)
                return;
        K.requests += n != 0;
        K.got += n;
        tcp_consume(t, n);
        if (K.open_first)
                tcp_reopen(t);
        if (K.later)
                return;
        if (!K.silent && n)
                talk_answer(t);
        else if (tcp_eof(t) && !K.keep)
                tcp_close(t);
}

static inline void talk_server_closed(struct tcb *t, int err) { K.server_closed++; K.server_err = err; K.s = NULL; }
static const struct tcp_events talk_server = {.accept = talk_accept, .readable = talk_server_readable,
                                              .closed = talk_server_closed};

static inline void talk_connected(struct tcb *t) { K.connected++; }

static inline void talk_client_readable(struct tcb *t)
{
        u32 n = tcp_readable(t);
        bool end = tcp_eof(t);
        K.got_reply += n;
        K.eofs += end;
        if (end && !K.stay)
                K.withdrawn += tcp_withdraw(t);
        tcp_consume(t, n);
        if (end && !K.stay && K.c)
                tcp_close(t);
}

static inline void talk_client_closed(struct tcb *t, int err) { K.closed++; K.err = err; K.c = NULL; }
static const struct tcp_events talk_client = {.connected = talk_connected, .readable = talk_client_readable,
                                              .closed = talk_client_closed};

/* Two stacks, a server on TALK_PORT; delay each way. */
static inline void talk_begin_cfg(u32 delay_us, const struct tcp_opts *server, u32 reply, const struct stack_config *cfg)
{
        int err;
        memset(&K, 0, sizeof K);
        for (u32 i = 0; i < sizeof talk_bytes; i++)
                talk_bytes[i] = (u8)("0123456789abcdef"[i % 16]);
        K.d = duo_new(delay_us, cfg);
        K.reply = reply;
        K.l = tcp_listen(K.d->st[DUO_SERVER], IPADDR_ANY, TALK_PORT, &talk_server, NULL, server, &err);
        if (!K.l)
                abort();
}
static inline void talk_begin(u32 delay_us, const struct tcp_opts *server, u32 reply) { talk_begin_cfg(delay_us, server, reply,
                NULL); }

/* Connects, queues the request, and closes the client's direction when `fin`. */
static inline void talk_connect(const struct tcp_opts *client, const void *request, u32 n, bool fin)
{
        int err;
        K.connected = K.closed = K.err = K.eofs = 0;
        K.got_reply = K.withdrawn = 0;
        K.c = tcp_connect(K.d->st[DUO_CLIENT], IPADDR_ANY, 0, DUO_ADDR(DUO_SERVER), TALK_PORT, &talk_client, NULL, client, &err);
        if (!K.c)
                abort();
        tcp_send_ref(K.c, request, n, NULL);
        if (fin)
                tcp_shutdown(K.c);
        stack_batch_end(K.d->st[DUO_CLIENT]);
}

static const struct tcp_opts talk_qure = {.qure = true, .no_timestamps = false};
static const struct tcp_opts talk_server_qure = {.qure = true, .idempotent = talk_idempotent};

/* Nothing is left of any connection but TIME_WAIT. */
static inline bool talk_clean(void)
{
        bool clean = true;
        for (int i = 0; i < 2; i++) {
                struct tcp_state *ts = K.d->st[i]->tcp;
                clean &= ts->n_tcbs == 0 && ts->conv->n_used == 0 && ts->n_half == 0 && ts->n_fastopen == 0 &&
                        ts->cells.n_free == ts->cells.n_total &&
                         ts->flights.n_free == ts->flights.n_total && K.d->st[i]->pkts.n_free == K.d->st[i]->pkts.n_total;
        }
        return clean;
}

static inline void talk_end(void) { duo_free(K.d); }

#endif
