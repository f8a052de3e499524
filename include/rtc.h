/* rtc.h - the battery clock of the PC.
 * SPDX-License-Identifier: MIT */
#ifndef RTC_H
#define RTC_H

#include "types.h"

/* Seconds since 1970; the RTC is taken to run on UTC. 0 when it makes no sense. */
u64 rtc_read(void);

#endif
