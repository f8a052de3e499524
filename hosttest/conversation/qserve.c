/* qserve.c - qserve TAP ADDRESS/LEN FILE: answers every request with that file, over a TAP device with a stack of its own, to
 * plain, Fast Open and QuRe clients alike.
 *      -P PORT     (80)
 *      -l          its SYN is optional: a request is acknowledged first
 *      -r          refuses: answers 503 before it reads
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "line.h"

static u8 *reply;
static u32 reply_n;
static bool refuses;
static const char closed_reply[] = "HTTP/1.1 503 Closed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

static void answer(struct tcb *t)
{
        if (refuses)
                tcp_send_ref(t, closed_reply, sizeof closed_reply - 1, NULL);
        else
                tcp_send_ref(t, reply, reply_n, NULL);
        tcp_shutdown(t);
}

static bool accepted(struct tcb *t)
{
        if (refuses && tcp_unopened(t) && !tcp_readable(t))
                answer(t);
        return true;
}

/* A request ends with an empty line, in HTTP/0.9 with its only line, or with the client's FIN. */
static void readable(struct tcb *t)
{
        char text[2048];
        u32 n = tcp_copy(t, 0, text, sizeof text - 1);
        text[n] = 0;
        bool whole = tcp_eof(t) || strstr(text, "\r\n\r\n") || strstr(text, "\n\n") ||
                (strchr(text, '\n') && !strstr(text, "HTTP/"));
        if (!whole && n < sizeof text - 1)
                return;
        tcp_consume(t, tcp_readable(t));
        if (n && !tcp_sending_over(t))
                answer(t);
        if (tcp_eof(t))
                tcp_close(t);
}

static void closed(struct tcb *t, int err) {}
static const struct tcp_events events = {.accept = accepted, .readable = readable, .closed = closed};

static bool idempotent(const u8 *p, u32 n) { return n >= 4 && !memcmp(p, "GET ", 4); }

static void load(const char *path)
{
        char head[160];
        FILE *f = fopen(path, "rb");
        if (!f) {
                perror(path);
                exit(1);
        }
        fseek(f, 0, SEEK_END);
        u32 size = (u32)ftell(f);
        rewind(f);
        reply_n = (u32)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %u\r\n\r\n", size);
        reply = malloc(reply_n + size);
        memcpy(reply, head, reply_n);
        reply_n += (u32)fread(reply + reply_n, 1, size, f);
        fclose(f);
}

int main(int argc, char **argv)
{
        struct tcp_opts o = {.qure = true, .fastopen = true, .idempotent = idempotent, .sndbuf = 1u << 30};
        u32 port = 80;
        int err;
        for (int c; (c = getopt(argc, argv, "P:lr")) != -1;) {
                if (c == 'P') port = (u32)atoi(optarg);
                else if (c == 'l') o.optional_syn = true;
                else if (c == 'r') o.speaks_first = refuses = true;
                else argc = 0;
        }
        if (argc - optind != 3) {
                fprintf(stderr, "usage: qserve [-P PORT] [-l] [-r] TAP ADDRESS/LEN FILE\n");
                return 2;
        }
        load(argv[optind + 2]);
        struct stack *st = line_open(argv[optind], argv[optind + 1], NULL);
        line_draw(st, false);
        if (!tcp_listen(st, IPADDR_ANY, (u16)port, &events, NULL, &o, &err)) {
                fprintf(stderr, "qserve: %s\n", stack_strerror(err));
                return 1;
        }
        fprintf(stderr, "qserve: %s on port %u\n", argv[optind + 1], port);
        for (;;)
                line_turn(st, 1000);
}
