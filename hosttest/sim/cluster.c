/* cluster.c - a front and its nodes in the simulated network: clients connect to the service address, and their connections are moved
 * between these machines at any moment of their work, which work.c and end.c know nothing of. The server's application moves
 * along: its place in the block must be what it was when it was asked. Machine 0 is the front.
 * SPDX-License-Identifier: MIT */
#include <string.h>
#include "../../net/handoff/handoff_impl.h"
#include "sim.h"

#define SERVICE IPADDR(10, 0, 250, 1)
enum { PLACE_FIXED = 16, NOBODY = UINT32_MAX, LATE_US = 3000000 };

bool cluster_member(const struct node *n) { return n->id < n->sim->p.cluster; }
ipaddr cluster_service(void) { return SERVICE; }

void cluster_sizes(struct stack_config *c)
{
        c->n_pkts = 4096;
        c->n_tcbs = c->n_timewait = 700; /* 87 handoffs at a time: who only repeats 53 makes room */
        c->n_synq = 256;
}

void cluster_start(struct node *n)
{
        struct sim *s = n->sim;
        struct handoff *h = handoff_new(n->st, 4096);
        u8 secret[16] = {(u8)s->p.seed, 0x5e};
        bool good = h && handoff_secret(h, secret, sizeof secret) == 0 &&
                    (n->id || netif_addr_add(&n->nif, SERVICE, 16, IFADDR_STATIC, false) == 0) &&
                    handoff_service_add(h, &n->nif, SERVICE) == 0;
        for (u32 i = 0; i < s->p.cluster; i++)
                good &= i == n->id || handoff_node_add(h, node_addr(s, i)) == 0;
        if (!good)
                violation(s, "node %u: no handoff", n->id);
        n->timers = n->st->wheel.n_running;
}

static bool any_request(const u8 *data, u32 n) { return true; }

/* QuRe's peers acknowledge at once and never let go of what is unread; what is for others stays for them. */
void cluster_port(struct tcp_opts *o)
{
        o->fastopen = o->qure = !o->app_mode && !o->psh_message;
        o->idempotent = o->qure ? any_request : NULL;
}

/* Moves of a connection: none or several, soon after it began or late. A third of the clients speaks QuRe. */
void cluster_plan(struct conn *c)
{
        struct sim *s = c->sim;
        struct rng *r = &s->move;
        u64 t = c->open_us;
        c->end[1].node = &s->node[0];
        c->hand_first = rng_below(r, 3) == 0;
        c->opts.qure = rng_below(r, 3) == 0 && !c->opts.app_mode && !c->opts.psh_message;
        c->opts.fastopen &= !c->opts.qure;
        for (u32 n = rng_below(r, 8); n; n--) {
                t += rng_log(r, 200, 8000000);
                ev_at(s, t, EV_MOVE, c->id, NULL);
        }
}

static void done(void *ctx, struct tcb *t, enum handoff_reason why)
{
        struct conn *c = ctx;
        struct end *e = &c->end[1];
        struct sim *s = c->sim;
        if (c->end[1].crashed || e->moving != MOVE_ASKED)
                violation(s, "connection %u: a move ends that nobody began", c->id);
        if (why == HANDOFF_OK) {
                s->count.moved++;
                c->source = e->node;
                c->via = e->node->id != 0; /* the front has it, and hands it on, back, or begins it itself */
                c->speaker = c->via && !e->gone ? NOBODY : c->target;
                c->any = c->via && e->gone;
                e->t = NULL;
                e->moving = e->gone ? MOVE_NONE : MOVE_GONE;
                e->node = &s->node[c->via ? 0 : c->target];
                if (c->doubt)
                        c->excuse |= EX_CRASH;
                return;
        }
        s->count.stayed++;
        c->speaker = e->node->id;
        e->moving = MOVE_NONE;
        if (!e->app_set) /* who was handed over unread begins to work here */
                ev_at(s, s->now_us + 1, EV_APP, 0, e);
        e->app_set = true;
}

