/* virtio.c - virtio over PCI: registers of modern and legacy devices, negotiation, making queues (VIRTIO 1.0 3.1, 4.1).
 * Interrupts by INTx only. Not here: what is in a queue (virtio_ring.c). SPDX-License-Identifier: MIT */
#include "virtio.h"
#include "clock.h"
#include "io.h"
#include "mem.h"

enum { ACKNOWLEDGE = 1, DRIVER = 2, DRIVER_OK = 4, FEATURES_OK = 8, FAILED = 128 }; /* 2.1 */

/* 4.1.4.3 */
struct common_cfg {
        u32 device_feature_select, device_feature, driver_feature_select, driver_feature;
        u16 msix_config, num_queues;
        u8  device_status, config_generation;
        u16 queue_select, queue_size, queue_msix_vector, queue_enable, queue_notify_off;
        u32 queue_desc[2], queue_avail[2], queue_used[2];
};
_Static_assert(sizeof(struct common_cfg) == 56, "VIRTIO 1.0 4.1.4.3");

/* 4.1.4.8: legacy registers in the I/O space of BAR 0; without MSI-X the device's configuration follows at 20 */
enum { L_DEVICE_FEATURES = 0, L_DRIVER_FEATURES = 4, L_QUEUE_PFN = 8, L_QUEUE_SIZE = 12, L_QUEUE_SELECT = 14, L_NOTIFY = 16,
       L_STATUS = 18, L_ISR = 19, L_CONFIG = 20 };

enum { CAP_VENDOR = 9, CAP_COMMON = 1, CAP_NOTIFY = 2, CAP_ISR = 3, CAP_DEVICE = 4 }; /* 4.1.4 */

static volatile struct common_cfg *common(const struct virtio *v) { return (volatile struct common_cfg *)v->common; }

/* The BAR that was asked for last: all capabilities tend to lie in one, and sizing it is slow under emulation. */
struct bar_cache { u8 n; bool usable; struct pci_bar bar; };

/* The registers that a capability at `pos` describes, or NULL when they do not lie inside a memory BAR below 4 GiB. */
static volatile u8 *map_cap(const struct pci_dev *d, u8 pos, u32 need, u32 *len, struct bar_cache *c)
{
        u8 n = pci_read8(d, (u8)(pos + 4));
        u32 off = pci_read32(d, (u8)(pos + 8));
        *len = pci_read32(d, (u8)(pos + 12));
        if (n != c->n) {
                c->n = n;
                c->usable = n <= 5 && pci_bar(d, n, &c->bar);
        }
        if (!c->usable || *len < need || c->bar.io || off > c->bar.size || *len > c->bar.size - off)
                return NULL;
        *len = min_u32(*len, PAGE_SIZE * 4);
        return mem_map_device(c->bar.base + off, *len);
}

static bool find_modern(struct virtio *v)
{
        const struct pci_dev *d = &v->pci;
        struct bar_cache cache = {.n = 0xff};
        u32 len;
        for (u8 pos = pci_cap(d, CAP_VENDOR, 0); pos; pos = pci_cap(d, CAP_VENDOR, pos)) {
                switch (pci_read8(d, (u8)(pos + 3))) { /* 4.1.4: of each kind the first that we can use */
                case CAP_COMMON:
                        if (!v->common)
                                v->common = map_cap(d, pos, sizeof(struct common_cfg), &len, &cache);
                        break;
                case CAP_NOTIFY:
                        if (!v->notify)
                                v->notify = map_cap(d, pos, 2, &v->notify_len, &cache);
                        v->notify_mult = pci_read32(d, (u8)(pos + 16));
                        break;
                case CAP_ISR:
                        if (!v->isr)
                                v->isr = map_cap(d, pos, 1, &len, &cache);
                        break;
                case CAP_DEVICE:
                        if (!v->config)
                                v->config = map_cap(d, pos, 1, &v->config_len, &cache);
                        break;
                }
        }
        return v->common && v->notify && v->isr;
}

static u8 status(const struct virtio *v) { return v->modern ? common(v)->device_status : inb(v->io + L_STATUS); }

static void set_status(const struct virtio *v, u8 s)
{
        if (v->modern)
                common(v)->device_status = s;
        else
                outb(v->io + L_STATUS, s);
}

