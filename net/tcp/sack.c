/* sack.c - the peer's selective acknowledgements onto the scoreboard (RFC 2018, 6675; duplicates by RFC 2883).
 * SPDX-License-Identifier: MIT */
#include "engine.h"

/* RFC 2883 4: the first block lies below the acknowledgement, or inside the second one. */
static bool is_dsack(const struct tcp_seg *s)
{
        const struct sack_block *a = &s->sack[0], *b = &s->sack[1];
        if (seq_lt(a->start, s->ack))
                return true;
        return s->n_sack > 1 && seq_ge(a->start, b->start) && seq_le(a->end, b->end);
}

static bool plausible(const struct tcb *t, const struct sack_block *b)
{
        return seq_lt(b->start, b->end) && seq_ge(b->start, t->snd_una) && seq_le(b->end, t->snd_nxt);
}

/* Neighbours that both arrived become one: what a sweep over the scoreboard costs is holes, not segments. */
static struct sent *join(struct tcb *t, struct sent *before, struct sent *r)
{
        struct flight *f = t->flight;
        if (!before || !(before->flags & SENT_SACKED))
                return r;
        before->end = r->end;
        before->flags |= r->flags;
        before->next = r->next;
        if (f->last == r)
                f->last = before;
        if (f->settled == r)
                f->settled = before;
        f->n_sacked--;
        sent_put(t, r);
        return before;
}

static void mark_block(struct tcb *t, struct sack_block b)
{
        struct flight *f = t->flight;
        for (struct sent *r = f->first, *before = NULL; r && seq_lt(r->seq, b.end); before = r, r = r->next) {
                if (seq_le(r->end, b.start))
                        continue;
                if (!(r->flags & SENT_SACKED)) {
                        if (seq_lt(r->seq, b.start)) {
                                if (!sent_split(t, r, b.start))
                                        continue;
                                before = r;
                                r = r->next;
                        }
                        if (seq_gt(r->end, b.end) && !sent_split(t, r, b.end))
                                continue;
                        rack_update(t, r);
                        sent_mark(t, r, SENT_SACKED);
                        f->delivered += r->end - r->seq;
                }
                r = join(t, before, r);
        }
}

void tcp_sack_arrives(struct tcb *t, const struct tcp_seg *s)
{
        u32 i = 0;
        if (s->n_sack && is_dsack(s)) {
                const struct sack_block *d = &s->sack[0];
                if (seq_lt(d->start, d->end) && d->end - d->start <= t->max_snd_wnd)
                        recovery_dsack(t, (d->end - d->start + t->mss - 1) / t->mss, d->end);
                i = 1;
        }
        for (; i < s->n_sack; i++)
                if (plausible(t, &s->sack[i]))
                        mark_block(t, s->sack[i]);
}
