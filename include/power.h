/* power.h - the ways out of a running machine.
 * SPDX-License-Identifier: MIT */
#ifndef POWER_H
#define POWER_H

/* Resets by ACPI, else the keyboard controller, else port 0xcf9, else a triple fault. */
void power_reboot(void) __attribute__((noreturn));
/* Turns off by ACPI S5, else the doors that emulators leave open; halts when nothing works. */
void power_off(void) __attribute__((noreturn));

#endif
