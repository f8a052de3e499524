/* front_hold.c - heads that are waited for, and what keeps a slow or greedy client from holding much: bytes and time per
 * connection, connections and bytes per source address. Entries hang in buckets by source, so that looking costs what the
 * source itself holds.
 * SPDX-License-Identifier: MIT */
#include "front_impl.h"

static struct relay **bucket_of(struct front *f, ipaddr source)
{
        u32 h = be32_raw(source.v4) * 0x9e3779b1u;

        return &f->holds[(h ^ f->st->key[0]) >> 7 & (FRONT_BUCKETS - 1)];
}

void front_hold_chain(struct relay *r)
{
        struct relay **b = bucket_of(r->f, r->source);

        r->next = *b;
        *b = r;
        r->f->n_waiting++;
}

void front_hold_unchain(struct relay *r)
{
        struct relay **p = bucket_of(r->f, r->source);

        while (*p != r)
                p = &(*p)->next;
        *p = r->next;
        r->f->n_waiting--;
}

u32 front_hold_over(struct relay *r)
{
        struct front *f = r->f;
        u32 holds = 0, bytes = 0;

        if (tcp_readable(r->side[CLIENT]) >= FRONT_HEAD_MAX) {
                f->count.too_long++;
                return 431;
        }
        for (struct relay *o = *bucket_of(f, r->source); o; o = o->next) {
                if (!ipaddr_eq(o->source, r->source) || !o->side[CLIENT])
                        continue;
                holds++;
                bytes += tcp_readable(o->side[CLIENT]);
        }
        if (holds <= FRONT_SOURCE_HOLDS && bytes <= FRONT_SOURCE_BYTES)
                return 0;
        f->count.crowded++;
        return 429;
}

/* An empty line behind a line, or (for HTTP/0.9 and what is wrong in it) the first line's end. Each byte is looked at once. */
bool front_hold_ended(struct relay *r)
{
        struct tcb *t = r->side[CLIENT];
        const u8 *p;
        u32 n;

        while ((n = tcp_peek(t, r->seen, &p))) {
                r->seen += n;
                for (u32 i = 0; i < n; i++) {
                        if (p[i] == '\r')
                                continue;
                        if (p[i] != '\n') {
                                r->in_line = true;
                                continue;
                        }
                        if ((r->in_line && !r->any_line) || (!r->in_line && r->any_line)) {
                                r->any_line = true;
                                r->in_line = false;
                                r->seen -= n - i - 1;
                                return true;
                        }
                        r->in_line = false;
                }
        }
        return false;
}
