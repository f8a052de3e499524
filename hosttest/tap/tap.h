/* tap.h - the appliance as a Linux process: TAP devices as its network cards, standard input as its console.
 * SPDX-License-Identifier: MIT */
#ifndef TAP_H
#define TAP_H

#include <poll.h>
#include "netif.h"

enum { TAPS = 4 };

/* Opens (or makes) the TAP devices `names`, commas between them, and adds them to st as "eth0", "eth1" ...; exits with a message
 * when it cannot. */
void tap_open(struct stack *st, const char *names);
/* Their descriptors, to be waited for; how many. f has room for TAPS. */
u32 tap_fds(struct pollfd *f);
/* Hands up to `budget` waiting frames of each to the stack; true: there may be more. */
bool tap_poll(int budget);

/* The process side of include/platform.h. `volume` stays in use. */
void platform_start(struct stack *st, const u8 *volume, u32 size);
u64  platform_now_us(void);

/* A FAT volume out of a file, or packed of a folder with mtools; exits with a message when it cannot. */
u8 *volume_load(const char *path, u32 *size);

#endif
