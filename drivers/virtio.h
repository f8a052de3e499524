/* virtio.h - virtio devices on PCI, modern (VIRTIO 1.0) and legacy (0.9.5), and their split queues.
 * Section numbers are those of "Virtual I/O Device (VIRTIO) Version 1.0". SPDX-License-Identifier: MIT */
#ifndef VIRTIO_H
#define VIRTIO_H

#include "driver.h"

/* 6: feature bits that are not of one device */
enum { VIRTIO_F_ANY_LAYOUT = 27, VIRTIO_F_EVENT_IDX = 29, VIRTIO_F_VERSION_1 = 32 };
#define VIRTIO_BIT(n) (1ull << (n))

enum { VIRTIO_ISR_QUEUE = 1, VIRTIO_ISR_CONFIG = 2 }; /* 4.1.4.5 */

struct virtio {
        struct pci_dev pci;
        bool           modern;
        u16            io;              /* legacy: port of the registers */
        volatile u8   *common, *isr, *config, *notify;
        u32            config_len, notify_len, notify_mult;
        u64            features;        /* negotiated */
};

struct vring_desc { u64 addr; u32 len; u16 flags, next; };              /* 2.4.5 */
struct vring_avail { u16 flags, idx, ring[]; };                         /* 2.4.6; used_event follows the ring */
struct vring_used { u16 flags, idx; struct { u32 id, len; } ring[]; };  /* 2.4.8; avail_event follows the ring */
_Static_assert(sizeof(struct vring_desc) == 16, "VIRTIO 1.0 2.4.5");

/* n_free descriptors are linked from free_head; cookie[head] is what virtq_add was given, NULL while the head is not in flight. */
struct virtq {
        u16                          size, index, n_free, free_head;
        u16                          avail_idx, told_idx, last_used;
        bool                         event_idx;
        volatile struct vring_desc  *desc;
        volatile struct vring_avail *avail;
        volatile struct vring_used  *used;
        volatile u16                *used_event, *avail_event, *doorbell;
        u16                          doorbell_port;
        void                       **cookie;
};

/* Finds the registers, resets the device and says that there is a driver (3.1.1). */
bool virtio_open(struct virtio *v, const struct pci_dev *d);
/* All features that the device has. */
u64 virtio_offered(const struct virtio *v);
/* Takes those features of `want` that the device offers; false when it does not accept the choice. */
bool virtio_negotiate(struct virtio *v, u64 want);
static inline bool virtio_has(const struct virtio *v, u32 bit) { return v->features >> bit & 1; }
/* Makes queue `index`, of at most max descriptors where the device lets us choose. */
bool virtio_queue(struct virtio *v, struct virtq *q, u16 index, u16 max);
void virtio_start(struct virtio *v);
void virtio_fail(struct virtio *v);
/* Reads, and by reading clears, why the device interrupted. */
u8 virtio_isr(struct virtio *v);
/* Device-specific configuration, byte by byte (2.3); 0 beyond its end. */
u8 virtio_config(const struct virtio *v, u32 off);

/* Bytes that a queue of `size` descriptors takes in memory (2.4.2), and laying it out there. */
u32 virtq_bytes(u16 size);
bool virtq_init(struct virtq *q, u16 index, u16 size, void *mem, bool event_idx);
/* Offers n_out pieces for the device to read, then n_in to write. False, and nothing done, when there is no room. cookie is not NULL. */
bool virtq_add(struct virtq *q, const struct piece *piece, u32 n_out, u32 n_in, void *cookie);
/* Tells the device about what was added, if it wants to know. */
void virtq_kick(struct virtq *q);
/* The next finished cookie and the bytes written, or NULL. *broken (may be NULL) counts nonsense from the device. */
void *virtq_take(struct virtq *q, u32 *len, u32 *broken);
/* Interrupts when something is finished: on (true when something already is) and off. */
bool virtq_irq_on(struct virtq *q);
void virtq_irq_off(struct virtq *q);

#endif
