/* wheel.c - hierarchical timer wheel: 5 levels of 64 slots, 1 ms each at the bottom.
 * A timer due in d ms lies at the level where d fits; when a level's hand wraps, the slot above is
 * spread over it. Bitmaps of used slots let an idle wheel jump instead of stepping.
 * SPDX-License-Identifier: MIT */
#include "wheel.h"
#include "mem.h"

enum { SLOT_MASK = WHEEL_SLOTS - 1 };
#define WHEEL_SPAN (1u << (WHEEL_BITS * WHEEL_LEVELS))

void wheel_init(struct wheel *w, u32 now_ms)
{
        memset(w, 0, sizeof *w);
        w->now_ms = now_ms;
        w->next_ms = now_ms + WHEEL_SPAN;
}

/* i: counted through all levels */
static inline void link_slot(struct wheel *w, struct timer *t, u32 i)
{
        struct timer **head = (struct timer **)w->slot + i, *next = *head;
        t->next = next;
        if (next)
                next->pprev = &t->next;
        t->pprev = head;
        *head = t;
        ((u32 *)w->used)[i >> 5] |= 1u << (i & 31); /* half of a word of 64 bits */
}

_Static_assert(WHEEL_BITS == 6 && WHEEL_SLOTS == 64 && WHEEL_LEVELS == 5, "place's tables");

/* Files t by how far its due time is from now; a timer that is already due goes to the next tick. */
static inline void place(struct wheel *w, struct timer *t, u32 due_ms)
{
        /* by the highest bit of the wait: what its level's slots are wide, and which is the first of them */
        static const u8 shifts[32] = {[6 ... 11] = 6, [12 ... 17] = 12, [18 ... 23] = 18, [24 ... 31] = 24};
        static const u16 first[32] = {[6 ... 11] = 64, [12 ... 17] = 128, [18 ... 23] = 192, [24 ... 31] = 256};
        u32 wait = due_ms - w->now_ms;
        if (unlikely(wait - 1 >= WHEEL_SPAN - 1)) /* 0 and what is past, or beyond the last level */
                wait = (s32)wait <= 0 ? 1 : WHEEL_SPAN - 1;
        u32 high = 31 - (u32)__builtin_clz(wait), shift = shifts[high], at = (w->now_ms + wait) >> shift;
        link_slot(w, t, first[high] + (at & SLOT_MASK));
        u32 met = at << shift; /* there it goes down a level, or fires */
        if ((s32)(met - w->next_ms) < 0)
                w->next_ms = met;
}

void timer_stop(struct wheel *w, struct timer *t)
{
        if (!t->pprev)
                return;
        *t->pprev = t->next;
        if (t->next)
                t->next->pprev = t->pprev;
        t->pprev = NULL;
        w->n_running--;
}

void timer_set_any(struct wheel *w, struct timer *t, u32 due_ms)
{
        if (unlikely(timer_running(t)))
                timer_stop(w, t);
        t->due_ms = due_ms;
        place(w, t, due_ms);
        w->n_running++;
}

/* Empties a slot into a private list whose links stay valid when a callback stops one of its timers. */
static struct timer *detach(struct wheel *w, u32 level, u32 slot, struct timer **list)
{
        *list = w->slot[level][slot];
        w->slot[level][slot] = NULL;
        w->used[level] &= ~(1ull << slot);
        if (*list)
                (*list)->pprev = list;
        return *list;
}

static void cascade(struct wheel *w, u32 level)
{
        struct timer *list;
        detach(w, level, w->now_ms >> (WHEEL_BITS * level) & SLOT_MASK, &list);
        while (list) {
                struct timer *t = list;
                list = t->next;
                if (list)
                        list->pprev = &list;
                if (t->due_ms == w->now_ms) /* due at this very tick: place() would be a tick late */
                        link_slot(w, t, w->now_ms & SLOT_MASK);
                else
                        place(w, t, t->due_ms);
        }
}

static void fire_slot(struct wheel *w, u32 slot)
{
        struct timer *list;
        detach(w, 0, slot, &list);
        while (list) {
                struct timer *t = list;
                list = t->next;
                if (list)
                        list->pprev = &list;
                t->pprev = NULL;
                w->n_running--;
                t->fire(t);
        }
}

/* Ticks until the hand reaches something: a used slot of level 0, or the next cascade that has timers. */
static u32 ticks_to_work(const struct wheel *w)
{
        u32 best = WHEEL_SPAN;
        for (u32 level = 0; level < WHEEL_LEVELS; level++) {
                if (!w->used[level])
                        continue;
                u32 shift = WHEEL_BITS * level;
                u32 hand = w->now_ms >> shift & SLOT_MASK;
                u32 first = (hand + 1) & SLOT_MASK;
                u64 ahead = first ? w->used[level] >> first | w->used[level] << (WHEEL_SLOTS - first) : w->used[level];
                u32 steps = (u32)__builtin_ctzll(ahead) + 1;
                u32 ticks = (((w->now_ms >> shift) + steps) << shift) - w->now_ms;
                if (ticks < best)
                        best = ticks;
        }
        return best;
}

void wheel_turn(struct wheel *w, u32 now_ms)
{
        while (now_ms - w->now_ms >= w->next_ms - w->now_ms) {
                w->now_ms = w->next_ms;
                for (u32 level = WHEEL_LEVELS - 1; level > 0; level--)
                        if ((w->now_ms & ((1u << (WHEEL_BITS * level)) - 1)) == 0)
                                cascade(w, level);
                fire_slot(w, w->now_ms & SLOT_MASK);
                w->next_ms = w->now_ms + (w->n_running ? ticks_to_work(w) : WHEEL_SPAN);
        }
        w->now_ms = now_ms;
}

u32 wheel_next(const struct wheel *w)
{
        return w->n_running ? ticks_to_work(w) : UINT32_MAX;
}
