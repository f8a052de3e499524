/* drop.c - names and explanations of the drop reasons, from the one list in drop.h.
 * SPDX-License-Identifier: MIT */
#include "drop.h"

static const char *const names[DROP_N] = {
#define X(name, text) #name,
        DROPS(X)
#undef X
};

static const char *const texts[DROP_N] = {
#define X(name, text) text,
        DROPS(X)
#undef X
};

const char *drop_name(enum drop why) { return names[why]; }
const char *drop_text(enum drop why) { return texts[why]; }
