/* fat.c - FAT12/16: checks the BIOS parameter block, follows cluster chains (Microsoft "FAT: General Overview of
 * On-Disk Format", 1.03). Directories are in dir.c. Read only; FAT32 and exFAT are refused.
 * SPDX-License-Identifier: MIT */
#include "calendar.h"
#include "fat.h"

enum { FAT12_MAX = 4085, FAT16_MAX = 65525 }; /* the type is decided by the number of clusters and nothing else */

static u32 le16(const u8 *p) { return p[0] | (u32)p[1] << 8; }
static u32 le32(const u8 *p) { return le16(p) | le16(p + 2) << 16; }

const char *fat_mount(struct fat *f, const u8 *base, u32 size)
{
        if (!base || size < 512)
                return "no volume, or one shorter than a sector";
        u32 sector = le16(base + 11), per_cluster = base[13], reserved = le16(base + 14), n_fats = base[16];
        u32 n_root = le16(base + 17), total = le16(base + 19), fat_sectors = le16(base + 22);

        if (base[510] != 0x55 || base[511] != 0xaa)
                return "no boot signature: not a FAT volume";
        if (sector < 512 || sector > 4096 || (sector & (sector - 1)))
                return "bytes per sector are not 512 to 4096: not a FAT volume";
        if (!per_cluster || (per_cluster & (per_cluster - 1)))
                return "sectors per cluster are not a power of two";
        if (!reserved || !n_fats || n_fats > 4)
                return "no reserved sector, or no allocation table";
        if (!fat_sectors || !n_root)
                return "FAT32 is not supported, only FAT12 and FAT16";
        if (!total)
                total = le32(base + 32);
        u64 root = ((u64)reserved + n_fats * fat_sectors) * sector, data = root + (n_root * 32 + sector - 1) / sector * sector;
        u64 end = (u64)total * sector;
        if (data >= end || end > UINT32_MAX)
                return "the tables leave no room for data, or the volume is too large";
        u32 n_clusters = (u32)(end - data) / (sector * per_cluster);
        if (n_clusters >= FAT16_MAX || !n_clusters)
                return "number of clusters is not that of FAT12 or FAT16";
        u32 bits = n_clusters < FAT12_MAX ? 12 : 16;
        if (((n_clusters + 2) * bits + 7) / 8 > fat_sectors * sector)
                return "the allocation table is too short for the volume";
        if (data > size)
                return "the volume was cut off inside its tables";
        if (base[reserved * sector] != base[21])
                return "the allocation table does not begin with the media byte";
        *f = (struct fat){base, size, reserved * sector, (u32)root, n_root, (u32)data, sector * per_cluster, n_clusters,
                          (u8)bits};
        return NULL;
}

/* The entry of a cluster; 0 (free, so no valid link) for numbers outside the volume. */
static u32 fat_link(const struct fat *f, u32 cluster)
{
        const u8 *t = f->base + f->table;

        if (cluster - 2 >= f->n_clusters)
                return 0;
        if (f->bits == 16)
                return le16(t + cluster * 2);
        u32 pair = le16(t + cluster + cluster / 2);
        return cluster & 1 ? pair >> 4 : pair & 0xfff;
}

/* The mark at the end of a chain: 0xff8.. or 0xfff8.. */
static bool fat_is_end(const struct fat *f, u32 link) { return link >= (f->bits == 16 ? 0xfff8u : 0xff8u); }

/* The bytes of a cluster, or NULL when there is no such cluster or it is not all in memory. */
static const u8 *fat_cluster(const struct fat *f, u32 cluster)
{
        u64 off = f->data + (u64)(cluster - 2) * f->cluster_bytes;

        return cluster - 2 < f->n_clusters && off + f->cluster_bytes <= f->size ? f->base + off : NULL;
}

bool fat_seek(const struct fat *f, const struct fat_node *n, struct fat_pos *pos, u32 off)
{
        u32 steps = off / f->cluster_bytes, c = n->cluster;

        if (off > n->size)
                return false;
        if (steps && off % f->cluster_bytes == 0 && off == n->size)
                steps--; /* no cluster lies behind the last byte */
        if (steps >= f->n_clusters)
                return false;
        while (steps--)
                c = fat_link(f, c);
        *pos = (struct fat_pos){off, c};
        return off == n->size || fat_cluster(f, c) != NULL;
}

u32 fat_read(const struct fat *f, const struct fat_node *n, struct fat_pos *pos, u32 max, const u8 **ptr)
{
        u32 c = pos->off ? pos->cluster : n->cluster, in = pos->off % f->cluster_bytes, got = 0;
        const u8 *at = fat_cluster(f, c);

        if (pos->off >= n->size || !at)
                return 0;
        *ptr = at + in;
        max = min_u32(max, n->size - pos->off);
        do {
                u32 take = min_u32(max - got, f->cluster_bytes - in);

                got += take;
                if (in + take == f->cluster_bytes && pos->off + got < n->size)
                        c = fat_link(f, c);
                in = 0;
        } while (got < max && fat_cluster(f, c) == *ptr + got);
        *pos = (struct fat_pos){pos->off + got, c};
        return got;
}

bool fat_intact(const struct fat *f, const struct fat_node *n)
{
        u32 c = n->cluster, left = n->size;

        for (u32 steps = 0; left && steps < f->n_clusters; steps++, c = fat_link(f, c)) {
                if (!fat_cluster(f, c))
                        return false;
                if (left <= f->cluster_bytes)
                        return fat_is_end(f, fat_link(f, c));
                left -= f->cluster_bytes;
        }
        return left == 0;
}

u64 fat_mtime(const struct fat_node *n)
{
        struct calendar c = {
                .year = (u16)(1980 + (n->date >> 9)), .month = n->date >> 5 & 15, .day = n->date & 31,
                .hour = (u8)(n->time >> 11), .minute = n->time >> 5 & 63, .second = (u8)((n->time & 31) * 2),
        };
        u64 t = 0;

        calendar_unix(&c, &t);
        return t;
}
