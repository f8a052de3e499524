/* pic.h - the two 8259A interrupt controllers, lines 0..15 at vectors VEC_IRQ up.
 * SPDX-License-Identifier: MIT */
#ifndef PIC_H
#define PIC_H

#include "types.h"

/* All lines masked but the cascade. */
void pic_init(void);
void pic_mask(u8 line, bool masked);
/* Level- or edge-triggered, where the chipset has the ELCR. */
void pic_level(u8 line, bool level);
/* True when line (7 or 15) only seems to ask; then nothing more is to be done. */
bool pic_spurious(u8 line);
void pic_eoi(u8 line);

#endif
