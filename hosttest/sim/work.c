/* work.c - who talks to whom, when, how much and in which manner: all of it planned from the seed before the run.
 * Also: what a crash or a long cut excuses. How an application behaves is in end.c.
 * SPDX-License-Identifier: MIT */
#include <string.h>
#include "sim.h"

/* In its first minute a front lets data on SYNs wait; early clients come later. */
u64 work_begins(const struct sim *s) { return s->p.cluster ? 62000000 : 12000000; }

/* One listener of each kind on every node. */
static void plan_ports(struct sim *s)
{
        struct rng *r = &s->work;
        for (u32 i = 0; i < s->p.nodes; i++) {
                struct tcp_opts *o = s->node[i].port_opts;
                for (u32 k = 0; k < SIM_PORTS; k++)
                        o[k] = (struct tcp_opts){.keepalive_ms = rng_in(r, 20000, 60000), .backlog = 64};
                o[1].app_mode = !s->p.plain;
                o[2].psh_message = true;
                o[0].fastopen = o[2].fastopen = true;
                o[3].cc = TCP_CC_NEWRENO;
                o[3].rcvbuf = rng_in(r, 1000, 8000);
                o[3].sndbuf = rng_in(r, PKT_BUF, 8000);
                o[4].no_wscale = o[4].no_sack = o[4].no_timestamps = true;
                o[5].ecn = o[5].nodelay = true;
                o[5].timewait_ms = rng_in(r, 1000, 10000);
                o[5].rcvbuf = o[5].sndbuf = 200000;
                for (u32 k = 0; k < SIM_PORTS && s->p.cluster; k++)
                        cluster_port(&o[k]);
        }
}

static void plan_opts(struct sim *s, struct conn *c)
{
        struct rng *r = &s->work;
        struct tcp_opts *o = &c->opts;
        o->cc = rng_below(r, 2) ? TCP_CC_NEWRENO : TCP_CC_CUBIC;
        o->no_wscale = !rng_below(r, 4);
        o->no_sack = !rng_below(r, 4);
        o->no_timestamps = !rng_below(r, 3);
        o->ecn = !rng_below(r, 3);
        o->nodelay = !rng_below(r, 3);
        o->psh_message = !rng_below(r, 10);
        o->app_mode = !s->p.plain && !o->psh_message && !rng_below(r, 25);
        o->keepalive_ms = rng_in(r, 20000, 60000);
        o->fastopen = !c->both_open && !rng_below(r, 3);
        if (!rng_below(r, 4))
                o->rcvbuf = rng_log(r, 600, 100000);
        if (!rng_below(r, 4))
                o->sndbuf = rng_log(r, 600, 100000);
        if (!rng_below(r, 6))
                o->mss = (u16)rng_in(r, 64, 1460);
        if (!rng_below(r, 5))
                o->user_timeout_ms = rng_in(r, 30000, 90000);
        if (!rng_below(r, 3))
                o->timewait_ms = rng_in(r, 500, 20000);
        if (o->app_mode || c->port == 1)
                c->excuse |= EX_APP_MODE;
        if (o->timewait_ms || c->port == 5 || s->p.slow || s->p.loss_ppm > 1000)
                c->excuse |= EX_FORGOT;
        if (s->p.pressure)
                c->excuse |= EX_PRESSURE;
        if (o->user_timeout_ms && (s->p.loss_ppm || s->p.corrupt_ppm || s->p.slow || s->p.crashes))
                c->excuse |= EX_IMPATIENT;
}

static void plan_end(struct sim *s, struct conn *c, u32 side, u32 node)
{
        struct rng *r = &s->work;
        struct end *e = &c->end[side];
        e->c = c;
        e->side = (u8)side;
        e->node = &s->node[node];
        e->rng.s = (u64)rng_u32(r) << 32 | rng_u32(r);
        e->read_how = (u8)rng_below(r, READ_HOWS);
        e->write_how = (u8)rng_below(r, WRITE_HOWS);
        e->size = rng_below(r, 8) ? rng_log(r, 1, s->p.max_bytes) : 0;
        e->abort_at = UINT32_MAX;
        if (!s->p.plain && !rng_below(r, 14)) {
                e->abort_at = rng_below(r, e->size + 2);
                e->close_early = rng_below(r, 2);
        }
        e->pace_us = e->read_how == READ_SLOW || !rng_below(r, 10) ? rng_log(r, 500, 300000) : 0;
        if (e->pace_us)
                e->size = min_u32(e->size, 60000);
}

static void plan_conn(struct sim *s, u32 id)
{
        struct rng *r = &s->work;
        struct conn *c = &s->conn[id];
        u32 a = rng_below(r, s->p.nodes), b = rng_below(r, s->p.nodes - 1);
        b += b >= a;
        if (s->p.cluster) {
                a = s->p.cluster + a % (s->p.nodes - s->p.cluster);
                b = 0;
        }
        c->sim = s;
        c->id = id;
        c->port = (u8)rng_below(r, SIM_PORTS);
        c->open_us = s->now_us + work_begins(s) + (u64)rng_below(r, s->p.span_ms) * 1000 + rng_below(r, 1000);
        plan_end(s, c, 0, a);
        plan_end(s, c, 1, b);
        c->both_open = !rng_below(r, 20) && !s->p.cluster;
        c->refuse = !s->p.plain && !c->both_open && !rng_below(r, 40);
        plan_opts(s, c);
        if (!rng_below(r, 20))
                c->end[0].size = c->end[1].size = 0;     /* a simultaneous close, nearly */
        /* an echo gives back what it got, so both directions carry the first one's content */
        if (!c->both_open && !rng_below(r, 6) && c->end[1].read_how != READ_SLOW) {
                c->end[1].echo = true;
                c->end[1].size = c->end[0].size;
        }
        if (c->end[1].pace_us && c->end[0].size > 60000)
                c->end[0].size = 60000;
        if (c->end[0].pace_us && c->end[1].size > 60000)
                c->end[1].size = 60000;
        if (c->end[1].echo)
                c->end[1].size = c->end[0].size;
        ev_at(s, c->open_us, EV_OPEN, id << 1, NULL);
        if (s->p.cluster)
                cluster_plan(c);
        if (c->both_open)
                ev_at(s, c->open_us, EV_OPEN, id << 1 | 1, NULL);
}

