/* tuples.h - a table of connections, each under the names of one side's packets. It never grows. An entry lies in the chain of a
 * keyed multiply hash; of what, is each table's own. SPDX-License-Identifier: MIT */
#ifndef HANDOFF_TUPLES_H
#define HANDOFF_TUPLES_H

#include "stack.h"

/* What every entry begins with. next: index + 1 in the chain or of the free list. */
struct tuple { u32 raddr, laddr, ports, next; };

struct tuples {
        void *at;
        u32  *bucket;
        u32   size, n, n_used, free, shift, key[2], swept;
};

/* n entries of `size` bytes, zero, and their buckets. false: no memory. */
bool tuples_init(struct tuples *t, struct stack *st, u32 n, u32 size);
/* Where an entry belongs, by what is made of its names. */
static inline u32 *tuples_chain(const struct tuples *t, u32 addrs, u32 ports)
{
        return &t->bucket[(addrs * t->key[0] + ports * t->key[1]) >> t->shift];
}
/* In the chain of raddr ^ laddr and the ports; NULL: there is none. */
void *tuples_find(const struct tuples *t, u32 raddr, u32 laddr, u32 ports);
/* A new entry has nothing but its names; NULL: all are in use. */
void *tuples_add(struct tuples *t, u32 *bucket, u32 raddr, u32 laddr, u32 ports);
void tuples_del(struct tuples *t, u32 *bucket, void *entry);
/* The next one of a sweep that goes round for ever, in use or not. */
void *tuples_sweep(struct tuples *t);

#endif
