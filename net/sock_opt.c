/* sock_opt.c - options, names and errors of sockets. SPDX-License-Identifier: MIT */
#include "sock_state.h"
#include "tcp/state.h"

/* Before the connection begins they are its tcp_opts; false: not one of those. */
static bool set_early(struct tcp_opts *o, enum sock_opt opt, u32 v)
{
        switch (opt) {
        case SOCK_RCVBUF: o->rcvbuf = v; break;
        case SOCK_SNDBUF: o->sndbuf = v; break;
        case SOCK_MSS: o->mss = (u16)v; break;
        case SOCK_NODELAY: o->nodelay = v != 0; break;
        case SOCK_KEEPALIVE: o->keepalive_ms = v; break;
        case SOCK_USER_TIMEOUT: o->user_timeout_ms = v; break;
        case SOCK_TTL: o->ttl = (u8)v; break;
        case SOCK_TOS: o->tos = (u8)v; break;
        case SOCK_CC: o->cc = (u8)v; break;
        case SOCK_FASTOPEN: o->fastopen = v != 0; break;
        case SOCK_ECN: o->ecn = v != 0; break;
        case SOCK_APP_MODE: o->app_mode = v != 0; break;
        case SOCK_PSH_MESSAGE: o->psh_message = v != 0; break;
        case SOCK_TIMEWAIT: o->timewait_ms = v; break;
        default: return false;
        }
        return true;
}

/* The largest value of those that have less than 32 bits. */
static u32 most(enum sock_opt opt)
{
        return opt == SOCK_MSS ? 0xffff : opt == SOCK_TTL || opt == SOCK_TOS ? 0xff : opt == SOCK_CC ? TCP_CC_NEWRENO : UINT32_MAX;
}

/* And those that may change later. */
static int set_late(struct tcb *t, enum sock_opt opt, u32 v)
{
        switch (opt) {
        case SOCK_NODELAY: tcp_set_nodelay(t, v != 0); break;
        case SOCK_CORK: tcp_cork(t, v != 0); break;
        case SOCK_KEEPALIVE: tcp_set_keepalive(t, v); break;
        case SOCK_USER_TIMEOUT: tcp_set_user_timeout(t, v); break;
        case SOCK_TTL: tcp_set_ttl(t, (u8)v); break;
        case SOCK_TOS: tcp_set_tos(t, (u8)v); break;
        case SOCK_CC: tcp_set_cc(t, (u8)v); break;
        default: return E_INVAL;
        }
        tcp_flush(t);
        return 0;
}

int sock_set(struct sock *s, enum sock_opt opt, u32 v)
{
        switch (opt) {
        case SOCK_NOWAIT: s->nonblock = v != 0; return 0;
        case SOCK_TIMEOUT: s->timeout_ms = v; return 0;
        case SOCK_LINGER: s->linger_ms = v; return 0;
        default: break;
        }
        if (s->type != SOCK_TCP || v > most(opt))
                return E_INVAL;
        if (s->t) {
                int err = set_late(s->t, opt, v);
                if (!err && !set_early(&s->opts, opt, v)) /* to be told by sock_get */
                        s->corked = v != 0;
                return err;
        }
        return s->l || !set_early(&s->opts, opt, v) ? E_INVAL : 0;
}

struct tcp_opts *sock_tcp_opts(struct sock *s) { return s->type != SOCK_TCP || s->t || s->l ? NULL : &s->opts; }

static int get_early(const struct sock *s, enum sock_opt opt)
{
        const struct tcp_opts *o = &s->opts;
        switch (opt) {
        case SOCK_RCVBUF: return (int)o->rcvbuf;
        case SOCK_SNDBUF: return (int)o->sndbuf;
        case SOCK_NODELAY: return o->nodelay;
        case SOCK_KEEPALIVE: return (int)o->keepalive_ms;
        case SOCK_USER_TIMEOUT: return (int)o->user_timeout_ms;
        case SOCK_TTL: return o->ttl;
        case SOCK_TOS: return o->tos;
        case SOCK_CC: return o->cc;
        case SOCK_CORK: return s->corked;
        case SOCK_FASTOPEN: return o->fastopen;
        case SOCK_ECN: return o->ecn;
        case SOCK_APP_MODE: return o->app_mode;
        case SOCK_PSH_MESSAGE: return o->psh_message;
        case SOCK_TIMEWAIT: return (int)o->timewait_ms;
        default: return E_INVAL;
        }
}

/* RFC 9293 3.9.1.6, STATUS. */
static int state(struct sock *s)
{
        struct tcp_names n;
        if (s->t)
                return tcp_state_number(s->t);
        if (s->l)
                return TCP_LISTEN;
        sock_names(s, &n);
        return s->ended && tcp_in_time_wait(s->st, &n) ? TCP_TIME_WAIT : 0;
}

int sock_get(struct sock *s, enum sock_opt opt)
{
        int e;
        switch (opt) {
        case SOCK_NOWAIT: return s->nonblock;
        case SOCK_TIMEOUT: return (int)s->timeout_ms;
        case SOCK_LINGER: return (int)s->linger_ms;
        case SOCK_ERROR:
                e = s->err;
                s->err = 0;
                return e;
        case SOCK_SOFT_ERROR: return s->t ? tcp_soft_error(s->t) : 0;
        case SOCK_READABLE: return s->t ? (int)tcp_readable(s->t) : s->dgrams.first ? (int)pkt_total(s->dgrams.first) : 0;
        case SOCK_URGENT: return s->t ? (int)tcp_urgent_left(s->t) : 0;
        case SOCK_STATE: return state(s);
        case SOCK_MSS: return s->t ? (int)tcp_mss(s->t) : s->opts.mss;
        default: return get_early(s, opt);
        }
}

int sock_names(struct sock *s, struct tcp_names *out)
{
        if (s->t) {
                tcp_names(s->t, out);
                return 0;
        }
        *out = (struct tcp_names){s->laddr, s->raddr, s->u ? udp_port(s->u) : s->lport, s->rport};
        return out->lport ? 0 : E_NOTCONN;
}

struct tcb *sock_tcb(struct sock *s) { return s->t; }
void *sock_user(const struct sock *s) { return s->user; }
void sock_set_user(struct sock *s, void *user) { s->user = user; }
