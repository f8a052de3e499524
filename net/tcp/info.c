/* info.c - connections as people see them: netstat, names, state. SPDX-License-Identifier: MIT */
#include "engine.h"
#include "mem.h"

void tcp_names(const struct tcb *t, struct tcp_names *out)
{
        *out = (struct tcp_names){tcb_laddr(t), tcb_raddr(t), tcb_lport(t), tcb_rport(t)};
}

struct tcp_key tcp_key(const struct tcb *t) { return (struct tcp_key){(u32)(t - t->ts->pool), t->gen}; }

struct tcb *tcp_by_key(struct stack *st, struct tcp_key key)
{
        struct tcb *t = key.slot < st->tcp->n_pool ? &st->tcp->pool[key.slot] : NULL;
        return t && t->gen == key.gen && t->ports && !(t->flags & TF_DEAD) ? t : NULL;
}

static u32 ports_of(const struct tcp_names *n)
{
        return (u32)__builtin_bswap16(n->rport) | (u32)__builtin_bswap16(n->lport) << 16;
}

struct tcb *tcp_find(struct stack *st, const struct tcp_names *n)
{
        return tcp_lookup(st->tcp, be32_raw(n->raddr.v4), be32_raw(n->laddr.v4), ports_of(n));
}

bool tcp_in_time_wait(struct stack *st, const struct tcp_names *n)
{
        return timewait_find(st->tcp, be32_raw(n->raddr.v4), be32_raw(n->laddr.v4), ports_of(n)) != NULL;
}

int tcp_state_number(const struct tcb *t) { return tcp_rfc_state(t->state, (t->flags & TF_ACTIVE_CLOSE) != 0); }
u32 tcp_mss(const struct tcb *t) { return t->mss; }

const char *tcp_state_name(const struct tcb *t)
{
        return tcp_rfc_name(tcp_rfc_state(t->state, (t->flags & TF_ACTIVE_CLOSE) != 0));
}

static void names_of(u32 raddr, u32 laddr, u32 ports, struct tcp_names *out)
{
        *out = (struct tcp_names){{be32_from_raw(laddr)}, {be32_from_raw(raddr)}, (u16)__builtin_bswap16((u16)(ports >> 16)),
                                  (u16)__builtin_bswap16((u16)ports)};
}

void tcp_info(const struct tcb *t, struct tcp_info *i)
{
        memset(i, 0, sizeof *i);
        tcp_names(t, &i->names);
        i->state = tcp_state_name(t);
        i->byte = t->state;
        i->rcv_queue = t->rcv_queued;
        i->snd_queue = t->snd_queued;
        i->cwnd = t->cwnd;
        i->ssthresh = t->ssthresh;
        i->srtt_us = t->srtt_us >> 3;
        i->rto_ms = tcb_rto(t);
        i->retransmits = t->retries;
}

static bool walk_listeners(struct tcp_state *ts, bool (*fn)(void *, const struct tcp_info *), void *ctx)
{
        for (u32 i = 0; i < ts->st->cfg.n_listeners; i++) {
                const struct listener *l = &ts->listeners[i];
                struct tcp_info info = {.names = {.laddr = l->addr, .lport = l->port}, .state = tcp_rfc_name(TCP_LISTEN)};
                if (l->port && !fn(ctx, &info))
                        return false;
        }
        return true;
}

static bool walk_small(struct tcp_state *ts, bool (*fn)(void *, const struct tcp_info *), void *ctx)
{
        struct tcp_info info = {.state = tcp_rfc_name(TCP_SYN_RECEIVED), .byte = TCP_B_SYN_RECEIVED};
        for (u32 i = 0; i < ts->n_synq; i++) {
                const struct synq *q = &ts->synq_pool[i];
                names_of(q->raddr, q->laddr, q->ports, &info.names);
                if (q->live && !fn(ctx, &info))
                        return false;
        }
        info = (struct tcp_info){.state = tcp_rfc_name(TCP_TIME_WAIT), .byte = TCP_B_TIME_WAIT};
        for (u32 n = 0; n < ts->tw_count; n++) {
                const struct timewait *w = &ts->tw[(ts->tw_first + n) % ts->n_tw];
                names_of(w->raddr, w->laddr, w->ports, &info.names);
                if (w->live && (s32)(stack_now_ms(ts->st) - w->due_ms) < 0 && !fn(ctx, &info))
                        return false;
        }
        return true;
}

void tcp_walk(struct stack *st, bool (*fn)(void *ctx, const struct tcp_info *info), void *ctx)
{
        struct tcp_state *ts = st->tcp;
        if (!walk_listeners(ts, fn, ctx))
                return;
        for (u32 i = 0; i < ts->n_pool; i++) {
                struct tcp_info info;
                if (!ts->pool[i].ports)
                        continue;
                tcp_info(&ts->pool[i], &info);
                if (!fn(ctx, &info))
                        return;
        }
        walk_small(ts, fn, ctx);
}
