/* volume.c - the FAT volume that came with the boot medium, checked once.
 * SPDX-License-Identifier: MIT */
#include "fat.h"
#include "platform.h"

static struct fat the_volume;
static const char *trouble = "";   /* "" = not looked at yet, NULL = mounted */

const struct fat *volume(const char **why)
{
        if (trouble && !*trouble) {
                u32 size;
                const u8 *base = plat_volume(&size);

                trouble = size ? fat_mount(&the_volume, base, size) : "started without a volume";
        }
        if (why)
                *why = trouble;
        return trouble ? NULL : &the_volume;
}
