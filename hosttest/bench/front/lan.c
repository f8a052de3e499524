/* lan.c - the LAN of the front's measurements (lan.h).
 * SPDX-License-Identifier: MIT */
#include "lan.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../step.h"
#include "arp.h"

enum { FRAMES = 4096 };
struct frame { u32 n; u8 b[1518]; };

struct machine lan[MACHINES];
static struct frame out[MACHINES][FRAMES];
static u32 head[MACHINES], tail[MACHINES];
static u64 now_us = 1000000;

void lan_check(bool ok, const char *what)
{
        if (ok)
                return;
        fprintf(stderr, "bench: %s\n", what);
        exit(1);
}

static void *give(void *ctx, size_t n, size_t align)
{
        void *p;
        if (posix_memalign(&p, align < 16 ? 16 : align, n ? n : 1))
                return NULL;
        ((struct machine *)ctx)->allocated += n;
        return memset(p, 0, n);
}

/* The driver: keeps a copy for the others. A real one would gather. */
static __attribute__((noinline)) void drv_xmit(struct netif *nif, struct pkt *p)
{
        int i = (int)(container_of(nif, struct machine, nif) - lan);
        struct frame *f = &out[i][head[i]++ % FRAMES];
        f->n = pkt_total(p);
        lan_check(f->n <= sizeof f->b && head[i] - tail[i] < FRAMES, "more came out than the LAN can hold");
        pkt_copy_out(p, 0, f->b, f->n);
        pkt_free(p);
}

static struct pkt *frame_for(int to)
{
        for (int from = 0; from < MACHINES; from++)
                while (from != to && tail[from] != head[from]) {
                        struct frame *f = &out[from][tail[from] % FRAMES];
                        if (!(f->b[0] & 1) && memcmp(f->b, lan[to].nif.mac.b, 6) != 0)
                                break;
                        tail[from]++;
                        if (f->b[0] & 1)        /* neighbours are known beforehand */
                                continue;
                        struct pkt *p = pkt_alloc(&lan[to].st->pkts, 2);
                        lan_check(p && pkt_append(p, f->b, f->n), "no buffer");
                        return p;
                }
        return NULL;
}

static void input(struct machine *m, struct pkt *p)
{
        while (p) {
                struct pkt *next = p->next;
                p->next = NULL;
                netif_rx(&m->nif, p);
                p = next;
        }
        stack_batch_end(m->st);
}

/* All that waits for one machine, in its order. */
static bool batch(int to, bool count)
{
        struct pkt *first = NULL, **last = &first;
        while ((*last = frame_for(to)))
                last = &(*last)->next;
        if (!first)
                return false;
        stack_tick(lan[to].st, now_us);
        if (count)
                step_begin();
        input(&lan[to], first);
        if (count)
                step_end();
        return true;
}

void lan_carry(int counted)
{
        for (bool moved = true; moved;) {
                moved = false;
                for (int i = 0; i < MACHINES; i++)
                        moved |= batch(i, i == counted);
        }
}

/* Only when one is due: a machine sleeps until then. */
static void timers(struct machine *m, bool count)
{
        u32 slept = (u32)(now_us / 1000 - m->st->now_us / 1000);
        if (slept < stack_next(m->st))
                return;
        if (count)
                step_begin();
        stack_tick(m->st, now_us);
        stack_batch_end(m->st);
        if (count)
                step_end();
}

void lan_run(u32 ms, int counted)
{
        for (lan_carry(counted); ms; ms--) {
                now_us += 1000;
                for (int i = 0; i < MACHINES; i++)
                        timers(&lan[i], i == counted);
                lan_carry(counted);
        }
}

void lan_make(void)
{
        for (int i = 0; i < MACHINES; i++) {
                struct machine *m = &lan[i];
                struct stack_config c = {.n_pkts = 2048, .n_tcbs = 512, .n_timewait = 512, .alloc = give, .alloc_ctx = m, .seed = {(u8)(i + 1)}};
                m->st = stack_new(&c, now_us);
                m->addr = (ipaddr){{{10, 0, 0, (u8)(i + 1)}}};
                m->nif = (struct netif){.name = "eth0", .driver = "bench", .mac = {{2, 0, 0, 0, 0, (u8)(i + 1)}}, .mtu = 1500,
                                        .caps = NETIF_SG, .xmit = drv_xmit};
                lan_check(m->st && netif_add(m->st, &m->nif, true) && !netif_addr_add(&m->nif, m->addr, 24, IFADDR_STATIC, false), "cannot make a stack");
        }
        lan_check(!netif_addr_add(&lan[FRONT].nif, SERVICE, 24, IFADDR_STATIC, false), "no service address");
        lan_run(10000, NOBODY);         /* announcements and probes of the addresses are over */
        for (int i = 0; i < MACHINES; i++)
                for (int k = 0; k < MACHINES; k++)
                        if (k != i)
                                arp_set(&lan[i].nif, lan[k].addr, lan[k].nif.mac);
        arp_set(&lan[CLIENT].nif, SERVICE, lan[FRONT].nif.mac);
}
