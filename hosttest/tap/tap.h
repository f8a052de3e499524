/* tap.h - the appliance as a Linux process: a TAP device as its network card, standard input as its console.
 * SPDX-License-Identifier: MIT */
#ifndef TAP_H
#define TAP_H

#include "netif.h"

/* Opens (or makes) the TAP device `name` and adds it to st as "eth0"; exits with a message when it cannot. Returns its
 * descriptor. */
int tap_open(struct stack *st, const char *name);
/* Hands up to `budget` waiting frames to the stack; the number. */
int tap_poll(int budget);

/* The process side of include/platform.h. `volume` stays in use. */
void platform_start(struct stack *st, const u8 *volume, u32 size, int tap_fd);
u64  platform_now_us(void);

/* A FAT volume out of a file, or packed of a folder with mtools; exits with a message when it cannot. */
u8 *volume_load(const char *path, u32 *size);

#endif
