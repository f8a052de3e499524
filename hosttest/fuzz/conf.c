/* conf.c (fuzz) - lines of a configuration file, run on a stack with one interface. Commands of the console are refused there.
 * SPDX-License-Identifier: MIT */
#include <string.h>
#include "plat.h"
#include "shell.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct wire *w;
        char line[1024];
        u32 number = 0;

        if (!w) {
                w = wire_new(NULL, 0);
                plat_reset(w);
        }
        while (size && number < 50) {
                const uint8_t *end = memchr(data, '\n', size);
                size_t n = end ? (size_t)(end - data) : size, keep = n < sizeof(line) - 1 ? n : sizeof(line) - 1;

                memcpy(line, data, keep);
                line[keep] = 0;
                conf_line(line, "fuzz", ++number);
                data += n + (end != NULL);
                size -= n + (end != NULL);
        }
        plat.n_written = 0;
        wire_wait(w, 10);
        wire_flush_out(w);
        return 0;
}
