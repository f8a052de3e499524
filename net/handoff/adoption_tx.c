/* adoption_tx.c - what a machine that takes a connection answers: 52, acknowledgements on the way to it, refusals.
 * SPDX-License-Identifier: MIT */
#include "handoff_impl.h"

void adoption_send_ack(struct adoption *a)
{
        struct pkt *p = pkt_alloc(&a->h->st->pkts, PKT_HEADROOM);
        u32 fin = a->state == ADOPTION_WAITING && (a->block.state & FIN_RX);
        struct ctl c = {.scope = {.kind = CTL_52,
                                  .flags = TCP_ACK,
                                  .src = a->own,
                                  .dst = a->front,
                                  .ports = a->ports << 16 | a->ports >> 16,
                                  .seq = a->fresh,
                                  .ack = a->first + 1 + a->got + fin,
                                  .first = a->first,
                                  .nonce = a->block.nonce},
                        .key = a->key < a->h->n_keys ? a->key : 0};
        if (p)
                ctl_send(a->h, &c, p);
}

void adoption_refuse(struct handoff *h, ipaddr own, ipaddr front, u32 ports, u32 first, u8 key, const u8 *nonce,
                     enum handoff_reason why)
{
        struct pkt *p = pkt_alloc(&h->st->pkts, PKT_HEADROOM);
        struct ctl c = {.scope = {.kind = CTL_REFUSAL,
                                  .flags = TCP_RST | TCP_ACK,
                                  .src = own,
                                  .dst = front,
                                  .ports = ports << 16 | ports >> 16,
                                  .ack = first + 1,
                                  .first = first,
                                  .nonce = nonce},
                        .key = key};
        h->count.refusals[why]++;
        if (!p)
                return;
        p->data[0] = (u8)why;
        p->len = 1;
        ctl_send(h, &c, p);
}
