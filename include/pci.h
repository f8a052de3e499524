/* pci.h - PCI configuration space by mechanism 1, enumeration, BARs.
 * SPDX-License-Identifier: MIT */
#ifndef PCI_H
#define PCI_H

#include "types.h"

struct pci_dev { u8 bus, slot, fn, irq; u16 vendor, device, subsys_vendor, subsys; u32 class_code; };

u32  pci_read32(const struct pci_dev *d, u8 reg);
u16  pci_read16(const struct pci_dev *d, u8 reg);
u8   pci_read8(const struct pci_dev *d, u8 reg);
void pci_write32(const struct pci_dev *d, u8 reg, u32 v);
void pci_write16(const struct pci_dev *d, u8 reg, u16 v);
void pci_write8(const struct pci_dev *d, u8 reg, u8 v);

/* Calls fn for every function found, bus by bus. Returns their number. */
u32 pci_walk(void (*fn)(const struct pci_dev *d, void *ctx), void *ctx);

/* BAR n: its base (port number or physical address) and size; false when it is not there. A 64-bit BAR above 4 GiB is refused. */
struct pci_bar { u32 base, size; bool io; };
bool pci_bar(const struct pci_dev *d, u8 n, struct pci_bar *out);

/* Turns on I/O, memory and bus mastering. */
void pci_enable(const struct pci_dev *d);

/* Offset of a capability (PCI 2.2 6.7), searching after `from` (0 = first); 0 when there is none. */
u8 pci_cap(const struct pci_dev *d, u8 id, u8 from);

#endif
