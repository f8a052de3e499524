/* replay.c - SYNs whose data was used, by four-tuple and ISN, for 60 s (design 6): the network may deliver one twice, and a
 * stranger may send one again, but its request runs once. A ring, oldest first, in hash chains; when it is full the answer is
 * that it is full, and data waits for the handshake; so it is as long as another machine may have used what comes here.
 * SPDX-License-Identifier: MIT */
#include "engine.h"

bool replay_init(struct tcp_state *ts)
{
        struct conv_state *c = ts->conv;
        u32 bits = 8;
        while (bits < 14 && 1u << bits < ts->st->cfg.n_tcbs * 4)
                bits++;
        c->n_seen = 1u << bits;
        c->seen_shift = 32 - bits;
        c->seen = stack_alloc(ts->st, c->n_seen * sizeof *c->seen, 16);
        c->seen_link = stack_alloc(ts->st, c->n_seen * sizeof *c->seen_link, 16);
        c->seen_bucket = stack_alloc(ts->st, c->n_seen * sizeof *c->seen_bucket, 16);
        return c->seen && c->seen_link && c->seen_bucket;
}

/* A fixed secret of its own: the table lives through a change of the lookup's keys. */
static u32 *chain(struct tcp_state *ts, const struct seen *s)
{
        const u32_any *k = (const u32_any *)ts->st->key;
        u32 h = (s->raddr ^ s->laddr) * (k[0] | 1) + (s->ports ^ s->isn) * (k[1] | 1);
        return &ts->conv->seen_bucket[h >> ts->conv->seen_shift];
}

static void forget_oldest(struct tcp_state *ts)
{
        struct conv_state *c = ts->conv;
        u32 me = c->seen_first + 1, *at = chain(ts, &c->seen[c->seen_first]);
        while (*at != me)
                at = &c->seen_link[*at - 1];
        *at = c->seen_link[c->seen_first];
        c->seen_first = (c->seen_first + 1) % c->n_seen;
        c->seen_count--;
}

enum replay replay_note(struct tcp_state *ts, u32 raddr, u32 laddr, u32 ports, u32 isn)
{
        struct conv_state *c = ts->conv;
        u32 now = stack_now_ms(ts->st);
        struct seen s = {raddr, laddr, ports, isn, now};
        while (c->seen_count && now - c->seen[c->seen_first].at_ms >= REPLAY_MS)
                forget_oldest(ts);
        u32 *b = chain(ts, &s);
        for (u32 i = *b; i; i = c->seen_link[i - 1]) {
                const struct seen *o = &c->seen[i - 1];
                if (o->isn == isn && o->ports == ports && o->raddr == raddr && o->laddr == laddr)
                        return REPLAY_SEEN;
        }
        if (c->seen_count == c->n_seen || just_took_over(ts, REPLAY_MS))
                return REPLAY_FULL;
        u32 i = (c->seen_first + c->seen_count++) % c->n_seen;
        c->seen[i] = s;
        c->seen_link[i] = *b;
        *b = i + 1;
        return REPLAY_NEW;
}

bool replay_may_use(struct tcp_state *ts, const struct synq *q, const struct tcp_seg *s, const struct pkt *p)
{
        const struct tcp_opts *o = &q->l->opts;
        if (p->chain || (o->idempotent && !o->idempotent(p->data + s->hlen, s->len)))
                return false;
        enum replay r = replay_note(ts, q->raddr, q->laddr, q->ports, q->irs);
        ts->conv->count.replays += r == REPLAY_SEEN;
        return r == REPLAY_NEW;
}
