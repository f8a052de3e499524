/* kept.c - packets of a client that wait until it is known who has his connection. SPDX-License-Identifier: MIT */
#include "handoff_impl.h"

bool kept_put(struct pktq *q, u32 most, struct stack *st, struct pkt *p, enum drop why)
{
        if (q->n >= most || tcp_short_of_buffers(st)) {
                pkt_drop(p, why);
                return false;
        }
        pktq_put(q, p);
        return true;
}

void kept_receive(struct pktq *q, struct stack *st)
{
        struct pkt *p;
        while ((p = pktq_get(q)) != NULL)
                tcp_rx(st, p, (const struct ip_hdr *)(p->head + p->l3));
}

void kept_forward(struct pktq *q, struct handoff *h, ipaddr node)
{
        struct pkt *p;
        while ((p = pktq_get(q)) != NULL)
                handoff_forward(h, p, node);
}

void kept_drop(struct pktq *q, enum drop why)
{
        struct pkt *p;
        while ((p = pktq_get(q)) != NULL)
                pkt_drop(p, why);
}
