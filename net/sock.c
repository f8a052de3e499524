/* sock.c - sockets: open, bind, listen, accept, connect, shutdown, close, and waiting.
 * Not here: reading and writing (sock_io.c), options (sock_opt.c), datagrams (sock_udp.c).
 * SPDX-License-Identifier: MIT */
#include "sock_state.h"
#include "mem.h"

enum { PORT_TRIES = 64 };

bool sock_init(struct stack *st)
{
        u32 n = st->cfg.n_socks;
        struct sock *all = stack_alloc(st, n * sizeof *all, 16);
        st->sock = stack_alloc(st, sizeof *st->sock, 16);
        if (!all || !st->sock)
                return false;
        for (u32 i = n; i-- > 0;) {
                all[i].st = st;
                sock_put_free(&all[i]);
        }
        return true;
}

struct sock *sock_get_free(struct stack *st)
{
        struct sock *s = st->sock->free;
        if (!s)
                return NULL;
        st->sock->free = s->next;
        memset(s, 0, sizeof *s);
        s->st = st;
        s->open = true;
        pktq_init(&s->dgrams);
        return s;
}

void sock_put_free(struct sock *s)
{
        s->open = false;
        s->next = s->st->sock->free;
        s->st->sock->free = s;
}

int sock_wait(struct sock *s, sock_cond *done, u32 arg, u32 timeout_ms)
{
        struct stack *st = s->st;
        u32 begin = stack_now_ms(st), limit = s->timeout_ms ? min_u32(timeout_ms, s->timeout_ms) : timeout_ms;
        for (;;) {
                int r = done(s, arg);
                u32 past = stack_now_ms(st) - begin;
                if (r)
                        return r;
                if (s->nonblock || !st->cfg.wait || past >= limit)
                        return E_AGAIN;
                st->cfg.wait(st->cfg.wait_ctx, limit - past);
        }
}

/* --- what the connection tells --- */
static void unlink_accept(struct sock *l, struct sock *s)
{
        struct sock *before = NULL;
        for (struct sock *x = l->accept_first; x; before = x, x = x->next) {
                if (x != s)
                        continue;
                *(before ? &before->next : &l->accept_first) = s->next;
                if (l->accept_last == s)
                        l->accept_last = before;
                tcp_waiting(l->l, -1);
                return;
        }
}

static void ev_closed(struct tcb *t, int err)
{
        struct sock *s = tcp_user(t);
        struct tcp_names n;
        tcp_names(t, &n);
        s->laddr = n.laddr, s->raddr = n.raddr, s->lport = n.lport, s->rport = n.rport;
        s->t = NULL;
        s->ended = true;
        s->err = err;
        if (!s->open)
                sock_put_free(s); /* closed by the user, who did not wait for this */
}

static void ev_connected(struct tcb *t)
{
        struct sock *s = tcp_user(t);
        s->connected = true;
}

static bool ev_accept(struct tcb *t);
static const struct tcp_events events = {.accept = ev_accept, .connected = ev_connected, .closed = ev_closed};

static bool ev_accept(struct tcb *t)
{
        struct sock *l = tcp_user(t), *s = sock_get_free(tcp_stack(t));
        if (!s)
                return false;
        s->type = SOCK_TCP;
        s->opts = l->opts;
        s->t = t;
        s->connected = true;
        tcp_set_user(t, s);
        if (l->accept_last)
                l->accept_last->next = s;
        else
                l->accept_first = s;
        s->next = NULL;
        l->accept_last = s;
        tcp_waiting(l->l, 1);
        return true;
}

/* --- opening --- */
struct sock *sock_open(struct stack *st, enum sock_type type, int *err)
{
        bool known = type == SOCK_TCP || type == SOCK_UDP;
        struct sock *s = known ? sock_get_free(st) : NULL;
        *err = s ? 0 : known ? E_NOMEM : E_INVAL;
        if (s)
                s->type = (u8)type;
        return s;
}

int sock_bind(struct sock *s, ipaddr addr, u16 port)
{
        if (s->t || s->l || s->u || s->ended)
                return E_INVAL;
        if (s->type == SOCK_UDP)
                return sock_udp_bind(s, addr, port);
        s->laddr = addr;
        s->lport = port;
        return 0;
}

