/* lookup.c - the table of connections: one probe by a keyed multiply hash, rekeyed when a chain grows past 8.
 * The key is secret, so that nobody can choose ports that meet in one chain for long.
 * SPDX-License-Identifier: MIT */
#include "engine.h"

enum { CHAIN_MAX = 8, REKEY_PAUSE_MS = 1000 };

static u32 log2_up(u32 n)
{
        u32 bits = 2;
        while ((1u << bits) < n)
                bits++;
        return bits;
}

bool tcp_tables(struct tcp_state *ts)
{
        struct stack *st = ts->st;
        u32 tb = log2_up(st->cfg.n_tcbs), ob = min_u32(tb, log2_up(max_u32(st->cfg.n_synq, st->cfg.n_timewait)));
        ts->shift = 32 - tb;
        ts->oshift = tb - ob;
        ts->key[0] = stack_random(st) | 1;
        ts->key[1] = stack_random(st) | 1;
        ts->bucket = stack_alloc(st, sizeof *ts->bucket << tb, 64);
        ts->others = stack_alloc(st, sizeof *ts->others << ob, 64);
        return ts->bucket && ts->others;
}

static struct tcb **chain_of(const struct tcb *t)
{
        const struct tcp_state *ts = t->ts;
        return &ts->bucket[tcp_hash(ts, t->raddr, t->laddr, t->ports) >> ts->shift];
}

/* New keys: every table that uses them is built again. Half-open and TIME_WAIT entries have their own walk. */
static void rekey(struct tcp_state *ts)
{
        struct tcb *all = NULL;
        for (u32 b = 0; b < 1u << (32 - ts->shift); b++) {
                while (ts->bucket[b]) {
                        struct tcb *t = ts->bucket[b];
                        ts->bucket[b] = t->next;
                        t->next = all;
                        all = t;
                }
        }
        struct synq *half = synq_unhash(ts);
        ts->key[0] = stack_random(ts->st) | 1;
        ts->key[1] = stack_random(ts->st) | 1;
        ts->count.rekeys++;
        ts->rekey_ms = stack_now_ms(ts->st);
        while (all) {
                struct tcb *t = all;
                all = t->next;
                struct tcb **b = chain_of(t);
                t->next = *b;
                *b = t;
        }
        synq_rehash(ts, half);
        timewait_rehash(ts);
}

void tcp_insert(struct tcb *t)
{
        struct tcp_state *ts = t->ts;
        struct tcb **b = chain_of(t);
        u32 n = 0;
        for (const struct tcb *c = *b; c; c = c->next)
                n++;
        t->next = *b;
        *b = t;
        if (unlikely(n >= CHAIN_MAX) && stack_now_ms(ts->st) - ts->rekey_ms >= REKEY_PAUSE_MS)
                rekey(ts);
}

const struct tcb tcp_nobody;

void tcp_forget_flow(const struct tcb *t)
{
        struct stack *st = tcb_stack(t);
        for (u32 i = 0; i < st->n_nifs; i++)
                if (st->nif[i]->flow == t)
                        st->nif[i]->flow = &tcp_nobody;
}

void tcp_remove(struct tcb *t)
{
        for (struct tcb **b = chain_of(t); *b; b = &(*b)->next) {
                if (*b == t) {
                        *b = t->next;
                        return;
                }
        }
}
