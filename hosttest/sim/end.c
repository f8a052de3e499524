/* end.c - the applications: write what the plan says, compare what arrives byte for byte, close in every manner.
 * Runs from the stack's events alone, except for those that are slow on purpose. SPDX-License-Identifier: MIT */
#include <string.h>
#include "cksum.h"
#include "../../net/tcp/engine.h"
#include "sim.h"

const u8 *content(struct end *e, u32 off, u32 *n)
{
        struct sim *s = e->c->sim;
        u32 side = e->echo ? 0 : e->side;
        u32 base = (e->c->id * 2654435761u ^ side * 40503u ^ s->p.seed) % ARENA;
        u32 at = (u32)(((u64)base + off) % ARENA);
        *n = min_u32(*n, ARENA_RUN);
        return s->arena + at;
}

void end_start(struct end *e, struct node *n, struct tcb *t)
{
        e->t = t;
        e->live = true;
        e->c->sim->open_ends++;
}

static void app_later(struct end *e, u32 us)
{
        if (e->app_set || e->gone)
                return;
        e->app_set = true;
        ev_at(e->c->sim, e->c->sim->now_us + us, EV_APP, 0, e);
}

static void over(struct end *e, int err)
{
        if (e->gone)
                violation(e->c->sim, "connection %u side %u: told its end twice", e->c->id, e->side);
        else
                e->c->sim->open_ends--;
        e->gone = true;
        e->err = err;
        e->t = NULL;
}

/* What the plan, or want of memory, breaks off. */
static bool end_break(struct end *e)
{
        if (e->got + e->queued < e->abort_at)
                return false;
        e->c->excuse |= EX_ABORT;
        e->abort_at = UINT32_MAX;
        if (e->close_early) {
                e->let_go = true;
                tcp_close(e->t);
        } else {
                struct tcb *t = e->t;
                e->aborted = true;
                over(e, 0);
                tcp_abort(t);
        }
        return true;
}

/* --- reading --- */

static void compare(struct end *e, const u8 *got, u32 n)
{
        struct sim *s = e->c->sim;
        struct end *from = &e->c->end[!e->side];
        if (e->got + n > from->queued)
                violation(s, "connection %u side %u: %u bytes read, only %u were sent", e->c->id, e->side, e->got + n, from->queued);
        for (u32 done = 0; done < n;) {
                u32 m = n - done;
                const u8 *want = content(from, e->got + done, &m);
                if (memcmp(want, got + done, m)) {
                        violation(s, "connection %u side %u: wrong byte after offset %u", e->c->id, e->side, e->got + done);
                        break;
                }
                done += m;
        }
        e->got += n;
        s->count.content += n;
}

/* An echo sends the buffer it received (the seeds' pipe), one at a time while few are free (tcp.h). */
static bool read_take(struct end *e)
{
        const u8 *run;
        struct tcb *t = e->t;
        const struct pktpool *pool = &e->node->st->pkts;
        u32 n = tcp_peek(t, 0, &run), room = pool->n_free > pool->n_total / 8 * 3 || !tcp_send_queued(t) ? tcp_send_room(t) : 0;
        if (e->echo && room < n)
                return false;   /* room comes with `writable`: a whole buffer fits any send queue */
        /* compared first: `closed` may come from inside tcp_take */
        compare(e, run, n);
        struct pkt *p = tcp_take(t);
        if (!p || p->len != n || p->data != run)
                violation(e->c->sim, "connection %u side %u: took another buffer than seen", e->c->id, e->side);
        if (!e->echo || !p) {
                pkt_free(p);
                return p != NULL;
        }
        e->queued += n;
        if (tcp_send_pkt(t, p) == 0)
                return true;
        /* no place in the queue, and the bytes are gone with the buffer: the stream cannot go on */
        e->queued -= n;
        e->abort_at = 0;
        e->close_early = false;
        end_break(e);
        return false;
}

static bool read_piece(struct end *e, u32 limit)
{
        static u8 copy[4096];
        struct tcb *t = e->t;
        const u8 *run;
        u32 n;
        if (e->echo || e->read_how == READ_TAKE)
                return read_take(e);
        if (e->read_how == READ_COPY) {
                n = tcp_copy(t, 0, copy, min_u32(limit, sizeof copy));
                run = copy;
        } else {
                n = min_u32(tcp_peek(t, 0, &run), limit);
        }
        if (!n)
                violation(e->c->sim, "connection %u side %u: readable, but nothing to see", e->c->id, e->side);
        compare(e, run, n);
        tcp_consume(t, n);
        return n != 0;
}

