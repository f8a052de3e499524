/* queue.c - the simulator's events in order of time (a binary heap; equal times in order of entry) and its chance.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include "sim.h"

u32 rng_u32(struct rng *r)
{
        u64 z = r->s += 0x9e3779b97f4a7c15ull;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ z >> 27) * 0x94d049bb133111ebull;
        return (u32)(z >> 32 ^ z);
}

u32 rng_log(struct rng *r, u32 lo, u32 hi)
{
        u32 span = 0;
        while (lo << span < hi && lo << span < 0x80000000u)
                span++;
        u32 base = lo << rng_below(r, span ? span : 1);
        u32 v = base + rng_below(r, base ? base : 1);
        return v > hi ? hi : v;
}

static bool before(const struct event *a, const struct event *b)
{
        return a->t != b->t ? a->t < b->t : (s32)(a->n - b->n) < 0;
}

void ev_at(struct sim *s, u64 t, enum ev_kind kind, u32 a, void *p)
{
        if (s->n_heap == s->cap_heap) {
                s->cap_heap = s->cap_heap ? 2 * s->cap_heap : 1024;
                s->heap = realloc(s->heap, s->cap_heap * sizeof *s->heap);
                if (!s->heap)
                        abort();
        }
        struct event e = {t, s->ev_count++, kind, a, p};
        u32 i = s->n_heap++;
        for (; i && before(&e, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
                s->heap[i] = s->heap[(i - 1) / 2];
        s->heap[i] = e;
}

bool ev_next(struct sim *s, struct event *out)
{
        if (!s->n_heap)
                return false;
        *out = s->heap[0];
        struct event last = s->heap[--s->n_heap];
        u32 i = 0;
        for (;;) {
                u32 k = 2 * i + 1;
                if (k >= s->n_heap)
                        break;
                if (k + 1 < s->n_heap && before(&s->heap[k + 1], &s->heap[k]))
                        k++;
                if (!before(&s->heap[k], &last))
                        break;
                s->heap[i] = s->heap[k];
                i = k;
        }
        s->heap[i] = last;
        return true;
}