bool virtio_open(struct virtio *v, const struct pci_dev *d)
{
        struct pci_bar bar;
        *v = (struct virtio){.pci = *d};
        pci_enable(d);
        v->modern = find_modern(v);
        if (!v->modern) {
                if (d->device >= 0x1040 || !pci_bar(d, 0, &bar) || !bar.io || bar.size < L_CONFIG)
                        return false;
                v->io = (u16)bar.base;
                v->config_len = bar.size - L_CONFIG;
        }
        set_status(v, 0);
        for (u32 i = 0; status(v) && i < 1000; i++)
                clock_delay_us(10); /* 4.1.4.3.2: the reset is done when it reads 0 */
        set_status(v, ACKNOWLEDGE);
        set_status(v, ACKNOWLEDGE | DRIVER);
        return status(v) == (ACKNOWLEDGE | DRIVER);
}

u64 virtio_offered(const struct virtio *v)
{
        u64 offered = 0;
        if (!v->modern)
                return inl(v->io + L_DEVICE_FEATURES);
        for (u32 i = 0; i < 2; i++) {
                common(v)->device_feature_select = i;
                offered |= (u64)common(v)->device_feature << 32 * i;
        }
        return offered;
}

bool virtio_negotiate(struct virtio *v, u64 want)
{
        u64 offered = virtio_offered(v);
        if (!v->modern) {
                v->features = offered & want;
                outl(v->io + L_DRIVER_FEATURES, (u32)v->features);
                return true;
        }
        v->features = offered & (want | VIRTIO_BIT(VIRTIO_F_VERSION_1));
        for (u32 i = 0; i < 2; i++) {
                common(v)->driver_feature_select = i;
                common(v)->driver_feature = (u32)(v->features >> 32 * i);
        }
        set_status(v, ACKNOWLEDGE | DRIVER | FEATURES_OK);
        return virtio_has(v, VIRTIO_F_VERSION_1) && (status(v) & FEATURES_OK);
}

static bool queue_modern(struct virtio *v, struct virtq *q, void *mem)
{
        volatile struct common_cfg *c = common(v);
        u32 off = c->queue_notify_off * v->notify_mult;
        if (off + 2 > v->notify_len)
                return false;
        c->queue_size = q->size;
        c->queue_msix_vector = 0xffff;
        c->queue_desc[0] = (u32)(uintptr_t)mem;
        c->queue_avail[0] = (u32)(uintptr_t)q->avail;
        c->queue_used[0] = (u32)(uintptr_t)q->used;
        c->queue_desc[1] = c->queue_avail[1] = c->queue_used[1] = 0;
        q->doorbell = (volatile u16 *)(v->notify + off);
        c->queue_enable = 1;
        return true;
}

bool virtio_queue(struct virtio *v, struct virtq *q, u16 index, u16 max)
{
        u16 size;
        if (v->modern) {
                common(v)->queue_select = index;
                size = (u16)min_u32(common(v)->queue_size, max);
        } else {
                outw(v->io + L_QUEUE_SELECT, index);
                size = inw(v->io + L_QUEUE_SIZE); /* legacy devices dictate it */
        }
        if (!size || (size & (size - 1)) || size > 1024)
                return false;
        void *mem = mem_boot(virtq_bytes(size), PAGE_SIZE);
        if (!mem || !virtq_init(q, index, size, mem, virtio_has(v, VIRTIO_F_EVENT_IDX)))
                return false;
        if (v->modern)
                return queue_modern(v, q, mem);
        q->doorbell_port = (u16)(v->io + L_NOTIFY);
        outl(v->io + L_QUEUE_PFN, (u32)(uintptr_t)mem / PAGE_SIZE);
        return true;
}

void virtio_start(struct virtio *v) { set_status(v, status(v) | DRIVER_OK); }
void virtio_fail(struct virtio *v) { set_status(v, FAILED); }
u8 virtio_isr(struct virtio *v) { return v->modern ? *v->isr : inb(v->io + L_ISR); }

u8 virtio_config(const struct virtio *v, u32 off)
{
        if (off >= v->config_len || (v->modern && !v->config))
                return 0;
        return v->modern ? v->config[off] : inb((u16)(v->io + L_CONFIG + off));
}