/* The stream may end only where the other side closed it. */
static bool reached_end(struct end *e)
{
        struct end *from = &e->c->end[!e->side];
        if (e->eof)
                return true;
        e->eof = true;
        if (!from->shut && !from->let_go)
                violation(e->c->sim, "connection %u side %u: end of stream, but nobody closed", e->c->id, e->side);
        else if (e->got != from->queued)
                violation(e->c->sim, "connection %u side %u: cut off silently at %u of %u bytes", e->c->id, e->side, e->got, from->queued);
        else
                return true;
        return false;
}

static void end_read(struct end *e, bool paced)
{
        u32 budget = e->read_how != READ_SLOW ? UINT32_MAX : paced ? rng_in(&e->rng, 1, 6000) : 0;
        while (!e->gone && !e->let_go && budget && tcp_readable(e->t)) {
                u32 before = e->got;
                if (!read_piece(e, budget))
                        break;
                budget -= min_u32(budget, e->got - before);
        }
        if (!e->gone && !e->let_go && !tcp_readable(e->t) && tcp_eof(e->t))
                reached_end(e);
}

/* --- writing --- */

/* Buffers may be filled for sending while more than three eighths are free (tcp.h). */
static int write_pkt(struct end *e, const u8 *src, u32 n)
{
        struct pktpool *pool = &e->node->st->pkts;
        struct pkt *p = pool->n_free > pool->n_total / 4 + pool->n_total / 8 ? pkt_alloc(pool, PKT_HEADROOM) : NULL;
        if (!p)
                return E_NOMEM;
        n = min_u32(n, 1400);
        pkt_append(p, src, n);
        int err = tcp_send_pkt(e->t, p);
        return err < 0 ? err : (int)n;
}

/* Bytes taken, or negative. */
static int write_piece(struct end *e, const u8 *src, u32 n)
{
        u32 how = e->write_how == WRITE_MIXED ? rng_below(&e->rng, WRITE_MIXED) : e->write_how;
        int err;
        if (how == WRITE_COPY)
                return tcp_send(e->t, src, n);
        if (how == WRITE_PKT)
                return write_pkt(e, src, n);
        u32 sum = cksum_add(0, src, n);
        err = tcp_send_ref(e->t, src, n, how == WRITE_REF_SUM ? &sum : NULL);
        return err < 0 ? err : (int)n;
}

static void end_write(struct end *e)
{
        bool cork = e->write_how == WRITE_MIXED;
        if (cork)
                tcp_cork(e->t, true);
        while (!e->gone && !e->shut && !e->echo && e->queued < e->size) {
                u32 room = tcp_send_room(e->t), n = min_u32(min_u32(room, e->size - e->queued), rng_log(&e->rng, 64, 30000));
                if (!room)
                        break;
                const u8 *src = content(e, e->queued, &n);
                int took = write_piece(e, src, n);
                if (took > (int)n)
                        violation(e->c->sim, "connection %u side %u: took %d of %u bytes", e->c->id, e->side, took, n);
                /* out of buffers or of places in the queue: nothing will tell when there are some again */
                if (took <= 0) {
                        if (took < 0 && took != E_NOMEM)
                                violation(e->c->sim, "connection %u side %u: send: %s", e->c->id, e->side, stack_strerror(took));
                        app_later(e, 30000);
                        break;
                }
                e->queued += (u32)took;
        }
        if (cork && !e->gone)
                tcp_cork(e->t, false);
}

/* --- ending --- */

/* What was sent lies in the room that the other side has offered, a probe's one byte aside. A connection that moved, or whose other
 * end is another one by now, is not compared. */
static void within_window(const struct end *e)
{
        const struct end *o = &e->c->end[!e->side];
        if (e->c->sim->p.cluster || o->gone || o->crashed || !o->up || !o->t)
                return;
        s32 beyond = (s32)(e->t->snd_nxt - o->t->rcv_adv);
        if (beyond > 1 && e->t->snd_nxt - e->t->iss > 1461) /* what a SYN takes along knows of no window yet (RFC 7413) */
                violation(e->c->sim, "connection %u side %u: sent %d bytes beyond the window", e->c->id, e->side, beyond);
}

