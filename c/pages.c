/* pages.c - first fit over a bitmap of page frames. Not fast, not needed to be: packets come from their own pool.
 * SPDX-License-Identifier: MIT */
#include "mem.h"
#include "pages.h"

static bool is_free(const struct pagemap *m, u32 i) { return m->free[i / 32] >> i % 32 & 1; }

static void set(struct pagemap *m, u32 i, bool free)
{
        if (free)
                m->free[i / 32] |= 1u << i % 32;
        else
                m->free[i / 32] &= ~(1u << i % 32);
}

void pagemap_init(struct pagemap *m, u32 *bits, u32 n)
{
        *m = (struct pagemap){ .free = bits, .n = n, .hint = n };
        memset(bits, 0, (n + 31) / 32 * 4);
}

void pagemap_add(struct pagemap *m, u32 first, u32 n)
{
        for (u32 i = first; i < m->n && i - first < n; i++) {
                u32 step = 1;
                /* whole words where possible: gigabytes take a while bit by bit */
                if (i % 32 == 0 && !m->free[i / 32] && n - (i - first) >= 32 && m->n - i >= 32) {
                        m->free[i / 32] = UINT32_MAX;
                        step = 32;
                } else if (!is_free(m, i)) {
                        set(m, i, true);
                } else {
                        continue;
                }
                m->n_free += step;
                m->n_total += step;
                i += step - 1;
        }
        m->hint = min_u32(m->hint, first);
}

void pagemap_remove(struct pagemap *m, u32 first, u32 n)
{
        for (u32 i = first; i < m->n && i - first < n; i++) {
                if (!is_free(m, i))
                        continue;
                set(m, i, false);
                m->n_free--;
                m->n_total--;
        }
}

u32 pagemap_alloc(struct pagemap *m, u32 n)
{
        u32 run = 0;
        bool passed = false;    /* a free page that was too small a place: the hint must stay below it */
        if (n == 0 || n > m->n_free)
                return PAGES_NONE;
        for (u32 i = m->hint; i < m->n; i++) {
                if (i % 32 == 0 && !m->free[i / 32]) {
                        run = 0;
                        i += 31;
                        continue;
                }
                if (!is_free(m, i)) {
                        run = 0;
                        continue;
                }
                if (!passed)
                        m->hint = i;
                passed = true;
                if (++run < n)
                        continue;
                u32 first = i + 1 - n;
                for (u32 k = first; k <= i; k++)
                        set(m, k, false);
                if (m->hint == first)
                        m->hint = i + 1;
                m->n_free -= n;
                return first;
        }
        return PAGES_NONE;
}

bool pagemap_free(struct pagemap *m, u32 first, u32 n)
{
        if (first >= m->n || n > m->n - first)
                return false;
        for (u32 i = first; i < first + n; i++)
                if (is_free(m, i))
                        return false;
        for (u32 i = first; i < first + n; i++)
                set(m, i, true);
        m->n_free += n;
        m->hint = min_u32(m->hint, first);
        return true;
}
