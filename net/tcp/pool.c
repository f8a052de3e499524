/* pool.c - fixed pools of the TCP engine, and the life of a connection's slot.
 * Not here: what is put into a new connection; open.c and accept.c do that.
 * SPDX-License-Identifier: MIT */
#include "engine.h"
#include "mem.h"

bool pool_make(struct stack *st, struct cellpool *pool, u32 n, u32 size)
{
        u8 *mem = stack_alloc(st, (size_t)n * size, 16);
        if (!mem)
                return false;
        pool->free = NULL;
        pool->n_free = pool->n_total = n;
        pool->keep = n >> 3;
        for (u32 i = n; i-- > 0;) {
                void *cell = mem + (size_t)i * size;
                *(void **)cell = pool->free;
                pool->free = cell;
        }
        return true;
}

enum { RECLAIM_LOOKS = 64 }; /* slots looked at for one that is wanted: work that a flood cannot multiply */

/* Slots are short: a connection that its user let go, and whose peer keeps it waiting, makes room. false: none was met. */
static bool reclaim(struct tcp_state *ts)
{
        for (u32 n = 0; n < RECLAIM_LOOKS && n < ts->n_pool; n++) {
                struct tcb *t = &ts->pool[ts->hand++ % ts->n_pool];
                bool waits = t->state == TCP_B_FIN_WAIT_2 || t->retries;
                if (!t->ports || (t->flags & (TF_USER_CLOSED | TF_BUSY | TF_DEAD)) != TF_USER_CLOSED || !waits ||
                    tcp_lookup(ts, t->raddr, t->laddr, t->ports) != t) /* on its way to another node: not ours to reset */
                        continue;
                tcp_reset(t);
                tcp_finish(t, E_NOMEM);
                ts->count.reclaimed++;
                return true;
        }
        return false;
}

struct tcb *tcb_take(struct tcp_state *ts)
{
        if (unlikely(!ts->free_tcb))
                reclaim(ts);
        struct tcb *t = ts->free_tcb;
        if (!t)
                return NULL;
        ts->free_tcb = t->next;
        ts->n_tcbs++;
        t->gen++;
        return t;
}

struct tcb *tcb_new(struct tcp_state *ts)
{
        struct tcb *t = tcb_take(ts);
        if (!t)
                return NULL;
        u16 gen = t->gen;
        memset(t, 0, sizeof *t);
        t->gen = gen;
        t->ts = ts;
        t->timer.fire = tcp_timer_fired;
        return t;
}

void rcvq_free(struct tcb *t)
{
        struct pkt *p;
        while ((p = rcvq_get(t)) != NULL)
                pkt_free(p);
}

void tcb_free(struct tcb *t)
{
        struct tcp_state *ts = t->ts;
        t->pred = 0; /* an interface may remember it (netif.h, flow) */
        if (t->flags & TF_BUSY) {
                t->flags |= TF_DEAD;
                return;
        }
        timer_stop(&ts->st->wheel, &t->timer);
        tcp_fastopen_over(t);
        conv_free(t);
        tcp_unlink(t);
        tcp_remove(t);
        rcvq_free(t);
        reasm_free(t);
        sndq_free(t);
        flight_put(t);
        t->state = 0;
        t->ports = 0;
        t->next = ts->free_tcb;
        ts->free_tcb = t;
        ts->n_tcbs--;
}
