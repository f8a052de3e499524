/* pci.c - configuration mechanism 1 (PCI 2.2, 3.2.2.3.2), a walk over what is there, base addresses. No bridges are
 * programmed: the firmware numbered the buses.
 * SPDX-License-Identifier: MIT */
#include "io.h"
#include "irq.h"
#include "pci.h"

enum {
        CONFIG_ADDRESS = 0xcf8, CONFIG_DATA = 0xcfc,
        BUSES = 256, SLOTS = 32, FUNCTIONS = 8,
        R_ID = 0, R_COMMAND = 4, R_STATUS = 6, R_CLASS = 8, R_HEADER = 0x0e, R_BAR0 = 0x10, R_SUBSYS = 0x2c, R_CAPS = 0x34,
        R_BUS_SECONDARY = 0x19, R_IRQ = 0x3c,
        COMMAND_IO = 1, COMMAND_MEMORY = 2, COMMAND_MASTER = 4, COMMAND_INTX_OFF = 1 << 10, STATUS_CAPS = 0x10,
        HEADER_MULTI = 0x80, HEADER_TYPE = 0x7f, CLASS_BRIDGE_PCI = 0x0604,
        BAR_IO = 1, BAR_64 = 4, BAR_TYPE = 6,
};
static const u32 CONFIG_ENABLE = 0x80000000;

static u16 select_reg(const struct pci_dev *d, u8 reg)
{
        outl(CONFIG_ADDRESS, CONFIG_ENABLE | (u32)d->bus << 16 | (u32)d->slot << 11 | (u32)d->fn << 8 | (reg & 0xfc));
        return CONFIG_DATA + (reg & 3);
}

u32 pci_read32(const struct pci_dev *d, u8 reg) { return inl(select_reg(d, reg)); }
u16 pci_read16(const struct pci_dev *d, u8 reg) { return inw(select_reg(d, reg)); }
u8  pci_read8(const struct pci_dev *d, u8 reg)  { return inb(select_reg(d, reg)); }
void pci_write32(const struct pci_dev *d, u8 reg, u32 v) { outl(select_reg(d, reg), v); }
void pci_write16(const struct pci_dev *d, u8 reg, u16 v) { outw(select_reg(d, reg), v); }
void pci_write8(const struct pci_dev *d, u8 reg, u8 v)   { outb(select_reg(d, reg), v); }

static bool present(void)
{
        u32 old = inl(CONFIG_ADDRESS);
        outl(CONFIG_ADDRESS, CONFIG_ENABLE);
        bool yes = inl(CONFIG_ADDRESS) == CONFIG_ENABLE;
        outl(CONFIG_ADDRESS, old);
        return yes;
}

static void describe(struct pci_dev *d)
{
        u32 subsys = pci_read32(d, R_SUBSYS);
        d->class_code = pci_read32(d, R_CLASS) >> 8;
        d->subsys_vendor = (u16)subsys;
        d->subsys = (u16)(subsys >> 16);
        d->irq = pci_read8(d, R_IRQ);
}

struct walk { void (*fn)(const struct pci_dev *d, void *ctx); void *ctx; u32 n; u32 last_bus; };

/* One function. False when it is not there. */
static bool visit(struct walk *w, struct pci_dev *d)
{
        u32 id = pci_read32(d, R_ID);
        if ((id & 0xffff) == 0xffff || (id & 0xffff) == 0)
                return false;
        d->vendor = (u16)id;
        d->device = (u16)(id >> 16);
        describe(d);
        if (d->class_code >> 8 == CLASS_BRIDGE_PCI)
                w->last_bus = max_u32(w->last_bus, pci_read8(d, R_BUS_SECONDARY));
        w->n++;
        w->fn(d, w->ctx);
        return true;
}

/* Buses without a bridge to them are not asked: 8192 reads that nobody answers would take longer than the rest of the boot. */
u32 pci_walk(void (*fn)(const struct pci_dev *d, void *ctx), void *ctx)
{
        struct walk w = { fn, ctx, 0, 0 };
        if (!present())
                return 0;
        for (u32 bus = 0; bus <= w.last_bus && bus < BUSES; bus++)
                for (u32 slot = 0; slot < SLOTS; slot++) {
                        struct pci_dev d = { .bus = (u8)bus, .slot = (u8)slot };
                        if (!visit(&w, &d) || !(pci_read8(&d, R_HEADER) & HEADER_MULTI))
                                continue;
                        for (u32 f = 1; f < FUNCTIONS; f++) {
                                d = (struct pci_dev){ .bus = (u8)bus, .slot = (u8)slot, .fn = (u8)f };
                                visit(&w, &d);
                        }
                }
        return w.n;
}

/* Writing ones shows which address bits are wired (PCI 2.2, 6.2.5.1); nobody may use the device meanwhile. */
bool pci_bar(const struct pci_dev *d, u8 n, struct pci_bar *out)
{
        u8 reg = (u8)(R_BAR0 + 4 * n);
        if (n >= ((pci_read8(d, R_HEADER) & HEADER_TYPE) == 0 ? 6 : 2))
                return false;
        u32 flags = irq_save();
        u16 command = pci_read16(d, R_COMMAND);
        pci_write16(d, R_COMMAND, command & ~(COMMAND_IO | COMMAND_MEMORY));
        u32 v = pci_read32(d, reg), high = 0;
        pci_write32(d, reg, 0xffffffff);
        u32 wired = pci_read32(d, reg);
        pci_write32(d, reg, v);
        out->io = v & BAR_IO;
        if (!out->io && (v & BAR_TYPE) == BAR_64)
                high = pci_read32(d, (u8)(reg + 4));
        pci_write16(d, R_COMMAND, command);
        irq_restore(flags);
        u32 mask = out->io ? 0xfffffffc : 0xfffffff0;
        out->base = v & mask;
        out->size = ~(wired & mask) + 1;
        if (out->io)
                out->size &= 0xffff;
        return out->base && out->size && !high;
}

void pci_enable(const struct pci_dev *d)
{
        u16 c = pci_read16(d, R_COMMAND);
        pci_write16(d, R_COMMAND, (u16)((c | COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER) & ~COMMAND_INTX_OFF));
}

u8 pci_cap(const struct pci_dev *d, u8 id, u8 from)
{
        if (!(pci_read16(d, R_STATUS) & STATUS_CAPS))
                return 0;
        u8 at = pci_read8(d, from ? (u8)(from + 1) : R_CAPS) & 0xfc;
        for (int hops = 0; at >= 0x40 && hops < 48; hops++) {   /* a broken list must not loop */
                if (pci_read8(d, at) == id)
                        return at;
                at = pci_read8(d, (u8)(at + 1)) & 0xfc;
        }
        return 0;
}
