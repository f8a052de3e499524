/* reasm.c - data that came ahead of its turn (SHLD-31): sorted packets without overlap, and what SACK says of them.
 * The place of each packet in the stream is noted in its buffer, in front of its data.
 * SPDX-License-Identifier: MIT */
#include "engine.h"
#include "mem.h"

static struct reasm *get(struct tcb *t)
{
        if (!t->reasm) {
                flight_wake(t);
                t->reasm = pool_get(&t->ts->reasms);
                if (t->reasm)
                        memset(t->reasm, 0, sizeof *t->reasm);
                tcp_predict(t);
        }
        return t->reasm;
}

static void put_back(struct tcb *t)
{
        pool_put(&t->ts->reasms, t->reasm);
        t->reasm = NULL;
        tcp_predict(t);
}

void reasm_free(struct tcb *t)
{
        struct reasm *r = t->reasm;
        if (!r)
                return;
        while (r->first) {
                struct pkt *p = r->first;
                r->first = p->next;
                pkt_free(p);
        }
        put_back(t);
}

static void drop_block(struct reasm *r, u32 i)
{
        r->n_blocks--;
        for (; i < r->n_blocks; i++)
                r->block[i] = r->block[i + 1];
}

/* The block that [start, end) now belongs to becomes the newest (RFC 2018 4 (a)). */
static void note_block(struct reasm *r, u32 start, u32 end)
{
        for (u32 i = 0; i < r->n_blocks;) {
                struct sack_block *b = &r->block[i];
                if (seq_le(b->start, end) && seq_ge(b->end, start)) {
                        start = seq_lt(b->start, start) ? b->start : start;
                        end = seq_max(b->end, end);
                        drop_block(r, i);
                } else {
                        i++;
                }
        }
        if (r->n_blocks == COUNT_OF(r->block)) {
                r->n_blocks--;
                r->forgot = true;
        }
        memmove(&r->block[1], &r->block[0], r->n_blocks * sizeof r->block[0]);
        r->block[0] = (struct sack_block){start, end};
        r->n_blocks++;
}

/* RFC 2018 4: the first block tells all of the contiguous data around the segment in hand, of blocks that were forgotten too. */
static void note_queued(struct reasm *r, u32 start, u32 end)
{
        struct pkt *p = r->forgot ? r->first : NULL;
        while (p) {
                u32 from = ooo_of(p)->seq, to = ooo_of(p)->end;
                while ((p = p->next) && ooo_of(p)->seq == to)
                        to = ooo_of(p)->end;
                if (seq_le(from, start) && seq_ge(to, end)) {
                        start = from;
                        end = to;
                        break;
                }
        }
        note_block(r, start, end);
}

/* All blocks that were noted are gone, but not all that is queued: older ones were forgotten for them. */
static void note_anew(struct reasm *r)
{
        for (struct pkt *p = r->n_blocks ? NULL : r->first; p; p = p->next)
                if (p->len)
                        note_block(r, ooo_of(p)->seq, ooo_of(p)->end);
}

/* Cuts [seq, seq + len) so that it does not repeat what lies in front at `before`; false when nothing is left. */
static bool cut_front(const struct ooo *before, struct pkt *p, u32 *seq, u32 *len, bool fin)
{
        if (seq_le(before->end, *seq))
                return true;
        u32 cut = before->end - *seq;
        if (cut >= *len && !(fin && cut == *len && !before->fin))
                return false;
        pkt_pull(p, cut);
        *seq += cut;
        *len -= cut;
        return true;
}

/* Gives back what is the furthest ahead, so that nearer data has room. */
static bool make_room(struct tcb *t, u32 seq)
{
        struct reasm *r = t->reasm;
        struct pkt *p = r->last, *before = NULL;
        if (!r->first || seq_le(ooo_of(p)->seq, seq))
                return false;
        for (struct pkt *q = r->first; q != p; q = q->next)
                before = q;
        r->bytes -= p->len;
        r->n_pkts--;
        for (u32 i = 0; i < r->n_blocks; i++)
                if (seq_gt(r->block[i].end, ooo_of(p)->seq)) {
                        r->block[i].end = ooo_of(p)->seq;
                        if (seq_ge(r->block[i].start, r->block[i].end))
                                drop_block(r, i--);
                }
        *(before ? &before->next : &r->first) = NULL;
        r->last = before;
        note_anew(r);
        pkt_drop(p, DROP_TCP_OOO_EVICTED);
        return true;
}

/* Without it, data ahead of its turn could hold the last buffers of all connections, and no hole would ever be filled. */
bool reasm_evict(struct tcb *t)
{
        if (!t->reasm || !make_room(t, t->rcv_nxt))
                return false;
        if (!t->reasm->first)
                put_back(t);
        return true;
}

