/* kbd.h - the PS/2 keyboard.
 * SPDX-License-Identifier: MIT */
#ifndef KBD_H
#define KBD_H

/* Attaches its interrupt; what is typed goes to console_input. Nothing happens when there is no controller. */
void kbd_init(void);

#endif
