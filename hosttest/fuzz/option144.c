/* option144.c (fuzz) - TCP options in which option 144 is looked for: reading stays inside, and what was read and is written
 * again reads the same. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include "../../net/tcp/option144.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct option144 x, y;
        u8 again[OPTION144_MAX], kind = size && data[0] & 1 ? 144 : 253;
        u32 n = min_u32((u32)size, 255);
        u8 *o = malloc(n ? n : 1); /* exact size, so that one byte beyond is seen */
        memcpy(o, data, n);
        if (option144_find(o, n, kind, &x)) {
                u32 len = option144_put(again, kind, &x);
                if (len > OPTION144_MAX || again[1] != len || !option144_read(again, len, &y) || memcmp(&x, &y, sizeof x))
                        abort();
        } else if (x.has) {
                abort();
        }
        if (n >= 2 && o[1] >= 2 && o[1] <= n)
                option144_read(o, o[1], &x);
        free(o);
        return 0;
}
