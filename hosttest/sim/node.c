/* node.c - one simulated machine: a stack in memory of its own, a network card with a ring, an alarm clock, and listeners.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include "arp.h"
#include "sim.h"

ipaddr node_addr(const struct sim *s, u32 id) { return IPADDR(10, 0, (u8)((id + 1) >> 8), (u8)(id + 1)); }

static void *give(void *ctx, size_t size, size_t align)
{
        struct node *n = ctx;
        struct block *b = malloc(sizeof *b);
        if (n->sealed)
                violation(n->sim, "node %u: stack asks for memory after it was made", n->id);
        if (!b || posix_memalign(&b->mem, align < 16 ? 16 : align, size ? size : 1))
                abort();
        memset(b->mem, 0, size);
        b->next = n->blocks;
        n->blocks = b;
        return b->mem;
}

static void card_xmit(struct netif *nif, struct pkt *p)
{
        struct node *n = nif->dev;
        struct frame *f = frame_new(n->sim);
        f->len = pkt_total(p);
        for (const struct pkt *q = p; q; q = q->chain)
                if (q->data < q->head || q->data + q->len > q->head + PKT_BUF)
                        violation(n->sim, "node %u: a packet that lies outside of its buffer", n->id);
        if (f->len > sizeof f->b || f->len > nif->mtu + (n->sim->p.l3 ? 0u : 14u))
                violation(n->sim, "node %u: frame of %u bytes sent on an MTU of %u", n->id, f->len, nif->mtu);
        else
                pkt_copy_out(p, 0, f->b, f->len);
        pkt_free(p);
        medium_send(n, f);
}

static void card_make(struct node *n)
{
        static const u16 mtus[] = {1500, 1500, 1500, 1492, 1280, 576};
        struct sim *s = n->sim;
        memset(&n->nif, 0, sizeof n->nif);
        strcpy(n->nif.name, "eth0");
        n->nif.driver = "sim";
        n->nif.mac = (macaddr){{2, 0, 0, 0, (u8)(n->id >> 8), (u8)n->id}};
        n->nif.mtu = mtus[rng_below(&s->life, COUNT_OF(mtus))];
        n->nif.caps = (u8)((s->p.l3 ? NETIF_L3 : 0) | (rng_below(&s->life, 2) ? NETIF_SG : 0));
        n->nif.dev = n;
        n->nif.xmit = card_xmit;
}

static void sizes(struct node *n, struct stack_config *c)
{
        struct rng *r = &n->sim->life;
        bool small = n->sim->p.pressure;
        c->n_pkts = small ? rng_in(r, 24, 96) : rng_in(r, 192, 384);
        c->n_tcbs = small ? rng_in(r, 3, 12) : 64;
        c->n_synq = small ? rng_in(r, 2, 8) : 64;
        c->n_timewait = small ? rng_in(r, 2, 16) : 128;
        c->n_listeners = SIM_PORTS;
        c->n_udp = 2;
        c->n_routes = 4;
        c->n_reass = 2;
        c->n_arp = small ? 16 : 256;
        if (cluster_member(n))
                cluster_sizes(c);
        for (u32 i = 0; i < sizeof c->seed; i++)
                c->seed[i] = (u8)rng_u32(r);
}

void node_start(struct node *n)
{
        struct sim *s = n->sim;
        struct stack_config c = {.alloc = give, .alloc_ctx = n};
        sizes(n, &c);
        card_make(n);
        n->sealed = false;
        n->st = stack_new(&c, s->now_us);
        n->sealed = !cluster_member(n);
        if (!n->st || !netif_add(n->st, &n->nif, true) || netif_addr_add(&n->nif, node_addr(s, n->id), 16, IFADDR_STATIC, false))
                abort();
        n->rx_last = &n->rx_first;
        n->wake_us = UINT64_MAX;
        for (u32 i = 0; i < SIM_PORTS; i++) {
                int err = 0;
                n->listener[i] = tcp_listen(n->st, IPADDR_ANY, (u16)(SIM_PORT + i), &end_listen_events, n, &n->port_opts[i], &err);
                if (!n->listener[i])
                        violation(s, "node %u: cannot listen on port %u: %s", n->id, SIM_PORT + i, stack_strerror(err));
        }
        if (cluster_member(n))
                cluster_start(n);
        n->sealed = true;
        node_leave(n);
}

u32 node_format_drops(const struct node *n)
{
        static const u8 why[] = {DROP_IP_SHORT, DROP_IP_LENGTH, DROP_IP_TRUNCATED, DROP_IP_VERSION, DROP_IP_HLEN, DROP_IP_CKSUM,
                                 DROP_TCP_SHORT, DROP_TCP_CKSUM, DROP_ICMP_SHORT, DROP_ICMP_CKSUM, DROP_IGMP_BAD};
        u32 sum = 0;
        for (u32 i = 0; i < sizeof why; i++)
                sum += n->st->pkts.drops[why[i]];
        return sum;
}

void node_crash(struct node *n)
{
        struct sim *s = n->sim;
        if (!n->st)
                return;
        work_crashed(n);
        cluster_crashed(n);
        s->format_drops += node_format_drops(n);
        while (n->blocks) {
                struct block *b = n->blocks;
                n->blocks = b->next;
                free(b->mem);
                free(b);
        }
        while (n->rx_first) {
                struct frame *f = n->rx_first;
                n->rx_first = f->next;
                frame_free(s, f);
        }
        n->n_rx = 0;
        n->st = NULL;
        n->life++;
}

void node_enter(struct node *n) { stack_tick(n->st, n->sim->now_us); }

void node_leave(struct node *n)
{
        stack_batch_end(n->st);
        u32 ms = stack_next(n->st);
        if (ms == UINT32_MAX)
                return;
        u64 t = n->st->ms_base_us + (ms ? ms : 1) * 1000ull;
        if (t <= n->sim->now_us)
                t = n->sim->now_us + 1;
        /* an alarm that rings too early does no harm, and is not set again */
        if (n->wake_us <= t && n->wake_us > n->sim->now_us)
                return;
        n->wake_us = t;
        ev_at(n->sim, t, EV_WAKE, n->id, NULL);
}