/* There is room for one more, made if need be; false (p dropped) when there is none. */
static bool room(struct tcb *t, struct pkt *p, u32 seq)
{
        struct reasm *r = get(t);
        const struct pktpool *pool = &tcb_stack(t)->pkts;
        u32 max = max_u32(min_u32(TCP_REASM_PKTS, pool->n_total / 4), t->rcv_space / 1024);
        bool tight = r && (r->n_pkts >= max || pool->n_free < pool->n_total / 8);
        if (r && pkt_headroom(p) >= sizeof(struct ooo) && (!tight || make_room(t, seq)))
                return true;
        if (r && !r->first)
                put_back(t);
        pkt_drop(p, DROP_TCP_OOO_FULL);
        return false;
}

/* RFC 2883 4: the first piece that came twice is the one that is told. */
static void note_dup(struct sack_block *dup, u32 start, u32 end)
{
        if (dup->start == dup->end)
                *dup = (struct sack_block){start, end};
}

/* What of o, which is queued, lies in front of `end`. */
static void note_dup_of(const struct ooo *o, u32 end, struct sack_block *dup)
{
        if (seq_lt(o->seq, end))
                note_dup(dup, o->seq, seq_lt(o->end, end) ? o->end : end);
}

void reasm_repeated(const struct reasm *r, u32 end, struct sack_block *dup)
{
        note_dup_of(ooo_of(r->first), end, dup);
}

/* What follows and is covered by [seq, end) goes; what is covered in part gives its front. */
static void uncover(struct reasm *r, struct pkt **at, u32 end, bool fin, struct sack_block *dup)
{
        while (*at && seq_lt(ooo_of(*at)->seq, end)) {
                struct pkt *q = *at;
                struct ooo *o = ooo_of(q);
                note_dup_of(o, end, dup);
                if (seq_gt(o->end, end) || (o->end == end && o->fin && !fin)) {
                        u32 cut = end - o->seq;
                        pkt_pull(q, cut);
                        o->seq += cut;
                        r->bytes -= cut;
                        return;
                }
                *at = q->next;
                r->bytes -= q->len;
                r->n_pkts--;
                pkt_drop(q, DROP_TCP_OOO_COVERED);
        }
}

/* Consumes p. *dup: what it repeats of data that is queued already (RFC 2883), unless that is known to repeat something. */
void reasm_insert(struct tcb *t, struct pkt *p, u32 seq, u32 len, bool fin, bool psh, struct sack_block *dup)
{
        if (!room(t, p, seq))
                return;
        struct reasm *r = t->reasm;
        /* mostly it goes behind the last */
        struct pkt *tail = r->last, **at = r->first && seq_le(ooo_of(tail)->seq, seq) ? &tail : &r->first;
        u32 first = seq, end = seq + len;
        while (*at && seq_le(ooo_of(*at)->seq, seq)) {
                u32 from = seq;
                if (!cut_front(ooo_of(*at), p, &seq, &len, fin)) {
                        *dup = (struct sack_block){first, end};
                        if (first != end)
                                note_queued(r, first, end);
                        pkt_drop(p, DROP_TCP_OOO_DUP);
                        return;
                }
                note_dup(dup, from, seq);
                at = &(*at)->next;
        }
        uncover(r, at, end, fin, dup);
        p->next = *at;
        *at = p;
        if (!p->next)
                r->last = p;
        *ooo_of(p) = (struct ooo){seq, end, fin, psh};
        r->bytes += len;
        r->n_pkts++;
        if (len)
                note_queued(r, seq, end);
}

/* Moves what has become in order to the receive queue; true when that ends with the peer's FIN. */
bool reasm_collect(struct tcb *t)
{
        struct reasm *r = t->reasm;
        bool fin = false;
        while (r->first && seq_le(ooo_of(r->first)->seq, t->rcv_nxt) && !fin) {
                struct pkt *p = r->first;
                struct ooo o = *ooo_of(p);
                r->first = p->next;
                r->bytes -= p->len;
                r->n_pkts--;
                u32 cut = min_u32(t->rcv_nxt - o.seq, p->len), len;
                pkt_pull(p, cut);
                len = p->len;
                fin = o.fin && seq_ge(o.end, t->rcv_nxt);
                if (!len) {
                        pkt_drop(p, DROP_TCP_OOO_OLD);
                        continue;
                }
                t->rcv_nxt += len;
                tcp_append(t, p, len, o.psh);
        }
        for (u32 i = 0; i < r->n_blocks;)
                if (seq_le(r->block[i].end, t->rcv_nxt))
                        drop_block(r, i);
                else
                        i++;
        note_anew(r);
        if (!r->first)
                put_back(t);
        return fin;
}