/* From any machine to any other. Called with the clock of its machine set. */
static enum handoff_reason begin(struct conn *c, bool fresh)
{
        struct end *e = &c->end[1];
        struct sim *s = c->sim;
        struct handoff *h = handoff_of(e->node->st);
        const char *why = "fresh";
        enum handoff_reason r;
        u32 here = e->node->id;
        c->target = (here + rng_in(&s->move, 1, s->p.cluster - 1)) % s->p.cluster;
        c->doubt = false;
        c->moved_port = tcb_rport(e->t);
        e->moving = MOVE_ASKED;
        if (fresh)
                r = handoff_begin(h, e->t, node_addr(s, c->target), NULL, done, c);
        else
                r = handoff_move(h, e->t, node_addr(s, c->target), done, c, &why);
        if (r == HANDOFF_OK) {
                s->count.early += (e->t->flags & TF_SYN_PENDING) != 0;
                c->speaker = NOBODY;
                c->said[here] = e->t->snd_nxt;
                c->frozen_us[here] = s->now_us;
                return r;
        }
        s->count.refused++;
        e->moving = MOVE_NONE;
        return r;
}

void cluster_move(struct conn *c)
{
        struct end *e = &c->end[1];
        if (!e->live || e->gone || e->moving || !e->node->st)
                return;
        node_enter(e->node);
        if (e->live && !e->gone && !e->moving)
                begin(c, false);
        node_leave(e->node);
}

/* The first bytes of a request: some are handed over before they are read, as the front does it. true: it is on its way. */
bool cluster_hand_first(struct end *e)
{
        struct conn *c = e->c;
        if (!c->hand_first || e->node->id || e->got || e->queued)
                return false;
        c->hand_first = false;
        return begin(c, true) == HANDOFF_OK;
}

/* --- the application's place --- */

static void fill(const struct end *e, u8 *p, u32 n)
{
        u32 v[4] = {e->c->id, e->queued, e->got, e->shut | e->eof << 1 | e->let_go << 2};
        memcpy(p, v, PLACE_FIXED);
        for (u32 i = PLACE_FIXED; i < n; i++)
                p[i] = (u8)(i * 7 + e->c->id);
}

int cluster_put(struct tcb *t, u8 *dst, u32 max, const char **why)
{
        struct end *e = tcp_user(t);
        struct rng *r = e ? &e->c->sim->move : NULL;
        *why = "not now";
        if (!e || rng_below(r, 12) == 0)
                return -1;
        u32 n = rng_in(r, PLACE_FIXED, max);
        if (!e->echo && rng_below(r, 2)) /* what it can write again need not travel */
                e->queued -= tcp_unqueue(t, rng_log(r, 1, 100000));
        fill(e, dst, n);
        return (int)n;
}

bool cluster_take(struct tcb *t, const u8 *src, u32 n)
{
        struct node *at = tcp_listener_user(tcp_listener(t));
        struct sim *s = at->sim;
        u8 want[TCP_PLACE_MAX];
        u32 id;
        memcpy(&id, src, 4);
        if (n < PLACE_FIXED || n > TCP_PLACE_MAX || id >= s->p.conns) {
                violation(s, "node %u: a place of %u bytes, for connection %u", at->id, n, id);
                return false;
        }
        struct end *e = &s->conn[id].end[1];
        fill(e, want, n);
        /* whoever asked may have given up meanwhile: then it is told in the end that it never began */
        if (e->moving == MOVE_ASKED && s->conn[id].target == at->id && memcmp(want, src, n))
                violation(s, "connection %u: its place at node %u is not what it was", id, at->id);
        /* but who gave it to the front, and the front itself, take it */
        if (rng_below(&s->move, 12) == 0 && at->id && e->node->id == 0 && !(e->moving == MOVE_GONE && at == s->conn[id].source))
                return false;
        tcp_set_user(t, e);
        return true;
}

/* A connection begins here that was moved: with its place, or by its names alone. false: it is another's. */
bool cluster_accept(struct conn *c, struct node *n, struct tcb *t)
{
        struct end *e = c ? &c->end[1] : NULL;
        struct tcp_names names;
        tcp_names(t, &names);
        if (!e || e->moving != MOVE_GONE || names.rport != c->moved_port)
                return false;
        bool there = e->node == n || (c->via && (n == c->source || n->id == c->target));
        if (!there && (c->excuse & EX_CRASH))
                return false; /* it went down with that machine, and an early client's SYN came again */
        if (!there)
                violation(n->sim, "connection %u: begins at node %u, but was moved to %u", c->id, n->id, c->target);
        e->node = n;
        c->speaker = n->id;
        tcp_set_user(t, e);
        e->t = t;
        e->moving = MOVE_NONE;
        n->sim->count.landed++;
        return true;
}

