/* step.h - instructions counted one by one: the measured program is a child that is stepped between two marks.
 * Counts what callgrind cannot (AVX2 in 32 bit) and needs nothing installed. SPDX-License-Identifier: MIT */
#ifndef STEP_H
#define STEP_H

#include "types.h"

/* Runs `program` in a child and counts what it asks for; its exit status. `functions`: also lists the costliest functions of each row. */
int step_run(int (*program)(void), bool functions);

/* In the child: what runs between the two is counted.
 * Functions drv_* (the driver) are left out with all that they call; app_* (the application) are told apart, their own cost only. */
void step_begin(void);
void step_end(void);
/* Ends a row: prints `name: value instructions`, all that was counted divided by `times`; beside it lwIP's figure and the
 * target, 0 = none. Returns the value. */
double step_row(const char *name, u32 times, u32 lwip, u32 target);
/* The same without what app_* cost, which is printed behind it. */
double step_row_stack(const char *name, u32 times, u32 lwip, u32 target);

#endif
