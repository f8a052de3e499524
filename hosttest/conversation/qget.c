/* qget.c - qget TAP ADDRESS/LEN http://HOST[:PORT]/PATH: fetches a page as a QuRe client does, over a TAP device with a stack
 * of its own; HOST is an address. What is fetched goes to standard output, the packets with -v to standard error.
 *      -n N        N times, one after the other: from the second on in three packets
 *      -p          as a plain client
 *      -g GATEWAY  for hosts that are not on the TAP's network
 *      -k KIND     of the option (144)
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "line.h"

enum { TIMEOUT_S = 20 };

static struct { struct tcb *t; bool over; int err; u32 bytes, status; bool head_seen; } get;

static void readable(struct tcb *t)
{
        const u8 *p;
        u32 n;
        while ((n = tcp_peek(t, 0, &p)) != 0) {
                if (!get.bytes && n > 12)
                        get.status = (u32)atoi((const char *)p + 9);
                fwrite(p, 1, n, stdout);
                get.bytes += n;
                tcp_consume(t, n);
                if (get.over)
                        return;
        }
        if (tcp_eof(t)) {
                tcp_withdraw(t); /* it answered before it was asked */
                tcp_close(t);
        }
}

static void closed(struct tcb *t, int err)
{
        get.over = true;
        get.err = err;
}

static const struct tcp_events events = {.readable = readable, .closed = closed};

static int fetch(struct stack *st, ipaddr host, u16 port, const char *request, bool plain)
{
        struct tcp_opts o = {.qure = !plain};
        u64 end = line_now_us() + TIMEOUT_S * 1000000ull;
        int err;
        memset(&get, 0, sizeof get);
        line_again();
        get.t = tcp_connect(st, IPADDR_ANY, 0, host, port, &events, NULL, &o, &err);
        if (!get.t) {
                fprintf(stderr, "qget: %s\n", stack_strerror(err));
                return 1;
        }
        tcp_send_ref(get.t, request, (u32)strlen(request), NULL);
        tcp_shutdown(get.t);
        while (!get.over && line_now_us() < end)
                line_turn(st, 1000);
        if (!get.over) {
                fprintf(stderr, "qget: no answer in %u s\n", TIMEOUT_S);
                tcp_abort(get.t);
                return 1;
        }
        for (u32 i = 0; i < 3; i++)
                line_turn(st, 5); /* the last acknowledgement, and what the other side still says */
        if (get.err)
                fprintf(stderr, "qget: %s\n", stack_strerror(get.err));
        return get.err != 0;
}

static void usage(void)
{
        fprintf(stderr, "usage: qget [-v] [-p] [-n N] [-g GATEWAY] [-k KIND] TAP ADDRESS/LEN http://HOST[:PORT]/PATH\n"
                        "  TAP is made when it is not there; ADDRESS is qget's own, HOST an address\n");
        exit(2);
}

int main(int argc, char **argv)
{
        bool plain = false, verbose = false;
        u32 times = 1, kind = 0;
        const char *gateway = NULL;
        for (int c; (c = getopt(argc, argv, "vpn:g:k:")) != -1;) {
                if (c == 'v') verbose = true;
                else if (c == 'p') plain = true;
                else if (c == 'n') times = (u32)atoi(optarg);
                else if (c == 'g') gateway = optarg;
                else if (c == 'k') kind = (u32)atoi(optarg);
                else usage();
        }
        char host[64], path[1024] = "/", request[1200];
        unsigned port = 80;
        ipaddr addr;
        if (argc - optind != 3)
                usage();
        const char *url = argv[optind + 2];
        if (sscanf(url, "http://%63[0-9.]:%u%1023s", host, &port, path) < 2 && sscanf(url, "http://%63[0-9.]%1023s", host,
                        path) < 1)
                usage();
        if (!line_addr(host, &addr) || !port || port > 65535)
                usage();
        struct stack *st = line_open(argv[optind], argv[optind + 1], gateway);
        if (kind)
                tcp_option_kind(st, (u8)kind);
        if (verbose)
                line_draw(st, true);
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host);
        for (u32 i = 0; i < times; i++) {
                if (fetch(st, addr, (u16)port, request, plain))
                        return 1;
                fprintf(stderr, "qget: status %u, %u bytes, %u packets\n", get.status, get.bytes, line_packets());
        }
        return 0;
}
