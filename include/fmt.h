/* fmt.h - bounded text formatting for the kernel and the stack, which have no libc.
 * SPDX-License-Identifier: MIT */
#ifndef FMT_H
#define FMT_H

#include <stdarg.h>
#include "types.h"

/* Like vsnprintf: writes at most n bytes with the final 0, returns the length the whole would have.
 * %d %u %x %X %o %c %s %p %% with flags - 0 +, width, precision, *, l and ll; beyond C: %I takes a
 * `const ipaddr *` (dotted quad), %M a `const macaddr *` (colons), %w a text as one word of the shell, in quotes if need be. */
int fmt_v(char *dst, size_t n, const char *fmt, va_list ap);
int fmt(char *dst, size_t n, const char *fmt, ...);

#endif
