/* wan.c - a bad network between two Ethernet descriptors: loss, delay, reordering, duplicates, corruption, a narrow link, a small MTU.
 * What `tc netem` does, for build machines whose kernel has no netem, the same everywhere from a seed, and it keeps the capture too.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* qure-wan PEER-FD QURE-FD [CAPTURE.pcap]. Each line of standard input: [up|down] NAME VALUE...; "up" is from the peer to qure, neither
 * word means both. Probabilities are percent, delay ms, rate bit/s, queue frames. The capture holds what qure got and what it sent. */

enum { FRAME = 9216 };

struct frame { uint64_t due, order; uint32_t len; uint8_t bytes[]; };

struct way {
        double   loss, dup, corrupt, reorder, delay, rate, queue, mark;
        uint32_t mtu;                           /* IP bytes; larger frames vanish without a word (a black hole) */
        uint64_t free_at;                       /* when the last frame is through the narrow link */
        unsigned waiting;                       /* frames in front of it */
        uint64_t frames, bytes, lost, doubled, corrupted, hurried, dropped, marked, refused;
        struct frame **heap;
        unsigned n, room;
        int      to;
};

static struct way way[2];                       /* 0 up: from the peer to qure, 1 down: from qure to the peer */
static FILE *capture;
static uint64_t random_state = 88172645463325252u, arrivals;

