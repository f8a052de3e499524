/* poolsize.c - how large the stack's pools are made for how much memory.
 * SPDX-License-Identifier: MIT */
#include "netloop.h"

enum { PACKET_BYTES = PKT_BUF + sizeof(struct pkt), BIG_KB = 48 * 1024 };

static u32 between(u32 v, u32 lo, u32 hi) { return v < lo ? lo : v > hi ? hi : v; }

void netloop_sizes(u32 free_kb, struct stack_config *c)
{
        /* A quarter of a small machine; of a large one 8 MiB or a 32nd: clearing more would be seen in the time to boot. */
        u32 packets_kb = min_u32(free_kb / 4, max_u32(8192, free_kb / 32));
        c->n_pkts = between(packets_kb * 1024 / PACKET_BYTES, 128, 65536);
        /* 64 MB hold 100,000 idle connections (256 bytes each); where memory is short, packets are worth more. */
        c->n_tcbs = between(free_kb < BIG_KB ? free_kb / 24 : free_kb * 5 / 3, 48, 1 << 20);
        c->n_listeners = between(c->n_tcbs / 32, 16, 256);
        c->n_synq = between(c->n_tcbs / 2, 64, 8192);
        c->n_timewait = between(c->n_tcbs * 2, 128, 1 << 16);
        c->n_udp = between(c->n_tcbs / 32, 32, 1024);
        c->n_arp = between(c->n_tcbs / 16, 64, 4096);
        c->n_routes = between(c->n_tcbs / 64, 32, 1024);
        c->n_reass = between(c->n_pkts / 32, 4, 64);
}
