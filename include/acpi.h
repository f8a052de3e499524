/* acpi.h - the two things that an appliance wants of ACPI: off and reset. No interpreter: _S5_ is found by its bytes.
 * SPDX-License-Identifier: MIT */
#ifndef ACPI_H
#define ACPI_H

#include "types.h"

/* Finds the tables, one line to the log. `rsdp`: its address when the loader knew it, else 0; `ebda`: where the BIOS's
 * extended data area begins (read before page 0 was unmapped), 0 for none. */
void acpi_init(u32 rsdp, u32 ebda);

/* Writes the sleep register for S5, or the reset register. Return when there is none or nothing happened. */
void acpi_off(void);
void acpi_reset(void);

/* SLP_TYPa and SLP_TYPb out of the AML of a DSDT or SSDT (behind its header): Name(_S5_, Package(){a, b, ...}).
 * ACPI 6.4, 20.2.5.4 and 7.4.2. False when it is not there in a form that is known. Pure. */
bool acpi_s5(const u8 *aml, u32 n, u8 *typ_a, u8 *typ_b);

#endif
