/* stack.c - one instance of the stack: memory, clock, entropy, the end of a batch.
 * Not here: any protocol. SPDX-License-Identifier: MIT */
#include "stack.h"
#include "arp.h"
#include "dhcp.h"
#include "eth.h"
#include "fmt.h"
#include "icmp.h"
#include "igmp.h"
#include "ip.h"
#include "mem.h"
#include "route.h"
#include "siphash.h"
#include "sock.h"
#include "tcp.h"
#include "udp.h"

enum { LOOP_ROUNDS = 4 };

void *stack_alloc(struct stack *st, size_t n, size_t align)
{
        return st->cfg.alloc(st->cfg.alloc_ctx, n, align);
}

static u32 or_default(u32 v, u32 dflt) { return v ? v : dflt; }

static void config_defaults(struct stack_config *c)
{
        c->n_pkts = or_default(c->n_pkts, 256);
        c->n_tcbs = or_default(c->n_tcbs, 64);
        c->n_listeners = min_u32(or_default(c->n_listeners, 16), 0xffff); /* tcb->listener */
        c->n_synq = or_default(c->n_synq, 64);
        c->n_timewait = or_default(c->n_timewait, 128);
        c->n_udp = or_default(c->n_udp, 32);
        c->n_socks = or_default(c->n_socks, c->n_listeners + 48);
        c->n_arp = or_default(c->n_arp, 64);
        c->n_routes = or_default(c->n_routes, 32);
        c->n_reass = or_default(c->n_reass, 8);
}

static bool make_packets(struct stack *st)
{
        struct pkt *meta = stack_alloc(st, st->cfg.n_pkts * sizeof *meta, 64);
        u8 *bufs = stack_alloc(st, (size_t)st->cfg.n_pkts * PKT_BUF, 4096);
        if (!meta || !bufs)
                return false;
        pktpool_init(&st->pkts, meta, bufs, st->cfg.n_pkts);
        return true;
}

/* None is so large that its bytes overflow 32 bits. */
static bool sizes_fit(const struct stack_config *c)
{
        return (c->n_pkts | c->n_tcbs | c->n_listeners | c->n_synq | c->n_timewait | c->n_udp | c->n_socks | c->n_arp | c->n_routes |
                c->n_reass) < STACK_POOL_MAX;
}

COLD struct stack *stack_new(const struct stack_config *cfg, u64 now_us)
{
        if (!cfg->alloc || !sizes_fit(cfg))
                return NULL;
        struct stack *st = cfg->alloc(cfg->alloc_ctx, sizeof *st, 64);
        if (!st)
                return NULL;
        st->cfg = *cfg;
        config_defaults(&st->cfg);
        memcpy(st->key, cfg->seed, sizeof st->key);
        st->now_us = st->ms_base_us = now_us;
        st->hop_gen = 1;
        wheel_init(&st->wheel, (u32)(now_us / 1000));
        bool ok = make_packets(st) && eth_init(st) && route_init(st) && arp_init(st) && ip_init(st) && icmp_init(st) && igmp_init(st) && udp_init(st) &&
                  tcp_init(st) && sock_init(st);
        return ok ? st : NULL;
}

void stack_tick(struct stack *st, u64 now_us)
{
        if ((s64)(now_us - st->now_us) < 0)
                return; /* a clock that goes back stands still */
        st->now_us = now_us;
        u64 past = now_us - st->ms_base_us;
        if (past < 1000)
                return;
        /* 32-bit division unless the caller slept for more than an hour */
        u32 ms = past >> 32 ? (u32)(past / 1000) : (u32)past / 1000;
        st->ms_base_us += (u64)ms * 1000;
        wheel_advance(&st->wheel, st->wheel.now_ms + ms);
}

/* What we sent ourselves comes in, and may want acknowledgements too. */
static void end_of_loop(struct stack *st)
{
        st->loop_waits = false;
        for (u32 i = 0; i < LOOP_ROUNDS && ip_batch_end(st); i++)
                tcp_batch_end(st);
}

static __attribute__((noinline)) void ring(struct stack *st)
{
        for (u32 i = 0; i < st->n_nifs; i++)
                if (st->nif[i]->flush)
                        st->nif[i]->flush(st->nif[i]);
}

void stack_batch_rest(struct stack *st)
{
        if (st->n_due)
                tcp_batch_end(st);
        if (unlikely(st->loop_waits))
                end_of_loop(st);
        if (st->n_doorbells)
                ring(st);
}

void stack_watch(struct stack *st, void (*tap)(void *ctx, struct netif *nif, const struct pkt *p, bool out), void *ctx)
{
        st->tap = tap;
        st->tap_ctx = ctx;
        for (u32 i = 0; i < st->n_nifs; i++)
                netif_look(st->nif[i]);
}

void stack_hops_changed(struct stack *st)
{
        if (++st->hop_gen == 0) {
                tcp_forget_hops(st); /* a number kept for 65,535 changes would look fresh */
                ip_forget_hops(st);
                st->hop_gen = 1;
        }
        for (u32 i = 0; i < st->n_nifs; i++) {
                st->nif[i]->hop_gen = st->hop_gen;
                netif_look(st->nif[i]);
        }
}

u32 stack_next(const struct stack *st)
{
        return wheel_next(&st->wheel);
}

COLD void stack_seed(struct stack *st, const u8 seed[16])
{
        u8 both[32];
        memcpy(both, st->key, 16);
        memcpy(both + 16, seed, 16);
        u64 lo = siphash(st->key, both, 32), hi = siphash(seed, both, 32);
        memcpy(st->key, &lo, 8);
        memcpy(st->key + 8, &hi, 8);
}

u32 stack_random(struct stack *st)
{
        u64 n = st->rnd_count++;
        return (u32)siphash(st->key, &n, sizeof n);
}

COLD void stack_log(struct stack *st, const char *format, ...)
{
        char line[160];
        va_list ap;
        if (!st->cfg.log)
                return;
        va_start(ap, format);
        fmt_v(line, sizeof line, format, ap);
        va_end(ap);
        st->cfg.log(st->cfg.log_ctx, line);
}
