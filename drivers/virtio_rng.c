/* virtio_rng.c - the hypervisor's random numbers (VIRTIO 1.0 5.4), stirred in at boot and every ten minutes.
 * SPDX-License-Identifier: MIT */
#include "virtio.h"
#include "clock.h"
#include "entropy.h"
#include "mem.h"
#include "thread.h"

enum { DRAW = 32, BITS_PER_BYTE = 4, BOOT_WAIT_US = 2000, AGAIN_MS = 600000, PATIENCE_MS = 5000 };

struct vrng {
        struct virtio  v;
        struct virtq   q;
        struct thread *thread;
        u8             bytes[DRAW];
};

static void ask(struct vrng *d)
{
        struct piece piece = {d->bytes, DRAW};
        virtq_add(&d->q, &piece, 0, 1, d);
        virtq_kick(&d->q);
}

/* True when an answer had come; it is stirred in, credited at half of what it claims. */
static bool take(struct vrng *d)
{
        u32 len;
        if (!virtq_take(&d->q, &len, NULL))
                return false;
        len = min_u32(len, DRAW);
        entropy_add(d->bytes, len, len * BITS_PER_BYTE);
        memset(d->bytes, 0, DRAW);
        return true;
}

static bool vrng_irq(void *ctx)
{
        struct vrng *d = ctx;
        if (!virtio_isr(&d->v))
                return false;
        if (d->thread)
                thread_wake(d->thread);
        return true;
}

/* An answer may take as long as the host likes; without an interrupt the next look finds it. */
static void vrng_thread(void *arg)
{
        struct vrng *d = arg;
        for (;;) {
                while (!take(d)) {
                        if (!virtq_irq_on(&d->q))
                                thread_wait(PATIENCE_MS);
                        virtq_irq_off(&d->q);
                }
                thread_sleep(AGAIN_MS);
                ask(d);
        }
}

void virtio_rng_probe(struct stack *st, const struct pci_dev *pci)
{
        struct vrng *d = mem_boot(sizeof *d, 8);
        if (!d || !virtio_open(&d->v, pci))
                return;
        if (!virtio_negotiate(&d->v, VIRTIO_BIT(VIRTIO_F_EVENT_IDX)) || !virtio_queue(&d->v, &d->q, 0, 8)) {
                virtio_fail(&d->v);
                return;
        }
        virtq_irq_off(&d->q);
        irq_attach(pci->irq, vrng_irq, d, true);
        virtio_start(&d->v);
        ask(d);
        u32 us = 0;
        while (!take(d) && us < BOOT_WAIT_US) {
                clock_delay_us(20);
                us += 20;
        }
        if (us < BOOT_WAIT_US) { /* in time for the stack's key, which no packet has used yet */
                u8 seed[16];
                entropy_draw(seed, sizeof seed);
                stack_seed(st, seed);
                ask(d); /* the thread takes this one */
        }
        stack_log(st, "virtio-rng: %s", us < BOOT_WAIT_US ? "answered" : "asked");
        d->thread = thread_new("rng", vrng_thread, d, 1);
}
