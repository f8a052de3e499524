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

static void mark_block(struct tcb *t, struct sack_block b)
{
        struct flight *f = t->flight;
        for (struct sent *r = f->first; r && seq_lt(r->seq, b.end); r = r->next) {
                if (seq_le(r->end, b.start) || (r->flags & SENT_SACKED))
                        continue;
                if (seq_lt(r->seq, b.start)) {
                        if (!sent_split(t, r, b.start))
                                continue;
                        r = r->next;
                }
                if (seq_gt(r->end, b.end) && !sent_split(t, r, b.end))
                        continue;
                rack_update(t, r);
                sent_mark(t, r, SENT_SACKED);
                f->delivered += r->end - r->seq;
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
