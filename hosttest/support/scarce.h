/* scarce.h - test support: a pool of packet buffers of which somebody else holds all but a few. SPDX-License-Identifier: MIT */
#ifndef SCARCE_H
#define SCARCE_H

#include "pkt.h"

/* Takes buffers until `left` are free. scarce_end gives back what this returns. */
static inline struct pkt *scarce_begin(struct pktpool *pool, u32 left)
{
        struct pkt *held = NULL;

        while (pool->n_free > left) {
                struct pkt *p = pkt_alloc(pool, 0);
                p->next = held;
                held = p;
        }
        return held;
}

static inline void scarce_end(struct pkt *held)
{
        for (struct pkt *next; held; held = next) {
                next = held->next;
                pkt_free(held);
        }
}

#endif
