/* probe.c - which driver takes which device: a table over the PCI bus, then the ISA card that cannot be found that way.
 * SPDX-License-Identifier: MIT */
#include "driver.h"

struct pci_match { u16 vendor, device; void (*probe)(struct stack *st, const struct pci_dev *d); };

static const struct pci_match matches[] = {
        {0x1af4, 0x1000, virtio_net_probe},  /* transitional (VIRTIO 1.0 4.1.2.1) */
        {0x1af4, 0x1041, virtio_net_probe},
        {0x1af4, 0x1005, virtio_rng_probe},
        {0x1af4, 0x1044, virtio_rng_probe},
        {0x8086, 0x100e, e1000_probe},       /* 82540EM */
        {0x8086, 0x100f, e1000_probe},       /* 82545EM, as VMware shows it */
        {0x8086, 0x100c, e1000_probe},       /* 82544GC */
        {0x10ec, 0x8139, rtl8139_probe},
        {0x10ec, 0x8029, ne2000_probe_pci},  /* RTL8029 */
        {0x1022, 0x2000, pcnet_probe},       /* Am79C970A */
};

static void probe_one(const struct pci_dev *d, void *ctx)
{
        for (u32 i = 0; i < COUNT_OF(matches); i++)
                if (d->vendor == matches[i].vendor && d->device == matches[i].device)
                        matches[i].probe(ctx, d);
}

void drivers_probe(struct stack *st)
{
        pci_walk(probe_one, st);
        ne2000_probe_isa(st);
}
