/* flow.c - connections that live elsewhere: 28 bytes each and 4 of the hash, found by one probe of a keyed multiply hash.
 * The table never grows; when it is full nothing more is handed over. Not here: what is done with a packet (forward.c).
 * SPDX-License-Identifier: MIT */
#include "handoff_impl.h"

bool flow_init(struct flow_table *f, struct stack *st, u32 n)
{
        u32 bits = 4;
        while (bits < 24 && 2u << bits <= n)
                bits++;
        f->flow = stack_alloc(st, (size_t)n * sizeof *f->flow, 16);
        f->bucket = stack_alloc(st, sizeof *f->bucket << bits, 16);
        if (!f->flow || !f->bucket)
                return false;
        f->n = n;
        f->shift = 32 - bits;
        f->key[0] = stack_random(st) | 1;
        f->key[1] = stack_random(st) | 1;
        for (u32 i = n; i-- > 0;) {
                f->flow[i].next = f->free;
                f->free = i + 1;
        }
        return true;
}

static u32 *chain(const struct flow_table *f, u32 raddr, u32 laddr, u32 ports)
{
        return &f->bucket[((raddr ^ laddr) * f->key[0] + ports * f->key[1]) >> f->shift];
}

struct flow *flow_find(const struct flow_table *f, u32 raddr, u32 laddr, u32 ports)
{
        for (u32 i = *chain(f, raddr, laddr, ports); i; i = f->flow[i - 1].next) {
                struct flow *e = &f->flow[i - 1];
                if (e->ports == ports && e->raddr == raddr && e->laddr == laddr)
                        return e;
        }
        return NULL;
}

struct flow *flow_add(struct flow_table *f, u32 raddr, u32 laddr, u32 ports)
{
        u32 i = f->free, *b = chain(f, raddr, laddr, ports);
        if (!i)
                return NULL;
        struct flow *e = &f->flow[i - 1];
        f->free = e->next;
        *e = (struct flow){.raddr = raddr, .laddr = laddr, .ports = ports, .next = *b, .state = FLOW_PENDING};
        *b = i;
        f->n_used++;
        return e;
}

void flow_del(struct flow_table *f, struct flow *e)
{
        u32 me = (u32)(e - f->flow) + 1, *at = chain(f, e->raddr, e->laddr, e->ports);
        while (*at != me)
                at = &f->flow[*at - 1].next;
        *at = e->next;
        *e = (struct flow){.next = f->free};
        f->free = me;
        f->n_used--;
}

bool flow_expired(struct flow_table *f, u16 now_s, u32 *left, struct flow **out)
{
        while (*left) {
                struct flow *e = &f->flow[f->swept];
                f->swept = f->swept + 1 < f->n ? f->swept + 1 : 0;
                --*left;
                if ((e->state == FLOW_ACTIVE || e->state == FLOW_DOUBT) && (u16)(now_s - e->seen_s) > FLOW_EXPIRE_S) {
                        *out = e;
                        return true;
                }
        }
        return false;
}