int sock_listen(struct sock *s, u32 backlog)
{
        int err;
        u16 port = s->lport;
        if (s->type != SOCK_TCP || s->t || s->l || s->ended)
                return E_INVAL;
        s->opts.backlog = (u16)min_u32(max_u32(backlog, 1), SOCK_BACKLOG_MAX);
        for (u32 tries = 0; tries < PORT_TRIES; tries++) {
                if (!s->lport)
                        port = (u16)(0xc000 | stack_random(s->st)); /* RFC 6335 6: dynamic ports */
                s->l = tcp_listen(s->st, s->laddr, port, &events, s, &s->opts, &err);
                if (s->l || s->lport || err != E_INUSE)
                        break;
        }
        if (!s->l)
                return err;
        s->lport = port;
        return 0;
}

static int accept_ready(struct sock *s, u32 arg) { return s->accept_first != NULL; }

struct sock *sock_accept(struct sock *s, struct tcp_names *names, int *err)
{
        *err = s->l ? sock_wait(s, accept_ready, 0, UINT32_MAX) : E_INVAL;
        if (*err < 0)
                return NULL;
        struct sock *a = s->accept_first;
        unlink_accept(s, a);
        a->next = NULL;
        *err = 0;
        if (names && a->t)
                tcp_names(a->t, names);
        return a;
}

static int connect_done(struct sock *s, u32 arg)
{
        if (s->ended)
                return s->err ? s->err : E_CLOSED;
        return s->connected;
}

int sock_connect(struct sock *s, ipaddr addr, u16 port)
{
        struct tcp_names n;
        int err;
        if (s->type == SOCK_UDP) {
                s->raddr = addr;
                s->rport = port;
                s->err = 0;
                return s->u ? 0 : sock_udp_bind(s, IPADDR_ANY, 0);
        }
        if (s->l || s->ended)
                return E_INVAL;
        if (!s->t) {
                s->t = tcp_connect(s->st, s->laddr, s->lport, addr, port, &events, s, &s->opts, &err);
                if (!s->t)
                        return err;
                if (s->opts.fastopen)
                        return 0; /* what is written first goes with the SYN */
        }
        tcp_names(s->t, &n);
        if (n.rport != port || !ipaddr_eq(n.raddr, addr))
                return E_INVAL;
        err = sock_wait(s, connect_done, 0, UINT32_MAX);
        return err > 0 ? 0 : err;
}

/* --- ending --- */
int sock_shutdown(struct sock *s, enum sock_how how)
{
        if (!how || how & ~SOCK_RDWR)
                return E_INVAL;
        if (!s->t)
                return E_NOTCONN;
        if (how & SOCK_RD)
                s->no_read = true;
        if (how & SOCK_WR) {
                tcp_shutdown(s->t);
                tcp_flush(s->t);
        }
        return 0;
}

static void close_listener(struct sock *s)
{
        while (s->accept_first) {
                struct sock *a = s->accept_first;
                unlink_accept(s, a);
                sock_abort(a);
        }
        tcp_unlisten(s->l);
        s->l = NULL;
}

static int ended(struct sock *s, u32 arg) { return s->ended; }

int sock_close(struct sock *s)
{
        int err = 0;
        if (s->l)
                close_listener(s);
        if (s->u)
                sock_udp_close(s);
        if (s->t) {
                bool linger = s->linger_ms != 0;
                if (!linger)
                        s->open = false; /* ev_closed frees it, perhaps before tcp_close returns */
                struct tcb *t = s->t;
                tcp_close(t);
                if (!linger) {
                        return 0;
                }
                if (s->t)
                        tcp_flush(s->t);
                err = sock_wait(s, ended, 0, s->linger_ms);
                if (s->t) {
                        s->open = false; /* it goes on without us */
                        return err;
                }
                err = s->err;
        }
        sock_put_free(s);
        return err;
}

void sock_abort(struct sock *s)
{
        if (s->l)
                close_listener(s);
        if (s->u)
                sock_udp_close(s);
        if (s->t)
                tcp_abort(s->t);
        sock_put_free(s);
}
