/* volume.c - the boot volume of the process: a FAT image as it is, or a folder packed with mtools.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tap.h"

static void give_up(const char *path, const char *why)
{
        fprintf(stderr, "qure-tap: %s: %s\n", path, why);
        exit(1);
}

static u8 *read_all(const char *path, u32 *size)
{
        struct stat s;
        int fd = open(path, O_RDONLY);
        u32 off = 0;

        if (fd < 0 || fstat(fd, &s) < 0)
                give_up(path, strerror(errno));
        if (s.st_size >= 1 << 30)
                give_up(path, "larger than 1 GiB");
        u8 *bytes = malloc((size_t)s.st_size + 1);
        for (ssize_t n; off < (u32)s.st_size && (n = read(fd, bytes + off, (size_t)s.st_size - off)) > 0;)
                off += (u32)n;
        close(fd);
        *size = off;
        return bytes;
}

/* Runs mformat or mcopy; exits when it fails. */
static void run(const char *const argv[])
{
        pid_t pid = fork();
        int status = 0;

        if (pid == 0) {
                setenv("MTOOLS_SKIP_CHECK", "1", 1);
                execvp(argv[0], (char *const *)argv);
                _exit(127);
        }
        if (pid < 0 || waitpid(pid, &status, 0) < 0 || status)
                give_up(argv[0], WEXITSTATUS(status) == 127 ? "is mtools installed?" : "failed");
}

static u64 folder_bytes(const char *path)
{
        char command[4200];
        unsigned long long n = 0;

        snprintf(command, sizeof(command), "du -sB1 --apparent-size '%s'", path);
        FILE *f = popen(command, "r");
        if (!f || fscanf(f, "%llu", &n) != 1)
                give_up(path, "cannot be measured");
        pclose(f);
        return n;
}

static bool is_empty(const char *path)
{
        DIR *d = opendir(path);
        u32 n = 0;

        while (d && readdir(d))
                n++;
        if (d)
                closedir(d);
        return n <= 2; /* . and .. */
}

/* FAT16 of at least 5120 clusters (fewer than 4085 would be FAT12), a quarter larger than what it holds. */
static u8 *pack(const char *path, u32 *size)
{
        char image[] = "/tmp/qure-volume-XXXXXX", total[24], per_cluster[24], copy[4200];
        u64 sectors = folder_bytes(path) * 5 / 4 / 512 + 40960;
        u32 cluster = 8;

        if (is_empty(path))
                give_up(path, "is empty: it should have a qure.conf, as boot/volume has");
        int fd = mkstemp(image);
        while (sectors / cluster > 65000)
                cluster *= 2;
        if (fd < 0 || cluster > 128 || ftruncate(fd, (off_t)(sectors * 512)) < 0)
                give_up(path, cluster > 128 ? "too large for FAT16" : strerror(errno));
        close(fd);
        snprintf(total, sizeof(total), "%llu", sectors);
        snprintf(per_cluster, sizeof(per_cluster), "%u", cluster);
        run((const char *const[]){"mformat", "-i", image, "-T", total, "-h", "16", "-s", "63", "-c", per_cluster, "::", NULL});
        snprintf(copy, sizeof(copy), "cd '%s' && mcopy -i %s -s -m -n -Q ./* ::", path, image);
        run((const char *const[]){"sh", "-c", copy, NULL});
        u8 *bytes = read_all(image, size);
        unlink(image);
        return bytes;
}

u8 *volume_load(const char *path, u32 *size)
{
        struct stat s;

        if (stat(path, &s) < 0)
                give_up(path, strerror(errno));
        return S_ISDIR(s.st_mode) ? pack(path, size) : read_all(path, size);
}
