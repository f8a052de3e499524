/* sock_state.h - what the files of the socket face share. SPDX-License-Identifier: MIT */
#ifndef SOCK_STATE_H
#define SOCK_STATE_H

#include "sock.h"

enum { SOCK_DGRAMS = 16 /* datagrams that wait on one socket */, SOCK_BACKLOG_MAX = 1024 };

struct sock {
        struct sock     *next;       /* free list, or accept queue of the listener */
        struct stack    *st;
        struct tcb      *t;
        struct listener *l;
        struct udp_sock *u;
        struct tcp_opts  opts;
        void            *user;
        ipaddr           laddr, raddr;
        u16              lport, rport;
        struct sock     *accept_first, *accept_last; /* handshake complete, not yet accepted */
        struct pktq      dgrams;
        u32              timeout_ms, linger_ms;
        int              err;        /* why the connection ended; UDP: the peer refused */
        u8               type;
        bool             open, nonblock, connected, ended, no_read, corked;
};

struct sock_state { struct sock *free; };

/* Until *done(s, arg) is not 0: waits as the socket allows. done's value, E_AGAIN, or E_CLOSED. */
typedef int sock_cond(struct sock *s, u32 arg);
int sock_wait(struct sock *s, sock_cond *done, u32 arg, u32 timeout_ms);

struct sock *sock_get_free(struct stack *st);
void sock_put_free(struct sock *s);
int sock_tcp_connect(struct sock *s, ipaddr addr, u16 port);
int sock_tcp_listen(struct sock *s, u32 backlog);

int sock_udp_bind(struct sock *s, ipaddr addr, u16 port);
int sock_udp_read(struct sock *s, void *dst, u32 n, ipaddr *src, u16 *sport);
int sock_udp_write(struct sock *s, const void *src, u32 n, ipaddr dst, u16 dport);
void sock_udp_close(struct sock *s);
u8 sock_ready(struct sock *s);

#endif
