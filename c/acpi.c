/* acpi.c - RSDP -> RSDT -> FADT -> DSDT, each checked by its sum before use, for power-off and reset only.
 * SPDX-License-Identifier: MIT */
#include "acpi.h"
#include "clock.h"
#include "io.h"
#include "log.h"
#include "mem.h"
#include "paging.h"

struct rsdp { char sig[8]; u8 sum; char oem[6]; u8 revision; u32 rsdt; } __attribute__((packed));
struct table { char sig[4]; u32 len; u8 revision, sum; char oem[26]; } __attribute__((packed));
struct gas { u8 space, width, offset, access; u64 addr; } __attribute__((packed));
struct fadt {                                  /* ACPI 6.4, 5.2.9 */
        struct table head;
        u32 facs, dsdt;
        u8  model, profile;
        u16 sci;
        u32 smi_cmd;
        u8  acpi_enable, acpi_disable, s4bios, pstate;
        u32 pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt;
        u8  skip[37];
        u16 boot_flags;
        u8  skip2;
        u32 flags;
        struct gas reset_reg;
        u8  reset_value;
} __attribute__((packed));
_Static_assert(sizeof(struct table) == 36, "ACPI 6.4, 5.2.6");
_Static_assert(offsetof(struct fadt, flags) == 112 && offsetof(struct fadt, reset_value) == 128, "ACPI 6.4, 5.2.9");

enum {
        BIOS_START = 0xe0000, BIOS_END = 0x100000, EBDA_LOOK = 1024,
        TABLE_MAX = 1 << 20, TABLES_MAX = 64,
        SLP_EN = 1 << 13, SLP_TYP_SHIFT = 10, SCI_EN = 1, FLAG_RESET = 1 << 10,
        GAS_IO = 1, GAS_MEMORY = 0, ENABLE_TRIES = 300,
};

static struct {
        bool s5, reset;
        u8   typ_a, typ_b, reset_value, acpi_enable;
        u16  cnt_a, cnt_b;
        u32  smi_cmd;
        struct gas reset_reg;
} acpi;

static bool sums_to_0(const void *p, u32 n)
{
        u8 sum = 0;
        for (const u8 *b = p; n; n--)
                sum = (u8)(sum + *b++);
        return sum == 0;
}

static const struct rsdp *rsdp_in(u32 from, u32 to)
{
        for (u32 at = (from + 15) & ~15u; at >= PAGE_SIZE && at + sizeof(struct rsdp) <= to; at += 16) {
                const struct rsdp *r = (const struct rsdp *)at;
                if (!memcmp(r->sig, "RSD PTR ", 8) && sums_to_0(r, sizeof(*r)))
                        return r;
        }
        return NULL;
}

static const struct rsdp *rsdp_find(u32 known, u32 ebda)
{
        if (known && paging_map_ro(known, sizeof(struct rsdp)) && rsdp_in(known, known + sizeof(struct rsdp)))
                return (const struct rsdp *)known;
        const struct rsdp *r = ebda >= 0x80000 && ebda < 0xa0000 ? rsdp_in(ebda, ebda + EBDA_LOOK) : NULL;
        return r ? r : rsdp_in(BIOS_START, BIOS_END);
}

static const struct table *table_at(u32 phys, const char *sig)
{
        const struct table *t = phys ? paging_map_ro(phys, sizeof(*t)) : NULL;
        if (!t || (sig && memcmp(t->sig, sig, 4)) || t->len < sizeof(*t) || t->len > TABLE_MAX)
                return NULL;
        return paging_map_ro(phys, t->len) && sums_to_0(t, t->len) ? t : NULL;
}

static bool s5_in(const struct table *t)
{
        return t && acpi_s5((const u8 *)(t + 1), t->len - sizeof(*t), &acpi.typ_a, &acpi.typ_b);
}

static void take_fadt(const struct fadt *f)
{
        acpi.cnt_a = (u16)f->pm1a_cnt;
        acpi.cnt_b = (u16)f->pm1b_cnt;
        acpi.smi_cmd = f->smi_cmd;
        acpi.acpi_enable = f->acpi_enable;
        acpi.s5 = acpi.cnt_a && s5_in(table_at(f->dsdt, "DSDT"));
        if (f->head.len >= sizeof(*f) && (f->flags & FLAG_RESET)) {
                acpi.reset = true;
                acpi.reset_reg = f->reset_reg;
                acpi.reset_value = f->reset_value;
        }
}

void acpi_init(u32 known, u32 ebda)
{
        const struct rsdp *r = rsdp_find(known, ebda);
        const struct table *rsdt = r ? table_at(r->rsdt, "RSDT") : NULL;
        if (!rsdt) {
                klog("acpi: none");
                return;
        }
        const u32 *entry = (const u32 *)(rsdt + 1);
        u32 n = min_u32((rsdt->len - sizeof(*rsdt)) / 4, TABLES_MAX);
        for (u32 i = 0; i < n; i++) {
                const struct table *t = table_at(entry[i], "FACP");
                if (t && t->len >= offsetof(struct fadt, skip))
                        take_fadt((const struct fadt *)t);
        }
        for (u32 i = 0; i < n && acpi.cnt_a && !acpi.s5; i++)
                acpi.s5 = s5_in(table_at(entry[i], "SSDT"));
        klog("acpi: power-off %s, reset %s", acpi.s5 ? "by S5" : "unknown", acpi.reset ? "by register" : "unknown");
}

void acpi_off(void)
{
        if (!acpi.s5)
                return;
        if (!(inw(acpi.cnt_a) & SCI_EN) && acpi.smi_cmd && acpi.acpi_enable) {  /* firmware still owns the registers (4.8.2.5) */
                outb((u16)acpi.smi_cmd, acpi.acpi_enable);
                for (u32 i = 0; i < ENABLE_TRIES && !(inw(acpi.cnt_a) & SCI_EN); i++)
                        clock_delay_us(1000);
        }
        outw(acpi.cnt_a, (u16)(acpi.typ_a << SLP_TYP_SHIFT | SLP_EN));
        if (acpi.cnt_b)
                outw(acpi.cnt_b, (u16)(acpi.typ_b << SLP_TYP_SHIFT | SLP_EN));
}

void acpi_reset(void)
{
        u32 addr = (u32)acpi.reset_reg.addr;
        if (!acpi.reset || acpi.reset_reg.addr >> 32)
                return;
        if (acpi.reset_reg.space == GAS_IO) {
                outb((u16)addr, acpi.reset_value);
        } else if (acpi.reset_reg.space == GAS_MEMORY) {
                volatile u8 *reg = mem_map_device(addr, 1);
                if (reg)
                        *reg = acpi.reset_value;
        }
}
