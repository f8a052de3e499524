/* init.c - one stack's TCP is made: all its pools, their sizes from stack_config.
 * SPDX-License-Identifier: MIT */
#include "engine.h"

enum { CELL = sizeof(struct sndent) > sizeof(struct sent) ? sizeof(struct sndent) : sizeof(struct sent) };

static bool make_tcbs(struct tcp_state *ts, u32 n)
{
        ts->pool = stack_alloc(ts->st, n * sizeof *ts->pool, 64);
        ts->n_pool = n;
        for (u32 i = n; ts->pool && i-- > 0;) {
                ts->pool[i].ts = ts;
                ts->pool[i].timer.fire = tcp_timer_fired;
                ts->pool[i].next = ts->free_tcb;
                ts->free_tcb = &ts->pool[i];
        }
        return ts->pool != NULL;
}

static bool make_listeners(struct tcp_state *ts, u32 n)
{
        ts->listeners = stack_alloc(ts->st, n * sizeof *ts->listeners, 16);
        for (u32 i = n; ts->listeners && i-- > 0;) {
                ts->listeners[i].next = ts->free_listener;
                ts->listeners[i].index = (u16)i;
                ts->free_listener = &ts->listeners[i];
        }
        return ts->listeners != NULL;
}

static bool make_half_open(struct tcp_state *ts, u32 n)
{
        ts->synq_pool = stack_alloc(ts->st, n * sizeof *ts->synq_pool, 16);
        ts->n_synq = n;
        for (u32 i = 0; i < SYNACK_LISTS; i++)
                ts->half[i].end = &ts->half[i].first;
        for (u32 i = n; ts->synq_pool && i-- > 0;) {
                ts->synq_pool[i].next = ts->free_synq;
                ts->free_synq = &ts->synq_pool[i];
        }
        return ts->synq_pool != NULL;
}

/* Descriptors: each buffer may be queued and outstanding in pieces; files are sent by reference without a buffer. */
static bool make_cells(struct tcp_state *ts)
{
        const struct stack_config *c = &ts->st->cfg;
        u32 busy = c->n_tcbs < 512 ? c->n_tcbs : 512 + c->n_tcbs / 16; /* connections with bytes in flight at one time */
        return pool_make(ts->st, &ts->cells, c->n_pkts * 4 + busy * 4, CELL) &&
                pool_make(ts->st, &ts->flights, busy, sizeof(struct flight)) &&
               pool_make(ts->st, &ts->reasms, busy, sizeof(struct reasm));
}

bool tcp_init(struct stack *st)
{
        struct tcp_state *ts = stack_alloc(st, sizeof *ts, 64);
        if (!ts)
                return false;
        st->tcp = ts;
        ts->st = st;
        ts->line = ts;
        tcp_set_rto_min(st, TCP_RTO_MIN_MS);
        ts->tw_ahead_ms = stack_now_ms(st) - TCP_CHALLENGE_MS;
        ts->isn_key = st->key;
        ts->delack_timer.fire = tcp_delack_fired;
        ts->batch_timer.fire = tcp_batch_fired;
        ts->tw_timer.fire = timewait_timer;
        ts->half_timer.fire = synq_timer;
        ts->n_tw = min_u32(st->cfg.n_timewait, TCP_TIMEWAITS);
        ts->tw = stack_alloc(st, ts->n_tw * sizeof *ts->tw, 32);
        ip_proto(st, IPPROTO_TCP_, tcp_rx);
        ip_proto_error(st, IPPROTO_TCP_, tcp_icmp);
        return ts->tw && make_tcbs(ts, st->cfg.n_tcbs) && make_listeners(ts, st->cfg.n_listeners) &&
                make_half_open(ts, st->cfg.n_synq) &&
               make_cells(ts) && tcp_tables(ts) && conv_init(ts);
}
