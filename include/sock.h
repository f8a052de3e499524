/* sock.h - sockets as POSIX programs know them, over one stack: TCP and UDP, non-blocking on the stack, blocking where the
 * stack was given a way to wait (stack_config.wait: a kernel thread, a program's own loop).
 *
 * A call that must wait returns E_AGAIN on a non-blocking socket, when its time is over (SOCK_TIMEOUT), or when the stack
 * cannot wait. Every call returns >= 0 or a negative enum stack_err. A socket is of one thread at a time.
 * SPDX-License-Identifier: MIT */
#ifndef SOCK_H
#define SOCK_H

#include "tcp.h"
#include "udp.h"

struct sock;

enum sock_type { SOCK_TCP, SOCK_UDP };
enum sock_how { SOCK_RD = 1, SOCK_WR = 2, SOCK_RDWR = 3 };

enum sock_opt {              /* value; marked r: read by sock_get only */
        SOCK_NOWAIT,       /* 0, 1 */
        SOCK_TIMEOUT,        /* ms that any call may wait, 0 = for ever */
        SOCK_LINGER,         /* ms that sock_close waits for the last acknowledgement, 0 = not at all */
        SOCK_RCVBUF, SOCK_SNDBUF, SOCK_MSS, /* before connect or listen */
        SOCK_NODELAY, SOCK_CORK,
        SOCK_KEEPALIVE,      /* idle ms, 0 = off */
        SOCK_USER_TIMEOUT,   /* ms (RFC 5482) */
        SOCK_TTL, SOCK_TOS,
        SOCK_CC,             /* enum tcp_cc */
        SOCK_FASTOPEN, SOCK_ECN, SOCK_APP_MODE, SOCK_PSH_MESSAGE, SOCK_TIMEWAIT, /* before connect or listen */
        SOCK_ERROR,          /* r: the error that ended the connection, cleared by reading */
        SOCK_SOFT_ERROR,     /* r: the last ICMP soft error, cleared by reading (MUST-47) */
        SOCK_READABLE,       /* r: bytes that can be read now */
        SOCK_URGENT,         /* r: bytes up to the end of urgent data (MUST-33) */
        SOCK_STATE,          /* r: enum tcp_rfc_state of net/tcp/state.h (LISTEN 1, TIME_WAIT 10), 0 when there is none */
};

struct sock *sock_open(struct stack *st, enum sock_type type, int *err);      /* E_NOMEM: none left (stack_config.n_socks) */
int  sock_bind(struct sock *s, ipaddr addr, u16 port);                        /* any() = all, 0 = chosen, by listen or connect */
int  sock_listen(struct sock *s, u32 backlog);
struct sock *sock_accept(struct sock *s, struct tcp_names *names, int *err);  /* names may be NULL */
/* Once more to the same peer: is it there? UDP: the default peer, and the only one heard; E_REFUSED of a later call: nobody is there. */
int  sock_connect(struct sock *s, ipaddr addr, u16 port);

/* bytes, 0 at the end of the stream; UDP: one datagram, cut to n */
int  sock_read(struct sock *s, void *dst, u32 n);
/* bytes taken: all of them unless it may not wait; UDP: one datagram, E_MSGSIZE when it does not fit a buffer (PKT_BUF) */
int  sock_write(struct sock *s, const void *src, u32 n);
int  sock_recvfrom(struct sock *s, void *dst, u32 n, ipaddr *src, u16 *sport);
int  sock_sendto(struct sock *s, const void *src, u32 n, ipaddr dst, u16 dport);

/* Waits until at least `min` bytes can be read, the stream ended, or `timeout_ms` passed (R94; 0 = does not wait, UINT32_MAX =
 * for ever). Returns the bytes that are there and *ptr to the first contiguous run of *run of them. 0 with *run 0: the end. */
int  sock_peek(struct sock *s, u32 min, u32 timeout_ms, const u8 **ptr, u32 *run);
int  sock_consume(struct sock *s, u32 n);                                     /* what was peeked */
int  sock_write_ref(struct sock *s, const void *ptr, u32 n, const u32 *sum);  /* by reference, as tcp_send_ref */

int  sock_shutdown(struct sock *s, enum sock_how how);
int  sock_close(struct sock *s);                                              /* s is gone, whatever it returns */
void sock_abort(struct sock *s);                                              /* RST; s is gone */

enum { SOCK_IN = 1, SOCK_OUT = 2, SOCK_ERR = 4, SOCK_HUP = 8, SOCK_URG = 16 };
struct sock_poll { struct sock *s; u8 want, got; };
/* Waits until one of n sockets is ready (SOCK_ERR and SOCK_HUP always count); how many are, 0 after timeout_ms. */
int  sock_poll(struct stack *st, struct sock_poll *p, u32 n, u32 timeout_ms);

int  sock_set(struct sock *s, enum sock_opt opt, u32 value);
int  sock_get(struct sock *s, enum sock_opt opt);
/* Everything that tcp.h lets one choose (options of the SYN and their order, window scale, ISN ...), to be written before connect
 * or listen; NULL afterwards, and for UDP. */
struct tcp_opts *sock_tcp_opts(struct sock *s);
int  sock_names(struct sock *s, struct tcp_names *out);                       /* E_NOTCONN before bind and connect */
struct tcb *sock_tcb(struct sock *s);                                         /* for inspection; NULL when there is none */

/* Threads beside the stack's own may hang something of theirs on a socket. */
void *sock_user(const struct sock *s);
void sock_set_user(struct sock *s, void *user);

bool sock_init(struct stack *st);                                             /* called by stack_new */

#endif
