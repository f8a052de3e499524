/* check.c - what must hold after a run: every transfer whole or its end told, nothing leaked, corruption all caught.
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include "arp.h"
#include "sim.h"

void violation(struct sim *s, const char *fmt, ...)
{
        va_list ap;
        if (s->violations++ >= 20)
                return;
        printf("# %10.6f ", (double)s->now_us / 1e6);
        va_start(ap, fmt);
        vprintf(fmt, ap);
        va_end(ap);
        printf("\n");
}

/* Has all that the other side sent and closed behind. */
static bool has_all(const struct end *e) { return e->eof && e->got == e->c->end[!e->side].queued; }

static bool excused(const struct conn *c, const struct end *e)
{
        switch (e->err) {
        case E_TIMEDOUT:
        case E_UNREACH:
                return c->excuse & (EX_CRASH | EX_CUT | EX_PRESSURE | EX_IMPATIENT | EX_ABORT | EX_APP_MODE);
        case E_RESET:
        case E_REFUSED:
                if ((c->excuse & EX_FORGOT) && has_all(e) && has_all(&c->end[!e->side]))
                        return true;
                return c->excuse & (EX_CRASH | EX_CUT | EX_ABORT | EX_APP_MODE | EX_REFUSED | EX_PRESSURE | EX_IMPATIENT);
        default:
                return c->excuse & EX_PRESSURE && e->err == E_NOMEM;
        }
}

static void check_end(struct sim *s, const struct conn *c, const struct end *e)
{
        const struct end *from = &c->end[!e->side];
        if (!e->live)
                return;
        if (e->moving == MOVE_GONE && (c->excuse & EX_CRASH))
                return;
        if (!e->gone) {
                violation(s, "connection %u side %u (node %u, port %u): never told its end; %s, wrote %u of %u, read %u of %u%s%s", c->id, e->side,
                          e->node->id, c->sport, e->t ? tcp_state_name(e->t) : "between two machines", e->queued, e->size, e->got, from->size, e->shut ? ", shut" : "",
                          e->let_go ? ", closed" : "");
                return;
        }
        if (e->crashed || e->aborted)
                return;
        if (e->err && !excused(c, e))
                violation(s, "connection %u side %u (port %u): %s without cause (excuses %x); wrote %u of %u, read %u of %u", c->id, e->side, c->sport,
                          stack_strerror(e->err), c->excuse, e->queued, e->size, e->got, from->size);
        if (!e->err && !(c->excuse & (EX_ABORT | EX_APP_MODE)) && !has_all(e))
                violation(s, "connection %u side %u: closed well, but read %u of %u", c->id, e->side, e->got, from->queued);
}

static bool still_there(void *ctx, const struct tcp_info *info)
{
        struct node *n = ctx;
        if (info->names.rport)
                violation(n->sim, "node %u: a connection is left: %s byte %02x ports %u %u, to read %u, to send %u", n->id, info->state, info->byte,
                          info->names.lport, info->names.rport, info->rcv_queue, info->snd_queue);
        return true;
}

static void check_node(struct sim *s, struct node *n)
{
        node_enter(n);
        tcp_walk(n->st, still_there, n);
        for (u32 i = 0; i < SIM_PORTS; i++)
                if (n->listener[i])
                        tcp_unlisten(n->listener[i]);
        arp_flush(&n->nif);
        node_leave(n);
        if (cluster_member(n))
                cluster_check(n);
        if (n->st->pkts.n_free != n->st->pkts.n_total)
                violation(s, "node %u: %u packet buffers leaked", n->id, n->st->pkts.n_total - n->st->pkts.n_free);
        if (n->st->wheel.n_running > n->timers)
                violation(s, "node %u: %u timers run, %u before any traffic", n->id, n->st->wheel.n_running, n->timers);
        s->format_drops += node_format_drops(n);
}

void check_run(struct sim *s)
{
        for (u32 i = 0; i < s->p.conns; i++)
                for (u32 k = 0; k < 2; k++)
                        check_end(s, &s->conn[i], &s->conn[i].end[k]);
        for (u32 i = 0; i < s->p.nodes; i++)
                if (s->node[i].st)
                        check_node(s, &s->node[i]);
        /* one wrong bit never passes a 16-bit sum, and nothing but a wrong bit is malformed */
        if (s->format_drops != s->count.spoilt_rx && !s->p.cluster) /* the front passes on what the node refuses */
                violation(s, "%u frames refused as malformed, %llu spoilt ones arrived", s->format_drops, (unsigned long long)s->count.spoilt_rx);
}
