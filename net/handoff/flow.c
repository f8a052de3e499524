/* flow.c - connections that live elsewhere: 28 bytes each and 4 of the hash, found by one probe of a keyed multiply hash.
 * The table never grows; when it is full nothing more is handed over. Not here: what is done with a packet (forward.c).
 * SPDX-License-Identifier: MIT */
#include "handoff_impl.h"

bool flow_init(struct tuples *f, struct stack *st, u32 n) { return tuples_init(f, st, n, sizeof(struct flow)); }

struct flow *flow_find(const struct tuples *f, u32 raddr, u32 laddr, u32 ports) { return tuples_find(f, raddr, laddr, ports); }

struct flow *flow_add(struct tuples *f, u32 raddr, u32 laddr, u32 ports)
{
        struct flow *e = tuples_add(f, tuples_chain(f, raddr ^ laddr, ports), raddr, laddr, ports);
        if (e)
                e->state = FLOW_PENDING;
        return e;
}

void flow_del(struct tuples *f, struct flow *e) { tuples_del(f, tuples_chain(f, e->raddr ^ e->laddr, e->ports), e); }

bool flow_expired(struct tuples *f, u16 now_s, u32 *left, struct flow **out)
{
        while (*left) {
                struct flow *e = tuples_sweep(f);
                --*left;
                if ((e->state == FLOW_ACTIVE || e->state == FLOW_DOUBT) && (u16)(now_s - e->seen_s) > FLOW_EXPIRE_S) {
                        *out = e;
                        return true;
                }
        }
        return false;
}
