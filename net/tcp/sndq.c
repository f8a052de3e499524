/* sndq.c - the send queue: what is to be sent is described, not stored; bytes stay where they are until acknowledged.
 * Not here: when and as what they are sent (tx.c, segment.c). SPDX-License-Identifier: MIT */
#include "engine.h"
#include "mem.h"

static bool may_queue(const struct tcb *t)
{
        return !(t->flags & (TF_FIN_QUEUED | TF_USER_CLOSED | TF_DEAD));
}

bool tcp_sending_over(const struct tcb *t) { return !may_queue(t); }

u32 tcp_send_room(const struct tcb *t)
{
        return may_queue(t) && t->snd_queued < t->sndbuf ? t->sndbuf - t->snd_queued : 0;
}

u32 tcp_send_queued(const struct tcb *t) { return t->snd_queued; }

/* An eighth of the cells is left for the records of what was sent: what is outstanding without one is never sent again. */
static bool put(struct tcb *t, const void *ptr, u32 n, const u32 *sum, struct pkt *hold)
{
        struct cellpool *cells = &t->ts->cells;
        if (t->timer_kind == TT_READY)
                calm_settle(t); /* its cell may be the last one */
        struct sndent *e = cells->n_free > cells->keep ? pool_get(cells) : NULL;
        if (!e)
                return false;
        sndq_append(t, e, ptr, n, sum, hold);
        return true;
}

int tcp_send_ref_any(struct tcb *t, const void *ptr, u32 n, const u32 *sum)
{
        if (!may_queue(t))
                return E_CLOSED;
        if (n == 0)
                return 0;
        if (n > t->sndbuf - t->snd_queued || t->snd_queued > t->sndbuf || !put(t, ptr, n, sum, NULL))
                return E_NOMEM;
        tcp_want_tx(t);
        return 0;
}

static int send_pkt(struct tcb *t, struct pkt *p, const u32 *sum)
{
        int err = 0;
        if (!may_queue(t))
                err = E_CLOSED;
        else if (p->len > tcp_send_room(t) || (p->len && !put(t, p->data, p->len, sum, p)))
                err = E_NOMEM;
        if (err || !p->len)
                pkt_free(p);
        else
                tcp_want_tx(t);
        return err;
}

int tcp_send_pkt(struct tcb *t, struct pkt *p) { return send_pkt(t, p, NULL); }
int tcp_send_pkt_sum(struct tcb *t, struct pkt *p, u32 sum) { return send_pkt(t, p, &sum); }

/* Fills up the last buffer when it is ours alone: nothing that was described before changes. */
static u32 append_last(struct tcb *t, const u8 *src, u32 n)
{
        struct sndent *e = t->snd_first ? t->snd_last : NULL;
        if (!e || !e->hold || e->hold->refs != 1 || e->hold->data + e->hold->len != e->ptr + e->len)
                return 0;
        n = min_u32(n, pkt_tailroom(e->hold));
        flight_wake(t);
        pkt_append(e->hold, src, n);
        e->len += n;
        e->has_sum = false;
        t->snd_queued += n;
        return n;
}

/* Three eighths of the buffers are left for what comes in: without the peers' acknowledgements nothing queued would ever be
 * freed. More than the quarter below which windows close (tcp_edge): else two sides with much to say close them on each other
 * for good. */
static bool may_buffer(const struct tcb *t)
{
        const struct pktpool *pool = &tcb_stack(t)->pkts;
        return pool->n_free > (pool->n_total >> 2) + (pool->n_total >> 3);
}

int tcp_send(struct tcb *t, const void *src, u32 n)
{
        if (!may_queue(t))
                return E_CLOSED;
        n = min_u32(n, tcp_send_room(t));
        u32 done = append_last(t, src, n);
        while (done < n) {
                struct pkt *p = may_buffer(t) ? pkt_alloc(&tcb_stack(t)->pkts, 0) : NULL;
                if (!p)
                        break;
                u32 m = min_u32(n - done, PKT_BUF);
                pkt_append(p, (const u8 *)src + done, m);
                if (!put(t, p->data, m, NULL, p)) {
                        pkt_free(p);
                        break;
                }
                done += m;
        }
        if (done)
                tcp_want_tx(t);
        return (int)done;
}

static void pop(struct tcb *t)
{
        struct sndent *e = t->snd_first;
        struct flight *f = t->flight;
        if (f && f->cur == e) {
                f->cur_off = f->cur_off > e->len ? f->cur_off - e->len : 0;
                f->cur = e->next;
        }
        t->snd_first = e->next;
        if (e->hold)
                pkt_free(e->hold);
        pool_put(&t->ts->cells, e);
}

void sndq_trim(struct tcb *t, u32 n)
{
        t->snd_queued -= n;
        while (n) {
                struct sndent *e = t->snd_first;
                if (n < e->len) {
                        e->ptr += n;
                        e->len -= n;
                        e->has_sum = false;
                        if (t->flight && t->flight->cur == e)
                                t->flight->cur_off -= n;
                        return;
                }
                n -= e->len;
                pop(t);
        }
}

u32 tcp_unqueue(struct tcb *t, u32 n)
{
        n = may_queue(t) ? min_u32(n, tcp_unsent(t)) : 0;
        if (!n)
                return 0;
        flight_wake(t);
        struct sndent *e = t->snd_first, *last = NULL, *next;
        u32 keep = t->snd_queued -= n;
        for (; keep; e = e->next) { /* what stays; the last of it may be cut */
                e->has_sum &= keep >= e->len;
                e->len = min_u32(e->len, keep);
                keep -= e->len;
                last = e;
        }
        *(last ? &last->next : &t->snd_first) = NULL;
        t->snd_last = last;
        for (; e; e = next) {
                next = e->next;
                if (t->flight && t->flight->cur == e) {
                        t->flight->cur = last;
                        t->flight->cur_off = last ? last->len : 0;
                }
                if (e->hold)
                        pkt_free(e->hold);
                pool_put(&t->ts->cells, e);
        }
        return n;
}

void sndq_free(struct tcb *t)
{
        if (t->timer_kind > TT_CALM) { /* nothing is listed, and this much was promised */
                t->ts->cells.n_free++;
                t->ts->flights.n_free += t->timer_kind != TT_REPLIED;
                t->timer_kind = TT_CALM;
        }
        t->snd_queued = 0;
        while (t->snd_first)
                pop(t);
}
