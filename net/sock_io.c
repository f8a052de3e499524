/* sock_io.c - reading, writing, peeking and polling of sockets. SPDX-License-Identifier: MIT */
#include "sock_state.h"

enum { NOTHING_MORE = 1 << 30 }; /* of a condition: the stream has ended */

/* Bytes that can be read, at least `min` of them; NOTHING_MORE; or 0: wait. */
static int readable(struct sock *s, u32 min)
{
        if (s->no_read)
                return NOTHING_MORE;
        if (!s->t)
                return s->ended ? (s->err ? s->err : NOTHING_MORE) : E_NOTCONN;
        u32 n = tcp_readable(s->t);
        if (n >= min && n)
                return (int)n;
        if (tcp_eof(s->t))
                return n ? (int)n : NOTHING_MORE;
        /* the window is full: more than this will not come before it is read */
        return n && tcp_window_full(s->t) ? (int)n : 0;
}

int sock_peek(struct sock *s, u32 min, u32 timeout_ms, const u8 **ptr, u32 *run)
{
        *run = 0;
        if (s->type != SOCK_TCP)
                return E_INVAL;
        int n = sock_wait(s, readable, min, timeout_ms);
        if (n == NOTHING_MORE)
                return 0;
        if (n > 0)
                *run = tcp_peek(s->t, 0, ptr);
        return n;
}

int sock_consume(struct sock *s, u32 n)
{
        if (!s->t)
                return E_NOTCONN;
        if (n > tcp_readable(s->t))
                return E_INVAL;
        tcp_consume(s->t, n);
        return 0;
}

int sock_read(struct sock *s, void *dst, u32 n)
{
        if (s->type == SOCK_UDP)
                return sock_udp_read(s, dst, n, NULL, NULL);
        int have = sock_wait(s, readable, 1, UINT32_MAX);
        if (have <= 0)
                return have;
        if (have == NOTHING_MORE || !n)
                return 0;
        n = tcp_copy(s->t, 0, dst, n);
        tcp_consume(s->t, n);
        return (int)n;
}

static int writable(struct sock *s, u32 arg)
{
        if (!s->t)
                return s->ended ? (s->err ? s->err : E_CLOSED) : E_NOTCONN;
        if (!s->connected && !s->opts.fastopen)
                return 0;
        return tcp_send_room(s->t) ? 1 : tcp_sending_over(s->t) ? E_CLOSED : 0;
}

int sock_write(struct sock *s, const void *src, u32 n)
{
        if (s->type == SOCK_UDP)
                return sock_udp_write(s, src, n, s->raddr, s->rport);
        u32 done = 0, begin = stack_now_ms(s->st);
        while (done < n) {
                int r = sock_wait(s, writable, 0, UINT32_MAX);
                if (r > 0)
                        r = tcp_send(s->t, (const u8 *)src + done, n - done);
                bool in_time = !s->timeout_ms || stack_now_ms(s->st) - begin < s->timeout_ms;
                if (r == 0 && !s->nonblock && s->st->cfg.wait && in_time) {
                        s->st->cfg.wait(s->st->cfg.wait_ctx, 10); /* buffers are short: others give some back */
                        continue;
                }
                if (r <= 0)
                        return done ? (int)done : r ? r : E_AGAIN;
                done += (u32)r;
                tcp_flush(s->t);
        }
        return (int)done;
}

int sock_write_ref(struct sock *s, const void *ptr, u32 n, const u32 *sum)
{
        if (s->type != SOCK_TCP)
                return E_INVAL;
        int r = sock_wait(s, writable, 0, UINT32_MAX);
        if (r > 0)
                r = tcp_send_ref(s->t, ptr, n, sum);
        if (!r)
                tcp_flush(s->t);
        return r;
}

int sock_recvfrom(struct sock *s, void *dst, u32 n, ipaddr *src, u16 *sport)
{
        return s->type == SOCK_UDP ? sock_udp_read(s, dst, n, src, sport) : E_INVAL;
}

int sock_sendto(struct sock *s, const void *src, u32 n, ipaddr dst, u16 dport)
{
        return s->type == SOCK_UDP ? sock_udp_write(s, src, n, dst, dport) : E_INVAL;
}

u8 sock_ready(struct sock *s)
{
        u8 r = 0;
        if (s->type == SOCK_UDP)
                return (u8)(SOCK_OUT | (s->err ? SOCK_ERR : 0) | (s->err || s->dgrams.n ? SOCK_IN : 0));
        if (s->l)
                return s->accept_first ? SOCK_IN : 0;
        if (s->ended)
                return (u8)(SOCK_IN | SOCK_HUP | (s->err ? SOCK_ERR : 0));
        if (!s->t)
                return SOCK_HUP;
        if (tcp_readable(s->t) || tcp_eof(s->t) || s->no_read)
                r |= SOCK_IN;
        if (s->connected && (tcp_send_room(s->t) || tcp_sending_over(s->t)))
                r |= SOCK_OUT;
        if (tcp_urgent_left(s->t))
                r |= SOCK_URG;
        return r;
}

int sock_poll(struct stack *st, struct sock_poll *p, u32 n, u32 timeout_ms)
{
        u32 begin = stack_now_ms(st);
        for (;;) {
                int ready = 0;
                for (u32 i = 0; i < n; i++) {
                        p[i].got = sock_ready(p[i].s) & (p[i].want | SOCK_ERR | SOCK_HUP);
                        ready += p[i].got != 0;
                }
                u32 past = stack_now_ms(st) - begin;
                if (ready || past >= timeout_ms || !st->cfg.wait)
                        return ready;
                st->cfg.wait(st->cfg.wait_ctx, timeout_ms - past);
        }
}
