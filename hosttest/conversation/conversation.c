/* conversation.c - `make conversation`: the same request and reply as a plain client has them, as two strangers that both speak
 * QuRe, and as they do from the second time on. Two stacks in this process, 10 ms apart; every number is counted from the run.
 * SPDX-License-Identifier: MIT */
#include "talk.h"
#include "draw.h"

enum { DELAY_US = 10000 };
static const char request[] = "GET /\r\n";
static u64 reply_at;
static u32 reply_bytes = 200;

static void typed_readable(struct tcb *t);
static void typed_server_readable(struct tcb *t);
static const struct tcp_events typed = {.readable = typed_readable, .closed = talk_client_closed};
static const struct tcp_events patient_server = {.accept = talk_accept, .readable = typed_server_readable,
                                                 .closed = talk_server_closed};

static void typed_readable(struct tcb *t)
{
        if (tcp_readable(t))
                reply_at = K.d->now_us;
        talk_client_readable(t);
}

/* As services do that were written for nc: an answer when the request is there, the end when the client has ended. */
static void typed_server_readable(struct tcb *t)
{
        u32 n = tcp_readable(t);
        tcp_consume(t, n);
        if (n)
                tcp_send_ref(t, talk_bytes, reply_bytes, NULL);
        if (tcp_eof(t))
                tcp_close(t);
}

/* `echo "GET /" | nc cloud 80`: opens, then the request, then its end. */
static void plain_client(void)
{
        static const struct tcp_opts opts;
        int err;
        K.c = tcp_connect(K.d->st[DUO_CLIENT], IPADDR_ANY, 0, DUO_ADDR(DUO_SERVER), TALK_PORT, &typed, NULL, &opts, &err);
        duo_run(K.d, 2 * DELAY_US / 1000);
        tcp_send_ref(K.c, request, sizeof request - 1, NULL);
        tcp_flush(K.c);
        tcp_shutdown(K.c);
        tcp_flush(K.c);
}

static void qure_client(void)
{
        int err;
        K.c = tcp_connect(K.d->st[DUO_CLIENT], IPADDR_ANY, 0, DUO_ADDR(DUO_SERVER), TALK_PORT, &typed, NULL, &talk_qure, &err);
        tcp_send_ref(K.c, request, sizeof request - 1, NULL);
        tcp_shutdown(K.c);
        stack_batch_end(K.d->st[DUO_CLIENT]);
}

/* Draws one conversation from its start; the packets it took. */
static u32 show(const char *title, void (*client)(void))
{
        u32 from = K.d->n_said, bytes = 0;
        u64 began = K.d->now_us;
        K.got_reply = 0;
        K.closed = 0;
        client();
        duo_run(K.d, 2000);
        printf("\n%s\n\n", title);
        draw_head();
        for (u32 i = from; i < K.d->n_said; i++) {
                draw(10 * (i - from + 1), &K.d->said[i], began);
                bytes += K.d->said[i].bytes;
        }
        u32 n = K.d->n_said - from, trips = (u32)((reply_at - began + DELAY_US) / (2 * DELAY_US));
        printf("\n\t%u packets, %u bytes of IP, the reply is there after %u round trip%s\n", n, bytes, trips,
               trips == 1 ? "" : "s");
        if (K.got_reply != reply_bytes || !K.closed || K.err) {
                printf("\tfailed: %u of %u bytes came\n", K.got_reply, reply_bytes);
                exit(1);
        }
        return n;
}

int main(void)
{
        static const struct tcp_opts server = {.qure = true, .idempotent = talk_idempotent},
                late = {.qure = true, .optional_syn = true};
        int err;
        talk_begin(DELAY_US, &server, reply_bytes);
        tcp_unlisten(K.l);
        K.l = tcp_listen(K.d->st[DUO_SERVER], IPADDR_ANY, TALK_PORT, &patient_server, NULL, &server, &err);
        u32 plain = show("A plain client, `echo \"GET /\" | nc cloud 80`:", plain_client);
        tcp_unlisten(K.l);
        K.l = tcp_listen(K.d->st[DUO_SERVER], IPADDR_ANY, TALK_PORT, &talk_server, NULL, &server, &err);
        show("Two that speak QuRe, the first time (discovery):", qure_client);
        u32 qure = show("From the second time on:", qure_client);
        tcp_unlisten(K.l);
        K.l = tcp_listen(K.d->st[DUO_SERVER], IPADDR_ANY, TALK_PORT, &talk_server, NULL, &late, &err);
        show("A server whose SYN is optional, and which uses no data on a SYN:", qure_client);
        talk_end();
        printf("\nplain: %u packets, qure: %u packets\n", plain, qure);
        return 0;
}
