/* switching.h - a service whose requests name the machine that shall answer: the front hands over what is a node's, a node gives
 * back what is not its own. A request is "F", "1" or "2", length of the reply in 8 digits, where in the client's stream it lies
 * in 8 more, "\n"; the stream is lan.h's pattern. SPDX-License-Identifier: MIT */
#ifndef SWITCHING_H
#define SWITCHING_H

#include "lan.h"

enum { REQUEST = 18, STREAM = REPLY_MAX };

static u32 answered[MACHINES]; /* requests that each machine answered */
static u32 refused_back;

static inline int machine_of(const struct tcb *t)
{
        int i = FRONT;
        while (L.m[i]->st != tcp_stack(t))
                i++;
        return i;
}

static inline void serve(struct tcb *t);

/* Not moved: whoever has it answers, so that every request is answered by somebody. */
static inline void on_moved(void *ctx, struct tcb *t, enum handoff_reason why)
{
        L.last_reason = why;
        if (why == HANDOFF_OK)
                return;
        refused_back++;
        tcp_set_user(t, t);
        serve(t);
}

static inline void serve(struct tcb *t)
{
        struct handoff *h = handoff_of(tcp_stack(t));
        int me = machine_of(t);
        char b[REQUEST + 1] = {0};
        while (tcp_copy(t, 0, b, REQUEST) == REQUEST) {
                int whose = b[0] == 'F' ? FRONT : b[0] == '1' ? NODE1 : NODE2;
                if (whose != me && tcp_user(t) != t) {
                        enum handoff_reason why = me == FRONT ? handoff_begin(h, t, lan_addr[whose], NULL, on_moved, NULL)
                                                              : handoff_back(h, t, on_moved, NULL);
                        if (why == HANDOFF_OK)
                                return;
                }
                tcp_set_user(t, NULL);
                u32 off = (u32)atoi(b + 9);
                b[9] = 0;
                answered[me]++;
                tcp_consume(t, REQUEST);
                assert_int_equal(tcp_send_ref(t, reply_bytes() + off, (u32)atoi(b + 1), NULL), 0);
        }
        if (tcp_eof(t) && !tcp_readable(t))
                tcp_close(t);
}
static const struct tcp_events switching = {.readable = serve, .closed = lan_closed};

static inline void switching_begin(bool ts)
{
        lan_begin_with(&switching);
        memset(answered, 0, sizeof answered);
        refused_back = 0;
        L.copts = (struct tcp_opts){.no_timestamps = !ts, .no_sack = !ts, .no_wscale = !ts};
}

static inline void ask(char whose, u32 n)
{
        char req[32];
        snprintf(req, sizeof req, "%c%08u%08u\n", whose, n, L.want);
        L.want += n;
        if (L.client)
                assert_int_equal(tcp_send(L.client, req, REQUEST), REQUEST);
}

static inline void connect_switching(void)
{
        int err;
        L.client = tcp_connect(L.m[CLIENT]->st, IPADDR_ANY, 0, SERVICE, 80, &client_events, NULL, &L.copts, &err);
        assert_non_null(L.client);
}

#endif
