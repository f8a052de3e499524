/* fat.h - read-only FAT12 and FAT16 volumes that lie in memory, long names included.
 * Nothing is copied: what a file holds is given as runs of the image. Nothing in an image can make
 * these functions read outside it or loop; what is broken is reported, or ends early.
 * SPDX-License-Identifier: MIT */
#ifndef FAT_H
#define FAT_H

#include "types.h"

enum { FAT_NAME = 256 }; /* bytes of a name in UTF-8 with its final 0; longer long names show as their 8.3 name */

struct fat {
        const u8 *base;
        u32       size;          /* bytes in memory; what the BPB promises beyond reads as absent */
        u32       table;         /* offset of the first FAT */
        u32       root, n_root;  /* offset of the root directory, its entries */
        u32       data;          /* offset of cluster 2 */
        u32       cluster_bytes;
        u32       n_clusters;    /* cluster numbers are 2 .. n_clusters + 1 */
        u8        bits;          /* 12 or 16 */
};

/* A file or directory. */
struct fat_node {
        u32  cluster; /* first; 0 = none: an empty file, or the root directory */
        u32  size;    /* bytes, 0 for a directory */
        u16  date, time;
        bool dir;
};

/* Checks the BPB and that the tables are in memory. NULL when *f is ready, else what is wrong, in a few words. */
const char *fat_mount(struct fat *f, const u8 *base, u32 size);

/* Finds a path of names separated by '/' (leading and doubled ones ignored), ASCII letters of either case alike, by
 * long or 8.3 name. "." and ".." are not names. "" is the root. false when there is no such file. */
bool fat_lookup(const struct fat *f, const char *path, struct fat_node *out);

/* Walks a directory: fat_dir_open, then fat_dir_next until it is false. The volume label, "." and ".." are left out. */
struct fat_dir {
        const struct fat *f;
        u32  cluster, index, left;  /* cluster 0 = root area; left bounds the walk whatever the chain says */
        char name[FAT_NAME];        /* of the entry that fat_dir_next gave */
        char short_name[13];
};
void fat_dir_open(const struct fat *f, const struct fat_node *dir, struct fat_dir *d);
bool fat_dir_next(struct fat_dir *d, struct fat_node *out);

/* A place in a file; zero-initialised is its beginning. */
struct fat_pos { u32 off, cluster; };

/* The longest run of the file that is contiguous in the image from pos, at most max bytes; pos moves behind it.
 * 0 at the end of the file, or where the chain is broken or its cluster is not in memory. */
u32 fat_read(const struct fat *f, const struct fat_node *n, struct fat_pos *pos, u32 max, const u8 **ptr);

/* Moves pos to off <= size; false when the chain does not reach that far. */
bool fat_seek(const struct fat *f, const struct fat_node *n, struct fat_pos *pos, u32 off);

/* The chain is exactly as long as the size says, without loops, and all of it is in memory. */
bool fat_intact(const struct fat *f, const struct fat_node *n);

/* Time of last change, seconds since 1970, taken as UTC; 0 when the entry has none. */
u64 fat_mtime(const struct fat_node *n);

/* The volume that the appliance was started with, or NULL; the reason for that is in *why (may be NULL). */
const struct fat *volume(const char **why);

#endif
