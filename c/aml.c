/* aml.c - reads the one object of the ACPI byte code that powering off needs: the package _S5_.
 * SPDX-License-Identifier: MIT */
#include "acpi.h"
#include "mem.h"

enum { OP_ZERO = 0, OP_ONE = 1, OP_NAME = 8, OP_BYTE = 0x0a, OP_WORD = 0x0b, OP_DWORD = 0x0c, OP_PACKAGE = 0x12, OP_ONES = 0xff };

/* An integer constant at *at (ACPI 6.4, 20.2.3), its low byte; moves *at behind it. */
static bool integer(const u8 *aml, u32 n, u32 *at, u8 *v)
{
        if (*at >= n)
                return false;
        u8 op = aml[(*at)++];
        if (op == OP_ZERO || op == OP_ONE || op == OP_ONES) {
                *v = op;
                return true;
        }
        u32 len = op == OP_BYTE ? 1 : op == OP_WORD ? 2 : op == OP_DWORD ? 4 : 0;
        if (!len || n - *at < len)
                return false;
        *v = aml[*at];
        *at += len;
        return true;
}

/* PackageOp PkgLength NumElements element... at `at` (20.2.5.4). PkgLength has 1 byte, and as many more as its top two bits
 * say (20.2.4). */
static bool package(const u8 *aml, u32 n, u32 at, u8 *a, u8 *b)
{
        if (at + 2 > n || aml[at++] != OP_PACKAGE)
                return false;
        at += 1 + (aml[at] >> 6);
        if (at >= n)
                return false;
        u8 elements = aml[at++];
        if (elements < 1 || !integer(aml, n, &at, a))
                return false;
        return elements < 2 ? (*b = 0, true) : integer(aml, n, &at, b);
}

bool acpi_s5(const u8 *aml, u32 n, u8 *typ_a, u8 *typ_b)
{
        for (u32 i = 1; i + 4 < n; i++) {
                if (memcmp(aml + i, "_S5_", 4))
                        continue;
                bool named = aml[i - 1] == OP_NAME || (i >= 2 && aml[i - 1] == '\\' && aml[i - 2] == OP_NAME);
                if (named && package(aml, n, i + 4, typ_a, typ_b))
                        return true;
        }
        return false;
}
