/* http_file.c - the files that are asked for again and again, kept with their finished reply heads.
 * A file is found by the site and the target just as it came, so a hit decodes nothing and walks no directory.
 * SPDX-License-Identifier: MIT */
#include "cksum.h"
#include "fmt.h"
#include "http_impl.h"
#include "platform.h"

static void drop_ready(struct http *h, struct http_file *f)
{
        if (!f->ready)
                return;
        pkt_free(f->ready);
        f->ready = NULL;
        h->n_ready--;
}

void http_file_forget(struct http *h)
{
        for (u32 i = 0; i < HTTP_FILES; i++) {
                h->file[i].key_n = 0;
                h->file[i].life++;
                drop_ready(h, &h->file[i]);
        }
}

const char *http_now(struct http *h)
{
        u32 ms = stack_now_ms(h->st);

        if (ms == h->date_ms && h->date[0])
                return h->date;
        u64 now = plat_wall();
        h->date_ms = ms;
        if (now != h->date_s || !h->date[0]) {
                h->date_s = now;
                http_date_put(now, h->date);
        }
        return h->date;
}

/* Heads of past seconds give their buffers back. */
static void drop_stale(struct http *h)
{
        for (u32 i = 0; i < HTTP_FILES; i++)
                if (h->file[i].ready_s != h->date_s)
                        drop_ready(h, &h->file[i]);
}

struct pkt *http_file_ready(struct http *h, struct http_file *f, u32 *sum)
{
        const char *now = http_now(h);

        if (f->ready && (f->ready_s != h->date_s || f->ready->refs > HTTP_SHARED))
                drop_ready(h, f);
        if (!f->ready) {
                if (h->n_ready == HTTP_READY)
                        drop_stale(h);
                if (f == &h->spare || h->n_ready == HTTP_READY || h->st->pkts.n_free < h->st->pkts.n_half)
                        return NULL;
                f->ready = pkt_alloc(&h->st->pkts, 0);
                if (!f->ready)
                        return NULL;
                h->n_ready++;
                pkt_append(f->ready, f->head, f->head_n);
                pkt_append(f->ready, "\r\n", 2);
                if (f->node.size <= pkt_tailroom(f->ready))
                        pkt_append(f->ready, f->whole, f->node.size);
                __builtin_memcpy(f->ready->data + f->date_at, now, HTTP_DATE);
                f->ready_s = h->date_s;
                f->ready_sum = cksum_add(0, f->ready->data, f->ready->len);
        }
        pkt_hold(f->ready);
        *sum = f->ready_sum;
        return f->ready;
}

/* FNV-1a; an attacker who finds collisions wins a slower lookup and nothing else. */
static u32 hash_of(int site, struct http_text t)
{
        u32 hash = 2166136261u ^ (u32)site;

        for (u32 i = 0; i < t.n; i++)
                hash = (hash ^ (u8)t.p[i]) * 16777619u;
        return hash;
}

static void write_head(struct http_file *f)
{
        char modified[HTTP_DATE + 1] = "";
        int n;

        http_date_put(f->mtime, modified);
        fmt(f->etag, sizeof(f->etag), "\"%x-%x-%x\"", (u32)f->mtime, f->node.size, f->tag);
        n = fmt(f->head, sizeof(f->head), "HTTP/1.1 200 OK\r\nDate: %29s\r\nServer: qure\r\n", "");
        f->date_at = 17 + 6;
        n += fmt(f->head + n, sizeof(f->head) - (u32)n,
                 "Last-Modified: %s\r\nETag: %s\r\nAccept-Ranges: bytes\r\nContent-Type: %s\r\nContent-Length: %u\r\n",
                 modified, f->etag, f->mime, f->node.size);
        f->head_n = (u16)n;
        f->date_s = UINT64_MAX;
}

/* What does not change while the volume stays: head, and the sum of a body that is one run. The entity tag is made of what every
 * node that has this file has alike, its first bytes included: not where it lies on the volume. */
static void finish(struct http *h, struct http_file *f)
{
        struct fat_pos pos = {0, 0};
        u32 all = min_u32(f->node.size, HTTP_SUM_MAX), sum = 0, n;
        const u8 *p;

        f->mtime = fat_mtime(&f->node);
        f->whole = NULL;
        while (pos.off < all && (n = fat_read(h->volume, &f->node, &pos, all - pos.off, &p))) {
                sum = cksum_add(sum, p, n); /* all but the last have an even length */
                if (n == f->node.size)
                        f->whole = p;
        }
        f->sum = sum;
        f->tag = cksum_fold(sum);
        write_head(f);
}

/* Site folder and decoded path as one; index.html for a folder. 0 or the status to answer with. */
static u32 locate(struct http *h, int site, struct http_text target, struct http_file *f)
{
        char path[HTTP_FOLDER + HTTP_PATH + 16];
        u32 n = (u32)__builtin_strlen(h->site[site].folder), status, end;

        __builtin_memcpy(path, h->site[site].folder, n);
        path[n++] = '/';
        status = http_path(target, path + n, HTTP_PATH);
        if (status)
                return status;
        end = (u32)__builtin_strlen(path);
        if (!fat_lookup(h->volume, path, &f->node))
                return 404;
        if (f->node.dir && path[end - 1] != '/')
                return 301;
        if (f->node.dir) {
                __builtin_memcpy(path + end, "index.html", 11);
                if (!fat_lookup(h->volume, path, &f->node) || f->node.dir)
                        return 404;
        } else if (path[end - 1] == '/') {
                return 404;
        }
        f->mime = http_mime(path);
        return fat_intact(h->volume, &f->node) ? 0 : 500;
}

struct http_file *http_file_find(struct http *h, int site, struct http_text target, u32 *status)
{
        u32 hash = hash_of(site, target);
        bool keep = target.n < HTTP_KEY;
        struct http_file *f = keep ? &h->file[hash % HTTP_FILES] : &h->spare;

        if (keep && f->hash == hash && f->key_n == target.n + 1 && f->key[0] == (char)site &&
            __builtin_memcmp(f->key + 1, target.p, target.n) == 0)
                return f;
        f->key_n = 0;
        f->life++;
        drop_ready(h, f);
        *status = locate(h, site, target, f);
        if (*status)
                return NULL;
        finish(h, f);
        if (keep) {
                f->hash = hash;
                f->key_n = (u16)(target.n + 1);
                f->key[0] = (char)site;
                __builtin_memcpy(f->key + 1, target.p, target.n);
        }
        return f;
}
