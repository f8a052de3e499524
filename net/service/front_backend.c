/* front_backend.c - backends and their targets: whose turn it is, and who is left alone for a while after it failed.
 * Health is passive: only connections that clients wanted tell. SPDX-License-Identifier: MIT */
#include "front_impl.h"

int front_backend_find(const struct front *f, const char *name)
{
        for (int i = 0; i < FRONT_BACKENDS; i++)
                if (f->backend[i].name[0] && __builtin_strcmp(f->backend[i].name, name) == 0)
                        return i;
        return -1;
}

const struct front_backend *front_backend_at(const struct front *f, u32 slot)
{
        return slot < FRONT_BACKENDS && f->backend[slot].name[0] ? &f->backend[slot] : NULL;
}

bool front_can(const struct front *f, enum front_action action) { return f->actor[action].take != NULL; }

void front_register(struct front *f, enum front_action action, struct front_actor actor) { f->actor[action] = actor; }

void front_register_came(struct front *f, front_came_fn *fn, void *ctx)
{
        f->came = fn;
        f->came_ctx = ctx;
        front_look_or_not(f);
}

static int free_slot(const struct front *f)
{
        for (int i = 0; i < FRONT_BACKENDS; i++)
                if (!f->backend[i].name[0] && !f->backend[i].users)
                        return i;
        return -1;
}

/* The connections in hand go on with the old slot, which has no name any more; what names it moves to the new one. */
static void replace(struct front *f, int from, int to)
{
        front_rules_move(f, (s8)from, (s8)to);
        for (u32 i = 0; i < FRONT_PORTS; i++)
                if (f->port[i].l && f->port[i].backend == from)
                        f->port[i].backend = (s8)to;
        f->backend[from].name[0] = 0;
}

int front_backend_set(struct front *f, const char *name, enum front_action action, const struct front_addr *targets, u32 n)
{
        u32 len = (u32)__builtin_strlen(name);
        int old = front_backend_find(f, name), slot = free_slot(f);

        if (!len || len >= FRONT_NAME || !n || n > FRONT_TARGETS)
                return E_INVAL;
        if (action == FRONT_LOCAL || !front_can(f, action))
                return E_NOENT;
        if (slot < 0)
                return E_NOMEM;
        struct front_backend *b = &f->backend[slot];
        *b = (struct front_backend){.action = (u8)action, .n = (u8)n};
        __builtin_memcpy(b->name, name, len + 1);
        for (u32 i = 0; i < n; i++)
                b->target[i].at = targets[i];
        if (old >= 0)
                replace(f, old, slot);
        return 0;
}

int front_backend_del(struct front *f, const char *name)
{
        int slot = front_backend_find(f, name);

        if (slot < 0)
                return E_NOENT;
        if (front_rules_use(f, (s8)slot))
                return E_INUSE;
        for (u32 i = 0; i < FRONT_PORTS; i++)
                if (f->port[i].l && f->port[i].backend == slot)
                        return E_INUSE;
        f->backend[slot].name[0] = 0;
        return 0;
}

void front_backend_hold(struct front *f, u32 slot) { f->backend[slot].users++; }
void front_backend_leave(struct front *f, u32 slot) { f->backend[slot].users--; }

static bool is_down(struct front *f, struct front_target *t)
{
        if (t->down && (s32)(stack_now_ms(f->st) - t->until_ms) >= 0)
                t->down = false;
        return t->down;
}

int front_target_take(struct front *f, u32 slot, u32 *tried)
{
        struct front_backend *b = &f->backend[slot];
        int best = -1;

        for (u32 k = 0; k < b->n; k++) {
                u32 i = (b->next + k) % b->n;
                struct front_target *t = &b->target[i];

                if (*tried & 1u << i)
                        continue;
                if (!is_down(f, t)) {
                        best = (int)i;
                        break;
                }
                if (best < 0 || (s32)(t->until_ms - b->target[best].until_ms) < 0)
                        best = (int)i; /* the one that has been down longest */
        }
        if (best < 0)
                return -1;
        *tried |= 1u << best;
        b->next = (u8)((u32)(best + 1) % b->n);
        b->target[best].active++;
        b->target[best].total++;
        return best;
}

void front_target_left(struct front *f, u32 slot, u32 target) { f->backend[slot].target[target].active--; }

void front_target_failed(struct front *f, u32 slot, u32 target)
{
        struct front_target *t = &f->backend[slot].target[target];

        t->failures++;
        t->down = true;
        t->until_ms = stack_now_ms(f->st) + FRONT_DOWN_MS;
}

void front_target_works(struct front *f, u32 slot, u32 target) { f->backend[slot].target[target].down = false; }
