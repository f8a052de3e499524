/* irq.c - the table of device interrupt handlers. A line that keeps asking though no handler knows why is masked, so that
 * one mad device cannot stop the machine.
 * SPDX-License-Identifier: MIT */
#include "entropy.h"
#include "irq.h"
#include "log.h"
#include "pic.h"
#include "trap.h"

enum { LINES = 16, HANDLERS = 24, UNCLAIMED_MAX = 10000 };

struct handler { struct handler *next; bool (*fn)(void *ctx); void *ctx; };

static struct handler handlers[HANDLERS];
static u32 n_handlers;
static struct { struct handler *first; u32 unclaimed; } lines[LINES];
static u32 interrupted_eip;

u32 irq_eip(void) { return interrupted_eip; }

void irq_init(void)
{
        pic_init();
        __asm__ volatile("sti");
}

int irq_attach(u8 line, bool (*fn)(void *ctx), void *ctx, bool level)
{
        if (line >= LINES || n_handlers == HANDLERS)
                return -1;
        u32 f = irq_save();
        struct handler *h = &handlers[n_handlers++];
        *h = (struct handler){ lines[line].first, fn, ctx };
        lines[line].first = h;
        if (level)
                pic_level(line, true);
        pic_mask(line, false);
        irq_restore(f);
        return 0;
}

void irq_dispatch(u8 line, const struct trapframe *f)
{
        if (pic_spurious(line))
                return;
        interrupted_eip = f->eip;
        entropy_irq(line);
        bool claimed = false;
        for (struct handler *h = lines[line].first; h; h = h->next)
                claimed |= h->fn(h->ctx);
        lines[line].unclaimed = claimed ? 0 : lines[line].unclaimed + 1;
        if (lines[line].unclaimed == UNCLAIMED_MAX) {
                pic_mask(line, true);
                klog("irq %u: nobody's, %u times in a row; masked", line, UNCLAIMED_MAX);
        }
        pic_eoi(line);
}
