/* front_scope.c - what the front lets a node answer by itself on a connection that it hands over, and whether a request is of
 * that. The node then needs no rules of its own: it gives back whatever is not covered, and the front decides again.
 *
 *   1                                every request: whatever the client asks, the rules choose the same backend
 *   2 conditions, a text for each    what matches this rule; those in front of it choose the same backend, or match nothing that it does
 *
 * The conditions are the bits of enum front_cond, path to etag in that order, each text ended by 0. Nothing: each
 * request goes back.
 * SPDX-License-Identifier: MIT */
#include "front_impl.h"

enum { SCOPE_ALL = 1, SCOPE_RULE };

/* The texts of a rule in the order of their conditions. */
static char *text(struct front_rule *r, u32 cond)
{
        return cond == COND_PATH ? r->path : cond == COND_HOST ? r->host : cond == COND_COOKIE ? r->cookie : r->etag;
}

u32 front_scope_all(u8 *dst)
{
        dst[0] = SCOPE_ALL;
        return 1;
}

static u32 put_rule(const struct front_rule *rule, u8 *dst, u32 n)
{
        struct front_rule r = *rule;
        u32 at = 2;

        dst[0] = SCOPE_RULE;
        dst[1] = r.conds & COND_HEAD;
        for (u32 cond = COND_PATH; cond <= COND_ETAG; cond <<= 1) {
                u32 len = r.conds & cond ? (u32)__builtin_strlen(text(&r, cond)) + 1 : 0;

                if (len > n - at)
                        return 0;
                __builtin_memcpy(dst + at, text(&r, cond), len);
                at += len;
        }
        return at;
}

/* No request matches both: they begin their paths differently, or name other hosts. */
static bool apart(const struct front_rule *a, const struct front_rule *b)
{
        u32 both = a->conds & b->conds, i = 0;

        while (a->path[i] && a->path[i] == b->path[i])
                i++;
        return ((both & COND_PATH) && a->path[i] && b->path[i]) || ((both & COND_HOST) && __builtin_strcmp(a->host, b->host) != 0);
}

u32 front_scope_put(const struct front *f, const struct tcb *t, s8 backend, s32 rule, u8 *dst, u32 n)
{
        bool first = false, all = true; /* the rule, and nothing in front of it that goes elsewhere; nothing that does at all */

        for (u32 i = 0; i < f->n_rules; i++) {
                const struct front_rule *r = &f->rule[i];

                if (!front_rule_may(r, t))
                        continue;
                if (r->backend != backend) {
                        if (!apart(r, &f->rule[rule]))
                                break;
                        all = false;
                        continue;
                }
                if (all && !(r->conds & COND_HEAD))
                        return front_scope_all(dst);
                first |= (s32)i == rule;
        }
        return first ? put_rule(&f->rule[rule], dst, n) : 0;
}

bool front_scope_is_all(const u8 *b, u32 n) { return n == 1 && b[0] == SCOPE_ALL; }

bool front_scope_covers(const u8 *b, u32 n, const struct front_head *h)
{
        struct front_rule r;
        u32 at = 2;

        if (n < 2 || b[0] != SCOPE_RULE || !b[1] || (b[1] & ~COND_HEAD))
                return front_scope_is_all(b, n);
        r.conds = b[1];
        for (u32 cond = COND_PATH; cond <= COND_ETAG; cond <<= 1) {
                u32 len = 0;

                if (!(r.conds & cond))
                        continue;
                while (at + len < n && b[at + len])
                        len++;
                if (at + len == n || len >= FRONT_TEXT)
                        return false;
                __builtin_memcpy(text(&r, cond), b + at, len + 1);
                at += len + 1;
        }
        return at == n && front_rule_holds(&r, h);
}
