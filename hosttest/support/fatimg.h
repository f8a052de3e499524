/* fatimg.h - test support: writes small FAT12 and FAT16 volumes into memory, whole or with chains scattered.
 * SPDX-License-Identifier: MIT */
#ifndef FATIMG_H
#define FATIMG_H

#include "types.h"

struct fatimg {
        u8 *b;
        u32 size, bits, cluster_bytes, n_clusters;
        u32 table, root, n_root, data;
        u32 next;    /* cluster to use next */
        u32 stride;  /* 1 = contiguous; more = a file's clusters lie so far apart */
};

/* An empty volume of n_clusters (below 4085: FAT12) of cluster_bytes (a multiple of 512). fatimg_free it. */
struct fatimg *fatimg_new(u32 n_clusters, u32 cluster_bytes);
void fatimg_free(struct fatimg *f);

/* Adds a file, or a folder when bytes is NULL, to a folder (0 = root, else its first cluster). `name` in ASCII: as an 8.3
 * entry when it fits one in capitals, else with long entries in front. Returns its first cluster (0 for an empty file). */
u32 fatimg_add(struct fatimg *f, u32 folder, const char *name, const void *bytes, u32 n);

/* The FAT entry of a cluster. */
u32  fatimg_get(const struct fatimg *f, u32 cluster);
void fatimg_set(struct fatimg *f, u32 cluster, u32 link);

#endif