void node_wake(struct node *n, u64 t)
{
        if (!n->st || n->wake_us != t)
                return;
        node_enter(n);
        node_leave(n);
}

void node_arrive(struct node *n, struct frame *f)
{
        struct sim *s = n->sim;
        if (!n->st || n->n_rx == SIM_RING) {
                s->count.ring_full += n->st != NULL;
                frame_free(s, f);
                return;
        }
        /* copies of a frame share its bytes but not its place in a queue */
        if (f->refs > 1) {
                struct frame *g = frame_new(s);
                g->len = f->len;
                g->from = f->from;
                g->spoilt = f->spoilt;
                memcpy(g->b, f->b, f->len);
                frame_free(s, f);
                f = g;
        }
        f->next = NULL;
        *n->rx_last = f;
        n->rx_last = &f->next;
        n->n_rx++;
        if (!n->poll_set)
                ev_at(s, s->now_us + n->poll_us, EV_POLL, n->id, NULL);
        n->poll_set = true;
}

/* Everything on the ring as one batch, as the net thread does. */
void node_poll(struct node *n)
{
        struct sim *s = n->sim;
        n->poll_set = false;
        if (!n->st)
                return;
        node_enter(n);
        while (n->rx_first) {
                struct frame *f = n->rx_first;
                n->rx_first = f->next;
                n->n_rx--;
                struct pkt *p = pkt_alloc(&n->st->pkts, s->p.l3 ? 0 : 2);
                if (p) {
                        pkt_append(p, f->b, f->len);
                        s->count.delivered++;
                        s->count.spoilt_rx += f->spoilt;
                        netif_rx(&n->nif, p);
                }
                frame_free(s, f);
        }
        n->rx_last = &n->rx_first;
        node_leave(n);
}
