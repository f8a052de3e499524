/* guard.c - the stack canary of the library when a Linux program links it (the kernel has its own in c/panic.c).
 * SPDX-License-Identifier: MIT */
#include "types.h"

extern uintptr_t __stack_chk_guard;
uintptr_t __stack_chk_guard = 0xff0a0d00u;
