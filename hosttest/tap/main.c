/* main.c - qure-tap TAP[,TAP...] VOLUME: the appliance as an ordinary Linux process.
 * VOLUME is a FAT image (build/qure.img), or a folder with qure.conf in it.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "fat.h"
#include "platform.h"
#include "qure.h"
#include "shell.h"
#include "tap.h"

static void *take(void *ctx, size_t n, size_t align)
{
        void *p;

        if (align < sizeof(void *))
                align = sizeof(void *);
        if (posix_memalign(&p, align, n))
                return NULL;
        return memset(p, 0, n);
}

static void log_line(void *ctx, const char *line) { plat_log(line); }
static void wait_a_little(void *ctx, u32 ms) { plat_wait(ms); }

int main(int argc, char **argv)
{
        struct stack_config cfg = {.n_pkts = 2048, .n_tcbs = 1024, .n_synq = 512, .n_timewait = 4096, .alloc = take,
                                   .wait = wait_a_little, .log = log_line};
        u32 size;

        if (argc != 3) {
                fprintf(stderr, "usage: qure-tap TAP-DEVICE[,TAP-DEVICE...] VOLUME\n"
                                "  TAP-DEVICE is made when it is not there (that takes CAP_NET_ADMIN)\n"
                                "  VOLUME is a FAT image like build/qure.img, or a folder with a qure.conf in it\n");
                return 2;
        }
        qure_use_cpu();
        u8 *image = volume_load(argv[2], &size);
        if (getrandom(cfg.seed, sizeof(cfg.seed), 0) != sizeof(cfg.seed))
                return 1;
        struct stack *st = stack_new(&cfg, platform_now_us());
        if (!st) {
                fprintf(stderr, "qure-tap: out of memory\n");
                return 1;
        }
        tap_open(st, argv[1]);
        platform_start(st, image, size);
        const char *why;
        if (!volume(&why))
                plat_log(why);
        int failed = conf_run_volume();
        if (failed)
                plat_log(failed < 0 ? "no qure.conf on the volume" : "some lines of qure.conf were not understood");
        shell_main(NULL);
        return 0;
}
