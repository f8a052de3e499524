/* tuples.c - entries of one size, their free list, and chains that begin in buckets. SPDX-License-Identifier: MIT */
#include "tuples.h"
#include "mem.h"

static struct tuple *nth(const struct tuples *t, u32 i) { return (struct tuple *)((u8 *)t->at + i * t->size); }

bool tuples_init(struct tuples *t, struct stack *st, u32 n, u32 size)
{
        u32 bits = 4;
        while (bits < 24 && 2u << bits <= n)
                bits++;
        *t = (struct tuples){.size = size, .n = n, .shift = 32 - bits};
        t->at = stack_alloc(st, (size_t)n * size, 64);
        t->bucket = stack_alloc(st, sizeof *t->bucket << bits, 16);
        if (!t->at || !t->bucket)
                return false;
        t->key[0] = stack_random(st) | 1;
        t->key[1] = stack_random(st) | 1;
        for (u32 i = n; i-- > 0;) {
                nth(t, i)->next = t->free;
                t->free = i + 1;
        }
        return true;
}

void *tuples_find(const struct tuples *t, u32 raddr, u32 laddr, u32 ports)
{
        struct tuple *e;
        for (u32 i = *tuples_chain(t, raddr ^ laddr, ports); i; i = e->next) {
                e = nth(t, i - 1);
                if (e->ports == ports && e->raddr == raddr && e->laddr == laddr)
                        return e;
        }
        return NULL;
}

void *tuples_add(struct tuples *t, u32 *bucket, u32 raddr, u32 laddr, u32 ports)
{
        u32 i = t->free;
        if (!i)
                return NULL;
        struct tuple *e = nth(t, i - 1);
        t->free = e->next;
        *e = (struct tuple){raddr, laddr, ports, *bucket};
        *bucket = i;
        t->n_used++;
        return e;
}

void tuples_del(struct tuples *t, u32 *bucket, void *entry)
{
        struct tuple *e = entry;
        u32 me = (u32)((u8 *)entry - (u8 *)t->at) / t->size + 1, *at = bucket;
        while (*at != me)
                at = &nth(t, *at - 1)->next;
        *at = e->next;
        memset(e, 0, t->size);
        e->next = t->free;
        t->free = me;
        t->n_used--;
}

void *tuples_sweep(struct tuples *t)
{
        u32 i = t->swept;
        t->swept = i + 1 < t->n ? i + 1 : 0;
        return nth(t, i);
}