/* true: it is not the end of the application. */
bool cluster_closed(struct end *e, struct tcb *t, int err)
{
        if (e->c->sim->p.cluster < 2 || !e->side)
                return false;
        if (e->moving == MOVE_ASKED && e->t == t && err == 0 && !e->let_go)
                return true; /* it lives elsewhere */
        if (e->t == t)
                return false;
        /* never began there: 53 was lost with the machine that sent it */
        const struct conn *c = e->c;
        bool his = e->node == tcp_listener_user(tcp_listener(t));
        if (e->moving == MOVE_GONE && his && (e->c->excuse & EX_CRASH))
                return false;
        if (e->moving == MOVE_GONE && his && !c->via)
                violation(e->c->sim, "connection %u: moved, but never begun at node %u (%s)", e->c->id, e->node->id, stack_strerror(err));
        return true;
}

/* --- what must hold --- */

/* Data from the service address comes from one machine at a time: whose the connection is. */
void cluster_heard(struct sim *s, const struct frame *f)
{
        const u8 *ip = f->b + 14, *tcp = ip + 4u * (ip[0] & 15);
        if (f->len < 54 || f->b[12] != 8 || f->b[13] || ip[9] != 6 || memcmp(ip + 12, SERVICE.v4.b, 4))
                return;
        u32 len = ((u32)ip[2] << 8 | ip[3]) - 4u * (ip[0] & 15) - 4u * (tcp[12] >> 4);
        struct tcp_names names = {.rport = (u16)(tcp[2] << 8 | tcp[3]), .lport = (u16)(tcp[0] << 8 | tcp[1])};
        memcpy(&names.raddr, ip + 16, 4);
        struct conn *c = work_find(&s->node[0], &names);
        if (!c || (tcp[13] & TCP_RST) || (!len && !(tcp[13] & TCP_FIN)) || c->end[1].crashed)
                return;
        u32 end = ((u32)tcp[4] << 24 | (u32)tcp[5] << 16 | (u32)tcp[6] << 8 | tcp[7]) + len + (tcp[13] & TCP_FIN ? 1 : 0);
        /* what it said before may have waited for a neighbour's address */
        bool late = cluster_member(&s->node[f->from]) && c->frozen_us[f->from] && seq_le(end, c->said[f->from]) &&
                    s->now_us - c->frozen_us[f->from] < LATE_US;
        if (c->speaker != f->from && !late && !c->any)
                violation(s, "connection %u (port %u): node %u speaks, but it is %d's; flags %02x, %u bytes", c->id, c->sport, f->from,
                          (int)c->speaker, tcp[13], len);
}

void cluster_crashed(struct node *n)
{
        struct sim *s = n->sim;
        for (u32 i = 0; cluster_member(n) && i < s->p.conns; i++) {
                struct conn *c = &s->conn[i];
                struct end *e = &c->end[1];
                if (!c->started || (c->end[0].gone && e->gone))
                        continue;
                if (n->id == 0 || c->any)
                        c->excuse |= EX_CRASH; /* its packets went through the front */
                if (e->moving == MOVE_GONE && (c->source == n || c->target == n->id))
                        c->excuse |= EX_CRASH; /* perhaps with the last copy of 53 */
                c->doubt |= c->target == n->id;
        }
}

void cluster_check(struct node *n)
{
        const struct handoff *h = handoff_of(n->st);
        struct handoff_counters k;
        u32 transfers = 0, adoptions = 0;
        for (const struct transfer *x = h->free_transfer; x; x = x->next)
                transfers++;
        for (const struct adoption *a = h->free_adoption; a; a = a->next)
                adoptions++;
        handoff_counters(h, &k);
        if (k.flows || k.owned || transfers != h->n_transfers || adoptions != h->n_adoptions)
                violation(n->sim, "node %u: left: %u flows, %u owned, %u transfers, %u adoptions", n->id, k.flows, k.owned,
                          h->n_transfers - transfers, h->n_adoptions - adoptions);
        if (k.forged && !n->sim->p.corrupt_ppm)
                n->sim->count.forged += k.forged;
}
