/* plat.h - test support: the platform that shell and services stand on, as variables of the test.
 * SPDX-License-Identifier: MIT */
#ifndef PLAT_H
#define PLAT_H

#include "platform.h"

struct wire;

struct plat {
        struct wire  *wire;         /* its stack is plat_stack(); plat_wait moves its clock */
        void        (*on_wait)(void); /* called by plat_wait; may be NULL */
        const u8     *volume;
        u32           volume_size;
        u64           wall;
        const char   *keys;         /* what plat_getc still gives */
        char          written[65536]; /* what plat_write got */
        u32           n_written;
        u32           panic_s;
        u32           reboots, halts;
};
extern struct plat plat;

/* Everything back to the beginning. */
void plat_reset(struct wire *w);

#endif
