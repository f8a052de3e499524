/* flood.c - qure-flood FD KIND RATE SECONDS TO-MAC FROM-MAC ADDRESS PORT: TCP segments from spoofed sources (198.18.0.0/15, any port),
 * RATE a second, written to the packet socket FD. KIND syn, ack, rst, fin or xmas. Prints how many it sent.
 * SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t state = 42;
static uint32_t rnd(void) { state = state * 6364136223846793005u + 1442695040888963407u; return (uint32_t)(state >> 32); }

static double now(void)
{
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void sum_into(uint8_t *at, const uint8_t *p, uint32_t n, uint32_t sum)
{
        for (uint32_t i = 0; i < n; i += 2)
                sum += (uint32_t)p[i] << 8 | p[i + 1];
        sum = (sum & 0xffff) + (sum >> 16);
        sum = ~((sum & 0xffff) + (sum >> 16));
        at[0] = (uint8_t)(sum >> 8), at[1] = (uint8_t)sum;
}

static void put32(uint8_t *p, uint32_t v) { p[0] = (uint8_t)(v >> 24), p[1] = (uint8_t)(v >> 16), p[2] = (uint8_t)(v >> 8), p[3] = (uint8_t)v; }

static void mac(uint8_t *at, const char *text)
{
        unsigned b[6] = {0};
        sscanf(text, "%x:%x:%x:%x:%x:%x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]);
        for (int i = 0; i < 6; i++)
                at[i] = (uint8_t)b[i];
}

int main(int argc, char **argv)
{
        static const struct { const char *name; uint8_t flags; } kinds[] = {{"syn", 2}, {"ack", 16}, {"rst", 4}, {"fin", 1}, {"xmas", 0x29}};
        uint8_t f[58] = {0}, *ip = f + 14, *t = f + 34;

        if (argc < 9)
                return 2;
        int fd = atoi(argv[1]);
        double rate = atof(argv[3]), start = now(), end = start + atof(argv[4]);
        mac(f, argv[5]), mac(f + 6, argv[6]);
        f[12] = 8;
        ip[0] = 0x45, ip[3] = 44, ip[8] = 64, ip[9] = 6;
        inet_pton(AF_INET, argv[7], ip + 16);
        t[2] = (uint8_t)(atoi(argv[8]) >> 8), t[3] = (uint8_t)atoi(argv[8]);
        t[12] = 0x60, t[14] = 0xff, t[20] = 2, t[21] = 4, t[22] = 5, t[23] = 180;
        for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
                if (!strcmp(kinds[i].name, argv[2]))
                        t[13] = kinds[i].flags;
        unsigned long sent = 0, lost = 0;
        for (double at; (at = now()) < end;) {
                if ((double)sent + (double)lost >= (at - start) * rate) {
                        usleep(200);
                        continue;
                }
                uint32_t r = rnd(), q = rnd();
                put32(ip + 12, 0xc6120000u | (r & 0x1ffff));
                ip[4] = (uint8_t)(q >> 8), ip[5] = (uint8_t)q, ip[10] = ip[11] = 0;
                sum_into(ip + 10, ip, 20, 0);
                t[0] = (uint8_t)(r >> 24 | 4), t[1] = (uint8_t)(r >> 16);
                put32(t + 4, rnd()), put32(t + 8, t[13] & 16 ? rnd() : 0);
                t[16] = t[17] = 0;
                uint32_t pseudo = 6 + 24;
                for (int i = 12; i < 20; i += 2)
                        pseudo += (uint32_t)ip[i] << 8 | ip[i + 1];
                sum_into(t + 16, t, 24, pseudo);
                if (write(fd, f, sizeof f) == sizeof f)
                        sent++;
                else
                        lost++;
        }
        printf("%lu %lu\n", sent, lost);
        return 0;
}