void work_plan(struct sim *s)
{
        struct rng *r = &s->life;
        plan_ports(s);
        for (u32 i = 0; i < s->p.conns; i++)
                plan_conn(s, i);
        for (u32 i = 0; i < s->p.crashes; i++) {
                u64 t = s->now_us + work_begins(s) + (u64)rng_below(r, s->p.span_ms) * 1000;
                u32 n = rng_below(r, s->p.nodes);
                if (s->p.cluster) /* nodes, and once in a while the front */
                        n = rng_below(r, 8) ? 1 + n % (s->p.cluster - 1) : 0;
                ev_at(s, t, EV_CRASH, n, NULL);
                ev_at(s, t + rng_log(r, 1000, 120000000), EV_RESTART, n, NULL);
        }
        for (u32 i = 0; i < s->p.partitions; i++)
                ev_at(s, s->now_us + work_begins(s) + (u64)rng_below(r, s->p.span_ms) * 1000, EV_SPLIT, 0, NULL);
}

static u32 found_slot(ipaddr client, u16 port)
{
        return (((u32)client.v4.b[2] << 8 | client.v4.b[3]) * 2654435761u + port * 40503u) >> 20;
}

static struct conn **found_head(struct sim *s, ipaddr client, u16 port)
{
        return &s->found[found_slot(client, port) % COUNT_OF(s->found)];
}

/* A QuRe client who was not answered asks again plainly, from another port. */
static struct conn *found_again(struct sim *s, const struct tcp_names *names)
{
        for (u32 i = 0; i < s->p.conns; i++) {
                struct conn *c = &s->conn[i];
                const struct end *e = &c->end[0];
                struct tcp_names now = {0};
                if (!c->opts.qure || !c->started || SIM_PORT + c->port != names->lport || !ipaddr_eq(node_addr(s, e->node->id), names->raddr))
                        continue;
                if (e->live && !e->gone)
                        tcp_names(e->t, &now);
                if (now.lport && now.lport != c->sport)
                        c->again = now.lport;
                if (c->again == names->rport)
                        return c;
        }
        return NULL;
}

struct conn *work_find(struct node *server, const struct tcp_names *names)
{
        struct sim *s = server->sim;
        for (struct conn *c = *found_head(s, names->raddr, names->rport); c; c = c->next_found)
                if (c->sport == names->rport && (s->p.cluster ? cluster_member(server) : c->end[1].node == server) && SIM_PORT + c->port == names->lport &&
                    ipaddr_eq(node_addr(s, c->end[0].node->id), names->raddr))
                        return c;
        return s->p.cluster ? found_again(s, names) : NULL;
}

static bool finished(const struct conn *c)
{
        return c->started && (!c->end[0].live || c->end[0].gone) && (!c->end[1].live || c->end[1].gone);
}

static bool across(const struct conn *c) { return c->end[0].node->far != c->end[1].node->far; }

void work_open(struct conn *c, u32 side)
{
        struct sim *s = c->sim;
        struct node *n = c->end[side].node, *peer = c->end[!side].node;
        u16 mine = c->both_open ? (u16)(10000 + 2 * (c->id % 10000) + side) : 0;
        u16 theirs = c->both_open ? (u16)(10000 + 2 * (c->id % 10000) + !side) : (u16)(SIM_PORT + c->port);
        c->started = true;
        if (!n->st || !peer->st)
                c->excuse |= EX_CRASH;
        if (s->cut_long && across(c))
                c->excuse |= EX_CUT;
        if (!n->st)
                return;
        node_enter(n);
        int err = 0;
        ipaddr to = s->p.cluster ? cluster_service() : node_addr(s, peer->id);
        struct tcb *t = tcp_connect(n->st, IPADDR_ANY, mine, to, theirs, &end_events, &c->end[side], &c->opts, &err);
        if (t) {
                struct tcp_names names;
                tcp_names(t, &names);
                end_start(&c->end[side], n, t);
                if (!c->both_open) {
                        c->sport = names.lport;
                        struct conn **head = found_head(s, names.laddr, names.lport);
                        c->next_found = *head;
                        *head = c;
                }
                end_early(&c->end[side]);
        } else if (!s->p.pressure) {
                violation(s, "connection %u: tcp_connect: %s", c->id, stack_strerror(err));
        } else if (c->both_open) {
                c->excuse |= EX_REFUSED;
        }
        node_leave(n);
}

void work_crashed(struct node *n)
{
        struct sim *s = n->sim;
        for (u32 i = 0; i < s->p.conns; i++) {
                struct conn *c = &s->conn[i];
                if (!c->started || finished(c))
                        continue;
                for (u32 k = 0; k < 2; k++) {
                        struct end *e = &c->end[k];
                        if (e->node != n)
                                continue;
                        c->excuse |= EX_CRASH;
                        if (e->live && !e->gone) {
                                e->gone = e->crashed = true;
                                e->t = NULL;
                                s->open_ends--;
                        }
                }
        }
}

void work_cut(struct sim *s)
{
        for (u32 i = 0; s->cut_long && i < s->p.conns; i++)
                if (s->conn[i].started && !finished(&s->conn[i]) && across(&s->conn[i]))
                        s->conn[i].excuse |= EX_CUT;
}
