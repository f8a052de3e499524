/* hop.c - how a connection's segments leave: by the ready link header once there is one, else by IP's own search.
 * SPDX-License-Identifier: MIT */
#include "arp.h"
#include "engine.h"

void tcb_set_hop(struct tcb *t)
{
        struct stack *st = tcb_stack(t);
        t->hop = ip_hop(st, tcb_laddr(t), tcb_raddr(t), st->nif[t->nif]);
        t->hop_gen = st->hop_gen;
}

/* Sends p (consumed; data at the TCP header) by IP, and remembers the way it went for those that follow. */
void tcp_find_hop(struct tcb *t, struct pkt *p, u32 tos)
{
        struct stack *st = tcb_stack(t);
        struct ip_opts o = {.ttl = t->ttl, .tos = (u8)tos, .df = !(t->flags & (TF_NO_DF | TF_NO_PMTUD))};
        ip_tx(st, p, tcb_laddr(t), tcb_raddr(t), IPPROTO_TCP_, &o);
        tcb_set_hop(t);
}

void tcp_forget_hops(struct stack *st)
{
        struct tcp_state *ts = st->tcp;
        for (u32 i = 0; ts && i < ts->n_pool; i++)
                ts->pool[i].hop = HOP_UNKNOWN;
}