static void end_pump(struct end *e, bool paced)
{
        if (e->gone || e->let_go || !e->up || end_break(e))
                return;
        within_window(e);
        end_read(e, paced);
        if (e->gone || e->let_go)
                return;
        if (!e->pace_us || paced)
                end_write(e);
        if (e->gone || end_break(e))
                return;
        if (!e->shut && (e->echo ? e->eof : e->queued == e->size)) {
                e->shut = true;
                tcp_shutdown(e->t);
        }
        if (!e->gone && e->shut && e->eof) {
                e->let_go = true;
                tcp_close(e->t);
        } else if (e->pace_us) {
                app_later(e, e->pace_us);
        }
}

void end_early(struct end *e)
{
        if ((e->c->opts.fastopen || e->c->opts.qure) && !e->pace_us && !e->gone)
                end_write(e);
        if (e->c->opts.qure && !e->gone && !e->shut && !e->echo && e->queued == e->size) {
                e->shut = true;
                tcp_shutdown(e->t);
        }
}

void end_app(struct end *e)
{
        e->app_set = false;
        if (e->gone || e->moving || !e->node->st)
                return;
        node_enter(e->node);
        end_pump(e, true);
        node_leave(e->node);
}

/* --- events --- */

static void on_connected(struct tcb *t)
{
        struct end *e = tcp_user(t);
        if (e->up)
                violation(e->c->sim, "connection %u side %u: connected twice", e->c->id, e->side);
        e->up = true;
        end_pump(e, false);
}

/* A connection that nobody waits for: its client is gone, or it is the ghost of an old duplicate. */
static void orphan(struct tcb *t)
{
        tcp_consume(t, tcp_readable(t));
        if (tcp_eof(t))
                tcp_close(t);
}

static void on_readable(struct tcb *t)
{
        struct end *e = tcp_user(t);
        if (e && !cluster_hand_first(e))
                end_pump(e, false);
        else if (!e)
                orphan(t);
}

static void on_writable(struct tcb *t)
{
        struct end *e = tcp_user(t);
        if (e)
                end_pump(e, false);
}

static void on_closed(struct tcb *t, int err)
{
        struct end *e = tcp_user(t);
        if (!e || cluster_closed(e, t, err))
                return;
        /* both directions finished and all read: the application need not close any more */
        if (err == 0 && !e->let_go && !(e->shut && reached_end(e)))
                violation(e->c->sim, "connection %u side %u: closed without error, but not finished", e->c->id, e->side);
        over(e, err);
}

static bool on_accept(struct tcb *t)
{
        struct tcp_names names;
        struct node *n = tcp_listener_user(tcp_listener(t));
        tcp_names(t, &names);
        struct conn *c = work_find(n, &names);
        if (cluster_accept(c, n, t))
                return true;
        if (c && c->end[1].live && !c->end[1].gone && !c->again && !(c->excuse & EX_CRASH))
                violation(n->sim, "connection %u: accepted twice", c->id);
        /* a SYN with data that came again after its connection was aborted (RFC 7413 2.1): the plan has no second server */
        if (c && c->end[1].live && !c->end[0].crashed) {
                c->excuse |= EX_REFUSED;
                return false;
        }
        if (!c || c->end[0].crashed) {
                n->sim->count.orphans++;
                tcp_set_user(t, NULL);
                return true;
        }
        if (c->refuse) {
                c->excuse |= EX_REFUSED;
                return false;
        }
        struct end *e = &c->end[1];
        tcp_set_user(t, e);
        end_start(e, n, t);
        e->up = true;
        if (!c->hand_first)
                end_pump(e, false);
        return true;
}

const struct tcp_events end_events = {.connected = on_connected, .readable = on_readable, .writable = on_writable, .closed = on_closed};
const struct tcp_events end_listen_events = {.accept = on_accept, .readable = on_readable, .writable = on_writable, .closed = on_closed,
                                             .place_put = cluster_put, .place_take = cluster_take};