static uint64_t now_us(void)
{
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint32_t rnd(void)
{
        random_state ^= random_state << 13, random_state ^= random_state >> 7, random_state ^= random_state << 17;
        return (uint32_t)(random_state >> 16);
}
static bool happens(double percent) { return percent > 0 && rnd() % 100000 < percent * 1000; }

static void record(const uint8_t *f, uint32_t n)
{
        struct timespec t;

        if (!capture)
                return;
        clock_gettime(CLOCK_REALTIME, &t);
        uint32_t head[4] = {(uint32_t)t.tv_sec, (uint32_t)t.tv_nsec / 1000, n, n};
        fwrite(head, sizeof head, 1, capture);
        fwrite(f, n, 1, capture);
}

static bool before(const struct frame *a, const struct frame *b) { return a->due != b->due ? a->due < b->due : a->order < b->order; }

static void push(struct way *w, struct frame *f)
{
        if (w->n == w->room)
                w->heap = realloc(w->heap, (w->room = w->room * 2 + 64) * sizeof *w->heap);
        unsigned i = w->n++;
        for (; i && before(f, w->heap[(i - 1) / 2]); i = (i - 1) / 2)
                w->heap[i] = w->heap[(i - 1) / 2];
        w->heap[i] = f;
}

static struct frame *pop(struct way *w)
{
        struct frame *top = w->heap[0], *f = w->heap[--w->n];
        unsigned i = 0, c;

        while ((c = 2 * i + 1) < w->n) {
                if (c + 1 < w->n && before(w->heap[c + 1], w->heap[c]))
                        c++;
                if (!before(w->heap[c], f))
                        break;
                w->heap[i] = w->heap[c];
                i = c;
        }
        w->heap[i] = f;
        return top;
}

/* ECT becomes CE (RFC 3168 5), header checksum adjusted (RFC 1624). */
static bool mark(uint8_t *f, uint32_t n)
{
        if (n < 34 || f[12] != 8 || f[13] || !(f[15] & 3))
                return false;
        uint32_t was = (uint32_t)f[14] << 8 | f[15], sum = (uint32_t)f[24] << 8 | f[25];
        f[15] |= 3;
        sum = (~sum & 0xffff) + (~was & 0xffff) + ((uint32_t)f[14] << 8 | f[15]);
        sum = (sum & 0xffff) + (sum >> 16);
        sum = ~((sum & 0xffff) + (sum >> 16));
        f[24] = (uint8_t)(sum >> 8), f[25] = (uint8_t)sum;
        return true;
}

static void enter(struct way *w, const uint8_t *bytes, uint32_t n, uint64_t now)
{
        struct frame *f = malloc(sizeof *f + n);

        memcpy(f->bytes, bytes, n);
        f->len = n;
        f->order = arrivals++;
        f->due = now;
        if (w->rate > 0) {
                uint64_t start = w->free_at > now ? w->free_at : now;
                double ahead = (double)(start - now) * w->rate / 8e6 / 1500; /* frames of full size in front */
                if (w->queue > 0 && ahead > w->queue) {
                        w->dropped++;
                        free(f);
                        return;
                }
                if (w->mark > 0 && ahead > w->mark && mark(f->bytes, n))
                        w->marked++;
                w->free_at = f->due = start + (uint64_t)((n + 24) * 8e6 / w->rate);
        }
        if (happens(w->corrupt)) {
                f->bytes[14 + rnd() % (n > 14 ? n - 14 : 1) % n] ^= (uint8_t)(1u << rnd() % 8);
                w->corrupted++;
        }
        if (happens(w->reorder))
                w->hurried++;
        else
                f->due += (uint64_t)(w->delay * 1000);
        push(w, f);
}

static void arrive(struct way *w, const uint8_t *f, uint32_t n, uint64_t now)
{
        w->frames++;
        w->bytes += n;
        if (w->mtu && n > w->mtu + 14) {
                w->refused++;
                return;
        }
        if (happens(w->loss)) {
                w->lost++;
                return;
        }
        enter(w, f, n, now);
        if (happens(w->dup)) {
                w->doubled++;
                enter(w, f, n, now);
        }
}

static void leave(struct way *w, uint64_t now)
{
        while (w->n && w->heap[0]->due <= now) {
                struct frame *f = pop(w);
                if (w == &way[0])
                        record(f->bytes, f->len);
                if (write(w->to, f->bytes, f->len) < 0 && (errno == ENOBUFS || errno == EAGAIN))
                        w->dropped++;
                free(f);
        }
}

static void clear(struct way *w)
{
        w->loss = w->dup = w->corrupt = w->reorder = w->delay = w->rate = w->queue = w->mark = 0;
        w->mtu = 0;
}

static void set(struct way *w, const char *name, double v)
{
        struct { const char *name; double *at; } table[] = {{"loss", &w->loss}, {"dup", &w->dup}, {"corrupt", &w->corrupt}, {"reorder", &w->reorder},
                {"delay", &w->delay}, {"rate", &w->rate}, {"queue", &w->queue}, {"mark", &w->mark}};

        for (unsigned i = 0; i < sizeof table / sizeof *table; i++)
                if (!strcmp(name, table[i].name))
                        *table[i].at = v;
        if (!strcmp(name, "mtu"))
                w->mtu = (uint32_t)v;
        if (!strcmp(name, "seed"))
                random_state = (uint64_t)v * 2654435761u + 88172645463325252u;
        if (!strcmp(name, "clear"))
                clear(w);
}

/* One line; every line is answered by one. */
static void obey(char *line)
{
        bool both = true;
        unsigned i = 0;

        if (capture)
                fflush(capture);
        for (char *word = strtok(line, " \n"); word; word = strtok(NULL, " \n")) {
                if (!strcmp(word, "up") || !strcmp(word, "down")) {
                        both = false;
                        i = word[0] == 'd';
                } else {
                        char *v = strtok(NULL, " \n");
                        for (unsigned k = 0; k < 2; k++)
                                if (both || k == i)
                                        set(&way[k], word, v ? atof(v) : 0);
                }
        }
        for (unsigned k = 0; k < 2; k++) {
                const struct way *w = &way[k];
                printf("%s%llu %llu %llu %llu %llu %llu %llu %llu %llu", k ? " " : "", (unsigned long long)w->frames, (unsigned long long)w->bytes,
                       (unsigned long long)w->lost, (unsigned long long)w->doubled, (unsigned long long)w->corrupted, (unsigned long long)w->hurried,
                       (unsigned long long)w->dropped, (unsigned long long)w->marked, (unsigned long long)w->refused);
        }
        printf("\n");
        fflush(stdout);
}

static void take(int fd, struct way *w)
{
        static uint8_t f[FRAME];

        for (int i = 0; i < 64; i++) {
                ssize_t n = read(fd, f, sizeof f);
                if (n <= 0)
                        return;
                if (w == &way[1])
                        record(f, (uint32_t)n);
                arrive(w, f, (uint32_t)n, now_us());
        }
}

static int until_next(void)
{
        uint64_t now = now_us(), next = now + 1000000;

        for (int k = 0; k < 2; k++)
                if (way[k].n && way[k].heap[0]->due < next)
                        next = way[k].heap[0]->due;
        return next <= now ? 0 : (int)((next - now + 999) / 1000);
}

int main(int argc, char **argv)
{
        char line[500];

        if (argc < 3)
                return 2;
        struct pollfd p[3] = {{atoi(argv[1]), POLLIN, 0}, {atoi(argv[2]), POLLIN, 0}, {0, POLLIN, 0}};
        way[0].to = p[1].fd, way[1].to = p[0].fd;
        if (argc > 3 && (capture = fopen(argv[3], "wb")) != NULL) {
                static const uint32_t head[6] = {0xa1b2c3d4, 4 << 16 | 2, 0, 0, 65535, 1};
                setvbuf(capture, NULL, _IOFBF, 1 << 20);
                fwrite(head, sizeof head, 1, capture);
        }
        for (;;) {
                poll(p, 3, until_next());
                leave(&way[0], now_us()), leave(&way[1], now_us());
                take(p[0].fd, &way[0]), take(p[1].fd, &way[1]);
                leave(&way[0], now_us()), leave(&way[1], now_us());
                if (p[2].revents) {
                        if (!fgets(line, sizeof line, stdin))
                                break;
                        obey(line);
                }
        }
        if (capture)
                fclose(capture);
        return 0;
}
