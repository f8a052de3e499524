/* log.h - the kernel's diary: a ring that dmesg reads, copied to the console line by line.
 * SPDX-License-Identifier: MIT */
#ifndef LOG_H
#define LOG_H

#include "types.h"

/* One line without newline, stamped with seconds since start. From any context. The format is fmt.h's. */
void klog(const char *fmt, ...);

/* Copies up to n bytes from absolute offset *from (moved up when the ring has lost it) and advances it. */
u32 log_read(u32 *from, char *dst, u32 n);

#endif
