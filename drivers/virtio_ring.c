/* virtio_ring.c - split virtqueues (VIRTIO 1.0 2.4) with event index. No indirect descriptors.
 * Not here: finding the device (virtio.c). SPDX-License-Identifier: MIT */
#include "io.h"
#include "mem.h"
#include "virtio.h"

enum { DESC_NEXT = 1, DESC_WRITE = 2, AVAIL_NO_INTERRUPT = 1, USED_NO_NOTIFY = 1 }; /* 2.4.5 to 2.4.8 */

static u32 used_offset(u16 size)
{
        u32 n = 16u * size + 6 + 2u * size;
        return (n + PAGE_SIZE - 1) & ~(u32)(PAGE_SIZE - 1); /* the legacy layout's alignment, 2.4.2 */
}

u32 virtq_bytes(u16 size)
{
        return used_offset(size) + 6 + 8u * size;
}

bool virtq_init(struct virtq *q, u16 index, u16 size, void *mem, bool event_idx)
{
        u8 *base = mem;
        *q = (struct virtq){.size = size, .index = index, .n_free = size, .event_idx = event_idx};
        q->desc = mem;
        q->avail = (void *)(base + 16u * size);
        q->used = (void *)(base + used_offset(size));
        q->used_event = &q->avail->ring[size];
        q->avail_event = (volatile u16 *)&q->used->ring[size];
        for (u32 i = 0; i < size; i++)
                q->desc[i].next = (u16)(i + 1);
        q->cookie = mem_boot(size * sizeof *q->cookie, sizeof *q->cookie);
        return q->cookie != NULL;
}

bool virtq_add(struct virtq *q, const struct piece *piece, u32 n_out, u32 n_in, void *cookie)
{
        u32 n = n_out + n_in;
        if (n > q->n_free || !n)
                return false;
        u16 head = q->free_head, at = head;
        for (u32 i = 0; i < n; i++) {
                volatile struct vring_desc *d = &q->desc[at];
                d->addr = (u32)(uintptr_t)piece[i].ptr; /* physical equals virtual */
                d->len = piece[i].len;
                d->flags = (u16)((i + 1 < n ? DESC_NEXT : 0) | (i >= n_out ? DESC_WRITE : 0));
                at = d->next;
        }
        q->free_head = at;
        q->n_free = (u16)(q->n_free - n);
        q->cookie[head] = cookie;
        q->avail->ring[q->avail_idx & (q->size - 1)] = head;
        barrier(); /* 2.4.6: the entry is there before the index says so */
        q->avail->idx = ++q->avail_idx;
        return true;
}

/* 2.4.7.2: does the other side's event lie in what was added since it was last told? */
static bool event_passed(u16 event, u16 now, u16 before)
{
        return (u16)(now - event - 1) < (u16)(now - before);
}

void virtq_kick(struct virtq *q)
{
        if (q->told_idx == q->avail_idx)
                return;
        fence(); /* 3.2.1.4: the index is visible before we look whether the device sleeps */
        bool tell = q->event_idx ? event_passed(*q->avail_event, q->avail_idx, q->told_idx) : !(q->used->flags & USED_NO_NOTIFY);
        q->told_idx = q->avail_idx;
        if (!tell)
                return;
        if (q->doorbell)
                *q->doorbell = q->index;
        else
                outw(q->doorbell_port, q->index);
}

/* Back to the free list; the descriptors' own links are ours alone (the device may not write them), yet a loop is bounded. */
static void free_chain(struct virtq *q, u16 head)
{
        u16 at = head, n = 1;
        while ((q->desc[at].flags & DESC_NEXT) && n < q->size) {
                at = q->desc[at].next;
                n++;
        }
        q->desc[at].next = q->free_head;
        q->free_head = head;
        q->n_free = (u16)(q->n_free + n);
}

void *virtq_take(struct virtq *q, u32 *len, u32 *broken)
{
        while (q->last_used != q->used->idx) {
                barrier();
                u32 slot = q->last_used++ & (q->size - 1);
                u32 id = q->used->ring[slot].id;
                if (id >= q->size || !q->cookie[id]) {
                        if (broken)
                                ++*broken;
                        continue;
                }
                void *cookie = q->cookie[id];
                q->cookie[id] = NULL;
                if (len)
                        *len = q->used->ring[slot].len;
                free_chain(q, (u16)id);
                return cookie;
        }
        return NULL;
}

bool virtq_irq_on(struct virtq *q)
{
        q->avail->flags = 0;
        *q->used_event = q->last_used;
        fence(); /* 3.2.2.1: look again after asking, or the last buffer of a burst waits for the next one */
        return q->last_used != q->used->idx;
}

void virtq_irq_off(struct virtq *q)
{
        q->avail->flags = AVAIL_NO_INTERRUPT;
        *q->used_event = (u16)(q->last_used - 1); /* just passed: not due before 65,536 more */
}
