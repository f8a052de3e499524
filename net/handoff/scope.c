/* scope.c - what a node may answer by itself on connections that came to it. There are about as many scopes as rules, so each
 * is kept once and a connection has its number. Not here: what the bytes mean (net/service/front_scope.c).
 * SPDX-License-Identifier: MIT */
#include "handoff_impl.h"
#include "mem.h"

u8 scope_take(struct handoff *h, const struct handoff_scope *s)
{
        u32 free = 0, i = 1;
        for (; i < SCOPES && s->n; i++) {
                const struct scope *o = &h->scope[i];
                if (o->users && o->s.n == s->n && !memcmp(o->s.b, s->b, s->n))
                        break;
                if (!o->users && !free)
                        free = i;
        }
        if (!s->n || (i == SCOPES && !free))
                return 0; /* none left: as right, only slower, since each request goes back */
        if (i == SCOPES)
                h->scope[i = free].s = *s;
        h->scope[i].users++;
        return (u8)i;
}

void scope_leave(struct handoff *h, u8 number)
{
        if (number)
                h->scope[number].users--;
}

const struct handoff_scope *handoff_scope(const struct handoff *h, const struct tcb *t)
{
        const struct owned *o = owned_of((struct handoff *)(uintptr_t)h, t);
        return o ? &h->scope[o->scope].s : NULL;
}

bool handoff_first(struct handoff *h, const struct tcb *t)
{
        struct owned *o = owned_of(h, t);
        bool first = o && o->first;
        if (first)
                o->first = false;
        return first;
}
