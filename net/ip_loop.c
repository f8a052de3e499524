/* ip_loop.c - the short way to ourselves: what goes to an address of ours never reaches a device, but waits in a queue and
 * comes in again at the end of the batch. What is sent to a group is not looped back. SPDX-License-Identifier: MIT */
#include "ip_state.h"

enum { LOOP_MAX = 64, LOOP_ROUND = 64 };

static void loop_fire(struct timer *t) { ip_batch_end(container_of(t, struct ip_state, loop_timer)->st); }

void ip_loop_init(struct ip_state *is)
{
        pktq_init(&is->loop);
        is->loop_timer.fire = loop_fire;
}

/* A copy of p in fresh buffers: what it gathers from elsewhere may change before it is read. NULL when the pool is short. */
static struct pkt *loop_copy(struct stack *st, const struct pkt *p)
{
        struct pkt *first = NULL, **at = &first;
        for (u32 off = 0, total = pkt_total(p); off < total;) {
                struct pkt *q = pkt_alloc(&st->pkts, PKT_HEADROOM);
                if (!q) {
                        pkt_free(first);
                        return NULL;
                }
                q->len = (u16)pkt_copy_out(p, off, q->data, PKT_BUF - PKT_HEADROOM);
                off += q->len;
                *at = q;
                at = &q->chain;
        }
        return first;
}

int ip_loop_put(struct stack *st, struct pkt *p, struct netif *nif)
{
        struct ip_state *is = st->ip;
        if (is->loop.n >= LOOP_MAX) {
                pkt_drop(p, DROP_IP_LOOP_FULL);
                return E_NOMEM;
        }
        if (p->nfrag || p->chain || p->refs > 1) {
                struct pkt *q = loop_copy(st, p);
                pkt_free(p);
                if (!q)
                        return E_NOMEM;
                p = q;
        }
        p->flags = PKT_CSUM_OK;
        p->gso = 0;
        p->nif = nif;
        pktq_put(&is->loop, p);
        st->loop_waits = true;
        timer_set(&st->wheel, &is->loop_timer, stack_now_ms(st));
        return 0;
}

bool ip_batch_end(struct stack *st)
{
        struct ip_state *is = st->ip;
        u32 n = 0;
        struct pkt *p;
        if (likely(!is->loop.n))
                return false;
        timer_stop(&st->wheel, &is->loop_timer);
        while (n < LOOP_ROUND && (p = pktq_get(&is->loop))) {
                const struct ip_hdr *ip = (const struct ip_hdr *)p->data;
                p->l3 = (u16)(p->data - p->head);
                p->l4 = (u16)(p->l3 + ip_hlen(ip));
                pkt_pull(p, ip_hlen(ip));
                ip_deliver(st, p, ip);
                n++;
        }
        if (is->loop.n)
                timer_set(&st->wheel, &is->loop_timer, stack_now_ms(st));
        return true;
}
